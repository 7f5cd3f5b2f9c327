"""What departments do not tell of by the next day is found all the same: by scans of keys, and by the windows of the shipped feeds."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from core import clock
from demo import next_day
from pipeline import comparison, journey
from tests.city.whole import brought_in
from tests.databases import Databases

FEEDS = ("real_estate_registry.real_estate_right", "credit_platform.credit_penalty", "fund_core.fund_movement")


def test_rows_gone_without_a_trace_are_closed_and_late_ones_read(databases: Databases, tmp_path: Path) -> None:
    with brought_in(databases, tmp_path, 900, 120, 11, only=FEEDS) as made:
        hub = made.hub
        happened = next_day.happens(made.systems, made.city, clock.today())
        assert (happened.gone, happened.late) == (
            {"real_estate_right": 5, "credit_penalty": 10}, {"real_estate_right": 3, "fund_movement": 5},
        )  # fmt: skip
        for feed in FEEDS:
            dataset = feed.partition(".")[2]
            batch = journey.run(hub, feed)
            assert batch is not None
            waiting = batch.evidence["quarantined"]
            assert (
                batch.evidence["inserted"] <= happened.late.get(dataset, 0) <= batch.evidence["inserted"] + waiting
            ), feed
            scanned = journey.scan(hub, feed, now=True)
            assert scanned is not None and scanned.evidence["missed"] == 0, "nothing came later than the window"
            closed = scanned.evidence["closed"] + scanned.evidence["closed_waiting"]
            assert closed == happened.gone.get(dataset, 0), feed
            assert comparison.compare(hub, feed).differences == 0, feed
        with hub.read() as connection:
            ended = connection.execute(
                text("SELECT count(*) FROM records.credit_penalty_history WHERE _ended = 'removed'")
            ).scalar_one()
        assert 0 < ended <= 10, "closed, not removed"
