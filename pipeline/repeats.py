"""Rows of one batch that claim the same key: identical ones count once, the latest of several versions counts, and
versions without an order wait for a person. A row with an error waits only while no later version has come."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, text

from connectors import watermark
from connectors.system import Feed
from core.hub import Hub
from pipeline import definition, land, pushes, quarantine
from pipeline.batch import Batch
from pipeline.keys import Repeat
from pipeline.stage import GONE, Staged
from pipeline.standardise import Standardiser
from pipeline.validate import Judge
from schemas import keys as key_rules
from schemas import links
from schemas.contract import Contract


@dataclass
class Settled:
    """What became of repeated keys: rows dropped as repeated (of them, those that say the same as the one kept), rows and
    keys that wait; of all these, how many were flagged as removed, how many of those dropped had an error, and the fold of
    their contents."""

    repeated: list[int] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    conflicting: list[int] = field(default_factory=list)
    removed: int = 0
    outdated: int = 0
    keys: list[np.void] = field(default_factory=list)
    content: int = 0


def settle(hub: Hub, feed: Feed, batch: Batch, staged: Staged) -> Settled:
    """Decide every group of rows with one key, and every row that another batch's push has passed."""
    late = pushes.Late({}, {})
    if feed.mode == "flagged":
        with hub.read() as connection:
            late = pushes.late(connection, batch, {name: f"staging.{table}" for name, table in staged.tables.items()})
    groups = [group.without(late.passed) for group in staged.incoming.repeats()]
    settled = decide(
        staged.contract,
        [group for group in groups if len(group.rows) > 1],
        lambda rows: _order(hub, feed, batch, rows),
    )
    out = {*settled.repeated, *settled.conflicting, *late.passed}
    for row, (gone, waits) in late.passed.items():
        settled.repeated.append(row)
        settled.removed += int(gone)
        settled.outdated += int(waits)
    later = _later(groups, late.tied) if late.tied else set()
    for row, gone in late.tied.items():
        if row not in out and row not in later:
            settled.conflicting.append(row)
            settled.removed += int(gone)
    return settled


def _later(groups: list[Repeat], tied: Container[int]) -> set[int]:
    """The rows whose content another row of the batch states under a mark that is tied with nothing: it is a newer one, for
    older ones are out of the groups. So what they say is newer than what is held."""
    found: set[int] = set()
    for group in groups:
        said = {
            value
            for row, value, waits in zip(group.rows, group.content, group.waits, strict=True)
            if not waits and row not in tied
        }
        found.update(row for row, value in zip(group.rows, group.content, strict=True) if value in said)
    return found


def decide(contract: Contract, groups: list[Repeat], order_of: Callable[[set[int]], dict[int, Any]]) -> Settled:
    """What becomes of groups of rows with one key; `order_of` gives the watermarks of the rows it is asked for."""
    settled = Settled()
    versions: list[Repeat] = []
    for group in groups:
        if len(set(group.content)) == 1 and not any(group.waits):
            _drop(settled, group, min(group.rows))
        else:
            versions.append(group)
    if not versions:
        return settled
    order = order_of({row for group in versions for row in group.rows})
    judged = f"{contract.id}.{key_rules.ITEM}.conform" not in contract.disabled
    for group in versions:
        good, waiting = group.parted()
        if good.rows:
            # only the expectation sends rows to wait: with it disabled, the row stated last counts
            latest = _latest(good, order) if judged else max(good.rows)
            if latest is not None:
                _drop(settled, good, latest)
            else:
                _conflict(settled, good)
        outdated = _outdated(good.rows, waiting.rows, order)
        settled.repeated += outdated
        settled.outdated += len(outdated)
    return settled


def _drop(settled: Settled, group: Repeat, keep: int) -> None:
    kept = group.content[group.rows.index(keep)]
    for row, value in zip(group.rows, group.content, strict=True):
        if row != keep:
            settled.repeated.append(row)
            if value == kept:
                settled.same.append(row)
            settled.content ^= value
            settled.removed += int(value == GONE)


def _conflict(settled: Settled, group: Repeat) -> None:
    settled.conflicting += group.rows
    settled.keys.append(group.key)
    for value in group.content:
        settled.content ^= value
        settled.removed += int(value == GONE)


def _latest(group: Repeat, order: dict[int, Any]) -> int | None:
    """The row with the highest order; None when some have none, or the highest is shared by different contents. Rows of one
    content need no order."""
    if len(set(group.content)) == 1:
        return min(group.rows)
    if any(order.get(row) is None for row in group.rows):
        return None
    top = max(order[row] for row in group.rows)
    candidates = [(row, value) for row, value in zip(group.rows, group.content, strict=True) if order[row] == top]
    return min(candidates)[0] if len({value for _, value in candidates}) == 1 else None


def _outdated(good: list[int], waiting: list[int], order: dict[int, Any]) -> list[int]:
    """The rows with an error behind which a later version of their key came. One without an order is never outdated."""
    ordered = [order[row] for row in (*good, *waiting) if order.get(row) is not None]
    return [row for row in waiting if order.get(row) is not None and order[row] < max(ordered)]


def _order(hub: Hub, feed: Feed, batch: Batch, numbers: set[int]) -> dict[int, Any]:
    """The watermark of landed rows, read again: repeats are rare, so nothing is held for them while rows pass."""
    if not feed.watermark:
        return {}
    return ordered((number, row.column(feed.watermark)[0].as_py()) for number, row in land.rows(hub, batch, numbers))


def ordered(marks: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """Rows by the order of their watermarks, as the watermark compares: numbers by value, also where a source writes
    everything as text."""
    return {number: None if mark is None else watermark.order(mark) for number, mark in marks}


def apply(connection: Connection, hub: Hub, feed: Feed, batch: Batch, staged: Staged, settled: Settled) -> None:
    """Take dropped and waiting rows out of the staging tables, and put the waiting ones where waiting rows are staged. What
    was found in dropped rows goes with them. The marks of rows that say the same as the one kept stay: the record was stated
    at the latest of them (pipeline/pushes.py)."""
    out = settled.repeated + settled.conflicting
    if not out:
        return
    waits = [False] * len(settled.repeated) + [True] * len(settled.conflicting)
    same = set(settled.same)
    connection.execute(
        text("CREATE TEMP TABLE out_of_batch (row_no bigint PRIMARY KEY, waits bool, same bool) ON COMMIT DROP")
    )
    connection.execute(
        text(
            "INSERT INTO out_of_batch SELECT * FROM "
            "unnest(CAST(:rows AS bigint[]), CAST(:waits AS boolean[]), CAST(:same AS boolean[]))"
        ),
        {"rows": out, "waits": waits, "same": [row in same for row in out]},
    )
    for name, column in (("rows", "_row_no"), ("gone", "_row_no"), ("mentions", "row_no"), ("known_as", "row_no")):
        table = staged.tables[name]
        taken = connection.execute(
            text(f"DELETE FROM staging.{table} s USING out_of_batch o WHERE s.{column} = o.row_no")
        )
        staged.shipped[name] -= taken.rowcount
    dropped = "s USING out_of_batch o WHERE s.row_no = o.row_no AND NOT o.waits"
    for name in ("waiting", "subjects"):
        connection.execute(text(f"DELETE FROM staging.{staged.tables[name]} {dropped}"))
    connection.execute(text(f"DELETE FROM staging.{staged.tables['marks']} {dropped} AND NOT o.same"))
    found = connection.execute(text(f"DELETE FROM staging.{staged.tables['findings']} {dropped} RETURNING s.rule"))
    staged.findings.subtract(found.scalars())
    if settled.conflicting:
        _wait(connection, hub, feed, batch, staged, settled.conflicting)


def _wait(connection: Connection, hub: Hub, feed: Feed, batch: Batch, staged: Staged, conflicting: list[int]) -> None:
    ends = links.ends(staged.contract, definition.published_with(hub, batch).pointing_at(staged.contract.id))
    standardiser = Standardiser(staged.contract, staged.feed, batch.day(hub.settings.timezone), ends)
    found = list(land.rows(hub, batch, set(conflicting)))
    numbers = np.array([number for number, _ in found], dtype=np.int64)
    chunk = standardiser(pa.concat_batches([row for _, row in found]), numbers)
    waiting, subjects = quarantine.rows(chunk, np.ones(len(numbers), dtype=bool), standardiser)
    findings = Judge(staged.contract).conflicts(numbers, waiting["source_key"].to_pylist())
    for name, table in (("waiting", waiting), ("subjects", subjects), ("findings", findings)):
        names = table.column_names
        values = ", ".join(f":{column}" for column in names)
        if table.num_rows:
            connection.execute(
                text(f"INSERT INTO staging.{staged.tables[name]} ({', '.join(names)}) VALUES ({values})"),
                table.to_pylist(),
            )
