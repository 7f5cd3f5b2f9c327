"""Running the checks of datasets against each other: which are due, what they find, and what no longer holds.

They run after merges and the refresh of golden records, never inside a merge. A check is one set-based SELECT over current
records; its findings are brought in line with it in one transaction, so a finding that no longer holds closes by itself and
one that holds again opens again. Nothing here changes a value.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from core import clock, events
from core.actor import SYSTEM, Actor
from core.errors import DocumentRefused
from core.hub import Hub
from core.log import get_logger
from libraries import linking, pairs
from schemas import check as documents
from schemas import published
from schemas.check import Check
from schemas.derive import sql
from schemas.document import read
from schemas.published import Published

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ran:
    """One check's run: findings open now, and of them those that this run opened; those it closed. `skipped` says why it
    did not run: `unchanged`, `no_dataset`, `no_data` (what must not be there is not collected yet), or `broken` (with
    `error`); its findings stay as they are."""

    check: str
    open: int
    opened: int = 0
    closed: int = 0
    seconds: float = 0.0
    skipped: str | None = None
    error: DocumentRefused | None = None


def run(hub: Hub, only: Collection[str] = (), *, every: bool = False, actor: Actor = SYSTEM) -> list[Ran]:
    """Run the checks that something has changed for since they last ran; all of them with `every`. A broken check takes
    down only itself. What is no longer in force closes its findings."""
    now = published.caught_up(hub)
    good, broken = documents.in_force(now.texts("check"))
    chosen = [check for id, check in good.items() if not only or id in only]
    ran = [_run(hub, now, check, every=every, actor=actor) for check in chosen]
    ran += [_skipped(hub, id, "broken", error) for id, error in broken.items() if not only or id in only]
    if not only:
        _retire(hub, {*good, *broken})
    return ran


def _run(hub: Hub, now: Published, check: Check, *, every: bool, actor: Actor) -> Ran:
    contracts = {id: now.contracts.get(id) for id in check.datasets}
    there = {id: contract for id, contract in contracts.items() if contract is not None}
    if len(there) < len(contracts):
        return _skipped(hub, check.check, "no_dataset")
    text_ = now.texts("check")[check.check]
    try:
        source = read(text_, file=f"check/{check.check}.yaml")
        documents.hold(check, there, now.texts("department"), source)  # contracts may have changed since
        query = pairs.select(check, there, _systems(now), source)
    except DocumentRefused as error:
        return _skipped(hub, check.check, "broken", error)
    departments = sorted({*check.tell, *(there[check.records[name].dataset].department for name in check.pair)})
    with hub.begin() as connection:
        _alone(connection, check.check)
        if _not_collected(connection, now, check):
            return _skipped(hub, check.check, "no_data")
        stands_on = _stands_on(connection, hub, now, check)
        last = connection.execute(
            text("SELECT open, stood_on FROM hub.check_run WHERE check_id = :id"), {"id": check.check}
        ).one_or_none()
        if last is not None and not every and last.stood_on == stands_on:
            return Ran(check.check, last.open, skipped="unchanged")
        started = time.perf_counter()
        found = _bring_in_line(connection, hub, check, query, departments)
        ran = Ran(check.check, *found, seconds=time.perf_counter() - started)
        _keep(connection, ran, stands_on, actor)
    log.info("check ran", check=ran.check, open=ran.open, opened=ran.opened, closed=ran.closed)
    return ran


def _bring_in_line(
    connection: Connection, hub: Hub, check: Check, query: str, departments: list[str]
) -> tuple[int, int, int]:
    """Make the findings of a check those of its query. Returns how many are open, were opened, were closed."""
    first, second = (check.records[name].dataset for name in check.pair)
    connection.exec_driver_sql("CREATE TEMP TABLE pair (first_key bytea, second_key bytea) ON COMMIT DROP")
    # Whole datasets are joined: a nested loop, which the planner takes for tables it has no statistics of yet, takes minutes
    connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    connection.exec_driver_sql("SET LOCAL jit = off")
    today = {"today": clock.today(hub.settings.timezone)}
    connection.exec_driver_sql(f"INSERT INTO pair {query}", today)
    connection.exec_driver_sql("ANALYZE pair")
    connection.exec_driver_sql("SET LOCAL enable_nestloop = on")
    facts = {
        "check": check.check, "first": first, "second": second, "departments": departments, "dimension": check.dimension,
        "severity": check.severity,
    }  # fmt: skip
    closed = connection.execute(
        text(
            "UPDATE hub.check_finding f SET status = 'closed', closed_at = now() WHERE check_id = :check AND status = 'open' "
            "AND NOT EXISTS (SELECT FROM pair p WHERE (p.first_key, p.second_key) = (f.first_key, f.second_key) "
            "AND (f.first_dataset, f.second_dataset) = (:first, :second))"
        ),
        facts,
    ).rowcount
    held, opened = connection.execute(
        text(
            "WITH held AS (INSERT INTO hub.check_finding AS f (check_id, first_dataset, first_key, second_dataset, second_key, "
            "departments, dimension, severity, first_seen, opened_at, last_seen) SELECT :check, :first, first_key, :second, "
            "second_key, :departments, :dimension, :severity, now(), clock_timestamp(), now() FROM pair "
            "ON CONFLICT (check_id, first_dataset, first_key, second_dataset, second_key) DO UPDATE SET status = 'open', "
            # of a moment, not of the transaction, which may have waited for the run that closed it
            "opened_at = CASE WHEN f.status = 'closed' THEN clock_timestamp() ELSE f.opened_at END, closed_at = NULL, "
            "last_seen = now(), departments = excluded.departments, dimension = excluded.dimension, "
            "severity = excluded.severity RETURNING coalesce(old.status, 'closed') AS before) "
            "SELECT count(*), count(*) FILTER (WHERE before = 'closed') FROM held"
        ),
        facts,
    ).one()
    return held, opened, closed


def _keep(connection: Connection, ran: Ran, stands_on: Mapping[str, Any], actor: Actor) -> None:
    connection.execute(
        text(
            "INSERT INTO hub.check_run (check_id, ran_at, stood_on, open, opened, closed, seconds) "
            "VALUES (:check, now(), :stood_on, :open, :opened, :closed, :seconds) ON CONFLICT (check_id) DO UPDATE SET "
            "ran_at = now(), stood_on = excluded.stood_on, open = excluded.open, opened = excluded.opened, "
            "closed = excluded.closed, seconds = excluded.seconds"
        ),
        {"check": ran.check, "stood_on": json.dumps(stands_on), "open": ran.open, "opened": ran.opened,
         "closed": ran.closed, "seconds": ran.seconds},
    )  # fmt: skip
    if ran.opened or ran.closed:
        body = {"open": ran.open, "opened": ran.opened, "closed": ran.closed}
        events.record(connection, "check.found", ran.check, body, actor)


def _stands_on(connection: Connection, hub: Hub, now: Published, check: Check) -> dict[str, Any]:
    """All that the findings of a check are a function of: when nothing of it has changed, they have not."""
    feeds = connection.execute(
        text(
            "SELECT DISTINCT ON (feed) feed, id::text FROM hub.batch WHERE dataset = ANY(:datasets) "
            "AND state IN ('merged', 'delivered') ORDER BY feed, seq DESC"
        ),
        {"datasets": list(check.datasets)},
    )
    found: dict[str, Any] = {
        "documents": [now.raw["check", check.check].sha256, *(now.contracts[id].sha256 for id in check.datasets)],
        "batches": {row.feed: row.id for row in feeds},
        "day": clock.today(hub.settings.timezone).isoformat(),
    }
    if check.by_subject:
        # who is meant by a mention is said by refreshes of the golden records, judgements included
        found["links"] = linking.marked(connection)
    return found


def _systems(now: Published) -> dict[str, frozenset[str]]:
    """Dataset → the systems that feed it."""
    found: dict[str, frozenset[str]] = {}
    for id, tree in now.documents("system").items():
        for feed in tree.get("feeds", ()):
            found[feed["contract"]] = found.get(feed["contract"], frozenset()) | {id}
    return found


def _not_collected(connection: Connection, now: Published, check: Check) -> bool:
    """Whether a record that must not be there may only not have come yet: a feed of its dataset has never merged, or none is
    known and the dataset is empty."""
    systems = _systems(now)
    for dataset in dict.fromkeys(record.dataset for record in check.absent.values()):
        feeds = [f"{system}.{dataset}" for system in sorted(systems.get(dataset, ()))]
        merged = connection.scalars(
            text("SELECT DISTINCT feed FROM hub.batch WHERE feed = ANY(:feeds) AND state IN ('merged', 'delivered')"),
            {"feeds": feeds},
        ).all()
        if feeds and len(merged) < len(feeds):
            return True
        if not feeds and not connection.execute(text(f"SELECT EXISTS (SELECT FROM {sql.current(dataset)})")).scalar():
            return True
    return False


def _skipped(hub: Hub, check: str, why: str, error: DocumentRefused | None = None) -> Ran:
    with hub.read() as connection:
        found = text("SELECT count(*) FROM hub.check_finding WHERE check_id = :id AND status = 'open'")
        return Ran(check, connection.execute(found, {"id": check}).scalar_one(), skipped=why, error=error)


def _retire(hub: Hub, in_force: set[str]) -> None:
    """Findings of checks that are no longer in force close."""
    with hub.begin() as connection:
        connection.execute(
            text(
                "WITH gone AS (DELETE FROM hub.check_run WHERE check_id <> ALL(:kept)) UPDATE hub.check_finding "
                "SET status = 'closed', closed_at = now() WHERE status = 'open' AND check_id <> ALL(:kept)"
            ),
            {"kept": sorted(in_force)},
        )


def _alone(connection: Connection, check: str) -> None:
    name = {"name": f"hutong.check.{check}"}
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), name)
