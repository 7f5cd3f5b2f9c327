"""The second commit point: current rows, history, mentions, quarantine, evidence, watermark, state and event in one
transaction. Whatever goes wrong in it leaves the library as it was."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connectors.system import Feed
from core.actor import Actor
from core.errors import DatabaseUnavailable, Stop
from core.hub import Hub
from core.text import T
from libraries import known_as, mentions
from pipeline import batch as batches
from pipeline import first_load, land, pushes, quality, quarantine, reconcile, repeats, replayed, rulings
from pipeline.batch import Batch
from pipeline.guards import Guards
from pipeline.stage import Staged
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.derive import sql


def merge(hub: Hub, feed: Feed, batch: Batch, staged: Staged, actor: Actor) -> Batch:
    """Bring a staged batch into the library. Raises BatchBlocked when a guard stops it."""
    started = time.perf_counter()
    contract = staged.contract
    settled = repeats.settle(hub, feed, batch, staged)
    tables = {name: f"staging.{table}" for name, table in staged.tables.items()}
    quarantined = staged.quarantined - settled.outdated + len(settled.conflicting)
    with hub.begin() as connection:
        in_turn(connection, batch)
        still_staged(connection, [tables[name] for name, rows in staged.shipped.items() if rows])
        waived = rulings.waived(connection, batch)
        known = batches.known_at(connection, batch)
        guards = Guards(feed, batch, waived)
        before = staged.before if feed.mode == "full" else reconcile.held(connection, contract.id, feed.system)
        if feed.mode == "full":
            guards.size(before.rows, staged.landed)
        repeats.apply(connection, hub, feed, batch, staged, settled)
        findings = dict(staged.findings + Counter({key_rules.CONFLICT.code: len(settled.conflicting)}))
        guards.failing(contract, staged.landed, quarantined, findings)
        if before.rows:
            for name in ("rows", "gone"):
                connection.execute(text(f"ANALYZE {tables[name]} (_key)"))
        filled = bool(staged.shipped["rows"]) and not before.rows
        if filled and first_load.becomes(connection, contract, tables["rows"], known):
            inserted, changed = staged.shipped["rows"], 0
            tables["rows"] = sql.current(contract.id)
        else:
            inserted, changed = _merge_rows(connection, contract, feed, batch, known, tables, empty=before.rows == 0)
        if feed.mode != "full" and batch.origin != "replay" and staged.shipped["findings"]:
            _keep_new(connection, contract, batch, tables)
        closed = close(connection, contract, batch, known, tables)
        mentions.merge(connection, contract.id, feed.system, tables["mentions"], tables["touched"])
        known_as.merge(connection, contract.id, tables["known_as"], tables["touched"])
        if batch.origin == "replay":
            replayed.settle(connection, batch, staged.acts, tables["findings"])
        else:
            if feed.mode == "flagged":
                pushes.outlive(connection, batch, tables)
            quarantine.close_restated(connection, batch, _stated(feed, tables), tables["waiting"])
            quarantine.insert(connection, batch, tables["waiting"], tables["subjects"], tables["findings"])
            if feed.mode == "flagged":
                pushes.remember(connection, batch, tables)
        after = reconcile.held(connection, contract.id, feed.system)
        if feed.mode != "full":
            guards.size(before.rows, after.rows)
        warnings = guards.table_rules(connection, contract)
        removed = staged.removed - settled.removed
        kept = staged.landed - quarantined - len(settled.repeated) - removed
        expected, held = _hashes(connection, contract, feed, staged, settled, tables, after, kept)
        staged.seconds["merge"] += time.perf_counter() - started
        evidence: dict[str, Any] = {
            "landed": batch.landed_rows,
            "inserted": inserted,
            "changed": changed,
            "unchanged": kept - inserted - changed,
            "repeated": len(settled.repeated),
            "removed": removed,
            "quarantined": quarantined,
            "closed": closed,
            "before": before.rows,
            "after": after.rows,
            "before_hash": str(before.content),
            "after_hash": str(after.content),
            "expected_hash": expected,
            "held_hash": held,
            "source_rows": batch.source_rows,
            "findings": findings,
            "quality": quality.of_batch(connection, contract, batch, findings),
            "table_warnings": warnings,
            "seconds": {name: round(value, 3) for name, value in staged.seconds.items()},
        }
        if changes := (land.manifest(hub, batch) or {}).get("drift"):
            evidence["drift"] = changes
        if waived:
            evidence["accepted"] = rulings.told(waived)
        reconcile.check(evidence)
        drop_passed(connection, batch, actor)
        facts: dict[str, Any] = {"evidence": evidence, "known_at": known, "decided_upto": staged.decided_upto}
        return batches.move(connection, batch, "merged", actor, **facts)


def _stated(feed: Feed, tables: dict[str, str]) -> str:
    """The keys that a batch says something of, as a SELECT."""
    if feed.mode == "flagged":
        return pushes.stated(tables)
    brought = (
        f"SELECT _key FROM {tables['rows']}",
        f"SELECT key FROM {tables['waiting']}",
        f"SELECT _key FROM {tables['gone']}",
    )
    return " UNION ALL ".join(brought)


def _merge_rows(
    connection: Connection, contract: Contract, feed: Feed, batch: Batch, known: datetime, tables: dict[str, str],
    *, empty: bool,
) -> tuple[int, int]:  # fmt: skip
    """One statement writes current and history. Returns rows inserted and changed."""
    items = [sql.quote(item.name) for item in contract.items]
    current, history = sql.current(contract.id), sql.history(contract.id)
    facts = {"system": feed.system, "batch": batch.id, "known": known}
    columns = ["_key", "_system", *items, "_row_hash", "_batch", "_row_no", "_known_from"]
    staged = ["s._key", ":system", *(f"s.{item}" for item in items), "s._row_hash", ":batch", "s._row_no", ":known"]
    if empty:
        # a first load has nothing to compare with: a plain INSERT takes half the time of a MERGE
        insert = text(
            f"INSERT INTO {current} ({', '.join(columns)}) SELECT {', '.join(staged)} FROM {tables['rows']} s"
        )
        return connection.execute(insert, facts).rowcount, 0
    assignments = [f"{item} = s.{item}" for item in [*items, "_row_hash", "_row_no"]]
    ended = [*columns, "_known_to", "_ended", "_ended_by"]
    row = connection.execute(
        text(
            f"WITH merged AS (MERGE INTO {current} t USING {tables['rows']} s ON t._key = s._key "
            f"WHEN MATCHED AND t._row_hash <> s._row_hash THEN UPDATE SET {', '.join(assignments)}, "
            "_batch = :batch, _known_from = :known "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES ({', '.join(staged)}) "
            f"RETURNING merge_action() AS action, {', '.join(f'old.{name} AS {name}' for name in columns)}), "
            f"ended AS (INSERT INTO {history} ({', '.join(ended)}) SELECT {', '.join(columns)}, :known, 'changed', :batch "
            "FROM merged WHERE action = 'UPDATE'), "
            f"touched AS (INSERT INTO {tables['touched']} SELECT _key FROM merged WHERE action = 'UPDATE') "
            "SELECT count(*) FILTER (WHERE action = 'INSERT'), count(*) FILTER (WHERE action = 'UPDATE') FROM merged"
        ),
        facts,
    ).one()
    return row[0], row[1]


def _keep_new(connection: Connection, contract: Contract, batch: Batch, tables: dict[str, str]) -> None:
    """Take out what was found in rows that an increment read again and that are held as they are: it was stored when they came."""
    connection.execute(
        text(
            f"DELETE FROM {tables['findings']} f USING {tables['rows']} s JOIN {sql.current(contract.id)} t ON t._key = s._key "
            "WHERE f.row_no = s._row_no AND t._row_hash = s._row_hash AND t._batch <> :batch"
        ),
        {"batch": batch.id},
    )


def in_turn(connection: Connection, batch: Batch) -> None:
    """One merge of a feed at a time, and none behind a later one of its sort: a worker that lost its session's lock must not
    come back with older rows."""
    name = {"name": f"hutong.merge.{batch.feed}"}
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), name)
    last = batches.last_merged(connection, batch.feed, batch.origin)
    if last is not None and last.seq > batch.seq:
        raise Stop(
            T(f"批次 {batch.id} 之后的批次已入库。", f"A batch later than {batch.id} is merged already."),
            code="superseded",
        )


def still_staged(connection: Connection, filled: list[str]) -> None:
    """Staging tables are UNLOGGED: a database that crashed since they were filled has emptied them all, and rows that wait
    would be gone without a trace. Raises DatabaseUnavailable when one of those filled is empty."""
    there = ", ".join(f"EXISTS (SELECT FROM {table})" for table in filled)
    if filled and not all(connection.execute(text(f"SELECT {there}")).one()):
        raise DatabaseUnavailable(
            T("数据库重新启动过,暂存的数据已丢失。", "The database has restarted; what was staged is lost."),
            remedy=T("重新运行该采集任务。", "Run the feed again."),
            code="staging_lost",
        )


def drop_passed(connection: Connection, batch: Batch, actor: Actor) -> None:
    """A batch that a guard or an error stopped does not hold its feed: once a later one of its sort merges, it has ended."""
    passed = connection.scalars(
        text(
            "SELECT id FROM hub.batch WHERE feed = :feed AND state IN ('blocked', 'failed') AND seq < :seq "
            "AND origin = :origin ORDER BY seq"
        ),
        {"feed": batch.feed, "seq": batch.seq, "origin": batch.origin},
    )
    for id in passed.all():
        batches.move(connection, batches.get(connection, id), "dropped", actor)


def close(connection: Connection, contract: Contract, batch: Batch, known: datetime, tables: dict[str, str]) -> int:
    """End the rows that the source no longer has: into history, never away. Returns how many."""
    names = [
        "_key",
        "_system",
        *(sql.quote(item.name) for item in contract.items),
        "_row_hash",
        "_batch",
        "_row_no",
        "_known_from",
    ]
    listed = ", ".join(names)
    return int(
        connection.execute(
            text(
                f"WITH gone AS (DELETE FROM {sql.current(contract.id)} t USING {tables['gone']} g WHERE t._key = g._key "
                f"RETURNING {', '.join(f't.{name}' for name in names)}), "
                f"ended AS (INSERT INTO {sql.history(contract.id)} ({listed}, _known_to, _ended, _ended_by) "
                f"SELECT {listed}, :known, 'removed', :batch FROM gone), "
                f"touched AS (INSERT INTO {tables['touched']} SELECT _key FROM gone) SELECT count(*) FROM gone"
            ),
            {"known": known, "batch": batch.id},
        ).scalar_one()
    )


def _hashes(
    connection: Connection, contract: Contract, feed: Feed, staged: Staged, settled: repeats.Settled,
    tables: dict[str, str], after: reconcile.Held, kept: int,
) -> tuple[str, str]:  # fmt: skip
    """What the library should hold and does hold. A full batch: the fold of all content hashes, computed here from the
    source's rows, against the table's. Any other: its rows against those found in the table."""
    if feed.mode != "full":
        return str(kept), str(reconcile.staged_and_held(connection, contract.id, tables["rows"]))
    return str(staged.content ^ settled.content ^ staged.retained(settled.keys)), str(after.content)
