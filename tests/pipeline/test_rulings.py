"""A batch that a guard stopped: let in by a named person, or dropped and read again; every pair of states of a batch."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import decisions
from core.actor import SYSTEM, Actor
from core.errors import BatchBlocked, Conflict, Invalid, Outdated, Stop
from core.hub import Hub
from pipeline import batch as batches
from pipeline import guards, journey, undoing
from pipeline.batch import MOVES, Batch
from tests.pipeline.small import COLUMNS, CONTRACT, FEED, Small, row

CLERK = Actor(operator="李审", client="test")
WHY = "来源部门书面确认"


def blocked(small: Small, code: str) -> UUID:
    """Run the feed into a guard; the batch that it stopped."""
    with pytest.raises(BatchBlocked) as caught:
        journey.run(small.hub, FEED)
    assert caught.value.code == code
    with small.hub.read() as connection:
        return batches.listed(connection, feed=FEED, state="blocked")[0].id


def run(small: Small) -> Batch:
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    return batch


def held(hub: Hub, table: str = "records.pet_licence") -> list[str]:
    with hub.read() as connection:
        return list(connection.scalars(text(f"SELECT tag FROM {table} ORDER BY tag")))


def shrunk(small: Small) -> UUID:
    """Ten rows held, two given: a blocked full batch."""
    small.write([row(f"A{n}") for n in range(10)])
    small.publish(shrink="20%")
    run(small)
    small.write([row("A0"), row("A1")])
    return blocked(small, "shrink")


def test_an_accepted_batch_merges_and_says_who_let_it_in(small: Small) -> None:
    id = shrunk(small)
    batch = journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    assert batch.state == "delivered" and batch.reason is None
    assert held(small.hub) == ["A0", "A1"]
    assert batch.evidence["closed"] == 8
    (told,) = batch.evidence["accepted"]
    assert (told["guard"], told["by"], told["reason"]) == ("shrink", "李审", WHY)
    assert journey.accept(small.hub, id, reason=WHY, actor=CLERK).id == id, "again: nothing more happens"
    with small.hub.read() as connection:
        made = decisions.listed(connection, batch_id=id)
        ended = connection.execute(
            text("SELECT min(h._known_to) FROM records.pet_licence_history h WHERE _ended = 'removed'")
        ).scalar_one()
    assert [one.kind for one in made] == ["accept"] and made[0].body["facts"]["before"] == 10
    assert ended == made[0].at > (batch.landed_at or made[0].at), "known from the acceptance, not from the landing"
    assert run(small).evidence["unchanged"] == 2


def test_a_dropped_increment_is_read_again(small: Small) -> None:
    small.write([row("A1")])
    small.publish(mode="incremental")
    first = run(small)
    small.write([row(f"B{n}", weight=999, changed="2026-04-01 08:00:00") for n in range(30)])
    id = blocked(small, "failing")
    dropped = journey.drop(small.hub, id, reason=WHY, actor=CLERK)
    assert dropped.state == "dropped" and journey.drop(small.hub, id, reason=WHY, actor=CLERK).state == "dropped"
    small.write([row(f"B{n}", changed="2026-04-01 08:00:00") for n in range(30)])
    again = run(small)
    assert (again.since, again.evidence["inserted"]) == (first.watermark, 30)
    with small.hub.read() as connection:
        assert [one.kind for one in decisions.listed(connection, batch_id=id)] == ["drop"]


def test_a_failing_source_is_stopped_whole_and_named_by_its_rules(small: Small) -> None:
    good = [row(f"A{n}") for n in range(30)]
    small.write(good)
    small.publish()
    run(small)
    small.write([row(f"A{n}", weight=999) for n in range(25)] + good[25:])
    id = blocked(small, "failing")
    with small.hub.read() as connection:
        reason = batches.get(connection, id).reason
        assert reason is not None and reason["facts"]["rules"] == {"range": 25}
        assert connection.execute(text("SELECT count(*) FROM hub.quarantine")).scalar_one() == 0
    journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    with small.hub.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM hub.quarantine")).scalar_one() == 25
    assert len(held(small.hub)) == 30


def test_a_few_failing_rows_stop_nothing(small: Small) -> None:
    small.write([row(f"A{n}", weight=999) for n in range(guards.FEW - 1)] + [row("B1")])
    small.publish()
    assert run(small).evidence["quarantined"] == guards.FEW - 1


def test_only_the_guard_that_was_waived_is_waived(small: Small) -> None:
    small.write([row(f"A{n}") for n in range(10)])
    small.publish(shrink="20%", contract=with_rule())
    run(small)
    small.write([row("A0", number=None)])
    id = blocked(small, "shrink")
    with pytest.raises(BatchBlocked) as caught:
        journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    assert caught.value.code == "table_rule" and len(held(small.hub)) == 10
    batch = journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    assert [one["guard"] for one in batch.evidence["accepted"]] == ["shrink", "table_rule/owner_no_numbers"]
    assert held(small.hub) == ["A0"]


def test_of_two_who_accept_at_once_the_second_waives_nothing_that_he_has_not_seen(small: Small) -> None:
    small.write([row(f"A{n}") for n in range(10)])
    small.publish(shrink="20%", contract=with_rule())
    run(small)
    small.write([row("A0", number=None)])
    id = blocked(small, "shrink")
    came: list[str] = []

    def accept(name: str) -> None:
        try:
            journey.accept(small.hub, id, reason=WHY, actor=Actor(operator=name, client="test"))
        except (BatchBlocked, Outdated) as error:
            came.append(type(error).__name__)

    with journey.alone(small.hub, FEED):  # both have asked before either may go on
        people = [threading.Thread(target=accept, args=(name,)) for name in ("甲", "乙")]
        for one in people:
            one.start()
        time.sleep(1)
    for one in people:
        one.join()
    assert sorted(came) == ["BatchBlocked", "Outdated"] and len(held(small.hub)) == 10
    with small.hub.read() as connection:
        assert [one.body["guard"] for one in decisions.listed(connection, batch_id=id)] == ["shrink"]
    with pytest.raises(Outdated):
        journey.accept(small.hub, id, guard="shrink", reason=WHY, actor=CLERK)
    assert (
        journey.accept(small.hub, id, guard="table_rule/owner_no_numbers", reason=WHY, actor=CLERK).state == "delivered"
    )


def with_rule() -> str:
    rule = "quality: [{id: numbers, type: library, metric: nullValues, mustBeLessOrEqualTo: 0, dimension: completeness, severity: error}]"
    number = "customProperties: [{property: valueType, value: citizen_no}]"
    return CONTRACT.replace(number, f"{number}, {rule}")


def test_an_accept_undone_before_the_merge_stops_the_batch_again(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    id = shrunk(small)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(journey, "_load", interrupted)
        journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    with small.hub.begin() as connection:
        (made,) = decisions.in_force(connection, "accept", batch_id=id)
        decisions.undo(connection, made.id, reason="看错了批次", actor=CLERK)
    with pytest.raises(BatchBlocked):
        journey.run(small.hub, FEED)
    assert len(held(small.hub)) == 10


def test_an_accept_whose_process_died_is_finished_by_the_next_run(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = shrunk(small)
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(journey, "_load", interrupted)
        journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    run(small)
    with small.hub.read() as connection:
        assert batches.get(connection, id).state == "delivered"
    assert held(small.hub) == ["A0", "A1"]


def interrupted(*_: Any) -> Batch:
    raise KeyboardInterrupt


def test_what_never_landed_cannot_be_accepted_and_says_why(small: Small) -> None:
    small.write([row("A1")])
    small.publish()
    run(small)
    without_key = tuple(name for name in COLUMNS if name != "QP")
    small.write([row("A1")[:1] + row("A1")[2:]], without_key)
    id = blocked(small, "missing_column")
    with pytest.raises(Conflict) as caught:
        journey.accept(small.hub, id, reason=WHY, actor=CLERK)
    assert "QP" in str(caught.value)
    with small.hub.read() as connection:
        assert not decisions.listed(connection)
    journey.drop(small.hub, id, reason=WHY, actor=CLERK)


def test_a_ruling_needs_a_reason_and_a_batch_that_waits_for_one(small: Small) -> None:
    id = shrunk(small)
    with pytest.raises(Invalid):
        journey.accept(small.hub, id, reason=" ", actor=CLERK)
    with pytest.raises(Invalid):
        journey.drop(small.hub, id, reason="", actor=CLERK)
    small.write([row(f"A{n}") for n in range(9)])
    merged = run(small)
    with small.hub.read() as connection:
        assert batches.get(connection, id).state == "dropped", "a later batch merged"
        told = connection.scalars(text("SELECT body ->> 'batch' FROM hub.event WHERE type = 'batch.dropped'")).all()
    assert told == [str(id)], "that it ended is told like any other move"
    for ruling in (journey.accept, journey.drop):
        with pytest.raises(Conflict):
            ruling(small.hub, merged.id, reason=WHY, actor=CLERK)
    with pytest.raises(Conflict):
        journey.accept(small.hub, id, reason=WHY, actor=CLERK)


def test_a_drop_cannot_be_undone(small: Small) -> None:
    id = shrunk(small)
    journey.drop(small.hub, id, reason=WHY, actor=CLERK)
    with small.hub.begin() as connection:
        (made,) = decisions.in_force(connection, "drop", batch_id=id)
        with pytest.raises(Conflict):
            undoing.undo(small.hub, connection, made.id, reason="看错了批次", actor=CLERK)


def test_every_pair_of_states(small: Small) -> None:
    facts = {"feed": FEED, "system": "pets", "dataset": "pet_licence", "mode": "full", "contract_version": "1",
             "contract_sha": "", "system_sha": "", "publication": 1, "since": None}  # fmt: skip
    for number, (now, then) in enumerate(itertools.product(MOVES, MOVES)):
        id = UUID(int=number)
        with small.hub.begin() as connection:
            batches.create(connection, id, facts, SYSTEM)
            connection.execute(text("UPDATE hub.batch SET state = :state WHERE id = :id"), {"state": now, "id": id})
            batch = batches.get(connection, id)
            if then in MOVES[now]:
                assert batches.move(connection, batch, then, SYSTEM).state == then
            else:
                with pytest.raises(Stop):
                    batches.move(connection, batch, then, SYSTEM)
