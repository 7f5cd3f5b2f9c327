"""Who asks, what they may ask, and how fresh the sources are, as the registry said it at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog_registry import freshness, service_items
from catalog_registry.service_items import Demand
from certificates.offered import Dataset


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the client's department (empty when there is no such client) and whether the client is in force; the
    service item's name (empty when there is none) and what its guide asks for; `fields` by granted type; freshness by
    dataset; what else each of the question's persons is known as."""

    department: str
    in_force: bool
    service_item: str
    demands: tuple[Demand, ...]
    fields: Mapping[str, frozenset[str]]
    freshness: Mapping[str, freshness.Freshness]
    known: tuple[tuple[tuple[str, str, str | None], ...], ...]


def read(rows: Mapping[str, Any], datasets: Iterable[Dataset], persons: int, at: datetime) -> Asker:
    """What `asking`'s rows say; `datasets` are those whose feeds were looked up."""
    department, in_force, service_item, grants = rows.get("@asker") or ("", False, None, None)
    name, guide = service_item or ("", None)
    fields: dict[str, frozenset[str]] = {}
    for certificate_type, given in grants or ():
        fields[certificate_type] = fields.get(certificate_type, frozenset()) | frozenset(given)
    last = {feed: (landed and datetime.fromisoformat(landed), state) for feed, landed, state in rows["@fresh"] or ()}
    return Asker(
        department, in_force, name, service_items.demands(guide), fields,
        {dataset.id: freshness.judge([last[feed] for feed in dataset.feeds], dataset.period, at) for dataset in datasets},
        tuple(tuple((kind, value, name) for kind, value, name in rows[f"@known_{slot}"] or ()) for slot in range(persons)),
    )  # fmt: skip
