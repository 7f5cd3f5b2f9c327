"""What `status` and `demo` tell of the installation: versions, and each feed's data."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import psycopg

from core.errors import NotReady
from core.hub import database_url
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
