"""decision list|undo: what named persons have judged of rows, batches, codes and entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Published


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    decision = typer.Typer(no_args_is_help=True, help=str(T("人工决定", "what people have decided")))
    decision.callback()(lambda: None)
    decision.command("list", help=str(T("列出决定,新的在前", "decisions, the newest first")))(listed)
    decision.command("undo", help=str(T("撤销一项决定(以另一项决定)", "undo a decision, by another one")))(undo)
    app.add_typer(decision, name="decision")


def listed(
    kind: Annotated[list[str] | None, typer.Option(help=str(T("只看这些种类", "of these kinds only")))] = None,
    about: Annotated[str | None, typer.Option(help=str(T("只看关于它的", "about this only")))] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 50,
    as_json: Json = False,
) -> None:
    """What was decided, by whom and why. Values that a decision holds are not shown."""
    from core import decisions
    from pipeline import undoing
    from schemas import published

    with session.opened() as hub, hub.read() as connection:
        found = decisions.listed(connection, *(kind or ()), about=about, limit=limit)
        ended = decisions.ended(connection, [one.id for one in found])
        rows_of = undoing.touched(connection, found)
        documents = published.current(hub.home)
    rows = [_row(one) | {"ended": one.id in ended, "rows": rows_of.get(one.id)} for one in found]
    if not as_json:
        rows = [row | _words(documents, row) | {"stands": _stands(row)} for row in rows]
    output.table(rows, _LISTED, as_json=as_json)


def undo(
    id: UUID,
    reason: Annotated[str, typer.Option(help=str(T("为什么撤销", "why")))],
    as_json: Json = False,
) -> None:
    """The decision stays in the list, with what ended it. Of whatever kind: rows it was about wait again, what a judgement had
    joined is parted; what is left to do is said."""
    from pipeline import undoing
    from schemas import published

    with session.opened() as hub:
        with hub.begin() as connection:
            made = undoing.undo(hub, connection, id, reason=reason, actor=session.actor())
            rows_of = undoing.touched(connection, [made])
        left = undoing.follow(hub, made)
        documents = published.current(hub.home)
    told = _row(made) | {"rows": rows_of.get(made.id), "left": str(left)}
    titles = {column.key: column.title for column in _COLUMNS} | {"left": T("此后", "from here")}
    output.facts(told if as_json else told | _words(documents, told), titles, as_json=as_json)


def _row(one: Any) -> dict[str, Any]:
    return {
        "id": str(one.id), "at": one.at, "kind": one.kind, "about": one.about,
        "batch": one.batch_id and str(one.batch_id), "row_no": one.row_no, "reason": one.reason,
        "by": one.actor["operator"], "undoes": one.undoes and str(one.undoes),
    }  # fmt: skip


def _words(documents: Published, row: dict[str, Any]) -> dict[str, Any]:
    """A decision's kind, and what it is about, as people call them; the id that `--about` takes beside it."""
    from libraries import judgements, labels
    from pipeline import cases, mapping, retention, rulings, undoing

    kind, about = row["kind"], row["about"]
    title: object = about
    if kind == mapping.KIND:
        _, dataset, item = about.split(".", 2)
        title = f"{labels.resource(documents, dataset)} {labels.item(documents, dataset, item)}"
    elif kind in (rulings.ACCEPT, rulings.DROP):
        title = labels.resource(documents, about.rpartition(".")[2])
    elif kind == judgements.KIND:  # the rest of it is a pseudonym
        return {"kind": undoing.KINDS[kind], "about": labels.library(documents, about.partition(":")[0])}
    elif kind in (*cases.KINDS, retention.HOLD):
        title = T("审计日志", "the audit log") if about == retention.AUDIT else labels.resource(documents, about)
    return {"kind": undoing.KINDS[kind], "about": output.named(title, about)}


def _stands(row: dict[str, Any]) -> str:
    if row["undoes"] is not None:
        return str(T("撤销", "undoes another"))
    return str(T("已撤销", "undone") if row["ended"] else T("有效", "in force"))


_COLUMNS = [
    Column("at", T("时间", "at")),
    Column("kind", T("种类", "kind")),
    Column("about", T("关于", "about")),
    Column("rows", T("涉及行数", "rows"), right=True),
    Column("row_no", T("行号", "row"), right=True),
    Column("reason", T("理由", "reason")),
    Column("by", T("决定人", "by")),
    Column("undoes", T("撤销的决定", "undoes")),
    Column("id", T("决定", "decision")),
]
_LISTED = [*_COLUMNS[:4], Column("stands", T("效力", "stands")), *_COLUMNS[4:]]
