"""library show: one golden record, each attribute with its source; by number and name, audited."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from libraries.lookup import Value
    from libraries.standing import Holder
    from schemas.published import Published

STATUSES = {
    "verified": T("已核实", "verified"),
    "unverified": T("未核实", "unverified"),
    "declared": T("自报", "declared"),
    "derived": T("推得", "derived"),
    "not_given": T("未提供", "not given"),
    "not_collected": T("尚未归集", "not collected"),
}


class Library(StrEnum):
    """The shared libraries."""

    population = "population"
    legal_entity = "legal_entity"
    license = "license"


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    library = typer.Typer(no_args_is_help=True, help=str(T("共享库", "the shared libraries")))
    library.callback()(lambda: None)
    library.command(
        "show",
        help=str(
            T(
                "查看一条主数据记录;号码与名称自标准输入(各一行),查看留痕",
                "show one golden record; number and name come from standard input, a line each; audited",
            )
        ),
    )(show)
    app.add_typer(library, name="library")


def show(
    library: Library,
    reason: Annotated[str, typer.Option(help=str(T("查看事由,记入审计", "why; kept in the audit log")))],
    as_json: Json = False,
) -> None:
    """Every attribute: its value, what it is worth, which department said so in which dataset, and since when."""
    from libraries import labels, showing
    from schemas import published

    number = session.ask(T("号码", "number"))
    name = session.ask(T("姓名、单位名称或持证人", "name, or a holder's"))
    with session.opened() as hub:
        found = showing.show(hub, library.value, number, name, session.actor(), reason=reason)
        documents = published.current(hub.home)
    rows = [_row(found.library, name, value, documents) for name, value in found.attributes.items()]
    holders = [_holder(one, documents) for one in found.holders]
    if as_json:
        output.document(
            {
                "library": found.library,
                "entity": str(found.entity_id),
                "refreshed_at": found.refreshed_at,
                "attributes": [_plain(row) for row in rows],
                "holders": [_plain(row) for row in holders],
            }
        )
        return
    shown = [
        {
            **row, "value": _called(row), "status": STATUSES[row["status"]],
            "dataset": row["dataset"] and labels.resource(documents, row["dataset"]),
        }
        for row in rows
    ]  # fmt: skip
    output.table(shown, _COLUMNS)
    if holders:
        output.table([{**row, "state": _called(row, "state")} for row in holders], _HOLDERS)


def _row(library: str, name: str, value: Value, documents: Published) -> dict[str, Any]:
    from libraries import labels

    source, origin = value.source, value.source.get("derived_from")
    department = source.get("department", "")
    since = source.get("known_from")
    codes = [value.value] if isinstance(value.value, str) else value.value or []
    return {
        "name": name,
        "title": value.title,
        "value": value.value,
        "labels": [labels.label(documents, library, name, code, source.get("dataset")) for code in codes],
        "status": "derived" if origin else value.status,
        "derived_from": origin,
        "department": labels.department(documents, department)
        if department in documents.departments
        else department or None,
        "dataset": source.get("dataset"),
        "since": datetime.fromisoformat(since) if since else None,
    }


def _holder(one: Holder, documents: Published) -> dict[str, Any]:
    from libraries import labels

    state = documents.libraries[one.library].state if one.library else None
    label = labels.label(documents, str(one.library), state, one.state) if state and one.state else None
    return {
        "role": one.role,
        "name": one.name,
        "number": one.number,
        "kind": one.kind,
        "state": one.state,
        "labels": [label],
    }


def _called(row: dict[str, Any], key: str = "value") -> str | None:
    """A value, or each of several, with what it is called where it is a code."""
    values = [row[key]] if isinstance(row[key], str) else row[key]
    if not values:
        return None
    return ", ".join(
        f"{value} {label}" if label and str(label) != value else value
        for value, label in zip(values, row["labels"], strict=True)
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON: what it is called in both languages, and a code's label beside the code, a list where values are."""
    told = {name: value for name, value in row.items() if name != "labels"}
    for name, words in row.items():
        if isinstance(words, T):
            told |= {name: words.zh, f"{name}_en": words.en}
    for name, at in (("label", 0), ("label_en", 1)):
        said = [label and label[at] for label in row["labels"]]
        told[name] = said if isinstance(row.get("value"), list) else said[0] if said else None
    return told


_COLUMNS = [
    Column("title", T("属性", "attribute")),
    Column("value", T("值", "value")),
    Column("status", T("状态", "status")),
    Column("department", T("来源部门", "source")),
    Column("dataset", T("数据集", "dataset")),
    Column("since", T("获知时间", "since")),
]
_HOLDERS = [
    Column("role", T("持证角色", "holder's role")),
    Column("name", T("名称", "name")),
    Column("number", T("号码", "number")),
    Column("state", T("现状", "state")),
]
