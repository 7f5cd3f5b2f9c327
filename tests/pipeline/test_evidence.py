"""The ledger of a feed: each batch adds up, and begins where the one before ended."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import python_calamine
from sqlalchemy import text

from core.errors import BatchBlocked
from pipeline import evidence, journey
from pipeline.batch import Batch
from tests.pipeline.small import FEED, Small, row


def run(small: Small) -> Batch:
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    return batch


def ledger(small: Small) -> list[evidence.Entry]:
    with small.hub.read() as connection:
        return evidence.ledger(connection, FEED)


def three(small: Small) -> None:
    small.write([row("A1"), row("A2"), row("A3", weight=-1)])
    small.publish()
    run(small)
    small.write([row("A1"), row("A2", weight=20), row("A4")])
    run(small)
    small.write([row("A4")])
    run(small)


def test_a_ledger_adds_up_by_rows_and_by_content(small: Small) -> None:
    three(small)
    entries = ledger(small)
    assert [entry.problems for entry in entries] == [(), (), ()]
    assert [(e.evidence["before"], e.evidence["after"]) for e in entries] == [(0, 2), (2, 3), (3, 1)]
    assert entries[1].evidence["before_hash"] == entries[0].evidence["after_hash"] != entries[1].evidence["after_hash"]


def test_it_says_where_it_breaks(small: Small) -> None:
    three(small)
    small.write([row("A4"), row("A5"), row("A6")])
    run(small)
    with small.hub.begin() as connection:
        connection.execute(text("UPDATE records.pet_licence SET _row_hash = _row_hash + 1 WHERE tag = 'A5'"))
        connection.execute(text("DELETE FROM records.pet_licence WHERE tag = 'A6'"))
    small.write([row("A4")])
    run(small)
    *before, broken = ledger(small)
    assert not any(entry.problems for entry in before)
    assert [problem.en.split(" after")[0] for problem in broken.problems] == ["rows", "content hash"]
    with small.hub.begin() as connection:
        connection.execute(
            text("UPDATE hub.batch SET evidence = evidence || '{\"changed\": 7}' WHERE id = :id"),
            {"id": before[1].batch},
        )
    assert [bool(entry.problems) for entry in ledger(small)] == [False, True, False, False, True]
    with small.hub.read() as connection:
        assert "accounted" in evidence.of_batch(connection, before[1].batch).problems[0].en


def test_a_scan_of_keys_stands_in_the_chain_of_contents(small: Small) -> None:
    small.write([row("A1"), row("A2"), row("A3")])
    small.publish(mode="incremental")
    run(small)
    small.write([row("A1"), row("A2")])
    assert journey.scan(small.hub, FEED, now=True) is not None
    run(small)
    first, scan, last = ledger(small)
    assert not (first.problems or scan.problems or last.problems)
    assert first.evidence["after_hash"] != scan.evidence["after_hash"] == last.evidence["before_hash"]
    with small.hub.begin() as connection:
        connection.execute(text("UPDATE records.pet_licence SET _row_hash = _row_hash + 1 WHERE tag = 'A2'"))
    assert journey.scan(small.hub, FEED, now=True) is not None
    assert [problem.en.split(" after")[0] for problem in ledger(small)[-1].problems] == ["content hash"]


def test_a_batch_that_has_not_merged_has_none(small: Small) -> None:
    small.write([row("A1")])
    small.publish(minimum=5)
    with pytest.raises(BatchBlocked):
        run(small)
    with small.hub.read() as connection:
        id = connection.execute(text("SELECT id FROM hub.batch")).scalar_one()
        entry = evidence.of_batch(connection, id)
    assert entry.problems and not ledger(small)


def test_it_is_exported_as_csv_and_workbook(small: Small, tmp_path: Path) -> None:
    three(small)
    entries = ledger(small)
    evidence.write(entries, tmp_path / "l.csv")
    evidence.write(entries, tmp_path / "l.xlsx", workbook=True)
    with (tmp_path / "l.csv").open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["batch"] for line in lines] == [str(entry.batch) for entry in entries]
    sheet = python_calamine.load_workbook(str(tmp_path / "l.xlsx")).get_sheet_by_index(0).to_python()
    named = [dict(zip(sheet[0], line, strict=True)) for line in sheet[1:]]
    for line, entry, cells in zip(lines, entries, named, strict=True):
        assert (line["after"], line["after_hash"]) == (str(entry.evidence["after"]), entry.evidence["after_hash"])
        assert (cells["after"], cells["after_hash"]) == (entry.evidence["after"], entry.evidence["after_hash"])
