"""How each feed and each dataset in force stands: age against the promise, rows landed, held and waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from catalog_registry import departments, freshness, systems
from core import clock
from core.hub import Hub
from schemas import published
from schemas.published import Published

# a full feed's last batch is all it has; an increment adds to those before
_LANDED = (
    "SELECT dataset, sum(landed_rows)::bigint FROM (SELECT dataset, landed_rows, mode, row_number() OVER (PARTITION BY feed "
    "ORDER BY seq DESC) AS age FROM hub.batch WHERE origin = 'feed' AND state IN ('merged', 'delivered')) merged "
    "WHERE mode <> 'full' OR age = 1 GROUP BY dataset"
)
_WAITING = "SELECT dataset, count(*) FROM hub.quarantine WHERE status = 'open' GROUP BY dataset"


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """One feed: the freshness of its data (`state`, a key of catalog_registry.freshness.STATES) and its last batch's state."""

    feed: str
    dataset: str
    title: str
    state: str
    as_of: datetime | None
    last_batch: str | None


@dataclass(frozen=True, slots=True)
class DatasetHealth:
    """One dataset: rows landed of what the library stands on, rows in the library, rows waiting in the quarantine, and
    the share that passed, in percent (None without rows)."""

    dataset: str
    title: str
    department: str
    landed: int
    current: int
    quarantined: int
    quality: float | None
    state: str


def feeds(hub: Hub) -> list[FeedHealth]:
    """Every feed in force, by system."""
    current = published.current(hub.home)
    with psycopg.connect(hub.dsn) as connection:
        last = _last(connection, current)
    found = []
    for feed in (feed for system in systems.listed(current) for feed in system.feeds):
        contract = current.contracts.get(feed.dataset)
        if contract is not None:
            judged = freshness.judge([last[feed.id]], contract.cycle.period, clock.now())
            found.append(
                FeedHealth(feed.id, feed.dataset, contract.title, judged.state, judged.as_of, last[feed.id][1])
            )
    return found


def datasets(hub: Hub) -> list[DatasetHealth]:
    """Every dataset in force that a feed brings, in the order of systems; the oldest of its feeds decides its freshness."""
    current = published.current(hub.home)
    found = []
    with psycopg.connect(hub.dsn) as connection:
        last = _last(connection, current)
        landed: dict[str, int] = dict(connection.execute(_LANDED).fetchall())
        waiting: dict[str, int] = dict(connection.execute(_WAITING).fetchall())
        for dataset, its_feeds in systems.feeds_of(current).items():
            contract = current.contracts.get(dataset)
            if contract is None:
                continue
            held = _count(connection, dataset)
            every = held + waiting.get(dataset, 0)
            found.append(
                DatasetHealth(
                    dataset=dataset,
                    title=contract.title,
                    department=departments.name(current, contract.department),
                    landed=landed.get(dataset, 0),
                    current=held,
                    quarantined=every - held,
                    quality=1000 * held // every / 10 if every else None,  # 100 only when nothing waits
                    state=freshness.judge(
                        [last[feed.id] for feed in its_feeds], contract.cycle.period, clock.now()
                    ).state,
                )
            )
    return found


_Last = dict[str, tuple[datetime | None, str | None]]


def _last(connection: psycopg.Connection[tuple[object, ...]], current: Published) -> _Last:
    ids = [feed.id for system in systems.listed(current) for feed in system.feeds]
    rows = connection.execute(freshness.LAST_BATCHES, {"feeds": ids})
    return {str(feed): (landed, state) for feed, landed, state in rows}  # type: ignore[misc]


def _count(connection: psycopg.Connection[tuple[object, ...]], dataset: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("records", dataset))).fetchone()
    return int(str(row[0])) if row else 0
