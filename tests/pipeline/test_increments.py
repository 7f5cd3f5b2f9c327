"""Increments of a source whose rows commit late, tie, vanish and return: what the library comes to, against the source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from connectors import system as systems
from connectors.watermark import duration, earlier
from core.actor import Actor
from core.embedded import Server
from core.errors import BatchBlocked, Conflict, DocumentRefused
from core.hub import Hub
from pipeline import batch as batches
from pipeline import journey, key_scan
from tests.pipeline.small import FEED, SYSTEM_TEXT
from tests.pipeline.source import Source, opened

DATABASES = ["sqlite", "postgresql", "mariadb"]


@pytest.fixture(params=[*DATABASES, "rest"])
def source(request: pytest.FixtureRequest, hub: Hub, postgres: Server) -> Iterator[Source]:
    """MariaDB is skipped where it is not installed."""
    with opened(request.param, hub, postgres, lambda: request.getfixturevalue("mariadb")) as made:
        yield made


@pytest.fixture(params=DATABASES)
def texts(request: pytest.FixtureRequest, hub: Hub, postgres: Server) -> Iterator[Source]:
    """A table whose watermark is text."""
    with opened(request.param, hub, postgres, lambda: request.getfixturevalue("mariadb"), "varchar(30)") as made:
        yield made


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, hub: Hub, postgres: Server) -> Iterator[Source]:
    with opened("sqlite", hub, postgres, lambda: request.getfixturevalue("mariadb")) as made:
        yield made


def at(hour: int, minute: int = 0) -> str:
    return f"2026-03-01 {hour:02d}:{minute:02d}:00"


def test_what_commits_late_is_read_within_the_window(source: Source) -> None:
    source.publish(late="1h")
    source.write([("A", 1, at(9)), ("B", 1, at(10))])
    first = source.run()
    source.write([("A", 1, at(9)), ("B", 1, at(10)), ("C", 1, at(9, 30)), ("D", 1, at(10))])
    second = source.run()
    assert second.evidence["landed"] == 4 and second.evidence["inserted"] == 2 and second.evidence["unchanged"] == 2
    assert source.held() == {"A": 1, "B": 1, "C": 1, "D": 1}
    assert second.watermark == first.watermark, "reading again moves no mark back"
    source.write([("A", 1, at(9))])
    third = source.run()
    assert third.watermark == first.watermark, "nor does a source that has nothing at its mark any more"


def test_what_was_found_in_a_row_is_kept_once_however_often_it_is_read(sqlite: Source) -> None:
    sqlite.publish()
    sqlite.put([(2026, "A", "王?明", 1, at(9)), (2026, "B", "王小明", 1, at(9))])
    first = sqlite.run()
    sqlite.put([(2026, "A", "王?明", 1, at(9)), (2026, "B", "王?明", 1, at(10))])
    second = sqlite.run()
    sqlite.run()
    with sqlite.hub.read() as connection:
        found = connection.execute(text("SELECT batch_id, row_no FROM hub.finding ORDER BY batch_id")).all()
    assert [batch for batch, _ in found] == [first.id, second.id]
    assert second.evidence["findings"] == {"person_name.lost_character": 2}, "evidence says what was landed"


def test_what_commits_later_than_the_window_is_found_by_the_scan_and_read_again(source: Source) -> None:
    source.publish(late="10m")
    source.write([("A", 1, at(9)), ("B", 1, at(10))])
    source.run()
    source.write([("A", 1, at(9)), ("B", 1, at(10)), ("C", 1, at(8)), ("D", 1, at(9, 55))])
    assert source.run().evidence["inserted"] == 1, "D came within the window"
    scanned = source.scan()
    assert scanned is not None
    assert (scanned.evidence["missed"], scanned.evidence["closed"], scanned.evidence["scanned"]) == (1, 0, 4)
    again = source.run()
    assert again.evidence["inserted"] == 1 and source.held() == {"A": 1, "B": 1, "C": 1, "D": 1}
    after = source.scan()
    assert after is not None and after.evidence["missed"] == 0 and after.watermark == again.watermark


def test_a_scan_closes_what_is_gone_and_what_returns_is_reopened(source: Source) -> None:
    source.publish()
    source.write([("A", 1, at(8)), ("B", 1, at(10))])
    source.run()
    source.write([("B", 1, at(10))])
    assert source.run().evidence["closed"] == 0 and source.held() == {"A": 1, "B": 1}
    scanned = source.scan()
    assert scanned is not None and scanned.origin == batches.KEY_SCAN
    assert (scanned.evidence["closed"], scanned.evidence["before"], scanned.evidence["after"]) == (1, 2, 1)
    assert source.held() == {"B": 1} and source.spans("A") == ["removed"]
    source.write([("A", 1, at(8)), ("B", 1, at(10))])  # put back exactly as it was: no increment would read it
    assert source.run().evidence["inserted"] == 0
    source.scan()
    assert source.run().evidence["inserted"] == 1
    assert source.held() == {"A": 1, "B": 1} and source.spans("A") == ["removed"]
    with source.hub.read() as connection:
        ended, begun = connection.execute(
            text(
                "SELECT h._known_to, c._known_from FROM records.pet_licence_history h JOIN records.pet_licence c USING (_key)"
            )
        ).one()
        mentions = connection.execute(text("SELECT count(*) FROM libraries.mention")).scalar_one()
    assert ended < begun, "history shows both spans, and the gap between them"
    assert mentions == 2


def test_a_scan_has_the_guards_of_a_full_batch_and_may_be_accepted(sqlite: Source) -> None:
    sqlite.publish(more="expect: {rows: {min: 1}, shrink: 20%}")
    sqlite.write([(f"A{n}", 1, at(9)) for n in range(10)])
    sqlite.run()
    sqlite.write([("A1", 1, at(9))])
    with pytest.raises(BatchBlocked) as caught:
        sqlite.scan()
    assert caught.value.code == "shrink" and len(sqlite.held()) == 10
    assert sqlite.scan(now=False) is None, "a stopped scan is not made again in every run"
    assert sqlite.run().state == "delivered", "and holds no increment up"
    with sqlite.hub.read() as connection:
        (stopped,) = batches.listed(connection, state="blocked")
    sqlite.write([("A1", 1, at(9)), ("A2", 999, at(10)), ("B1", 1, at(10)), ("B2", 999, at(10))])
    sqlite.run()
    accepted = journey.accept(sqlite.hub, stopped.id, reason="部门确认", actor=Actor(operator="李审", client="test"))
    assert accepted.evidence["closed"] == 8
    assert sqlite.held() == {"A1": 1, "A2": 1, "B1": 1}, "what came after the scan is not closed by it"
    assert sqlite.waiting() == {"A2", "B2"}, "nor what waits since"


def test_an_empty_source_closes_nothing(sqlite: Source) -> None:
    sqlite.publish()
    sqlite.write([("A", 1, at(9))])
    sqlite.run()
    sqlite.write([])
    with pytest.raises(BatchBlocked) as caught:
        sqlite.scan()
    assert caught.value.code == "empty" and sqlite.held() == {"A": 1}


def test_a_source_that_fails_half_way_closes_nothing(sqlite: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite.publish()
    sqlite.write([(f"A{n}", 1, at(9)) for n in range(9)])
    sqlite.run()
    sqlite.write([(f"A{n}", 1, at(9)) for n in range(8)])
    import connectors.rows

    real = connectors.rows._batches

    def torn(*arguments: object) -> Iterator[object]:
        for batch in real(*arguments):  # type: ignore[arg-type]
            yield batch.slice(0, 4)

    with monkeypatch.context() as broken, pytest.raises(BatchBlocked) as caught:
        broken.setattr(connectors.rows, "_batches", torn)
        sqlite.scan()
    assert caught.value.code == "incomplete" and len(sqlite.held()) == 9
    scanned = sqlite.scan()
    assert scanned is not None and scanned.evidence["closed"] == 1


def test_a_scan_whose_process_died_is_finished_by_the_next_run(sqlite: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite.publish()
    sqlite.write([("A", 1, at(9)), ("B", 1, at(9))])
    sqlite.run()
    sqlite.write([("B", 1, at(9)), ("C", 1, at(10))])

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(key_scan.merge, "drop_passed", dies)
        sqlite.scan()
    assert sqlite.held() == {"A": 1, "B": 1}, "nothing of it is there"
    sqlite.run()
    assert sqlite.held() == {"B": 1, "C": 1}


def test_a_scan_is_due_once_a_period_and_not_before_increments_have_merged(sqlite: Source) -> None:
    sqlite.publish()
    sqlite.write([("A", 1, at(9))])
    assert sqlite.scan(now=False) is None, "nothing has merged yet"
    sqlite.run()
    assert sqlite.scan(now=False) is not None
    assert sqlite.scan(now=False) is None
    with sqlite.hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET started_at = started_at - interval '25 hours'"))
    assert sqlite.scan(now=False) is not None


def test_what_a_service_leaves_out_of_a_page_stops_no_scan(source: Source) -> None:
    source.publish()
    rows: list[tuple[str, int | None, str | None]] = [(tag, None, at(8)) for tag in "ABC"]
    source.write([*rows, ("D", 1, at(9))])
    source.run()
    source.write([*rows[1:], ("D", 1, at(9)), ("E", 1, at(10))])
    source.run()
    scanned = source.scan()
    assert scanned is not None and scanned.evidence["closed"] == 1
    assert source.held() == {"B": None, "C": None, "D": 1, "E": 1}


def test_a_waiting_rows_key_is_present_and_ends_with_its_record(sqlite: Source) -> None:
    sqlite.publish()
    sqlite.write([("A", 1, at(9)), ("B", 999, at(10))])
    assert sqlite.run().evidence["quarantined"] == 1
    scanned = sqlite.scan()
    assert scanned is not None and (scanned.evidence["missed"], scanned.evidence["closed_waiting"]) == (0, 0)
    sqlite.write([("A", 1, at(9))])
    scanned = sqlite.scan()
    assert scanned is not None and scanned.evidence["closed_waiting"] == 1
    with sqlite.hub.read() as connection:
        assert connection.scalars(text("SELECT status FROM hub.quarantine")).all() == ["closed_by_source"]


@pytest.mark.parametrize("marks", [("9", "10", "100"), ("99", "100", "1000")])
def test_numbers_kept_as_text_are_read_in_the_order_of_their_values(texts: Source, marks: tuple[str, ...]) -> None:
    texts.publish(late="1")
    rows: list[tuple[str, int, str | None]] = []
    for at, mark in enumerate(marks):
        rows.append((f"T{at}", 1, mark))
        texts.write(rows)
        assert texts.run().watermark == mark
    assert texts.held() == {"T0": 1, "T1": 1, "T2": 1}


def test_numbers_kept_as_text_that_do_not_sort_stop_the_feed_with_a_remedy(texts: Source) -> None:
    texts.publish(late="1")
    texts.write([("A", 1, "9.5")])
    texts.run()
    with pytest.raises(BatchBlocked) as caught:
        texts.run()
    assert caught.value.code == "watermark" and "query" in str(caught.value)


def test_a_query_that_places_its_own_bound_is_scanned_whole(source: Source) -> None:
    if source.connector == "sql":
        quote = "`" if "mysql" in source.secret["url"] else '"'
        query = 'SELECT * FROM "PETS" WHERE "GXSJ" >= :since OR "GXSJ" IS NULL'.replace('"', quote)
        source.publish(source=f"{{query: '{query}'}}")
    else:
        source.publish()
    source.write([("A", 1, at(9)), ("B", 1, at(10)), ("C", 1, None)])
    source.run()
    source.write([("B", 1, at(10)), ("C", 1, None)])
    scanned = source.scan()
    assert scanned is not None and (scanned.evidence["scanned"], scanned.evidence["closed"]) == (2, 1)
    assert source.held() == {"B": 1, "C": 1}
    with source.hub.read() as connection:
        batch = scanned
        landed = next(iter(journey.landing.chunks(source.hub, batches.get(connection, batch.id))))
    assert set(landed.schema.names) == {"ND", "QP", "GXSJ"}, "only the key and the mark land"


@pytest.mark.parametrize(
    ("mark", "window", "before"),
    [
        ("2026-03-01T08:00:00", "10m", "2026-03-01T07:50:00"),
        ("2026-03-01 00:05:00.250000", "PT10M", "2026-02-28 23:55:00.250000"),
        ("2026-03-01T08:00:00+08:00", "1d", "2026-02-28T08:00:00+08:00"),
        ("2026-03-01", "1h", "2026-02-28"),
        ("20260301000500", "10m", "20260228235500"),
        ("20260301", "2d", "20260227"),
        ("1764300000", "10m", None),
        ("v12", "10m", None),
    ],
)
def test_a_window_before_a_mark(mark: str, window: str, before: str | None) -> None:
    assert earlier(mark, duration(window)) == before


def test_a_window_of_numbers() -> None:
    assert earlier("1200", 500) == "700" and earlier("2026-03-01", 500) is None


def test_a_window_that_does_not_fit_the_mark_stops_the_feed_with_a_remedy(sqlite: Source) -> None:
    sqlite.publish(late="500")
    sqlite.write([("A", 1, at(9))])
    sqlite.run()
    with pytest.raises(BatchBlocked) as caught:
        sqlite.run()
    assert caught.value.code == "watermark" and "late" in str(caught.value)


DELIVERED = SYSTEM_TEXT.format(mode="incremental", watermark="MARK", minimum=0, shrink="5%").replace(
    "connector: sql", "connector: files"
)


@pytest.mark.parametrize(
    "wrong",
    [
        SYSTEM_TEXT.format(mode="full", watermark="late: 10m", minimum=0, shrink="5%"),
        SYSTEM_TEXT.format(mode="full", watermark="key_scan: {every: 1d}", minimum=0, shrink="5%"),
        SYSTEM_TEXT.format(mode="incremental", watermark="watermark: GXSJ\n  late: soon", minimum=0, shrink="5%"),
        SYSTEM_TEXT.format(mode="incremental", watermark="watermark: GXSJ\n  key_scan: {}", minimum=0, shrink="5%"),
        DELIVERED.replace("MARK", "watermark: GXSJ\n  late: 1h"),
        DELIVERED.replace("MARK", "watermark: GXSJ\n  key_scan: {every: 1d}"),
    ],
    ids=[
        "late of a full feed",
        "scan of a full feed",
        "no duration",
        "no period",
        "deliveries cannot be read again",
        "deliveries cannot be asked for their keys",
    ],
)
def test_settings_that_make_no_sense_are_refused_where_they_stand(wrong: str) -> None:
    with pytest.raises(DocumentRefused):
        systems.load(wrong)


def test_a_full_feed_is_not_scanned(sqlite: Source) -> None:
    sqlite.publish()
    sqlite.write([("A", 1, at(9))])
    with sqlite.hub.begin() as connection:
        connection.execute(text("UPDATE hub.document SET body = replace(body, 'mode: incremental', 'mode: full')"))
        connection.execute(text("UPDATE hub.document SET body = replace(body, 'late: 1h', 'ignore: [GXSJ]')"))
        connection.execute(text("UPDATE hub.document SET body = replace(body, 'key_scan: {every: 1d}', 'covers: {}')"))
        connection.execute(text("INSERT INTO hub.publication (actor) VALUES ('{}')"))
    from schemas import published

    with sqlite.hub.read() as connection:
        published.write_snapshot(connection, sqlite.hub.home)
    with pytest.raises(Conflict):
        journey.scan(sqlite.hub, FEED, now=True)


#: 999 breaks a rule: such a row waits
WEIGHT = st.sampled_from([1, 2, 3, 999])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("ABCD"), WEIGHT, st.integers(-30, 0)),
        st.tuples(st.just("late"), st.sampled_from("ABCD"), WEIGHT, st.integers(-45, -31)),
        st.tuples(st.just("delete"), st.sampled_from("ABCD"), st.just(0), st.just(0)),
        st.tuples(st.sampled_from(["run", "scan"]), st.just(""), st.just(0), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_library_is_the_source_after_a_run_a_scan_and_a_run(
    sqlite: Source, steps: list[tuple[str, str, int, int]]
) -> None:
    """Rows that are put, some stamped up to three quarters of an hour ago or as another, those never seen far before the window,
    deleted and put back, and read at any point. One that breaks a rule waits beside what was held before."""
    sqlite.publish(late="1h")
    with sqlite.hub.begin() as connection:
        connection.execute(text("TRUNCATE records.pet_licence, records.pet_licence_history, libraries.mention"))
        connection.execute(text("TRUNCATE hub.batch CASCADE"))
    rows: dict[str, tuple[int, str]] = {"Z": (1, at(8))}
    now = datetime(2026, 3, 1, 9)
    deleted: dict[str, tuple[int, str]] = {}
    for act, tag, weight, minutes in steps:
        now += timedelta(minutes=1)
        if act in ("put", "late"):
            if tag in deleted and tag not in rows and minutes % 2:
                rows[tag] = deleted[tag]  # put back as it was
            else:
                far = 9 if act == "late" and tag not in rows and tag not in deleted else 1
                rows[tag] = (weight, (now + timedelta(minutes=minutes * far)).isoformat(" "))
        elif act == "delete" and tag in rows:
            deleted[tag] = rows.pop(tag)
        sqlite.write([(tag, *row) for tag, row in rows.items()])
        if act == "run":
            sqlite.run()
        if act == "scan":
            sqlite.scan()
    sqlite.run()
    sqlite.scan()
    sqlite.run()
    held = sqlite.held()
    assert set(held) <= set(rows) and 999 not in held.values()
    waiting = {tag for tag, (weight, _) in rows.items() if weight == 999}
    assert {tag: held.get(tag) for tag in set(rows) - waiting} == {
        tag: weight for tag, (weight, _) in rows.items() if tag not in waiting
    }
    assert sqlite.waiting() == waiting
