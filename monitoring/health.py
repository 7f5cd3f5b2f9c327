"""How each feed and each dataset in force stands: age against the promise, rows landed, held and waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from catalog_registry import departments, freshness, quality, systems
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
    how good it is: in percent, and each of GB/T 36344's dimensions (None until something was measured)."""

    dataset: str
    title: str
    department: str
    landed: int
    current: int
    quarantined: int
    quality: float | None
    dimensions: Mapping[str, float | None]
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
    with hub.read() as reading:
        measured = {dataset: quality.read(reading, current, dataset) for dataset in systems.feeds_of(current)}
    with psycopg.connect(hub.dsn) as connection:
        last = _last(connection, current)
        landed: dict[str, int] = dict(connection.execute(_LANDED).fetchall())
        waiting: dict[str, int] = dict(connection.execute(_WAITING).fetchall())
        for dataset, its_feeds in systems.feeds_of(current).items():
            contract = current.contracts.get(dataset)
            if contract is None:
                continue
            good = measured[dataset]
            found.append(
                DatasetHealth(
                    dataset=dataset,
                    title=contract.title,
                    department=departments.name(current, contract.department),
                    landed=landed.get(dataset, 0),
                    current=_count(connection, dataset),
                    quarantined=waiting.get(dataset, 0),
                    quality=good.score if good else None,
                    dimensions={name: one.score for name, one in good.measures.items()} if good else {},
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
