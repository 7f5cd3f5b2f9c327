"""What `status` and `demo` tell of the installation: versions, and each feed's data."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import psycopg

from core.errors import NotReady
from core.hub import Hub, database_url
from core.settings import Settings


def versions() -> dict[str, str]:
    """The program's and Airflow's."""
    return {"hutong": version("hutong"), "airflow": version("apache-airflow-core")}


def freshness(settings: Settings) -> list[dict[str, Any]]:
    """Each feed in force: how old its dataset's data is against the promised cycle, and its last batch. Empty while the
    database does not answer."""
    from catalog_registry import systems
    from catalog_registry.freshness import LAST_BATCHES, STATES, judge
    from core.clock import now
    from pipeline.batch import STATE_NAMES
    from schemas import published

    current = published.current(settings.home)
    feeds = [feed for system in systems.listed(current) for feed in system.feeds]
    try:
        url = database_url(settings).replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url, connect_timeout=3) as connection:
            last = {row[0]: row[1:] for row in connection.execute(LAST_BATCHES, {"feeds": [feed.id for feed in feeds]})}
    except (NotReady, psycopg.Error):
        return []
    rows = []
    for feed in feeds:
        contract = current.contracts.get(feed.dataset)
        if contract is None:
            continue
        landed, state = last[feed.id]
        judged = judge([(landed, state)], contract.cycle.period, now())
        rows.append(
            {
                "feed": feed.id,
                "dataset": feed.dataset,
                "title": contract.title,
                "state": judged.state,
                "state_label": str(STATES[judged.state]),
                "as_of": judged.as_of,
                "last_state": state,
                "last_state_label": str(STATE_NAMES.get(state or "", "")),
            }
        )
    return rows


def library(hub: Hub) -> list[dict[str, Any]]:
    """Each dataset in force: rows landed of what the library stands on, rows in it, rows waiting in the quarantine, the
    share that passed, and how fresh it is."""
    from psycopg import sql

    from catalog_registry import departments
    from schemas import published

    current = published.current(hub.home)
    fresh = {row["dataset"]: row for row in freshness(hub.settings)}
    rows = []
    with psycopg.connect(hub.dsn) as connection:
        landed: dict[str, int] = dict(connection.execute(_LANDED).fetchall())
        waiting: dict[str, int] = dict(connection.execute(_WAITING).fetchall())
        for dataset in fresh:
            contract = current.contracts[dataset]
            count = connection.execute(
                sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("records", dataset))
            ).fetchone()
            held, open_rows = count[0] if count else 0, waiting.get(dataset, 0)
            rows.append(
                {
                    "dataset": dataset,
                    "title": contract.title,
                    "department": departments.name(current, contract.department),
                    "landed": landed.get(dataset),
                    "current": held,
                    "quarantined": open_rows,
                    "quality": round(100 * held / (held + open_rows), 1) if held + open_rows else None,
                    "state": fresh[dataset]["state"],
                    "state_label": fresh[dataset]["state_label"],
                }
            )
    return rows


# a full feed's last batch is all it has; an increment adds to those before
_LANDED = (
    "SELECT dataset, sum(landed_rows)::bigint FROM (SELECT dataset, landed_rows, mode, row_number() OVER (PARTITION BY feed "
    "ORDER BY seq DESC) AS age FROM hub.batch WHERE origin = 'feed' AND state IN ('merged', 'delivered')) merged "
    "WHERE mode <> 'full' OR age = 1 GROUP BY dataset"
)
_WAITING = "SELECT dataset, count(*) FROM hub.quarantine WHERE status = 'open' GROUP BY dataset"
