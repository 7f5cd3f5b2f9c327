"""The journey on a small source: what lands is accounted for, and the library holds what the source says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import BatchBlocked, SourceDown
from core.hub import Hub
from pipeline import batch as batches
from pipeline import journey
from tests.pipeline.small import COLUMNS, FEED, Small, row

OTHER = "440524188001010014"


def current(hub: Hub) -> list[Any]:
    with hub.read() as connection:
        return list(connection.execute(text("SELECT tag, weight_kg, owner_no FROM records.pet_licence ORDER BY tag")))


def count(hub: Hub, table: str, where: str = "true") -> int:
    with hub.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def run(small: Small) -> batches.Batch:
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    return batch


def test_first_load_accounts_for_every_row(small: Small) -> None:
    small.write([row("A1"), row("A2", number="110105194912310021"), row("A3", weight=-1), row("A4", number=None)])
    small.publish()
    batch = run(small)
    assert batch.state == "delivered"
    evidence = batch.evidence
    assert (evidence["landed"], evidence["inserted"], evidence["quarantined"], evidence["after"]) == (4, 2, 2, 2)
    assert [line.tag for line in current(small.hub)] == ["A1", "A4"]
    assert count(small.hub, "hub.finding", "rule = 'citizen_no.checksum' AND severity = 'error'") == 1
    assert count(small.hub, "hub.finding", "rule = 'range'") == 1
    assert count(small.hub, "hub.quarantine_subject", "number = '110105194912310021'") == 1
    assert count(small.hub, "libraries.mention", "role = 'owner'") == 2
    assert count(small.hub, "libraries.mention", "role = 'clinic' AND id_kind = 'uscc'") == 2


def test_reload_of_the_same_changes_nothing(small: Small) -> None:
    small.write([row(f"A{n}") for n in range(50)])
    small.publish()
    run(small)
    before = current(small.hub)
    again = run(small)
    assert (again.evidence["unchanged"], again.evidence["changed"], again.evidence["inserted"]) == (50, 0, 0)
    assert current(small.hub) == before
    assert count(small.hub, "records.pet_licence_history") == 0


def test_changed_and_deleted_rows_of_a_full_feed_go_to_history(small: Small) -> None:
    small.write([row("A1"), row("A2"), row("A3")])
    small.publish()
    run(small)
    small.write([row("A1"), row("A2", weight=20), row("A4")])
    evidence = run(small).evidence
    assert (evidence["unchanged"], evidence["changed"], evidence["inserted"], evidence["closed"]) == (1, 1, 1, 1)
    assert [line.tag for line in current(small.hub)] == ["A1", "A2", "A4"]
    assert count(small.hub, "records.pet_licence_history", "_ended = 'changed' AND weight_kg = 12.5") == 1
    assert count(small.hub, "records.pet_licence_history", "_ended = 'removed' AND tag = 'A3'") == 1
    assert count(small.hub, "libraries.mention", "role = 'owner'") == 3


def test_a_waiting_rows_key_is_present_and_its_old_version_stays(small: Small) -> None:
    small.write([row("A1"), row("A2")])
    small.publish()
    run(small)
    small.write([row("A1", weight=999), row("A2")])
    evidence = run(small).evidence
    assert (evidence["quarantined"], evidence["closed"], evidence["after"]) == (1, 0, 2)
    assert count(small.hub, "hub.quarantine", "status = 'open'") == 1
    small.write([row("A1", weight=15), row("A2")])
    run(small)
    assert count(small.hub, "hub.quarantine", "status = 'open'") == 0
    assert count(small.hub, "hub.quarantine", "status = 'closed_by_source'") == 1
    assert [float(line.weight_kg) for line in current(small.hub)] == [15.0, 12.5]


def test_identical_rows_count_once_and_conflicting_ones_wait(small: Small) -> None:
    small.write([row("A1"), row("A1"), row("B1"), row("B1", weight=3), row("C1")])
    small.publish()
    evidence = run(small).evidence
    assert (evidence["inserted"], evidence["repeated"], evidence["quarantined"]) == (2, 1, 2)
    assert [line.tag for line in current(small.hub)] == ["A1", "C1"]
    assert count(small.hub, "hub.finding", "rule = 'key.conflict'") == 2
    assert count(small.hub, "libraries.mention", "role = 'owner'") == 2
    again = run(small).evidence
    assert (again["unchanged"], again["repeated"], again["quarantined"]) == (2, 1, 2)


def test_an_incremental_feed_reads_on_from_its_watermark_and_keeps_the_latest_version(small: Small) -> None:
    small.write(
        [row("A1"), row("A2", changed="2026-03-02 08:00:00"), row("A1", weight=9, changed="2026-03-03 08:00:00")]
    )
    small.publish(mode="incremental")
    first = run(small)
    assert (first.evidence["inserted"], first.evidence["repeated"]) == (2, 1)
    assert [float(line.weight_kg) for line in current(small.hub)] == [9.0, 12.5]
    small.write([row("A2", weight=20, changed="2026-03-04 08:00:00"), row("A9", changed="2026-01-01 08:00:00")])
    second = run(small)
    assert second.since == first.watermark
    assert (second.evidence["landed"], second.evidence["changed"], second.evidence["closed"]) == (1, 1, 0)
    small.write([])
    third = run(small)
    assert (third.state, third.evidence["landed"], third.watermark) == ("delivered", 0, second.watermark)


def test_only_great_expectations_fills_the_quarantine(small: Small) -> None:
    from tests.pipeline.small import CONTRACT

    property_ = "  - {property: disabledExpectations, value: [pet_licence.weight_kg.conform]}\n"
    small.write([row("A1", weight=999), row("A2", number="110105194912310021")])
    small.publish(contract=CONTRACT.replace("slaProperties", property_ + "slaProperties"))
    evidence = run(small).evidence
    assert (evidence["inserted"], evidence["quarantined"]) == (1, 1)
    assert [line.tag for line in current(small.hub)] == ["A1"]


@pytest.mark.parametrize(
    ("rows", "columns", "code"),
    [
        ([row("A1")], COLUMNS, "too_few_rows"),
        ([(*row(f"A{n}"), 1) for n in range(9)], (*COLUMNS, "XIN"), "unknown_column"),
        (
            [row(f"A{n}")[:-3] + row(f"A{n}")[-2:] for n in range(9)],
            tuple(c for c in COLUMNS if c != "MYRQ"),
            "missing_column",
        ),
    ],
)
def test_a_guard_blocks_the_batch_and_the_library_keeps_yesterdays(
    small: Small, rows: list[Any], columns: tuple[str, ...], code: str
) -> None:
    small.write([row(f"A{n}") for n in range(8)])
    small.publish(minimum=5)
    run(small)
    before = current(small.hub)
    small.write(rows, columns)
    with pytest.raises(BatchBlocked) as caught:
        journey.run(small.hub, FEED)
    assert caught.value.code == code
    assert caught.value.remedy
    assert current(small.hub) == before
    with small.hub.read() as connection:
        blocked = batches.listed(connection, feed=FEED, state="blocked")
    assert [batch.reason and batch.reason["code"] for batch in blocked] == [code]
    small.write([row(f"A{n}") for n in range(8)])
    run(small)
    with small.hub.read() as connection:
        assert not batches.listed(connection, feed=FEED, state="blocked")


def test_a_source_that_is_down_fails_the_batch_and_says_so(small: Small) -> None:
    small.write([row("A1")])
    small.publish()
    run(small)
    small.path.unlink()
    small.path.mkdir()
    with pytest.raises((SourceDown, BatchBlocked)):
        journey.run(small.hub, FEED)
    assert [line.tag for line in current(small.hub)] == ["A1"]
    small.path.rmdir()
    small.write([row("A1"), row("A2")])
    assert run(small).evidence["inserted"] == 1


def test_steps_one_by_one_equal_a_run(small: Small) -> None:
    small.write([row("A1"), row("A2", weight=-5)])
    small.publish()
    batch_id = journey.land(small.hub, FEED)
    assert batch_id is not None
    assert journey.land(small.hub, FEED) == batch_id, "a landed batch is taken up, not extracted again"
    assert journey.load(small.hub, batch_id).state == "merged"
    assert journey.load(small.hub, batch_id).state == "merged"
    assert journey.deliver(small.hub, batch_id).state == "delivered"
    assert journey.deliver(small.hub, batch_id).state == "delivered"
    assert [line.tag for line in current(small.hub)] == ["A1"]
    assert count(small.hub, "information_schema.tables", "table_schema = 'staging'") == 0


def test_no_persons_number_in_events_or_reasons(small: Small) -> None:
    small.write([row("A1", number="110105194912310021")])
    small.publish(minimum=3)
    with pytest.raises(BatchBlocked):
        journey.run(small.hub, FEED)
    with small.hub.read() as connection:
        events = connection.execute(text("SELECT json_agg(e) FROM hub.event e")).scalar_one()
        reasons = connection.execute(text("SELECT json_agg(reason) FROM hub.batch")).scalar_one()
    assert "110105194912310021" not in json.dumps([events, reasons], ensure_ascii=False)
