"""run, batches: what happens to data on its way in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import output, session
from cli.commands.batches import drift_of
from cli.output import Column, Json
from core.errors import BatchBlocked
from core.text import T

_LIMIT = typer.Option(help=str(T("最多多少行", "how many rows at most")), min=1, max=10_000)


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    app.command(help=str(T("立即采集一次(FEED = 系统.资源)", "bring one feed up to date now (FEED = system.dataset)")))(
        run
    )
    app.command(help=str(T("批次", "batches")))(batches)


def run(
    feed: str,
    keys: Annotated[
        bool, typer.Option("--keys", help=str(T("现在就扫描来源的全部主键", "scan all keys of the source now")))
    ] = False,
    as_json: Json = False,
) -> None:
    """The whole journey of a feed in this process, without Airflow. A scan of its source's keys follows where one is due, and
    golden records follow what was merged."""
    from pipeline import deliver, journey

    with session.opened() as hub:
        try:
            batch = journey.run(hub, feed, session.actor())
            scanned = journey.scan(hub, feed, session.actor(), now=keys)
        except BatchBlocked as error:
            if error.batch is not None:
                error.remedy = f"{error.remedy} {_deciding(error.batch)}".strip()
            raise
        if batch or scanned:
            deliver.refreshed(hub)
    said = batch.evidence if batch else {}
    counts = {name: said.get(name, 0) for name in ("unchanged", "quarantined")}
    counts["merged"] = said.get("inserted", 0) + said.get("changed", 0)
    if as_json:
        scan = {"key_scan": {**_row(scanned), "evidence": scanned.evidence}} if scanned else {}
        whole = None if batch is None else {**_row(batch), **counts, "evidence": batch.evidence}
        output.document({**(whole or {}), **scan} if scan else whole)
        return
    if batch is None:
        print(T(f"{feed}:来源没有新数据。", f"{feed}: the source has nothing new."))
    else:
        output.table(
            [{**_row(batch), **counts}],
            [
                *_BATCH,
                Column("merged", T("入库", "merged"), right=True),
                Column("unchanged", T("未变", "unchanged"), right=True),
                Column("quarantined", T("隔离", "quarantined"), right=True),
            ],
        )
        for line in drift_of(batch):
            print(T(f"来源的列:{line}", f"The source's columns: {line}"))
    if scanned is not None:
        found = scanned.evidence
        print(
            T(
                f"主键扫描:来源 {found['scanned']:,} 个,关闭 {found['closed']:,} 条,补读 {found['missed']:,} 条(下次运行)。",
                f"Keys scanned: {found['scanned']:,} at the source, {found['closed']:,} records closed, {found['missed']:,} "
                "missed ones to be read by the next run.",
            )
        )


def batches(
    feed: Annotated[str | None, typer.Option(help=str(T("只看一个采集任务", "of one feed only")))] = None,
    state: Annotated[str | None, typer.Option(help=str(T("只看一种状态", "in one state only")))] = None,
    limit: Annotated[int, _LIMIT] = 50,
    as_json: Json = False,
) -> None:
    """The latest batches, newest first."""
    from catalog_registry import filters
    from pipeline import batch

    filters.require(state, set(batch.STATE_NAMES), T("批次状态", "state of a batch"), "state")
    with session.opened() as hub, hub.read() as connection:
        filters.feed(hub, connection, feed)
        found = batch.listed(connection, feed=feed, state=state, limit=limit)
    rows = [_row(entry) for entry in found]
    output.table(rows if as_json else [row | {"why": _why(row["reason"])} for row in rows], _BATCH, as_json=as_json)


_BATCH = [
    Column("id", T("批次", "batch")),
    Column("feed", T("采集", "feed")),
    Column("state_label", T("状态", "state")),
    Column("landed_rows", T("落地", "landed"), right=True),
    Column("landed_at", T("落地时间", "landed at")),
    Column("why", T("原因", "reason")),
]


def _deciding(batch: str) -> T:
    """Where a person decides on a batch that a guard stopped."""
    return T(
        f"查看:hutong batch show {batch};接受或放弃:hutong batch accept|drop {batch} --reason 理由。",
        f"See `hutong batch show {batch}`; let it in or end it: `hutong batch accept|drop {batch} --reason WHY`.",
    )


def _why(reason: dict[str, Any]) -> T:
    """Why a batch stands where it does: its guard in words, else what was said."""
    from pipeline import guards

    code = reason.get("code", "")
    if code in guards.NAMES:
        return guards.called(guards.of(reason))
    return T(reason.get("message_zh", code), reason.get("message_en", code))


def _row(batch: Any) -> dict[str, Any]:
    from pipeline.batch import STATE_NAMES

    reason = batch.reason or {}
    return {
        "id": str(batch.id),
        "feed": batch.feed,
        "state": batch.state,
        "state_label": str(STATE_NAMES[batch.state]),
        "landed_rows": batch.landed_rows,
        "landed_at": batch.landed_at,
        "merged_at": batch.merged_at,
        "reason": reason,
        "why": reason.get("code", ""),
    }
