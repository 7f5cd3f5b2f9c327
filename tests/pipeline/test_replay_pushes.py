"""What was decided on a pushed row counts as the push it corrects: an older push that comes late does not undo it."""

from __future__ import annotations

from uuid import UUID

from core.actor import Actor
from pipeline import deciding, journey, worklist
from pipeline.worklist import Filter
from schemas.published import current
from tests.pipeline.small import FEED
from tests.pipeline.test_flagged import Staging, at, staging

__all__ = ["staging"]


def test_a_late_push_does_not_undo_a_fix_and_a_newer_one_does(staging: Staging) -> None:
    hub = staging.hub
    staging.publish(late="30d")
    staging.push(("A1", "I", 5, at(1)))
    journey.run(hub, FEED)
    staging.push(("A1", "U", 999, at(5)))
    journey.run(hub, FEED)
    assert staging.held() == {"A1": 5.0}
    with hub.begin() as connection:
        (found,) = worklist.page(connection, current(hub.home), Filter()).rows
        case = (UUID(found["batch"]), found["row_no"])
        deciding.fix(hub, connection, case, {"weight_kg": "7"}, reason="核对原件", actor=Actor("steward"))
    journey.replay(hub, FEED)
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
