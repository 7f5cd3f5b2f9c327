"""Departmental systems: those connected, from the published documents with their feeds (a broken one is absent), and
those their departments have only listed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, text

from catalog_registry import departments
from connectors.system import Feed, System, systems
from core.errors import Forbidden
from core.text import T
from schemas.published import Published


def listed(published: Published) -> list[System]:
    """All connected systems, by id."""
    good, _ = systems(published.texts("system"))
    return [good[id] for id in sorted(good)]


def feeds_of(published: Published) -> dict[str, list[Feed]]:
    """Dataset → its feeds; several systems (districts) may feed one dataset."""
    found: dict[str, list[Feed]] = {}
    for system in listed(published):
        for feed in system.feeds:
            found.setdefault(feed.dataset, []).append(feed)
    return found


def feed_ids(published: Published) -> dict[str, list[str]]:
    """Dataset → the ids of its feeds."""
    return {dataset: [feed.id for feed in feeds] for dataset, feeds in feeds_of(published).items()}


def readable(published: Published, dataset: str, department: str) -> frozenset[str] | None:
    """The source systems whose rows of a dataset its department, or that of a system that feeds it (a district), may read;
    None for all of them. Raises Forbidden for any other department."""
    contract = published.contracts.get(dataset)
    if contract is None or contract.department == department:
        return None
    own = frozenset(system.id for system in listed(published) if system.department == department)
    allowed = own & {feed.system for feed in feeds_of(published).get(dataset, ())}
    if not allowed:
        raise Forbidden(
            T("该资源不属于本部门。", "This dataset is another department's."),
            remedy=T("向提供部门申请,或查询相应的证明。", "Ask its department, or ask for a certificate instead."),
        )
    return allowed


def known(connection: Connection, published: Published) -> list[dict[str, Any]]:
    """Every system there is, by id; one both listed and connected is one system."""
    told: dict[str, dict[str, Any]] = {}
    for row in connection.execute(text("SELECT id, title, department FROM hub.listed_system")):
        told[row.id] = {
            **_named(published, row.id, row.title, row.department), "connected": False, "connector": None, "feeds": [],
        }  # fmt: skip
    for system in listed(published):
        told[system.id] = {
            **_named(published, system.id, system.title, system.department), "connected": True, "connector": system.connector,
            "feeds": [
                {"id": feed.id, "dataset": feed.dataset, "mode": feed.mode, "schedule": feed.schedule}
                for feed in system.feeds
            ],
        }  # fmt: skip
    return [told[id] for id in sorted(told)]


def counts(connection: Connection, published: Published) -> dict[str, int]:
    """Department → how many systems it has."""
    return dict(Counter(system["department"] for system in known(connection, published)))


def _named(published: Published, id: str, title: str, department: str) -> dict[str, str]:
    of = departments.named(published, department)
    return {
        "id": id, "title": title, "department": department, "department_name": of["name"], "department_name_en": of["name_en"],
    }  # fmt: skip
