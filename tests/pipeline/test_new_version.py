"""A contract whose key and types change is rebuilt into new tables: history too, at the times it was known, and nobody reads
anything but the old version until the new one is whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from catalog_registry import publication
from core.actor import SYSTEM
from core.errors import DocumentRefused, Stop
from core.hub import Hub
from libraries import golden
from pipeline import journey
from pipeline.rebuild import dataset, whole
from schemas.published import Document
from tests.pipeline.small import CONTRACT, FEED, Small, row

BEFORE = CONTRACT.replace("{name: weight_kg,", "{name: weight_kg, description: 体重,")
#: the year leaves the key, weights are text
AFTER = (
    BEFORE.replace("version: 1.0.0", "version: 2.0.0")
    .replace("logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true", "logicalType: integer")
    .replace("primaryKeyPosition: 2", "primaryKeyPosition: 1")
    .replace("logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 200}", "logicalType: string")
)


def test_a_breaking_version_is_refused_and_rebuilt_on_request(small: Small) -> None:
    lived(small)
    with pytest.raises(Stop) as caught:
        publication.register(small.hub, [new()], SYSTEM)
    assert caught.value.code == "breaking_change" and "--rebuild" in str(caught.value.remedy)
    times = known(small.hub)
    number, rebuilt = publication.register_rebuilt(small.hub, [new()], SYSTEM)
    assert number is not None and rebuilt == {"pet_licence": 3}
    held = rows(small.hub, "SELECT tag, weight_kg FROM records.pet_licence ORDER BY tag")
    assert held == [("A1", "20"), ("A3", "999"), ("A4", "12.5")], "999 is no weight any more that a rule forbids"
    ended = rows(small.hub, "SELECT tag, weight_kg, _ended FROM records.pet_licence_history ORDER BY tag")
    assert ended == [("A1", "12.5", "changed"), ("A2", "12.5", "removed")]
    assert known(small.hub) == times, "what was known when is as it was"
    assert rows(small.hub, "SELECT count(*) FROM hub.quarantine") == [(0,)]
    assert rows(small.hub, "SELECT count(DISTINCT key) FROM libraries.mention") == [(3,)]
    assert publication.register_rebuilt(small.hub, [new()], SYSTEM) == (None, {}), "again: nothing to do"
    small.write([row("A1", weight=20), row("A3", weight=999), row("A5")])
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    assert (batch.evidence["unchanged"], batch.evidence["inserted"], batch.evidence["closed"]) == (2, 1, 1)
    golden.refresh(small.hub)
    report = whole.rebuild(small.hub)
    assert report.same, [(found.table, found.listed) for found in report.tables if not found.same] + [report.failed]


def test_until_it_commits_everybody_reads_the_old_version(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(small)
    before = everything(small.hub)
    seen = []

    def dying(*_: Any) -> None:
        seen.append(everything(small.hub))
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(dataset, "events", SimpleNamespace(record=dying))  # behind everything but the swap itself
        publication.register_rebuilt(small.hub, [new()], SYSTEM)
    assert seen == [before] and everything(small.hub) == before
    assert rows(small.hub, "SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuilt'") == [(0,)]
    assert publication.register_rebuilt(small.hub, [new()], SYSTEM)[1] == {"pet_licence": 3}


def test_a_version_by_which_the_landing_does_not_come_in_changes_nothing(small: Small) -> None:
    lived(small, count=40)
    before = everything(small.hub)
    numbers = AFTER.replace("logicalType: string, primaryKey: true", "logicalType: integer, primaryKey: true")
    with pytest.raises(Stop) as caught:
        publication.register_rebuilt(small.hub, [new(numbers)], SYSTEM)
    assert caught.value.code == "rebuild_failed" and everything(small.hub) == before


def test_what_a_system_in_force_does_not_fit_is_refused_before_anything_is_made(small: Small) -> None:
    lived(small)
    with pytest.raises(DocumentRefused):
        publication.register_rebuilt(small.hub, [new(AFTER.replace("weight_kg", "weight"))], SYSTEM)


def lived(small: Small, count: int = 0) -> None:
    """Three batches: one that changed a row and closed another, one that left a row waiting."""
    more = [row(f"B{n}") for n in range(count)]
    small.write([row("A1"), row("A2"), *more])
    small.publish(contract=BEFORE)
    journey.run(small.hub, FEED)
    small.write([row("A1", weight=20), *more])
    journey.run(small.hub, FEED)
    small.write([row("A1", weight=20), row("A3", weight=999), row("A4"), *more])
    journey.run(small.hub, FEED)


def new(contract: str = AFTER) -> Document:
    return Document("contract", "pet_licence", "2.0.0", contract, "test")


def known(hub: Hub) -> list[Any]:
    """When each version of a record was known."""
    current = "SELECT tag, _known_from, NULL FROM records.pet_licence WHERE tag <> 'A3'"
    return rows(
        hub, f"{current} UNION ALL SELECT tag, _known_from, _known_to FROM records.pet_licence_history ORDER BY 1, 2"
    )


def everything(hub: Hub) -> list[Any]:
    """What readers read of the dataset, and the documents in force."""
    queries = (
        "SELECT * FROM records.pet_licence ORDER BY tag",
        "SELECT * FROM records.pet_licence_history ORDER BY tag",
        "SELECT dataset, key, role, id_value FROM libraries.mention ORDER BY 2, 3",
        "SELECT batch_id, row_no, status FROM hub.quarantine ORDER BY 1, 2",
        "SELECT id, contract_sha, evidence FROM hub.batch ORDER BY seq",
        "SELECT kind, id, sha256 FROM hub.document ORDER BY 1, 2, 3",
    )
    return [rows(hub, query) for query in queries]


def rows(hub: Hub, query: str) -> list[Any]:
    with hub.read() as connection:
        return [tuple(line) for line in connection.execute(text(query))]
