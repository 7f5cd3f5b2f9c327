"""The feeds in force, read from the snapshot folder only: no database, no compiled contracts, while Airflow parses.

Documents were checked when they were published. One that cannot be read any more loses its own DAGs, with a line in the
log of the DAG processor, and nobody else's.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feed:
    """What a DAG needs to know of a feed."""

    system: str
    department: str
    dataset: str
    schedule: str | None
    pool: str
    scans_keys: bool

    @property
    def id(self) -> str:
        """`<system>.<dataset>`, also the id of its DAG."""
        return f"{self.system}.{self.dataset}"


def feeds(home: Path, only: str | None = None) -> Iterator[Feed]:
    """Every feed in force under an installation's home, or the one asked for (which reads one document, not all)."""
    folder = home / "published" / "current"
    pattern = f"{only.partition('.')[0]}.yaml" if only else "*.yaml"
    pools = _pools(home)
    for path in sorted((folder / "system").glob(pattern)):
        try:
            # C loader: 2,000 feeds are read in a second
            tree = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
            found = [_feed(tree, entry, pools) for entry in tree["feeds"]]
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            log.error("system document %s cannot be read: %s", path.name, error)
            continue
        for feed in found:
            if only is not None and feed.id != only:
                continue
            if not (folder / "contract" / f"{feed.dataset}.yaml").exists():
                log.error("feed %s has no contract in force", feed.id)
                continue
            yield feed


def installation() -> Path:
    """The home of the installation this Airflow belongs to (set by `hutong up`)."""
    project = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("HUTONG_HOME") or project / ".hutong").absolute()


def _feed(tree: dict[str, Any], entry: dict[str, Any], pools: frozenset[str]) -> Feed:
    system = str(tree["system"])
    return Feed(
        system=system,
        department=str(tree["department"]),
        dataset=str(entry["contract"]),
        schedule=entry.get("schedule"),
        pool=system if system in pools else "default_pool",
        scans_keys=bool(entry.get("key_scan")),
    )


def _pools(home: Path) -> frozenset[str]:
    """The pools that exist in Airflow; a task in a missing pool would never run."""
    try:
        return frozenset(json.loads((home / "airflow" / "pools.json").read_text()))
    except (OSError, ValueError):
        return frozenset()
