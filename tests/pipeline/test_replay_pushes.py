"""What was decided on a pushed row counts as the push it corrects: an older push that comes late does not undo it."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.actor import Actor
from core.decisions import Decision
from pipeline import deciding, journey, undoing, worklist
from pipeline.worklist import Filter
from schemas.published import current
from tests.pipeline.small import FEED
from tests.pipeline.test_flagged import Staging, at, staging

__all__ = ["staging"]


def fix(staging: Staging, weight: str) -> Decision:
    """Correct the one row that waits, and bring it about."""
    hub = staging.hub
    with hub.begin() as connection:
        (found,) = worklist.page(connection, current(hub.home), Filter()).rows
        case = (UUID(found["batch"]), found["row_no"])
        edits = {"weight_kg": weight}
        made = deciding.fix(hub, connection, case, edits, reason="核对原件", actor=Actor("steward"))
    journey.replay(hub, FEED)
    return made


def test_a_late_push_does_not_undo_a_fix_and_a_newer_one_does(staging: Staging) -> None:
    hub = staging.hub
    staging.publish(late="30d")
    staging.push(("A1", "I", 5, at(1)))
    journey.run(hub, FEED)
    staging.push(("A1", "U", 999, at(5)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 5.0}
    fix(staging, "7")
    assert staging.held() == {"A1": 7.0}
    staging.push(("A1", "U", 6, at(3)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 7.0}
    staging.push(("A1", "U", 8, at(6)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 8.0}
    with hub.read() as connection:
        statuses = [row["status"] for row in worklist.page(connection, current(hub.home), Filter(status=None)).rows]
    assert statuses == ["closed_by_source"]


def test_an_undone_fix_stands_in_no_late_pushes_way(staging: Staging) -> None:
    hub = staging.hub
    staging.publish(late="30d")
    staging.push(("A1", "I", 5, at(1)), ("A1", "U", 999, at(5)))
    journey.run(hub, FEED)
    made = fix(staging, "7")
    with hub.begin() as connection:
        undoing.undo(hub, connection, made.id, reason="看错", actor=Actor("steward"))
    journey.replay(hub, FEED)
    assert staging.held() == {"A1": 5.0}
    staging.push(("A1", "U", 6, at(3)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 6.0} and staging.waiting() == [("A1", "range")]


@pytest.mark.parametrize("time", [at(6), None])
def test_a_fix_that_a_row_which_waits_has_ended_stands_at_its_time(staging: Staging, time: str | None) -> None:
    hub = staging.hub
    staging.publish(late="30d")
    staging.push(("A1", "I", 5, at(1)), ("A1", "U", 999, at(5)))
    journey.run(hub, FEED)
    fix(staging, "7")
    staging.empty()
    staging.push(("A1", "U", 998, time))
    journey.run(hub, FEED)
    staging.push(("A1", "U", 6, at(3)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 7.0} and len(staging.waiting()) == (1 if time else 2)
