"""codes list|map: source values that fit no code, and what they mean. Mapped once, they hold for every later batch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from pipeline.mapping import Unmapped
    from schemas.published import Published

#: a longer list of codes (divisions, say) is not printed whole
LONGEST = 40


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    room = typer.Typer(no_args_is_help=True, help=str(T("来源代码的对应关系", "what codes of sources mean")))
    room.command("list", help=str(T("待对应的代码及建议", "codes that fit none, and suggestions")))(listed)
    room.command("map", help=str(T("登记一个代码的含义", "say what a code means")))(map_code)
    app.add_typer(room, name="codes")


def listed(
    dataset: Annotated[str | None, typer.Option(help=str(T("只看一个资源", "of one dataset")))] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 200,
    as_json: Json = False,
) -> None:
    """Values by system, dataset and item, those that most rows wait with first; then the codes that each item knows."""
    from catalog_registry import filters
    from libraries import labels
    from pipeline import mapping
    from schemas.published import current

    with session.opened() as hub, hub.read() as connection:
        filters.dataset(hub, connection, dataset)
        only = None if dataset is None else [dataset]
        documents = current(hub.home)
        found = mapping.queue(connection, documents, datasets=only, limit=limit)
    rows = [
        {
            "about": one.about, "raw": one.raw, "rows": one.rows, "since": one.since,
            "suggestions": _codes(one.suggestions), "codes": _codes(list(one.codes.items())[:LONGEST]), "known": len(one.codes),
        }
        for one in found
    ]  # fmt: skip
    if as_json:
        output.document(rows)
        return
    no_code = str(T("(不是代码)", "(no code)"))
    lines = [
        {
            **row, "raw": one.raw or no_code, "suggestions": [f"{code} {label}" for code, label in one.suggestions],
            "title": f"{labels.resource(documents, one.dataset)} {labels.item(documents, one.dataset, one.item)}",
        }
        for row, one in zip(rows, found, strict=True)
    ]  # fmt: skip
    output.table(lines, _UNMAPPED, empty=T("没有待对应的代码。", "No code waits to be mapped."))
    for one in {(one.dataset, one.item): one for one in found}.values():
        print(_known(documents, one))


def _codes(known: Sequence[tuple[str, T]]) -> list[dict[str, str]]:
    return [{"code": code, "label": label.zh, "label_en": label.en} for code, label in known]


def _known(documents: Published, one: Unmapped) -> T:
    """What an item's values may be mapped to."""
    from libraries import labels

    title = f"{labels.resource(documents, one.dataset)} {labels.item(documents, one.dataset, one.item)}"
    some = list(one.codes.items())[:LONGEST]
    rest = len(one.codes) - len(some)
    more = T(f" …… 另有 {rest:,} 个", f" … and {rest:,} more") if rest else T("", "")
    zh, en = (", ".join(f"{code} {label[at]}" for code, label in some) for at in (0, 1))
    return T(f"可对应为({title}):{zh}{more.zh}", f"may be mapped to ({title}): {en}{more.en}")


def map_code(
    about: Annotated[str, typer.Argument(metavar="SYSTEM.DATASET.ITEM")],
    raw: Annotated[str, typer.Argument(metavar="VALUE")],
    code: Annotated[str, typer.Argument(metavar="CODE")],
    reason: Annotated[str, typer.Option(help=str(T("理由,记入决定", "why; kept with the decision")))],
    as_json: Json = False,
) -> None:
    """A decision, undone by `decision undo`. Rows that wait with the value go in with `quarantine replay` or the feed's next
    run."""
    from pipeline import mapping
    from schemas.published import current

    with session.opened() as hub, hub.begin() as connection:
        made = mapping.map_code(connection, current(hub.home), about, raw, code, reason=reason, actor=session.actor())
        raw = made.body["raw"]
        rows = mapping.cases_with(connection, [made.about], statuses=["open"]).get((made.about, raw), 0)
    told = {"id": str(made.id), "about": made.about, "raw": raw, "code": made.body["code"], "rows": rows}
    output.facts(told, {"about": T("信息项", "item"), "raw": T("来源代码", "source's code"), "code": T("对应", "means"),
                        "rows": T("待核行", "rows that wait"), "id": T("决定", "decision")}, as_json=as_json)  # fmt: skip
    if not rows:
        unseen = T(
            f"没有待核行带有“{raw}”:对应已登记,来源今后写出该值时生效。若写错了,撤销:hutong decision undo {made.id} --reason 理由。",
            f'No row waits with "{raw}": the mapping is kept, for when the source writes it. If it was a slip, '
            f"`hutong decision undo {made.id} --reason WHY`.",
        )
        print(unseen, file=sys.stderr)


_UNMAPPED = [
    Column("title", T("资源与信息项", "dataset and item")),
    Column("about", T("系统.资源.信息项", "system.dataset.item")),
    Column("raw", T("来源代码", "source's code")),
    Column("rows", T("行数", "rows"), right=True),
    Column("since", T("自", "since")),
    Column("suggestions", T("建议", "suggestions")),
]
