"""A scan of keys: an increment never tells what was deleted, so now and then the source is asked for all its keys.

The scan is a batch of its own: it lands (key columns and watermark only), and its merge closes the records whose keys are
gone, under the guards that a full batch has. Evidence is counted apart. It also finds what increments have missed: a key
that the library does not hold under a mark that no next increment would read (a commit later than the feed's `late`, a
deleted record that was put back as it was). Such a scan lowers the watermark, and the next increment reads them again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from connectors import watermark
from connectors.kinds import queried
from connectors.system import Feed
from core import clock, decisions
from core.actor import Actor
from core.errors import Conflict, Stop
from core.hub import Hub
from core.text import T
from libraries import known_as, mentions
from pipeline import batch as batches
from pipeline import land, mapping, merge, reconcile, rulings, stage, staging
from pipeline.batch import KEY_SCAN, Batch
from pipeline.definition import Definition
from pipeline.guards import Guards
from pipeline.keys import Known
from pipeline.standardise import Standardiser
from schemas.derive import sql

#: states in which a scan counts as made: one that a guard stopped is made again when the next is due, not in every run
_MADE = ("landed", "blocked", "merged", "delivered")
_LIVE = "feed = :feed AND key IS NOT NULL AND status <> 'closed_by_source'"


def due(connection: Connection, feed: Feed) -> bool:
    """Whether it is time for a scan: the last one is older than the feed says, and its increments are merged."""
    if feed.key_scan is None:
        return False
    last = connection.execute(
        text("SELECT max(started_at) FROM hub.batch WHERE feed = :feed AND origin = :scan AND state = ANY(:made)"),
        {"feed": feed.id, "scan": KEY_SCAN, "made": list(_MADE)},
    ).scalar()
    return (last is None or last + feed.key_scan <= clock.now()) and ready(connection, feed)


def ready(connection: Connection, feed: Feed) -> bool:
    """Whether what the source has now can be compared: something has merged, and no increment waits behind it."""
    state = connection.execute(
        text(
            "SELECT state FROM hub.batch WHERE feed = :feed AND origin = 'feed' AND state <> 'dropped' ORDER BY seq DESC LIMIT 1"
        ),
        {"feed": feed.id},
    ).scalar()
    return state in ("merged", "delivered")


def require(found: Definition) -> None:
    """Raise Conflict for a feed whose keys cannot be asked for, or need not be."""
    if found.feed.mode == "incremental" and queried(found.system.connector):
        return
    raise Conflict(
        T(f"{found.feed.id} 不能扫描主键。", f"The keys of {found.feed.id} cannot be scanned."),
        remedy=T(
            "只有从数据库或接口增量读取的任务需要:full 与 flagged 的来源自会说明删除。",
            "It is for increments that a database or a service is asked for: `full` and `flagged` tell of deletions themselves.",
        ),
    )


def of(found: Definition) -> Definition:
    """What a scan is read by: the columns of the key, of the kinds that its numbers are judged by, and the watermark."""
    contract, feed = found.contract, found.feed
    wanted = {*contract.key, *(kind for item in contract.items if item.key and (kind := item.kind_item))}
    columns = {column: item for column, item in feed.columns.items() if item in wanted}
    only = dict.fromkeys([*columns, *([feed.watermark] if feed.watermark else [])])
    ignore = (*feed.ignore, *(column for column in feed.columns if column not in columns))
    return replace(
        found,
        feed=replace(
            feed,
            columns=columns,
            codes=_of(feed.codes, wanted),
            decided=_of(feed.decided, wanted),
            only=tuple(only),
            ignore=ignore,
        ),
    )


def _of(codes: Any, wanted: set[str]) -> Any:
    return {item: mapping for item, mapping in codes.items() if item in wanted}


@dataclass
class Scanned:
    """What the source said: its keys against those that the library holds."""

    known: Known
    keys: list[NDArray[np.void]] = field(default_factory=list)
    rows: int = 0
    unreadable: int = 0
    #: keys that neither the library holds nor anybody waits with, under marks that no increment would read
    lost: int = 0
    oldest: str | None = None

    def here(self, keys: list[bytes]) -> NDArray[np.bool_]:
        """Which of some keys the source has."""
        if not keys:
            return np.zeros(0, dtype=bool)
        every = np.concatenate(self.keys) if self.keys else np.zeros(0, dtype="V16")
        found = Known.of(every, np.zeros(len(every), dtype=np.int64)).find(np.array(keys, dtype="V16"))
        return found >= 0


def load(hub: Hub, found: Definition, batch: Batch, chunks: Iterable[pa.RecordBatch], actor: Actor) -> Batch:
    """Close the records that a landed scan no longer names. Raises BatchBlocked when a guard stops it."""
    started = time.perf_counter()
    contract, feed = found.contract, found.feed
    with hub.read() as connection:
        upto = decisions.last(connection) if batch.decided_upto is None else batch.decided_upto
        # a key that is a code is read as the increments read it
        scan = of(replace(found, feed=mapping.decided(connection, feed, upto)))
    tables = {name: f"staging.{table}" for name, table in staging.create(hub, contract, batch).items()}
    waiting, since = _waiting(hub, feed, batch), _since(hub, found, batch)
    mark = (land.manifest(hub, batch) or {}).get("watermark")
    scanned = _read(
        hub,
        scan,
        chunks,
        {*since, *(key for _, key in waiting)},
        land.bound(feed, batch.watermark),
        batch.day(hub.settings.timezone),
    )
    # a scan that waited for a person says nothing of what increments brought meanwhile
    at = scanned.known.find(np.array(since, dtype="V16"))
    scanned.known.seen[at[at >= 0]] = True
    gone = stage.unseen(scanned.known) if not scanned.unreadable else pa.array([], pa.binary())
    with hub.adbc() as connection, connection.cursor() as cursor:
        rows = pa.table({"_key": gone, "_row_no": pa.nulls(len(gone), pa.int64())})
        cursor.adbc_ingest(tables["gone"].partition(".")[2], rows, mode="append", db_schema_name="staging")
    with hub.begin() as connection:
        merge.in_turn(connection, batch)
        merge.still_staged(connection, [tables["gone"]] if len(gone) else [])
        waived = rulings.waived(connection, batch)
        before = reconcile.held(connection, contract.id, feed.system)
        Guards(feed, batch, waived).size(before.rows, before.rows - len(gone) if scanned.rows else 0)
        known = batches.known_at(connection, batch)
        closed = merge.close(connection, contract, batch, known, tables)
        mentions.merge(connection, contract.id, feed.system, tables["mentions"], tables["touched"])
        known_as.merge(connection, contract.id, tables["known_as"], tables["touched"])
        settled = _close_waiting(connection, waiting, scanned)
        after = reconcile.held(connection, contract.id, feed.system)
        evidence: dict[str, Any] = {
            "scanned": scanned.rows,
            "unreadable": scanned.unreadable,
            "closed": closed,
            "closed_waiting": settled,
            "missed": scanned.lost,
            "before": before.rows,
            "after": after.rows,
            "before_hash": str(before.content),
            "after_hash": str(after.content),
            "source_rows": batch.source_rows,
            "seconds": {"scan": round(time.perf_counter() - started, 3)},
        }
        if waived:
            evidence["accepted"] = rulings.told(waived)
        if closed != len(gone) or after.rows != before.rows - closed:
            sum_ = f"{before.rows} − {closed} ≠ {after.rows}"
            raise Stop(
                T(f"主键扫描对账不平,已回滚:{sum_}。", f"The scan does not reconcile and was rolled back: {sum_}."),
                remedy=T(
                    "这是本系统的缺陷,请附批次号报告。",
                    "This is a defect of the exchange; report it with the batch id.",
                ),
                code="reconciliation",
            )
        merge.drop_passed(connection, batch, actor)
        if scanned.lost:
            mark = scanned.oldest
        facts: dict[str, Any] = {"evidence": evidence, "known_at": known, "watermark": mark, "decided_upto": upto}
        return batches.move(connection, batch, "merged", actor, **facts)


def _read(
    hub: Hub, scan: Definition, chunks: Iterable[pa.RecordBatch], waiting: set[bytes], bound: str | None, day: date
) -> Scanned:
    scanned = Scanned(stage.held(hub, scan.contract, scan.feed))
    standardiser = Standardiser(scan.contract, scan.feed, day)
    for raw in chunks:
        chunk = standardiser(raw)
        readable = ~chunk.keyless
        keys = chunk.keys[readable]
        scanned.rows += raw.num_rows
        scanned.unreadable += int((~readable).sum())
        scanned.keys.append(keys)
        at = scanned.known.find(keys)
        scanned.known.seen[at[at >= 0]] = True
        strange = np.flatnonzero(readable)[at < 0]
        if bound is None or not len(strange) or scan.feed.watermark is None:
            continue
        marks = raw.column(scan.feed.watermark).take(pa.array(strange)).to_pylist()
        for row, mark in zip(strange, marks, strict=True):
            if mark in (None, "") or chunk.keys[row].tobytes() in waiting:
                continue
            said = watermark.text_of(mark)
            if watermark.order(said) < watermark.order(bound):
                scanned.lost += 1
                scanned.oldest = said if scanned.oldest is None else min(scanned.oldest, said, key=watermark.order)
    return scanned


def _since(hub: Hub, found: Definition, batch: Batch) -> list[bytes]:
    """The keys of records that became known, or known otherwise, after the scan had landed, and of rows that wait since."""
    query = (
        f"SELECT _key FROM {sql.current(found.contract.id)} WHERE _system = :system AND _known_from > :landed UNION "
        f"SELECT key FROM hub.quarantine WHERE {_LIVE} AND quarantined_at > :landed"
    )
    facts = {"system": found.feed.system, "feed": found.feed.id, "landed": batch.landed_at}
    with hub.read() as connection:
        return [bytes(key) for key in connection.execute(text(query), facts).scalars()]


def _waiting(hub: Hub, feed: Feed, batch: Batch) -> list[tuple[Any, bytes]]:
    """The rows in quarantine that have a key, were there when the scan landed and were not ended by the source: batch and
    row, key."""
    query = f"SELECT batch_id, row_no, key FROM hub.quarantine WHERE {_LIVE} AND quarantined_at <= :landed"
    with hub.read() as connection:
        rows = connection.execute(text(query), {"feed": feed.id, "landed": batch.landed_at}).all()
    return [((row.batch_id, row.row_no), bytes(row.key)) for row in rows]


def _close_waiting(connection: Connection, waiting: list[tuple[Any, bytes]], scanned: Scanned) -> int:
    """End the rows, waiting or decided on, whose record is gone at the source. A key that could not be read could be any of
    them."""
    if scanned.unreadable or not waiting:
        return 0
    here = scanned.here([key for _, key in waiting])
    gone = [{"batch": place[0], "row": place[1]} for (place, _), there in zip(waiting, here, strict=True) if not there]
    if gone:
        connection.execute(
            text(
                "UPDATE hub.quarantine SET status = 'closed_by_source', closed_at = now() "
                "WHERE batch_id = :batch AND row_no = :row AND status <> 'closed_by_source'"
            ),
            gone,
        )
    return len(gone)
