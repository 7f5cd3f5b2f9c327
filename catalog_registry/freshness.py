"""How old a dataset's data is, against the cycle its contract promises.

Known time is the landing time of the last *merged* batch of each feed: a blocked or failed batch leaves yesterday's
data standing, and the data says its age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, text

from core import clock
from core.text import T

State = Literal["fresh", "late", "stopped", "never"]
STATES: Mapping[str, T] = {
    "fresh": T("达标", "fresh"),
    "late": T("延迟", "late"),
    "stopped": T("停更", "stopped"),
    "never": T("尚未归集", "not collected yet"),
}
# A daily run never lands at the same second: half a cycle of grace before it counts as late, three cycles as stopped.
GRACE, STOPPED = 1.5, 3.0

#: feed, landing time of its last merged batch, state of its last batch; parameter `feeds`. One index probe per feed, a second
#: one where the last batch is not in the library.
LAST_BATCHES = """\
SELECT wanted.feed, CASE WHEN latest.state IN ('merged', 'delivered') THEN latest.landed_at ELSE (
    SELECT b.landed_at FROM hub.batch b WHERE b.feed = wanted.feed AND b.origin = 'feed'
    AND b.state IN ('merged', 'delivered') ORDER BY b.seq DESC LIMIT 1) END AS landed_at, latest.state
FROM unnest(%(feeds)s::text[]) AS wanted (feed)
LEFT JOIN LATERAL (SELECT b.state, b.landed_at FROM hub.batch b WHERE b.feed = wanted.feed AND b.origin = 'feed'
  AND b.state <> 'extracting' ORDER BY b.seq DESC LIMIT 1) latest ON true"""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A dataset's data as of a moment: `as_of` is None when some feed has never merged. `failing` says that the last
    batch of a feed was stopped or failed."""

    as_of: datetime | None
    state: State
    failing: bool


def judge(last: Iterable[tuple[datetime | None, str | None]], period: timedelta, now: datetime) -> Freshness:
    """The freshness of a dataset from (landing time, last state) of all its feeds; the oldest feed decides."""
    rows = list(last)
    failing = any(state in ("blocked", "failed") for _, state in rows)
    times = [landed for landed, _ in rows if landed is not None]
    if not rows or len(times) < len(rows):
        return Freshness(None, "never", failing)
    oldest = min(times)
    age = now - oldest
    state: State = "fresh" if age <= GRACE * period else "late" if age <= STOPPED * period else "stopped"
    return Freshness(oldest, state, failing)


def last(connection: Connection, feeds: list[str]) -> dict[str, tuple[datetime | None, str | None]]:
    """Feed → (landing time of its last merged batch, state of its last batch)."""
    driver = connection.connection.cursor()
    driver.execute(LAST_BATCHES, {"feeds": feeds})
    return {feed: (landed, state) for feed, landed, state in driver.fetchall()}


def of_live(connection: Connection, feeds: Mapping[str, Sequence[str]]) -> dict[str, Freshness]:
    """The freshness of every live resource, from its feeds by dataset."""
    batches = last(connection, [feed for each in feeds.values() for feed in each])
    periods = connection.execute(text("SELECT dataset, period FROM hub.resource WHERE origin = 'contract'"))
    now = clock.now()
    return {
        row.dataset: judge([batches[feed] for feed in feeds.get(row.dataset, ())], row.period or timedelta(days=1), now)
        for row in periods
    }


def as_json(freshness: Freshness) -> dict[str, Any]:
    """The form the API gives."""
    return {
        "state": freshness.state,
        "label": STATES[freshness.state].zh,
        "label_en": STATES[freshness.state].en,
        "as_of": freshness.as_of.isoformat() if freshness.as_of else None,
        "failing": freshness.failing,
    }
