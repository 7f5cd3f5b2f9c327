"""What `status` and `demo` tell of the installation, as rows to print."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from core.errors import DatabaseUnavailable, NotReady
from core.hub import Hub
from core.settings import Settings


def versions() -> dict[str, str]:
    """The program's and Airflow's."""
    return {"hutong": version("hutong"), "airflow": version("apache-airflow-core")}


def feeds(settings: Settings) -> list[dict[str, Any]]:
    """Each feed in force with its age and its last batch; none while the hub does not run."""
    from catalog_registry.freshness import STATES
    from monitoring import health
    from pipeline.batch import STATE_NAMES

    try:
        hub = Hub.open(settings)
    except (NotReady, DatabaseUnavailable):
        return []
    found = health.feeds(hub)
    hub.close()
    labels = {name: str(text) for name, text in STATE_NAMES.items()}
    return [
        asdict(one) | {"state_label": str(STATES[one.state]), "last_batch_label": labels.get(one.last_batch or "", "")}
        for one in found
    ]


def datasets(hub: Hub) -> list[dict[str, Any]]:
    """Each dataset that a feed brings: landed, held, waiting, quality, age."""
    from catalog_registry.freshness import STATES
    from monitoring import health

    return [asdict(one) | {"state_label": str(STATES[one.state])} for one in health.datasets(hub)]
