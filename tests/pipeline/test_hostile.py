"""Rows and sources that would break a careless journey: each was once a fault, and none may come back."""

from __future__ import annotations

import os
import random
import string
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from core import secrets
from core.errors import BatchBlocked, DatabaseUnavailable, Stop
from core.hub import Hub
from libraries.record_key import key_bytes
from pipeline import journey, merge, overlap, reconcile, stage
from pipeline.batch import Batch
from schemas.derive import sql
from tests.pipeline.small import COLUMNS, CONTRACT, FEED, SYSTEM_TEXT, Row, Small, row

LONG = "".join(random.Random(1).choice(string.ascii_letters) for _ in range(6000))
FLAGGED = SYSTEM_TEXT.replace("{watermark}", "watermark: GXSJ\n  flag: {{column: BZ}}").replace("  ignore: [BZ]\n", "")


def run(small: Small) -> Batch:
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    return batch


def count(hub: Hub, table: str, where: str = "true") -> int:
    with hub.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def flagged(tag: str, flag: str, **values: Any) -> Row:
    cells = list(row(tag, **values))
    cells[COLUMNS.index("BZ")] = flag
    return tuple(cells)


@pytest.mark.parametrize(
    "strange",
    [
        row("A\x002"),
        row("A2", owner="王\x00小明"),
        row("A2", number=LONG),
        row("A2", clinic=LONG, code=None),
        row("A2", owner=LONG),
    ],
    ids=["NUL in a key", "NUL in a name", "endless number", "endless name", "endless owner"],
)
def test_a_strange_cell_stops_neither_batch_nor_feed(small: Small, strange: Row) -> None:
    small.write([row("A1"), strange])
    small.publish()
    evidence = run(small).evidence
    assert evidence["inserted"] + evidence["quarantined"] == 2
    assert run(small).evidence["landed"] == 2


def test_marks_written_as_text_compare_as_numbers(small: Small) -> None:
    small.write([row("A1", weight=9, changed=9), row("A1", weight=10, changed=10)])  # type: ignore[arg-type]
    small.publish(mode="incremental")
    run(small)
    assert count(small.hub, "records.pet_licence", "weight_kg = 10") == 1


@pytest.mark.parametrize("flag", ["D", "D  "])
def test_a_flagged_removal_closes_the_record_and_its_waiting_row(small: Small, flag: str) -> None:
    small.publish(system=FLAGGED.format(mode="flagged", minimum=0, shrink="100%"), mode="flagged")
    small.write([flagged("A1", "I"), flagged("A2", "I", weight=999)])
    run(small)
    small.write([flagged(tag, flag, changed="2026-04-01 08:00:00") for tag in ("A1", "A2")])
    evidence = run(small).evidence
    assert (evidence["removed"], evidence["closed"], evidence["after"]) == (2, 1, 0)
    assert count(small.hub, "hub.quarantine", "status = 'open'") == 0


def test_flags_out_of_order_and_repeated_end_in_the_latest(small: Small) -> None:
    small.publish(system=FLAGGED.format(mode="flagged", minimum=0, shrink="90%"), mode="flagged")
    late, early = "2026-04-02 08:00:00", "2026-04-01 08:00:00"
    small.write([flagged("A1", "D", changed=late), flagged("A1", "I", changed=early), flagged("A2", "U", weight=3, changed=late),
                 flagged("A2", "I", changed=early), flagged("A2", "I", changed=early)])  # fmt: skip
    evidence = run(small).evidence
    assert (evidence["after"], evidence["repeated"], evidence["removed"]) == (1, 3, 1)
    assert count(small.hub, "records.pet_licence", "tag = 'A2' AND weight_kg = 3") == 1


def test_a_row_that_goes_on_waiting_is_kept_once(small: Small) -> None:
    small.write([row("A1"), row("A2", weight=999)])
    small.publish()
    for _ in range(3):
        assert run(small).evidence["quarantined"] == 1
    assert (count(small.hub, "hub.quarantine"), count(small.hub, "hub.finding")) == (1, 1)


def test_a_row_without_a_key_waits_once_though_read_again(small: Small) -> None:
    small.write([row("A1"), row(None)])  # type: ignore[arg-type]
    small.publish(mode="incremental")
    for _ in range(3):
        run(small)
    assert count(small.hub, "hub.quarantine", "status = 'open'") == 1


def test_a_new_subject_is_named_in_rows_that_did_not_change(small: Small) -> None:
    small.write([row("A1")])
    small.publish(contract=CONTRACT.replace(", {role: clinic, id: clinic_no, name: clinic_name}", ""))
    run(small)
    assert count(small.hub, "libraries.mention", "role = 'clinic'") == 0
    small.publish(contract=CONTRACT.replace("version: 1.0.0", "version: 1.1.0"))
    assert run(small).evidence["unchanged"] == 1
    assert count(small.hub, "libraries.mention", "role = 'clinic'") == 1


def test_an_empty_source_empties_no_library(small: Small) -> None:
    small.write([row(f"A{n}") for n in range(9)])
    small.publish(system=SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%")
                  .replace("ignore: [BZ]", "ignore: [BZ, GXSJ]").replace("  expect: {rows: {min: 0}, shrink: 90%}\n", ""))  # fmt: skip
    run(small)
    small.write([])
    with pytest.raises(BatchBlocked) as caught:
        journey.run(small.hub, FEED)
    assert caught.value.code == "empty"
    assert count(small.hub, "records.pet_licence") == 9


def test_a_failed_load_is_loaded_on_the_next_try(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    small.write([row("A1")])
    small.publish()
    batch_id = journey.land(small.hub, FEED)
    assert batch_id is not None
    with monkeypatch.context() as broken:
        broken.setattr(merge.reconcile, "check", lambda evidence: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            journey.load(small.hub, batch_id)
    assert count(small.hub, "pg_tables", "schemaname = 'staging'") == 0, "a failed batch leaves no personal data behind"
    assert journey.load(small.hub, batch_id).state == "merged"


def test_a_batch_staged_before_the_database_restarted_is_not_merged_empty(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staging tables are UNLOGGED: a crash empties them, and of a batch of which all rows wait nothing else would tell."""
    small.write([row("A1", weight=999)])
    small.publish()
    batch_id = journey.land(small.hub, FEED)
    assert batch_id is not None
    whole = stage.stage

    def crashing(hub: Hub, *given: Any) -> stage.Staged:
        staged = whole(hub, *given)
        with hub.begin() as connection:
            for table in staged.tables.values():
                connection.execute(text(f"TRUNCATE staging.{table}"))
        return staged

    with monkeypatch.context() as broken:
        broken.setattr(stage, "stage", crashing)
        with pytest.raises(DatabaseUnavailable):
            journey.load(small.hub, batch_id)
    assert count(small.hub, "hub.batch", "state = 'landed'") == 1
    assert journey.load(small.hub, batch_id).evidence["quarantined"] == 1
    assert count(small.hub, "hub.quarantine", "status = 'open'") == 1


def test_a_parquet_delivery_counts_once_in_separate_steps(small: Small, tmp_path: Path) -> None:
    names = [name for name in COLUMNS if name not in ("BZ", "GXSJ")]
    rows = [dict(zip(COLUMNS, row(tag), strict=True)) for tag in ("A1", "A2", "A3")]
    file = tmp_path / "drop" / "pets.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({name: [str(each[name]) for each in rows] for name in names}), file)
    os.utime(file, (time.time() - 999,) * 2)
    system = SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%").replace(
        "connector: sql", "connector: files"
    )
    small.publish(system=system.replace("{table: pets}", '{pattern: "*.parquet", manifest: none, settle_s: 0}'))
    with small.hub.begin() as connection:
        secrets.put(connection, small.hub.keys, "pets", {"url": file.parent.as_uri()})
    batch_id = journey.land(small.hub, FEED)
    assert batch_id is not None
    assert journey.load(small.hub, batch_id).evidence["landed"] == 3


def test_two_batches_cannot_change_places(small: Small) -> None:
    small.write([row("A1", weight=1)])
    small.publish()
    older = journey.land(small.hub, FEED)
    assert older is not None
    with small.hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET state = 'failed' WHERE id = :id"), {"id": older})
    small.write([row("A1", weight=2)])
    run(small)
    with pytest.raises(Stop):
        journey.load(small.hub, older)
    assert count(small.hub, "records.pet_licence", "weight_kg = 2") == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [(("a\x1fb", "c"), ("a", "b\x1fc")), (("a\x1e1", "b"), ("a\x1f", "b")), (("", "a"), (None, "a"))],
)
def test_different_keys_are_never_one(first: tuple[str, str], second: tuple[str | None, str]) -> None:
    made = key_bytes("s", [pa.array([first[0], second[0]], pa.string()), pa.array([first[1], second[1]])])
    assert made[0] != made[1]


def test_names_of_indexes_do_not_clash() -> None:
    assert sql._index("fund", "account_no") != sql._index("fund_account", "no")


def test_more_rows_written_than_read_is_refused() -> None:
    evidence = {
        "landed": 2, "inserted": 4, "changed": 0, "unchanged": -2, "repeated": 0, "removed": 0, "quarantined": 0,
        "closed": 0, "before": 0, "after": 4, "expected_hash": "1", "held_hash": "1",
    }  # fmt: skip
    with pytest.raises(Stop):
        reconcile.check(evidence)


def test_a_source_that_fails_when_closed_does_not_hold_the_caller() -> None:
    class Source:
        def __iter__(self) -> Source:
            return self

        def __next__(self) -> int:
            raise StopIteration

        def close(self) -> None:
            raise RuntimeError("closing failed")

    seen: list[Any] = []

    def read() -> None:
        try:
            with overlap.Ahead(Source()) as passing:
                seen.append(list(passing))
        except RuntimeError as error:
            seen.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(seen[0], RuntimeError)
