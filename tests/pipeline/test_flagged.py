"""A staging database that a department pushes flagged rows into: what every order of pushes and readings ends in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import text

from core import secrets
from core.actor import SYSTEM, Actor
from core.embedded import Server
from core.errors import BatchBlocked
from core.hub import Hub
from pipeline import deciding, journey
from pipeline.batch import Batch
from schemas import published
from schemas.published import Document
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED

SYSTEM_TEXT = """
system: pets
title: 养犬登记前置库
department: city_management
connector: sql
secret: pets
feeds:
- contract: pet_licence
  source: {{table: PETS}}
  mode: flagged
  flag: {{column: CZBS, removed: [D], kept: [I, U]}}
  watermark: CZSJ
  columns: {{ND: year, QP: tag, SYR: owner_name, ZJH: owner_no, JG: clinic_name, JGDM: clinic_no, TZ: weight_kg, MYRQ: vaccinated_on}}
  expect: {{rows: {{min: 1}}, shrink: {}}}
  covers: {{divisions: ["430900"]}}
"""
CREATE = (
    'CREATE TABLE "PETS" ("ND" integer, "QP" varchar(8), "SYR" varchar(50), "ZJH" varchar(18), "JG" varchar(50), '
    '"JGDM" varchar(18), "TZ" numeric(9,2), "MYRQ" date, "CZBS" char(2), "CZSJ" timestamp)'
)
Push = tuple[str, str, object, str | None]  # tag, flag, weight, time


class Staging:
    """The department's side: it pushes, and it may empty the table."""

    def __init__(self, hub: Hub, link: psycopg.Connection[Any]) -> None:
        self.hub, self.link = hub, link
        self._seconds = 0

    def publish(self, late: str = "", shrink: str = "100%") -> None:
        """Put the documents into force; with a window before the watermark that is read again."""
        window = f"late: {late}\n  columns:" if late else "columns:"
        with self.hub.begin() as connection:
            documents = [
                Document("department", "city_management", "1", DEPARTMENT, "test"),
                Document("contract", "pet_licence", "1", CONTRACT, "test"),
                Document("system", "pets", "1", SYSTEM_TEXT.replace("columns:", window).format(shrink), "test"),
            ]
            published.publish(connection, documents, SYSTEM)
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)

    def moment(self) -> str:
        """A time after all before."""
        self._seconds += 1
        return (datetime(2026, 1, 1) + timedelta(seconds=self._seconds)).isoformat(" ")

    def push(self, *rows: Push) -> None:
        """Append flagged rows; a removal brings the key only."""
        for tag, flag, weight, time in rows:
            gone = flag == "D"
            cells = (
                2026,
                tag,
                None if gone else "王小明",
                None,
                None,
                None,
                None if gone else weight,
                None,
                flag,
                time,
            )
            self.link.execute('INSERT INTO "PETS" VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)', cells)

    def empty(self) -> None:
        """The owner truncates its table."""
        self.link.execute('TRUNCATE "PETS"')

    def read(self) -> dict[str, Any]:
        """One run of the feed; its evidence."""
        batch = journey.run(self.hub, FEED)
        assert isinstance(batch, Batch)
        return dict(batch.evidence)

    def held(self) -> dict[str, float]:
        """The library: weight by tag."""
        with self.hub.read() as connection:
            rows = connection.execute(text("SELECT tag, weight_kg FROM records.pet_licence")).all()
        return {tag: float(weight) for tag, weight in rows}

    def waiting(self) -> list[tuple[str, str]]:
        """Tag and rule of each row that waits."""
        query = (
            "SELECT q.source_key ->> 1, f.rule FROM hub.quarantine q JOIN hub.finding f USING (batch_id, row_no) "
            "WHERE q.status = 'open' AND f.severity = 'error' ORDER BY 1, 2"
        )
        with self.hub.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(text(query))]


@pytest.fixture
def staging(hub: Hub, postgres: Server) -> Iterator[Staging]:
    name = f"staging_{hub.home.parent.name[-20:]}".lower().replace("-", "_")
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(postgres.url(name).replace("+psycopg", ""), autocommit=True) as link:
            link.execute(CREATE)
            with hub.begin() as connection:
                secrets.put(connection, hub.keys, "pets", {"url": postgres.url(name)})
            made = Staging(hub, link)
            made.publish()
            yield made
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def at(day: int) -> str:
    return f"2026-04-{day:02d} 08:00:00"


def test_pushes_of_one_record_end_in_its_last_state(staging: Staging) -> None:
    staging.push(
        ("A", "I", 1, at(1)), ("B", "I", 2, at(1)), ("A", "U", 3, at(2)), ("B", "D", 0, at(3)), ("C", "I", 4, at(3))
    )
    first = staging.read()
    assert {name: first[name] for name in ("landed", "inserted", "repeated", "removed", "closed")} == {
        "landed": 5, "inserted": 2, "repeated": 2, "removed": 1, "closed": 0,
    }  # fmt: skip
    assert staging.held() == {"A": 3, "C": 4}


def test_a_second_push_reads_on_and_what_ties_changes_nothing(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(1)), ("B", "I", 2, at(2)))
    staging.read()
    staging.push(("A", "U", 5, at(3)))
    second = staging.read()
    assert (second["landed"], second["unchanged"], second["changed"]) == (2, 1, 1)
    third = staging.read()
    assert (third["landed"], third["unchanged"]) == (1, 1)
    assert staging.held() == {"A": 5, "B": 2}


def test_a_removed_record_may_return(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(1)), ("B", "I", 2, at(1)))
    staging.read()
    staging.push(("A", "D", 0, at(2)))
    assert staging.read()["closed"] == 1
    assert staging.held() == {"B": 2}
    staging.push(("A", "I", 7, at(3)))
    again = staging.read()
    assert (again["inserted"], again["repeated"], again["closed"]) == (1, 1, 0)  # the removal ties with the mark
    assert staging.held() == {"A": 7, "B": 2}
    with staging.hub.read() as connection:
        ended = connection.execute(text("SELECT _ended, weight_kg FROM records.pet_licence_history")).all()
    assert [(how, float(weight)) for how, weight in ended] == [("removed", 1.0)]


def test_a_table_its_owner_emptied_empties_no_library(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(1)), ("B", "I", 2, at(1)))
    staging.read()
    staging.empty()
    nothing = staging.read()
    assert (nothing["landed"], nothing["closed"], nothing["after"]) == (0, 0, 2)
    staging.push(("A", "I", 1, at(5)), ("B", "I", 3, at(5)))  # pushed anew from the start
    anew = staging.read()
    assert (anew["unchanged"], anew["changed"], anew["inserted"]) == (1, 1, 0)
    assert staging.held() == {"A": 1, "B": 3}


def test_pushes_that_remove_too_many_records_are_stopped(staging: Staging) -> None:
    staging.publish(shrink="20%")
    staging.push(*((f"A{n}", "I", 1, at(1)) for n in range(10)))
    staging.read()
    staging.push(*((f"A{n}", "D", 0, at(2)) for n in range(9)))
    with pytest.raises(BatchBlocked) as caught:
        staging.read()
    assert caught.value.code == "shrink" and len(staging.held()) == 10


def test_an_error_that_a_later_push_mended_does_not_wait(staging: Staging) -> None:
    staging.push(
        ("A", "I", 999, at(1)), ("A", "U", 2, at(2)), ("B", "I", 999, at(1)), ("B", "D", 0, at(2)),
        ("C", "I", 3, at(1)), ("C", "U", 999, at(2)), ("D", "I", 998, at(1)), ("D", "U", 999, at(2)),
    )  # fmt: skip
    evidence = staging.read()
    assert (evidence["repeated"], evidence["quarantined"], evidence["removed"]) == (3, 2, 1)
    assert evidence["findings"] == {"range": 2}
    assert [tag for tag, _ in staging.waiting()] == ["C", "D"]
    assert staging.held() == {"A": 2, "C": 3}  # the state before the one that waits


def test_a_push_without_time_or_agreed_flag_waits_and_undoes_nothing(staging: Staging) -> None:
    staging.push(("A", "I", 1, None), ("B", "I", 2, at(1)), ("C", "X", 3, at(1)), ("D", "", 4, at(1)))
    staging.read()
    assert staging.waiting() == [("A", "key.untimed"), ("C", "key.flag"), ("D", "key.flag")]
    staging.push(("A", "I", 5, at(2)), ("A", "D", 0, at(3)), ("B", "D", 0, None))
    for _ in range(2):
        staging.read()
        assert staging.held() == {"B": 2}


def test_two_states_of_one_moment_wait_for_a_person(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(1)), ("A", "U", 2, at(1)), ("B", "I", 1, at(1)))
    staging.read()
    assert staging.waiting() == [("A", "key.conflict")] * 2
    staging.push(("A", "U", 2, at(2)))
    staging.read()
    assert staging.held() == {"A": 2, "B": 1}


def test_a_push_that_comes_late_undoes_nothing(staging: Staging) -> None:
    """The department sends an older state again, in a later batch; the window before the watermark brings it."""
    staging.publish(late="30d")
    staging.push(
        ("A", "I", 1, at(1)), ("B", "I", 1, at(1)), ("C", "I", 1, at(1)), ("A", "U", 2, at(5)), ("B", "D", 0, at(5))
    )
    staging.read()
    staging.empty()
    staging.push(("A", "U", 9, at(3)), ("B", "I", 9, at(3)), ("C", "D", 0, at(3)), ("D", "I", 4, at(3)))
    evidence = staging.read()
    assert {name: evidence[name] for name in ("landed", "inserted", "repeated", "removed", "closed", "quarantined")} == {
        "landed": 4, "inserted": 1, "repeated": 2, "removed": 1, "closed": 1, "quarantined": 0,
    }  # fmt: skip
    assert staging.held() == {"A": 2, "D": 4}


@pytest.mark.parametrize("flag", ["I", "D"])
def test_a_state_sent_again_stands_at_its_latest_time(staging: Staging, flag: str) -> None:
    """The same state twice in one batch, then an older other one: it comes late."""
    staging.publish(late="30d")
    staging.push(("Z", "I", 1, at(1)), ("A", flag, 2, at(2)), ("A", flag, 2, at(5)))
    staging.read()
    staging.empty()
    staging.push(("A", "I", 9, at(3)))
    assert staging.read()["repeated"] == 1
    assert staging.held() == {"Z": 1, **({"A": 2} if flag == "I" else {})}


@pytest.mark.parametrize("flag", ["U", "D"])
def test_what_is_stated_under_the_mark_of_another_state_and_again_later_is_the_newer(
    staging: Staging, flag: str
) -> None:
    staging.publish(late="30d")
    staging.push(("A", "I", 1, at(5)), ("Z", "I", 1, at(5)))
    staging.read()
    staging.empty()
    staging.push(("A", flag, 2, at(5)), ("A", flag, 2, at(6)))
    staging.read()
    assert staging.waiting() == [] and staging.held() == {"Z": 1, **({"A": 2} if flag == "U" else {})}


def test_a_late_push_with_an_error_does_not_wait_and_one_that_waits_is_not_ended_by_a_late_one(
    staging: Staging,
) -> None:
    staging.publish(late="30d")
    staging.push(("A", "I", 1, at(5)), ("B", "I", 1, at(1)), ("B", "U", 999, at(5)))
    staging.read()
    assert staging.waiting() == [("B", "range")]
    staging.empty()
    staging.push(("A", "U", 999, at(3)), ("B", "U", 3, at(3)))
    evidence = staging.read()
    assert (evidence["repeated"], evidence["quarantined"], evidence["changed"]) == (1, 0, 1)
    assert staging.waiting() == [("B", "range")] and staging.held() == {"A": 1, "B": 3}
    staging.push(("B", "U", 4, at(6)))
    staging.read()
    assert staging.waiting() == [] and staging.held() == {"A": 1, "B": 4}


def test_a_late_push_does_not_undo_what_a_person_put_right(staging: Staging) -> None:
    staging.publish(late="30d")
    staging.push(("A", "I", 1, at(1)), ("A", "U", 999, at(5)))
    staging.read()
    with staging.hub.begin() as connection:
        row = connection.execute(text("SELECT batch_id, row_no FROM hub.quarantine")).one()
        actor = Actor(operator="李数", client="test")
        deciding.fix(staging.hub, connection, (row[0], row[1]), {"weight_kg": "9"}, reason="核对", actor=actor)
    assert journey.replay(staging.hub, FEED) is not None and staging.held() == {"A": 9}
    staging.push(("A", "U", 3, at(3)))
    staging.read()
    assert staging.held() == {"A": 9}
    staging.push(("A", "U", 4, at(5)), ("A", "U", 4, at(6)))
    staging.read()
    assert staging.held() == {"A": 4}


def test_two_states_of_one_moment_wait_also_when_they_come_apart(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(5)), ("B", "D", 0, at(5)), ("C", "I", 1, at(5)))
    staging.read()
    staging.empty()
    staging.push(("A", "U", 2, at(5)), ("B", "I", 2, at(5)), ("C", "I", 1, at(5)))
    evidence = staging.read()
    assert (evidence["quarantined"], evidence["unchanged"]) == (2, 1)
    assert staging.waiting() == [("A", "key.conflict"), ("B", "key.conflict")]
    assert staging.held() == {"A": 1, "C": 1}


def test_a_push_dated_in_the_future_waits_until_its_time_has_come(staging: Staging) -> None:
    staging.push(("A", "I", 1, at(1)), ("A", "U", 2, "2099-01-01 00:00:00"))
    staging.read()
    assert staging.waiting() == [("A", "key.future")] and staging.held() == {"A": 1}
    staging.push(("A", "U", 3, at(2)))
    staging.read()
    assert staging.held() == {"A": 3} and staging.waiting() == [("A", "key.future")]


PUSHES = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["I", "U", "D"]), st.sampled_from([1, 2, 998, 999])),
    min_size=1,
    max_size=7,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PUSHES, st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)), st.randoms(use_true_random=False))
def test_whenever_it_is_read_and_in_whatever_order_it_ends_the_same(
    staging: Staging, pushes: list[tuple[str, str, int]], readings: set[int], emptied: set[int], order: random.Random
) -> None:
    """Readings after any of the pushes, which come in any order, some sent twice, the table emptied after readings: the last
    state counts, or waits if it breaks a rule while the last that does not counts."""
    staging.publish(late="30d")
    with staging.hub.begin() as connection:
        connection.execute(text("TRUNCATE records.pet_licence, records.pet_licence_history, libraries.mention"))
        connection.execute(text("TRUNCATE hub.batch CASCADE"))
    staging.empty()
    staging.push(("Z", "I", 1, staging.moment()))
    expected: dict[str, float] = {"Z": 1}
    waiting: set[str] = set()
    rows = [(tag, flag, weight, staging.moment()) for tag, flag, weight in pushes]
    for tag, flag, weight, _ in rows:
        if flag != "D" and weight > 200:
            waiting.add(tag)
            continue
        waiting.discard(tag)
        expected.pop(tag, None)
        expected |= {} if flag == "D" else {tag: weight}
    order.shuffle(rows)
    for number, row in enumerate(rows):
        staging.push(row, *([row] if number % 2 else []))
        if number in readings:
            staging.read()
            if number in emptied:
                staging.empty()
    staging.read()
    assert staging.held() == expected
    assert {tag for tag, _ in staging.waiting()} == waiting
