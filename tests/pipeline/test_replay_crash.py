"""A replay killed between any two steps, or inside its merge, is finished or done again: the row is in once, whole."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import text

from pipeline import journey
from tests.pipeline.crash_child import killed
from tests.pipeline.small import FEED, Small, row
from tests.pipeline.test_work_list import BAD, GOOD, fix, held, load, replay, statuses

POINTS = [
    "pipeline.replay:Replay._create:after",
    "core.landing:BatchWriter.commit:before",
    "core.landing:BatchWriter.commit:after",
    "pipeline.stage:stage:after",
    "pipeline.replayed:settle:after",
    "pipeline.merge:merge:after",
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again(point: str, small: Small) -> None:
    load(small, row("A1"), row("A2", number=BAD), publish=True)
    fix(small, {"owner_no": GOOD})
    assert killed(point, FEED, small.hub) == -signal.SIGKILL
    replay(small)
    assert held(small)["A2"][0] == GOOD and statuses(small) == ["fixed"]
    assert replay(small) is None
    journey.run(small.hub, FEED)
    assert held(small).keys() == {"A1", "A2"} and statuses(small) == ["fixed"]
    with small.hub.read() as connection:
        left = connection.execute(
            text("SELECT count(*) FROM hub.batch WHERE state IN ('extracting', 'landed', 'merged')")
        ).scalar_one()
        puts = connection.execute(text("SELECT count(*) FROM hub.replayed")).scalar_one()
        former = connection.execute(text("SELECT count(*) FROM records.pet_licence_history")).scalar_one()
    assert (left, puts, former) == (0, 1, 0)
