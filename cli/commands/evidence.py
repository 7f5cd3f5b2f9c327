"""evidence, reconcile: that the library holds what was delivered, batch by batch, and what the source has now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from pipeline.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    app.command(
        help=str(
            T(
                "对账凭证:一个批次,或一个采集任务的台账(核对前后是否衔接)",
                "reconciliation evidence: of a batch, or a feed's ledger (does each batch begin where the last one ended)",
            )
        )
    )(evidence)
    app.command(
        help=str(
            T(
                "重新读取来源,与共享库逐键对照;有差异时退出码为 1",
                "read the source again and hold it against the library, key by key; exit status 1 when they differ",
            )
        )
    )(reconcile)


def evidence(
    batch: Annotated[UUID | None, typer.Argument(help=str(T("批次", "a batch")))] = None,
    feed: Annotated[str | None, typer.Option(help=str(T("采集任务的台账", "the ledger of a feed")))] = None,
    csv: Annotated[Path | None, typer.Option(help=str(T("导出为 CSV 文件", "export as a CSV file")))] = None,
    xlsx: Annotated[Path | None, typer.Option(help=str(T("导出为工作簿", "export as a workbook")))] = None,
    as_json: Json = False,
) -> None:
    """Exit status 1 when something does not add up; the last column says what and where."""
    from catalog_registry import filters
    from pipeline import evidence as ledgers

    if (batch is None) == (feed is None):
        raise Invalid(
            T("请给出一个批次,或 --feed。", "Name a batch, or --feed."),
            remedy=T("hutong batches 可列出批次。", "`hutong batches` lists batches."),
        )
    with session.opened() as hub, hub.read() as connection:
        filters.feed(hub, connection, feed)
        entries = [ledgers.of_batch(connection, batch)] if batch else ledgers.ledger(connection, feed or "")
    for path, workbook in ((csv, False), (xlsx, True)):
        if path is not None:
            ledgers.write(entries, path, workbook=workbook)
    rows = [entry.row() for entry in entries]
    columns = [
        Column("batch", T("批次", "batch")),
        *(Column(name, title, right=True) for name, title in ledgers.COUNTS.items()),
        Column("wrong", T("不平", "does not add up")),
    ]
    told = [{**row, "wrong": T(row["problems"], row["problems_en"])} for row in rows]
    output.table(rows if as_json else told, columns, as_json=as_json)
    if any(entry.problems for entry in entries):
        raise typer.Exit(1)


def reconcile(
    feed: str,
    show: Annotated[
        int, typer.Option(min=0, max=10_000, help=str(T("最多列出多少个键", "how many keys to name")))
    ] = 50,
    as_json: Json = False,
) -> None:
    """Nothing is written but the event. What the next run brings by itself, what waits in the quarantine and what a person
    corrected is told apart and is no difference. Keys that are about a person are masked."""
    from pipeline import comparison

    with session.opened() as hub:
        made = comparison.compare(hub, feed, session.actor(), show=show)
    if as_json:
        output.document(_document(made))
    else:
        _print(made)
    if made.differences:
        raise typer.Exit(1)


def _document(made: Comparison) -> dict[str, Any]:
    return {
        "feed": made.feed, "source_rows": made.source_rows, "library_rows": made.library_rows, "equal": made.equal,
        "unreadable_keys": made.keyless, "counts": dict(made.counts), "differences": made.differences,
        "contract_changed": made.contract_changed, "seconds": round(made.seconds, 3),
        "keys": [{"key": key.key, "side": key.side, "why": key.why} for key in made.keys],
    }  # fmt: skip


def _print(made: Comparison) -> None:
    from pipeline.comparison import SIDES, WHY

    output.facts(
        {
            "source": made.source_rows, "library": made.library_rows, "equal": made.equal, "keyless": made.keyless,
            **made.counts, "differences": made.differences,
        },
        {
            "source": T("来源行数", "rows at the source"), "library": T("共享库行数", "rows in the library"),
            "equal": T("一致", "equal"), "keyless": T("来源主键不可读", "keys not readable"),
            **{why: WHY[why] for why in WHY if why in made.counts}, "differences": T("差异", "differences"),
        },
    )  # fmt: skip
    if made.contract_changed:
        print(
            T(
                "数据契约在上一批之后有变,内容要到下次采集才更新。",
                "The contract has changed since the last batch: the next run brings the contents.",
            )
        )
    if made.keys:
        output.table(
            [{"key": key.key, "side": SIDES[key.side], "why": WHY[key.why]} for key in made.keys],
            [Column("key", T("键", "key")), Column("side", T("所在", "where")), Column("why", T("原因", "why"))],
        )
