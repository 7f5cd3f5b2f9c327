"""rebuild: every library made again from landing, decisions and documents, compared with what is there, swapped on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output, session
from cli.interrupt import interruptible
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from pipeline.rebuild.compare import Compared, Row
    from pipeline.rebuild.whole import Report


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "由落地文件、人工决定与文档重建各库并逐行比对;有差异时退出码 1",
                "make every library again from landing, decisions and documents, and compare; exit status 1 when a row differs",
            )
        )
    )(rebuild)


def rebuild(
    swap: Annotated[
        bool,
        typer.Option(
            "--swap", help=str(T("以重建的内容替换有差异的部分", "replace what differs by what was made anew"))
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """In a second database on the same server, while everything runs; only --swap makes feeds wait."""
    from pipeline.rebuild import whole

    with session.opened() as hub, interruptible(), output.steps(as_json)(T("重建", "Rebuild")) as line:
        report = whole.rebuild(hub, swap=swap, actor=session.actor(), tell=line.tell)
        line.detail = str(T(f"{report.batches:,} 个批次", f"{report.batches:,} batches"))
    if as_json:
        output.document(_document(report))
    else:
        _print(report)
    if not (report.same or report.swapped):
        raise typer.Exit(1)


def _print(report: Report) -> None:
    output.table([_row(found) for found in report.tables], _TABLE)
    listed = [_line(found, row) for found in report.tables for row in found.listed]
    if listed:
        print()
        output.table(listed, _LISTED)
    for found in report.tables:
        if found.shape:
            named = ", ".join(found.shape)
            output.complain(
                T(f"{found.table} 缺少字段 {named},无法比对", f"{found.table} lacks {named} and cannot be compared")
            )
    for batch, code in report.failed.items():
        output.complain(T(f"批次 {batch} 未能重新入库:{code}", f"batch {batch} would not come in again: {code}"))
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items())
    if report.swapped:
        print(T(f"有差异的部分已替换。({spent})", f"What differed has been replaced. ({spent})"))
    elif report.same:
        print(T(f"完全一致。({spent})", f"The very same. ({spent})"))
    else:
        print(
            T(
                f"有差异;hutong rebuild --swap 可替换。({spent})",
                f"Not the same; `hutong rebuild --swap` replaces it. ({spent})",
            )
        )


def _document(report: Report) -> dict[str, Any]:
    return {
        "same": report.same, "swapped": report.swapped, "batches": report.batches, "seq": report.seq,
        "since": report.since and {
            "checkpoint": str(report.since.id), "seq": report.since.seq, "batches": report.since.batches,
            "made_at": report.since.made_at.isoformat(),
        },
        "failed": {str(batch): code for batch, code in report.failed.items()},
        "tables": [
            {**_row(found), "shape": list(found.shape), "listed": [_line(found, row) for row in found.listed]}
            for found in report.tables
        ],
        "seconds": {name: round(seconds, 3) for name, seconds in report.seconds.items()},
    }  # fmt: skip


def _row(found: Compared) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _COUNTS} | {"same": found.same}


def _line(found: Compared, row: Row) -> dict[str, Any]:
    where = " ".join(f"{name.strip('_')}={value}" for name, value in row.at.items())
    return {
        "table": found.table,
        "how": row.how,
        "how_label": HOW[row.how],
        "where": where,
        "columns": list(row.columns),
    }


HOW = {
    "missing": T("缺少", "missing"),
    "extra": T("多出", "extra"),
    "different": T("不同", "different"),
}
_COUNTS = ("table", "rows", "rebuilt", "equal", "missing", "extra", "different")
_TABLE = [
    Column("table", T("表", "table")),
    Column("rows", T("现有行", "rows"), right=True),
    Column("rebuilt", T("重建行", "made anew"), right=True),
    Column("equal", T("一致", "equal"), right=True),
    Column("missing", T("缺少", "missing"), right=True),
    Column("extra", T("多出", "extra"), right=True),
    Column("different", T("不同", "different"), right=True),
    Column("same", T("相同", "the same")),
]
_LISTED = [
    Column("table", T("表", "table")),
    Column("how_label", T("差异", "how")),
    Column("where", T("位置", "where")),
    Column("columns", T("字段", "columns")),
]
