"""A source that goes wrong hurts nothing: the library stays as it was, the watermark does not move, the next run converges."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from sqlalchemy import text

from core.errors import BatchBlocked, Retry
from core.hub import Hub
from core.settings import Settings
from pipeline import batch as batches
from pipeline import journey
from tests import forked
from tests.faults.sources import FAULTS, Row, Source, rows

FEED = "pets.pet_licence"
FIRST, SECOND = rows(300), rows(300, first=250, at=2)
#: sources' limits are a second or two; a busy machine takes longer over all, so a run that nothing disturbs is measured beside it
LONGEST_S, ORDINARY_RUNS = 8.0, 10


def held(hub: Hub) -> Counter[tuple[str, str]]:
    """The library: keys and weights, doubled ones twice."""
    with hub.read() as connection:
        found = connection.execute(text("SELECT tag, trim_scale(weight_kg)::text FROM records.pet_licence"))
        return Counter((tag, weight) for tag, weight in found)


def said(*parts: list[Row]) -> Counter[tuple[str, str]]:
    """What the library holds of these rows, the later ones counting."""
    return Counter({row[1]: row[3] for part in parts for row in part}.items())


def mark(hub: Hub) -> str | None:
    """The lower bound of the next run."""
    with hub.read() as connection:
        last = batches.last_merged(connection, FEED)
    return last.watermark if last else None


def left(hub: Hub) -> list[str]:
    """Staging tables, which hold people's data, of batches that ended."""
    with hub.read() as connection:
        return list(connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")).scalars())


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_run_converges_and_no_watermark_moved(fault: str, source: Source, hub: Hub) -> None:
    source.put(FIRST)
    began = time.monotonic()
    journey.run(hub, FEED)
    ordinary = time.monotonic() - began
    before = mark(hub)
    assert held(hub) == said(FIRST)
    source.put(SECOND)
    began = time.monotonic()
    with source.broken(fault):
        try:
            journey.run(hub, FEED)
        except (Retry, BatchBlocked) as error:
            assert error.remedy
        ended = time.monotonic()
        assert held(hub) == said(FIRST) or (fault == "slow" and held(hub) == said(FIRST, SECOND))
        assert mark(hub) == before or fault == "slow"
        assert left(hub) == []
    assert ended - began < LONGEST_S + ORDINARY_RUNS * ordinary
    for _ in range(2):
        journey.run(hub, FEED)
        assert held(hub) == said(FIRST, SECOND)
    after = mark(hub)
    assert after is not None and before is not None and after > before


def test_the_same_delivery_twice_changes_nothing(source: Source, hub: Hub) -> None:
    source.put(FIRST)
    journey.run(hub, FEED)
    source.put(FIRST)
    source.put(SECOND)
    source.put(SECOND)
    for _ in range(2):
        journey.run(hub, FEED)
        assert held(hub) == said(FIRST, SECOND)
    with hub.read() as connection:
        ended = connection.execute(text("SELECT count(*) FROM records.pet_licence_history")).scalar_one()
        waiting = connection.execute(text("SELECT count(*) FROM hub.quarantine WHERE status = 'open'")).scalar_one()
    assert (ended, waiting) == (0, 0)


def test_eight_at_once_end_as_one(source: Source, hub: Hub) -> None:
    """Eight schedulers that know nothing of each other."""
    source.put(FIRST)
    journey.run(hub, FEED)
    source.put(SECOND)
    barrier = forked.context().Barrier(8)
    at_once = [forked.context().Process(target=_run, args=(str(hub.home), hub.url, barrier)) for _ in range(8)]
    for process in at_once:
        process.start()
    for process in at_once:
        process.join(120)
    codes = Counter(process.exitcode for process in at_once)
    assert codes[0] >= 1 and set(codes) <= {0, 3}, codes
    assert held(hub) == said(FIRST, SECOND)
    with hub.read() as connection:
        ended = connection.execute(text("SELECT count(*) FROM records.pet_licence_history")).scalar_one()
        unfinished = batches.unfinished(connection, FEED)
    assert (ended, unfinished, left(hub)) == (0, [], [])
    at = mark(hub)
    journey.run(hub, FEED)
    assert (mark(hub), held(hub)) == (at, said(FIRST, SECOND))


def _run(home: str, url: str, barrier: object) -> None:
    """In a process of its own: 0 when it ran, 3 when it is to try later."""
    import os
    from pathlib import Path

    made = Hub.open(Settings(home=Path(home), database_url=url))
    barrier.wait(60)  # type: ignore[attr-defined]
    try:
        journey.run(made, FEED)
    except Retry:
        os._exit(3)
    os._exit(0)
