"""A process killed between any two steps, or inside the merge, leaves nothing that running again does not put right."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from sqlalchemy import text

from core.hub import Hub
from pipeline import journey
from tests.pipeline.crash_child import killed
from tests.pipeline.small import FEED, Row, Small, row

POINTS = [
    "pipeline.batch:create:after",
    "core.landing:BatchWriter.write:after",
    "core.landing:BatchWriter.commit:before",
    "core.landing:BatchWriter.commit:after",
    "pipeline.land:landed:after",
    "pipeline.stage:create:after",
    "pipeline.stage:stage:after",
    "pipeline.merge:_merge_rows:before",
    "pipeline.merge:_merge_rows:after",
    "pipeline.merge:_close:after",
    "libraries.mentions:merge:after",
    "pipeline.quarantine:insert:after",
    "pipeline.reconcile:check:after",
    "pipeline.merge:merge:after",
    "pipeline.stage:drop:before",
    "pipeline.deliver:deliver:after",
]
FIRST: list[Row] = [row("A1"), row("A2"), row("A3", weight=999), row("A4"), row("A5", number=None)]
SECOND: list[Row] = [row("A1", weight=3), row("A3"), row("A4"), row("A4"), row("B1", number="110105194912310021")]


def library(hub: Hub) -> dict[str, list[Any]]:
    """The library's content without what says when and by which batch."""
    items = "year, tag, owner_name, owner_no, clinic_name, clinic_no, weight_kg, vaccinated_on, _key, _row_hash"
    queries = {
        "current": f"SELECT {items} FROM records.pet_licence ORDER BY tag",
        "history": f"SELECT {items}, _ended FROM records.pet_licence_history ORDER BY tag, _row_hash",
        "mentions": "SELECT dataset, key, role, part, id_kind, id_value, name FROM libraries.mention ORDER BY key, role, part",
        "waiting": "SELECT row, status FROM hub.quarantine WHERE status = 'open' ORDER BY row::text",
        "subjects": "SELECT s.role, s.number, s.name FROM hub.quarantine_subject s JOIN hub.quarantine q USING (batch_id, row_no) "
        "WHERE q.status = 'open' ORDER BY 1, 2",
    }
    with hub.read() as connection:
        return {name: [tuple(line) for line in connection.execute(text(query))] for name, query in queries.items()}


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again_gives_the_same_library(point: str, small: Small) -> None:
    small.write(FIRST)
    small.publish()
    journey.run(small.hub, FEED)
    small.write(SECOND)
    assert killed(point, FEED, small.hub) == -signal.SIGKILL
    for _ in range(2):
        journey.run(small.hub, FEED)
    found = library(small.hub)
    assert [line[1] for line in found["current"]] == ["A1", "A3", "A4"]
    assert len(found["waiting"]) == 1
    with small.hub.read() as connection:
        left = connection.execute(
            text("SELECT count(*) FROM hub.batch WHERE state IN ('extracting', 'landed', 'merged')")
        ).scalar_one()
        staging = connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'")).scalar_one()
        changes = connection.execute(
            text("SELECT tag, _ended, count(*) FROM records.pet_licence_history GROUP BY 1, 2 ORDER BY 1")
        ).all()
    assert (left, staging) == (0, 0)
    assert [tuple(change) for change in changes] == [("A1", "changed", 1), ("A2", "removed", 1), ("A5", "removed", 1)]
    assert found["mentions"] == expected_mentions(found)


def expected_mentions(found: dict[str, list[Any]]) -> list[Any]:
    """What the current rows name: recomputed here from the rows themselves."""
    lines = []
    for _, _, owner, number, clinic, code, _, _, key, _ in found["current"]:
        kind = "identity_card" if number else None
        lines.append(("pet_licence", key, "clinic", 0, "uscc", code, clinic))
        lines.append(("pet_licence", key, "owner", 0, kind, number, owner))
    return sorted(lines, key=lambda line: (bytes(line[1]), line[2]))
