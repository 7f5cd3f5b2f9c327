"""Departmental systems and their feeds, from the published documents; a broken one is absent."""

from __future__ import annotations

from connectors.system import Feed, System, systems
from schemas.published import Published


def listed(published: Published) -> list[System]:
    """All systems, by id."""
    good, _ = systems(published.texts("system"))
    return [good[id] for id in sorted(good)]


def feeds_of(published: Published) -> dict[str, list[Feed]]:
    """Dataset → its feeds; several systems (districts) may feed one dataset."""
    found: dict[str, list[Feed]] = {}
    for system in listed(published):
        for feed in system.feeds:
            found.setdefault(feed.dataset, []).append(feed)
    return found
