"""certificate: ask about one case, as the API would be asked; granted, signed and audited all the same."""

from __future__ import annotations

import asyncio
import getpass
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from certificates.request import Query
    from core.hub import Hub


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "查询证明;证件号码与姓名自标准输入(各一行,先主体,后逐个申报的人)",
                "ask for certificates; numbers and names come from standard input, a line each: the subject's, then each "
                "declared person's",
            )
        )
    )(certificate)


def certificate(
    client: Annotated[str, typer.Option(help=str(T("以哪个客户端的名义", "in the name of which client")))],
    item: Annotated[str, typer.Option(help=str(T("事项", "service item")))],
    case: Annotated[str, typer.Option(help=str(T("办件编号", "case number")))],
    reference: Annotated[
        str, typer.Option(help=str(T("授权书编号或法条", "reference of the authorisation, or article")))
    ],
    types: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TYPE]...", help=str(T("证明类型;省略 = 事项全部", "certificate types; none = all of the item"))
        ),
    ] = None,
    basis: Annotated[Literal["authorisation", "statutory"], typer.Option()] = "authorisation",
    kind: Annotated[str, typer.Option(help=str(T("证件种类", "kind of number")))] = "identity_card",
    declare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RELATION[:KIND]", help=str(T("申报的人或权利,可重复", "who or what is declared, repeatable"))
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TYPE.NAME=VALUE", help=str(T("参数,可重复", "a parameter, repeatable"))),
    ] = None,
    as_json: Json = False,
) -> None:
    """One line for each type: what the records say, whether the claim is shown, and whether the paper is still needed."""
    from pydantic import ValidationError

    from certificates.request import UNFIT, Basis, Declared, Line, Query, Subject

    given = _parameters(parameter or [], types)
    number, name = session.ask(T("证件号码", "number")), session.ask(T("姓名或单位名称", "name"))
    others = []
    for said in declare or ():
        relation, _, of = said.partition(":")
        others.append((relation, of or "identity_card", *(session.ask(T(f"{relation} {zh}", f"{relation}: {en}"))
                                                          for zh, en in (("号码", "number"), ("姓名", "name")))))  # fmt: skip
    try:
        query = Query(
            service_item=item,
            case_no=case,
            operator=getpass.getuser(),
            basis=Basis(kind=basis, reference=reference),
            subject=Subject(kind=kind, number=number, name=name),
            declared=[Declared(relation=r, kind=k, number=n, name=called) for r, k, n, called in others],
            certificates=[Line(type=one, parameters=given.get(one, {})) for one in types] if types else None,
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        told = first.get("ctx", {}) if first["type"] == UNFIT else {}
        zh, en = told.get("zh", first["msg"]), told.get("en", first["msg"])
        raise Invalid(T(f"{place} 不正确:{zh}。", f"{place} is wrong: {en}.")) from None
    with session.opened() as hub:
        body = asyncio.run(_ask(hub, query, client))
    answer: dict[str, Any] = json.loads(body)
    if as_json:
        output.document(answer)
        return
    output.table([_row(line) for line in answer["answers"]], _COLUMNS)


def _parameters(said: list[str], types: list[str] | None) -> dict[str, dict[str, int | str]]:
    found: dict[str, dict[str, int | str]] = {}
    for one in said:
        place, equals, value = one.partition("=")
        type, dot, name = place.partition(".")
        if not (equals and dot) or type not in (types or ()):
            raise Invalid(
                T(f"参数 {place} 无法对应。", f"The parameter {place} belongs to nothing asked."),
                remedy=T(
                    "写成 证明类型.参数=值,并写明该证明类型。", "Write type.name=value, and ask for that type by name."
                ),
            )
        found.setdefault(type, {})[name] = int(value) if value.isdecimal() else value
    return found


async def _ask(hub: Hub, query: Query, client: str) -> bytes:
    from certificates import pool
    from certificates.answer import Answerer

    connections = pool.make(hub)
    await connections.open()
    try:
        return (await Answerer(hub, connections).ask(query, client)).body
    finally:
        await connections.close()


def _row(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": _told(line, "title"),
        "state": _told(line, "state_label"),
        "proved": _told(line, "proved_label"),
        "label": _told(line, "label"),
        "why": [_told(reason, "label") for reason in line["reasons"]],
        "fields": [
            f"{_told(field, 'title')} {output.shown(_value(field['value']))}" for field in line["fields"].values()
        ],
        "material": _told(line["material"], "label"),
        "as_of": line["as_of"] and datetime.fromisoformat(line["as_of"]),
    }


def _told(said: dict[str, Any], name: str) -> str:
    """A label in the command line's language."""
    return str(T(said[name], said.get(f"{name}_en") or said[name]))


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    return _told(value, "label") if isinstance(value, dict) else value


_COLUMNS = [
    Column("title", T("证明", "certificate")),
    Column("state", T("记录", "records")),
    Column("proved", T("结论", "claim")),
    Column("label", T("说明", "outcome")),
    Column("why", T("原因", "reasons")),
    Column("fields", T("内容", "fields")),
    Column("material", T("材料", "paper")),
    Column("as_of", T("截至", "as of")),
]
