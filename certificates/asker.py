"""Who asks, what they may ask, and how fresh the sources are, as the registry said it at one moment."""

from __future__ import annotations

import time
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


class Recent:
    """How feeds stood when they were last looked at, for one second: a batch merges once an hour at most, and questions come
    by the thousand. Within that second an answer may say an older moment than it could; never a newer one."""

    SECONDS = 1.0

    def __init__(self) -> None:
        self._last: dict[str, tuple[datetime | None, str | None]] = {}
        self._until = 0.0

    def of(self, feeds: Iterable[str]) -> Mapping[str, tuple[datetime | None, str | None]] | None:
        """(landing time, last state) by feed; None when these must be looked at."""
        known = self._last if time.monotonic() < self._until else {}
        return known if known.keys() >= set(feeds) else None

    def told(
        self, rows: Iterable[tuple[str, str | None, str | None]]
    ) -> Mapping[str, tuple[datetime | None, str | None]]:
        """What `@fresh` said; kept."""
        now = time.monotonic()
        last = {feed: (datetime.fromisoformat(landed) if landed else None, state) for feed, landed, state in rows}
        if now >= self._until:
            self._last, self._until = last, now + self.SECONDS
        else:  # others were asked about within the second; they all end with it
            self._last = self._last | last
        return last


def read(
    rows: Mapping[str, Any], datasets: Iterable[Dataset], last: Mapping[str, tuple[datetime | None, str | None]],
    persons: int, at: datetime,
) -> Asker:  # fmt: skip
    """What `asking`'s rows say; `last` is how the datasets' feeds stand."""
    department, in_force, service_item, grants = rows.get("@asker") or ("", False, None, None)
    name, guide = service_item or ("", None)
    fields: dict[str, frozenset[str]] = {}
    for certificate_type, given in grants or ():
        fields[certificate_type] = fields.get(certificate_type, frozenset()) | frozenset(given)
    return Asker(
        department, in_force, name, service_items.demands(guide), fields,
        {dataset.id: freshness.judge([last[feed] for feed in dataset.feeds], dataset.period, at) for dataset in datasets},
        tuple([tuple([(kind, value, name) for kind, value, name in rows[f"@known_{slot}"] or ()]) for slot in range(persons)]),
    )  # fmt: skip
