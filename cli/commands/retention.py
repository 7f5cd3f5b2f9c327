"""retention: what is kept no longer, by contracts and settings, is removed; the housekeeping DAG does the same every day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output, session
from cli.interrupt import interruptible
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from core.decisions import Decision
    from schemas.published import Published


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "按契约与配置清除到期的历史、落地文件与审计日志",
                "remove history, landed files and audit entries that are due by contracts and settings",
            )
        )
    )(retention)


def retention(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=str(T("只列出,不删除", "list only, remove nothing")))
    ] = False,
    hold: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET|audit",
            help=str(
                T(
                    "保全:该资源的历史与落地文件(或审计日志)不再清除,直至 hutong decision undo",
                    "keep history and landed files of a dataset (or the audit log) until `hutong decision undo`; nothing is removed now",
                )
            ),
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help=str(T("保全的理由", "why it is held")))] = "",
    as_json: Json = False,
) -> None:
    """Landed files go only behind a checkpoint that a rebuild has proven; what stays although it is due says why."""
    from dataclasses import asdict

    from pipeline import retention as keeping
    from schemas import published

    if hold is not None:
        with session.opened() as hub:
            made = keeping.hold(hub, hold, reason=reason, actor=session.actor())
        said = {"about": made.about, "reason": made.reason, "by": made.actor["operator"], "decision": str(made.id)}
        output.facts(said, _HELD, as_json=as_json)
        return
    with session.opened() as hub, interruptible(), output.steps(as_json)(T("清理", "Retention")) as line:
        found = keeping.retain(hub, dry_run=dry_run, actor=session.actor(), tell=line.tell)
        with hub.read() as connection:
            holds = keeping.holds(connection) if dry_run else []
        documents = published.current(hub.home)
    rows = [{**asdict(one), "what_label": str(WHAT[one.what]), "kept_label": str(KEPT[one.kept])} for one in found]
    if as_json:
        output.document(rows)
        return
    shown = [row | {"about": _about(documents, row["about"])} for row in rows]
    output.table(shown, _COLUMNS, empty=T("没有到期的内容。", "Nothing is due."))
    if holds:
        print(T("\n保全中(不清除):", "\nHeld, nothing of it is removed:"))
        output.table([_hold(documents, one) for one in holds], _HOLDS)


def _about(documents: Published, about: str) -> str:
    """A dataset, or a feed's, by its title and id."""
    from libraries import labels
    from pipeline.retention import AUDIT

    title = WHAT["audit"] if about == AUDIT else labels.resource(documents, about.rpartition(".")[2])
    return output.named(title, about) if str(title) != about.rpartition(".")[2] else about


def _hold(documents: Published, one: Decision) -> dict[str, Any]:
    return {
        "about": _about(documents, one.about), "reason": one.reason, "by": one.actor["operator"], "at": one.at,
        "decision": str(one.id),
    }  # fmt: skip


WHAT = {
    "history": T("历史版本", "history"),
    "landing": T("落地批次", "landing"),
    "audit": T("审计日志", "audit"),
    "checkpoint": T("检查点", "checkpoint"),
}
KEPT = {
    "": T("", ""),
    "quarantine": T("保留:有待核的行", "kept: rows wait in quarantine"),
    "undo": T("保留:更正可能被撤销", "kept: a correction may be undone"),
    "hold": T("保留:已保全(decision list --kind hold)", "kept: held (decision list --kind hold)"),
    "checkpoint": T("保留:待下一检查点", "kept until the next checkpoint"),
}
_HELD = {
    "about": T("保全对象", "held"),
    "reason": T("理由", "reason"),
    "by": T("决定人", "by"),
    "decision": T("决定", "decision"),
}
_HOLDS = [
    Column("about", T("保全对象", "held")),
    Column("reason", T("理由", "reason")),
    Column("by", T("决定人", "by")),
    Column("at", T("自", "since")),
    Column("decision", T("决定", "decision")),
]
_COLUMNS = [
    Column("what_label", T("内容", "what")),
    Column("about", T("对象", "about")),
    Column("count", T("数量", "count"), right=True),
    Column("bytes", T("字节", "bytes"), right=True),
    Column("before", T("早于", "before")),
    Column("kept_label", T("说明", "note")),
]
