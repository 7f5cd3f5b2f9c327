"""Decisions: append-only, with a reason, undone once by another one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import decisions, events
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.hub import Hub

STEWARD = Actor(operator="steward", department="housing")


def made(hub: Hub, kind: str = "accept", about: str = "dogs.dog_licence") -> decisions.Decision:
    with hub.begin() as connection:
        return decisions.record(connection, kind, about, reason="因核实", actor=STEWARD, body={"item": "姓名"})


def test_a_decision_is_kept_with_who_and_why_and_told_without_its_body(hub: Hub) -> None:
    one = made(hub)
    with hub.read() as connection:
        assert decisions.get(connection, one.id) == one
        told, _ = events.read_since(connection, events.Cursor(0, 0, 0))
    assert (one.reason, one.actor["operator"], one.body) == ("因核实", "steward", {"item": "姓名"})
    assert told[-1]["type"] == "decision.made" and "item" not in told[-1]["body"]


def test_without_a_reason_nothing_is_decided(hub: Hub) -> None:
    with pytest.raises(Invalid), hub.begin() as connection:
        decisions.record(connection, "accept", "x", reason="  ", actor=STEWARD)
    with hub.read() as connection:
        assert decisions.listed(connection) == []


@pytest.mark.parametrize(
    "number", ["11010519491231002x", "１１０１０５ 19491231 0021", "110105491231002", "致电13800001111"]
)
def test_a_reason_names_nobodys_number(hub: Hub, number: str) -> None:
    with pytest.raises(Invalid) as refused, hub.begin() as connection:
        decisions.record(connection, "accept", "x", reason=f"与{number}核对", actor=STEWARD)
    assert number not in str(refused.value) and refused.value.pointer == "/reason"
    with hub.begin() as connection:
        decisions.record(connection, "accept", "x", reason="案卷 2026-03-000123456,12 月 31 日核", actor=STEWARD)


def test_decisions_are_known_in_the_order_of_their_numbers(hub: Hub) -> None:
    """Who knows the last one knows all before: the second waits until the first is there."""
    with hub.begin() as connection:
        first = decisions.record(connection, "map", "x", reason="核实", actor=STEWARD)
        with ThreadPoolExecutor(1) as workers:
            second = workers.submit(made, hub)
            time.sleep(0.3)
            assert not second.done()
            with hub.read() as other:
                assert decisions.last(other) == 0
            connection.commit()
            assert second.result(10).seq > first.seq


def test_undone_by_another_and_as_it_stood_before(hub: Hub) -> None:
    first, second = made(hub), made(hub)
    with hub.begin() as connection:
        ended = decisions.undo(connection, first.id, reason="看错", actor=STEWARD)
        assert ended.undoes == first.id and ended.about == first.about
    with hub.read() as connection:
        assert [one.id for one in decisions.in_force(connection, "accept")] == [second.id]
        assert [one.id for one in decisions.in_force(connection, "accept", upto=second.seq)] == [first.id, second.id]
        assert [one.id for one in decisions.listed(connection)] == [ended.id, second.id, first.id]
        assert decisions.last(connection) == ended.seq
    for again in (first.id, ended.id):
        with pytest.raises(Conflict), hub.begin() as connection:
            decisions.undo(connection, again, reason="再来", actor=STEWARD)
    with pytest.raises(NotFound), hub.begin() as connection:
        decisions.undo(connection, uuid4(), reason="无", actor=STEWARD)


def test_two_who_undo_at_once_undo_once(hub: Hub) -> None:
    one = made(hub)

    def end(_: int) -> bool:
        try:
            with hub.begin() as connection:
                decisions.undo(connection, one.id, reason="看错", actor=STEWARD)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(end, range(4))) == [False, False, False, True]


@pytest.mark.parametrize("statement", ["UPDATE hub.decision SET reason = 'x'", "DELETE FROM hub.decision"])
def test_nothing_is_changed_afterwards(hub: Hub, statement: str) -> None:
    made(hub)
    with pytest.raises(DBAPIError, match="append-only"), hub.begin() as connection:
        connection.execute(text(statement))
