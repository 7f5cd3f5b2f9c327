"""A first load's staging table becomes the dataset's own: afterwards nothing tells how the rows came in."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.actor import SYSTEM, Actor
from core.errors import BatchBlocked
from libraries import filling
from pipeline import first_load, journey, merge
from pipeline.rebuild import whole
from schemas import published
from schemas.derive import sql
from schemas.published import Document
from tests.pipeline.small import CONTRACT, FEED, SYSTEM_TEXT, Small, row

WARDEN = Actor(operator="王管理", department="city_management")
COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod), pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a "
    "LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum) "
    "WHERE attrelid = 'records.pet_licence'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
SHAPE = (
    COLUMNS,
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'records' AND tablename = 'pet_licence' ORDER BY 1",
    "SELECT contype, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = 'records.pet_licence'::regclass ORDER BY 1, 2",
    "SELECT relpersistence, reloptions, relacl::text, relowner FROM pg_class WHERE oid = 'records.pet_licence'::regclass",
)
HELD = "SELECT encode(_key, 'hex') AS key, _system, tag, weight_kg, _row_hash, _row_no FROM records.pet_licence ORDER BY tag"
ROWS = [row("A1"), row("A2", number="110105194912310021"), row("A3"), row("A3"), row("A4", weight=3)]


def asked(small: Small, query: str) -> list[tuple[Any, ...]]:
    with small.hub.read() as connection:
        return [tuple(one) for one in connection.execute(text(query))]


def place(small: Small) -> int:
    return int(asked(small, "SELECT 'records.pet_licence'::regclass::oid")[0][0])


@pytest.fixture
def fresh(small: Small) -> Small:
    small.write(ROWS)
    small.publish()
    return small


def test_the_table_is_as_publication_made_it(fresh: Small) -> None:
    before, at = [asked(fresh, query) for query in SHAPE], place(fresh)
    batch = journey.run(fresh.hub, FEED)
    assert batch is not None and batch.evidence["inserted"] == 3 and batch.evidence["repeated"] == 1
    assert place(fresh) != at, "the rows were not written twice"
    assert [asked(fresh, query) for query in SHAPE] == before
    assert [line[2] for line in asked(fresh, HELD)] == ["A1", "A3", "A4"]
    assert asked(fresh, "SELECT DISTINCT _system, _batch, _known_from FROM records.pet_licence") == [
        ("pets", batch.id, batch.known_at)
    ]
    assert not asked(fresh, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")


def test_what_comes_next_merges_into_it(fresh: Small) -> None:
    first = journey.run(fresh.hub, FEED)
    fresh.write([*ROWS[:-1], row("A4", weight=4), row("A5")])
    at = place(fresh)
    second = journey.run(fresh.hub, FEED)
    assert first and second and place(fresh) == at
    assert (second.evidence["inserted"], second.evidence["changed"]) == (1, 1)
    ended = "SELECT tag, _batch, _known_from, _known_to FROM records.pet_licence_history"
    assert asked(fresh, ended) == [("A4", first.id, first.known_at, second.known_at)]


def test_a_reader_in_the_way_is_not_waited_for(fresh: Small) -> None:
    before, at = [asked(fresh, query) for query in SHAPE], place(fresh)
    with fresh.hub.read() as reader:
        reader.execute(text("SELECT count(*) FROM records.pet_licence"))
        journey.run(fresh.hub, FEED)
    assert place(fresh) == at and [asked(fresh, query) for query in SHAPE] == before
    assert [line[2] for line in asked(fresh, HELD)] == ["A1", "A3", "A4"]


def test_another_systems_first_load_goes_before(fresh: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two districts begin at once: the second, staged for the same empty table, finds it filled."""
    other = SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%").replace("[BZ]", "[BZ, GXSJ]")
    with fresh.hub.begin() as connection:
        documents = [Document("system", "more_pets", "1", other.replace("system: pets", "system: more_pets"), "test")]
        published.publish(connection, documents, SYSTEM)
    with fresh.hub.read() as connection:
        published.write_snapshot(connection, fresh.hub.home)
    before, merging = [asked(fresh, query) for query in SHAPE], merge.merge

    def behind(*given: Any) -> Any:
        monkeypatch.setattr(merge, "merge", merging)
        journey.run(fresh.hub, FEED)
        return merging(*given)

    monkeypatch.setattr(merge, "merge", behind)
    second = journey.run(fresh.hub, "more_pets.pet_licence")
    assert second is not None and second.evidence["inserted"] == 3
    assert [asked(fresh, query) for query in SHAPE] == before
    assert asked(fresh, "SELECT _system, count(*) FROM records.pet_licence GROUP BY 1 ORDER BY 1") == [
        ("more_pets", 3),
        ("pets", 3),
    ]


def test_a_column_published_since_it_was_staged_stays(fresh: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = first_load.table

    def then_published(*given: Any) -> str | None:
        made = staged(*given)
        if made:
            given[0].execute(text("ALTER TABLE records.pet_licence ADD COLUMN breed text"))
        return made

    monkeypatch.setattr(first_load, "table", then_published)
    journey.run(fresh.hub, FEED)
    assert [line[2] for line in asked(fresh, HELD)] == ["A1", "A3", "A4"]
    assert ("breed", "text", None) in asked(fresh, COLUMNS)


def test_an_index_that_is_published_meanwhile_is_not_lost(fresh: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = filling.copied

    def then_published(*given: Any) -> list[str]:
        made = copied(*given)
        with fresh.hub.begin() as other, pytest.raises(OperationalError, match="lock timeout"):
            other.execute(text("SET LOCAL lock_timeout = '200ms'"))
            sql.index(other, "pet_licence", "weight_kg")
        return made

    monkeypatch.setattr(filling, "copied", then_published)
    at = place(fresh)
    journey.run(fresh.hub, FEED)
    assert place(fresh) != at


@pytest.mark.parametrize(
    "hung",
    [
        "CREATE VIEW hub.theirs AS SELECT * FROM records.pet_licence",
        "GRANT SELECT ON records.pet_licence TO PUBLIC",
        "GRANT SELECT (tag) ON records.pet_licence TO PUBLIC",
        "ALTER TABLE records.pet_licence ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY theirs ON records.pet_licence USING (true)",
        "CREATE TRIGGER theirs AFTER INSERT ON records.pet_licence EXECUTE FUNCTION hub.refuse_nothing()",
    ],
)
def test_what_somebody_hung_on_the_table_stays(fresh: Small, hung: str) -> None:
    with fresh.hub.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION hub.refuse_nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        connection.exec_driver_sql(hung)
    at = place(fresh)
    journey.run(fresh.hub, FEED)
    assert place(fresh) == at and [line[2] for line in asked(fresh, HELD)] == ["A1", "A3", "A4"]


def test_a_snapshot_of_many_tables_sees_nothing_before_it_merged(fresh: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild compares as of one moment; what was shipped before that and merges behind it is not there yet."""
    merging, seen = merge.merge, []

    def while_compared(*given: Any) -> Any:
        with ExitStack() as held, whole._settled(fresh.hub, held, whole.Report(), still=False) as live:
            merged = merging(*given)
            seen.append(live.scalar(text("SELECT count(*) FROM records.pet_licence")))
        return merged

    monkeypatch.setattr(merge, "merge", while_compared)
    journey.run(fresh.hub, FEED)
    assert seen == [0] and [line[2] for line in asked(fresh, HELD)] == ["A1", "A3", "A4"]


def test_a_batch_without_a_row_leaves_the_table_alone(fresh: Small) -> None:
    fresh.write([])
    at = place(fresh)
    assert journey.run(fresh.hub, FEED) is not None and place(fresh) == at


def test_a_blocked_first_batch_leaves_nothing_and_is_accepted_later(fresh: Small) -> None:
    fresh.publish(minimum=100, contract=CONTRACT)
    before, at = [asked(fresh, query) for query in SHAPE], place(fresh)
    with pytest.raises(BatchBlocked):
        journey.run(fresh.hub, FEED)
    assert place(fresh) == at and [asked(fresh, query) for query in SHAPE] == before and not asked(fresh, HELD)
    (blocked,) = asked(fresh, "SELECT id FROM hub.batch WHERE state = 'blocked'")
    accepted = journey.accept(fresh.hub, blocked[0], reason="新系统,数据不多", actor=WARDEN)
    assert accepted.evidence["inserted"] == 3
    assert [asked(fresh, query) for query in SHAPE] == before


def test_a_feed_of_increments_begins_so_too(small: Small) -> None:
    small.write(ROWS)
    small.publish(mode="incremental")
    at = place(small)
    journey.run(small.hub, FEED)
    assert place(small) != at
    assert [line[2] for line in asked(small, HELD)] == ["A1", "A3", "A4"]
