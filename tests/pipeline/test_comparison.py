"""Source and library now: what differs, and which of it somebody must look at."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from core.actor import Actor
from core.errors import SourceDown
from pipeline import comparison, deciding, evidence, journey
from pipeline.comparison import Comparison
from tests.pipeline.small import CONTRACT, FEED, SYSTEM_TEXT, Row, Small, row

OTHER = "440524188001010014"


def filled(small: Small, rows: list[Row], **how: Any) -> None:
    """The source written, published and read once."""
    small.write(rows)
    small.publish(**how)
    assert journey.run(small.hub, FEED) is not None


def compared(small: Small, **how: Any) -> Comparison:
    return comparison.compare(small.hub, FEED, **how)


def keys(made: Comparison, why: str) -> list[tuple[str, str]]:
    return sorted((key.side, key.key) for key in made.keys if key.why == why)


def tamper(small: Small, statement: str) -> None:
    with small.hub.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_a_library_that_holds_what_the_source_has_is_equal(small: Small, mode: str) -> None:
    filled(small, [row(f"A{n}", weight=n) for n in range(30)] + [row("A3", weight=3)], mode=mode)
    made = compared(small)
    assert (made.source_rows, made.library_rows, made.equal) == (31, 30, 30)
    assert (dict(made.counts), made.differences, made.keys) == ({}, 0, ())


def test_what_has_changed_at_a_full_source_since_is_what_the_next_run_brings(small: Small) -> None:
    filled(small, [row("A1"), row("A2"), row("A3")])
    small.write([row("A1"), row("A2", weight=30), row("A4"), row("A5", number="110105194912310021")])
    made = compared(small)
    assert dict(made.counts) == {"not_read": 4} and made.differences == 0
    assert keys(made, "not_read") == [
        ("both", "2026 A2"), ("library", "2026 A3"), ("source", "2026 A4"), ("source", "2026 A5"),
    ]  # fmt: skip


def test_a_library_that_lost_added_or_altered_rows_differs(small: Small) -> None:
    filled(small, [row(f"A{n}") for n in range(5)])
    tamper(small, "DELETE FROM records.pet_licence WHERE tag = 'A0'")
    tamper(small, "UPDATE records.pet_licence SET _row_hash = _row_hash + 1 WHERE tag = 'A1'")
    tamper(
        small,
        "INSERT INTO records.pet_licence (_key, _system, year, tag, _row_hash, _batch, _row_no, _known_from) "
        "SELECT decode(md5('x'), 'hex'), 'pets', 2026, 'Z9', 1, _batch, 99, _known_from FROM records.pet_licence LIMIT 1",
    )
    made = compared(small)
    assert dict(made.counts) == {"missing": 1, "different": 1, "surplus": 1} and made.differences == 3
    assert keys(made, "missing") == [("source", "2026 A0")]
    assert keys(made, "different") == [("both", "2026 A1")]
    assert keys(made, "surplus") == [("library", "2026 Z9")]


def test_a_row_that_waits_is_told_as_waiting(small: Small) -> None:
    filled(small, [row("A1"), row("A2")])
    small.write([row("A1"), row("A2", weight=999), row("A3", weight=-1), row("B1", weight=1), row("B1", weight=2)])
    journey.run(small.hub, FEED)
    made = compared(small)
    assert dict(made.counts) == {"waiting": 3} and made.differences == 0
    assert keys(made, "waiting") == [("both", "2026 A2"), ("source", "2026 A3"), ("source", "2026 B1")]


def test_what_a_person_corrected_is_told_as_such(small: Small) -> None:
    filled(small, [row("A1"), row("A2", weight=999), row("A3", weight=-1)])
    with small.hub.begin() as connection:
        found = connection.execute(
            text("SELECT batch_id, row_no FROM hub.quarantine WHERE source_key ->> 1 = 'A2'")
        ).one()
        deciding.fix(
            small.hub, connection, (found.batch_id, found.row_no), {"weight_kg": "20"}, reason="核对原件",
            actor=Actor(operator="steward", department="city_management"),
        )  # fmt: skip
    assert journey.replay(small.hub, FEED) is not None
    made = compared(small)
    assert dict(made.counts) == {"replayed": 1, "waiting": 1} and made.differences == 0
    assert keys(made, "replayed") == [("both", "2026 A2")]
    small.write([row("A1"), row("A2", weight=21), row("A3", weight=-1)])
    assert dict(compared(small).counts) == {"not_read": 1, "waiting": 1}  # the source corrected it, otherwise
    with small.hub.read() as connection:
        assert not any(entry.problems for entry in evidence.ledger(connection, FEED))


def test_an_increment_tells_what_came_since_its_watermark_from_what_it_missed(small: Small) -> None:
    first = [row("A1"), row("A2", changed="2026-03-05 08:00:00")]
    filled(small, first, mode="incremental")
    small.write(
        [
            row("A1", weight=20),  # changed, and its time not: no increment will ever bring it
            row("A3", changed="2026-03-06 08:00:00"), row("A4", changed="2026-03-05 08:00:00"),
            row("A5", changed="2026-02-01 08:00:00"),
        ]
    )  # fmt: skip
    made = compared(small)
    assert keys(made, "not_read") == [("source", "2026 A3"), ("source", "2026 A4")]
    assert keys(made, "different") == [("both", "2026 A1")]
    assert keys(made, "missing") == [("source", "2026 A5")]
    assert keys(made, "surplus") == [("library", "2026 A2")]
    assert made.differences == 3


def test_of_flagged_pushes_the_last_one_counts(small: Small) -> None:
    system = SYSTEM_TEXT.format(mode="flagged", watermark="watermark: GXSJ", minimum=0, shrink="90%").replace(
        "ignore: [BZ]", "flag: {column: BZ, removed: [D], kept: [I, U]}"
    )

    def pushed(tag: str, flag: str, changed: str, **said: Any) -> Row:
        made = row(tag, changed=changed, **said)
        return (*made[:8], flag, made[9])

    early, later, last = "2026-03-01 08:00:00", "2026-03-02 08:00:00", "2026-03-03 08:00:00"
    filled(
        small,
        [pushed("A1", "I", early), pushed("A1", "U", later, weight=20), pushed("A2", "I", early), pushed("A3", "I", early),
         pushed("A3", "D", later), pushed("A4", "I", later)],
        mode="flagged", system=system,
    )  # fmt: skip
    assert dict(compared(small).counts) == {}
    small.write(
        [
            pushed("A1", "U", later, weight=20),
            pushed("A2", "D", early),
            pushed("A4", "D", last),
            pushed("A5", "I", last),
        ]
    )
    made = compared(small)
    assert keys(made, "surplus") == [("library", "2026 A2")]  # a removal that came with an old time is never read
    assert keys(made, "not_read") == [("library", "2026 A4"), ("source", "2026 A5")]
    small.write([pushed("A1", "U", later, weight=20)])
    assert dict(compared(small).counts) == {"unstated": 2}


def test_keys_about_persons_are_masked_and_few_are_named(small: Small) -> None:
    contract = CONTRACT.replace(
        "logicalType: string, primaryKey: true", "logicalType: string, classification: personal, primaryKey: true"
    )
    filled(small, [row("TAG12345")], contract=contract)
    small.write([row(f"TAG9999{n}") for n in range(9)])
    made = compared(small, show=4)
    assert made.counts["not_read"] == 10 and len(made.keys) == 4
    assert not any("TAG" in key.key for key in made.keys) and all(key.key.startswith("2026") for key in made.keys)


def test_nothing_is_written_but_the_event(small: Small) -> None:
    filled(small, [row("A1"), row("A2")])
    small.write([row("A1", weight=3)])
    count = (
        "SELECT (SELECT count(*) FROM hub.batch), (SELECT count(*) FROM hub.quarantine), (SELECT bit_xor(_row_hash) FROM "
        "records.pet_licence), (SELECT count(*) FROM pg_tables WHERE schemaname = 'staging')"
    )
    with small.hub.read() as connection:
        before = tuple(connection.execute(text(count)).one())
    compared(small)
    with small.hub.read() as connection:
        assert tuple(connection.execute(text(count)).one()) == before
        told = connection.execute(text("SELECT about, body, actor FROM hub.event WHERE type = 'feed.compared'")).one()
    assert (told.about, told.body["not_read"], told.body["differences"]) == (FEED, 2, 0)
    assert told.actor["operator"] == "system"


def test_chunks_change_nothing(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(small, [row(f"A{n}") for n in range(40)], mode="incremental")
    small.write([row(f"A{n}", weight=n % 2, changed=f"2026-04-{1 + n % 28:02d} 08:00:00") for n in range(60)] * 2)
    whole = compared(small, show=200)
    small.hub.settings.chunk_rows = 7
    assert small.hub.settings.chunk_rows == 7
    parted = compared(small, show=200)
    assert (parted.counts, sorted(map(str, parted.keys))) == (whole.counts, sorted(map(str, whole.keys)))


def test_a_source_that_is_down_says_so(small: Small) -> None:
    filled(small, [row("A1")])
    small.path.unlink()
    with pytest.raises(SourceDown):
        compared(small)
