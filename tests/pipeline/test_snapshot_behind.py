"""A publication whose process died between its commit and the snapshot: whoever runs next reads by what is in force."""

from __future__ import annotations

from core.actor import SYSTEM
from pipeline import definition
from schemas import published
from schemas.published import Document
from tests.pipeline.small import CONTRACT, FEED, Small


def test_a_snapshot_left_behind_is_brought_up_by_whoever_runs_next(small: Small) -> None:
    hub = small.hub
    small.publish()
    before = definition.current(hub, FEED)
    changed = CONTRACT.replace("version: 1.0.0", "version: 1.0.1")
    with hub.begin() as connection:
        published.publish(connection, [Document("contract", "pet_licence", "1.0.1", changed, "test")], SYSTEM)
    assert published.current(hub.home).number == before.publication  # its process died here
    after = definition.current(hub, FEED)
    assert (after.contract.version, after.publication) == ("1.0.1", before.publication + 1)
    assert published.current(hub.home).number == after.publication
