"""Waiting rows as cases: fixed, excused, dismissed, mapped; replayed; undone; closed by the source. On the small source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from core import clock, decisions
from core.actor import Actor
from core.errors import Conflict, Invalid, Outdated
from core.hub import Hub
from pipeline import deciding, journey, undoing, worklist
from pipeline.batch import Batch
from pipeline.rebuild.whole import rebuild
from pipeline.worklist import Filter
from schemas.published import current
from tests.pipeline.small import CONTRACT, FEED, Row, Small, row

STEWARD = Actor(operator="steward", client="s", department="city_management")
BAD = "110105194912310021"
GOOD = "11010519491231002X"
SOON = clock.today() + timedelta(days=10)


@contextmanager
def acting(small: Small) -> Iterator[tuple[Hub, Connection]]:
    with small.hub.begin() as connection:
        yield small.hub, connection


def held(small: Small) -> dict[str, tuple[Any, ...]]:
    with small.hub.read() as connection:
        rows = connection.execute(text("SELECT tag, owner_no, weight_kg FROM records.pet_licence ORDER BY tag"))
        return {line.tag: (line.owner_no, None if line.weight_kg is None else float(line.weight_kg)) for line in rows}


def listed(small: Small, status: str | None = None) -> list[dict[str, Any]]:
    with small.hub.read() as connection:
        return worklist.page(connection, current(small.hub.home), Filter(status=status)).rows


def case(small: Small, status: str = "open") -> tuple[UUID, int]:
    (found,) = listed(small, status)
    return UUID(found["batch"]), found["row_no"]


def statuses(small: Small) -> list[str]:
    return [found["status"] for found in listed(small)]


def load(small: Small, *rows: Row, **publish: Any) -> None:
    small.write(list(rows))
    if publish.pop("publish", False):
        small.publish(**publish)
    journey.run(small.hub, FEED)


def fix(small: Small, edits: dict[str, str | None], which: tuple[UUID, int] | None = None) -> decisions.Decision:
    with acting(small) as (hub, connection):
        return deciding.fix(hub, connection, which or case(small), edits, reason="核对原件", actor=STEWARD)


def undo(small: Small, made: decisions.Decision) -> None:
    with acting(small) as (hub, connection):
        undoing.undo(hub, connection, made.id, reason="看错了", actor=STEWARD)


def replay(small: Small) -> Batch | None:
    return journey.replay(small.hub, FEED)


def test_a_fix_is_checked_replayed_and_undone(small: Small) -> None:
    load(small, row("A1"), row("A2", number=BAD, weight=999), publish=True)
    with pytest.raises(Invalid) as caught:
        fix(small, {"owner_no": GOOD})
    assert [(one["item"], one["rule"]) for one in caught.value.errors] == [("weight_kg", "range")]
    assert BAD not in str(caught.value)
    made = fix(small, {"owner_no": GOOD, "weight_kg": "9.5"})
    assert held(small).keys() == {"A1"} and statuses(small) == ["open"], "a decision alone changes nothing"
    batch = replay(small)
    assert batch is not None and (batch.origin, batch.state, batch.watermark) == ("replay", "delivered", None)
    assert batch.evidence["inserted"] == 1 and batch.landed_at == made.at
    assert held(small)["A2"] == (GOOD, 9.5) and statuses(small) == ["fixed"]
    assert replay(small) is None, "doing it again does nothing"
    undo(small, made)
    again = replay(small)
    assert again is not None and (again.evidence["removed"], again.evidence["closed"]) == (1, 1)
    assert held(small).keys() == {"A1"} and statuses(small) == ["open"]
    assert replay(small) is None


def test_what_a_fix_replaced_is_restored(small: Small) -> None:
    load(small, row("A1", weight=5), publish=True)
    load(small, row("A1", weight=999))
    first = fix(small, {"weight_kg": "6"})
    replay(small)
    second = fix(small, {"weight_kg": "7"}, case(small, "fixed"))
    replay(small)
    assert held(small)["A1"] == (GOOD, 7.0)
    undo(small, second)
    replay(small)
    assert held(small)["A1"] == (GOOD, 6.0) and statuses(small) == ["fixed"]
    undo(small, first)
    replay(small)
    assert held(small)["A1"] == (GOOD, 5.0) and statuses(small) == ["open"]


def test_a_fix_holds_while_the_source_says_the_same_and_ends_when_it_corrects_itself(small: Small) -> None:
    wrong = row("A2", number=BAD)
    load(small, row("A1"), wrong, publish=True)
    fix(small, {"owner_no": GOOD})
    replay(small)
    load(small, row("A1", weight=3), wrong)
    assert held(small)["A2"][0] == GOOD and statuses(small) == ["fixed"]
    load(small, row("A1"), row("A2", number="440524188001010014"))
    assert held(small)["A2"][0] == "440524188001010014" and statuses(small) == ["closed_by_source"]
    with pytest.raises(Conflict):
        fix(small, {"owner_no": GOOD}, case(small, "closed_by_source"))


def test_another_wrong_version_is_another_case_and_a_late_undo_is_harmless(small: Small) -> None:
    load(small, row("A1", number=BAD), publish=True)
    made = fix(small, {"owner_no": GOOD})
    replay(small)
    load(small, row("A1", number=BAD, weight=999))
    assert statuses(small) == ["closed_by_source", "open"] and held(small)["A1"][0] == GOOD
    undo(small, made)
    assert replay(small) is None
    assert held(small)["A1"] == (GOOD, 12.5), "the older version stays while the newer one waits"


def test_an_excuse_lets_the_row_in_until_its_day(small: Small) -> None:
    load(small, row("A1", weight=999), publish=True)
    with acting(small) as (hub, connection):
        for rules, until in ((["range"], clock.today() - timedelta(1)), (["key.missing"], SOON), (["nothing"], SOON)):
            with pytest.raises(Invalid):
                deciding.excuse(hub, connection, [case(small)], rules, until, reason="已核实", actor=STEWARD)
        deciding.excuse(hub, connection, [case(small)], ["weight_kg:range"], SOON, reason="确有大型犬", actor=STEWARD)
    replay(small)
    assert held(small)["A1"] == (GOOD, 999.0) and statuses(small) == ["excused"]
    with clock.override(clock.now() + timedelta(days=9)):
        assert replay(small) is None
    with clock.override(clock.now() + timedelta(days=12)):
        batch = replay(small)
    assert batch is not None and batch.landed_at is not None
    assert batch.landed_at.date() >= SOON, "known from the day the excuse ended"
    assert held(small) == {} and statuses(small) == ["open"]


def test_a_fix_and_an_excuse_add_up(small: Small) -> None:
    load(small, row("A1", weight=999, number=BAD), publish=True)
    with acting(small) as (hub, connection):
        deciding.excuse(hub, connection, [case(small)], ["range"], SOON, reason="确有大型犬", actor=STEWARD)
    assert replay(small) is None, "the other rule still stops it"
    fix(small, {"owner_no": GOOD})
    replay(small)
    assert held(small)["A1"] == (GOOD, 999.0) and statuses(small) == ["excused"]


def test_bulk_dismissal_by_rule_names_how_many_and_is_undone_by_one(small: Small) -> None:
    rows = [row(f"A{n}", number=BAD) for n in range(5)] + [row("B1", weight=999)]
    load(small, *rows, publish=True)
    which = Filter(rule="citizen_no.checksum")
    with acting(small) as (hub, connection), pytest.raises(Conflict):
        deciding.dismiss(hub, connection, which, reason="测试数据", actor=STEWARD, expected=6)
    with acting(small) as (hub, connection):
        (made,) = deciding.dismiss(hub, connection, which, reason="测试数据", actor=STEWARD, expected=5)
    assert statuses(small).count("dismissed") == 5
    load(small, *rows)
    assert sorted(statuses(small)) == ["dismissed"] * 5 + ["open"], "the same rows do not come back"
    undo(small, made)
    assert statuses(small) == ["open"] * 6


def test_a_dismissal_takes_back_what_a_fix_put_in(small: Small) -> None:
    load(small, row("A1", number=BAD), publish=True)
    fix(small, {"owner_no": GOOD})
    replay(small)
    with acting(small) as (hub, connection):
        (made,) = deciding.dismiss(hub, connection, [case(small, "fixed")], reason="测试数据", actor=STEWARD)
    assert replay(small) is not None
    assert held(small) == {} and statuses(small) == ["dismissed"]
    undo(small, made)
    replay(small)
    assert held(small)["A1"][0] == GOOD and statuses(small) == ["fixed"], "what was decided before counts again"


def test_which_of_two_versions_counts_is_an_excuse(small: Small) -> None:
    load(small, row("A1", weight=5), row("A1", weight=6), publish=True)
    chosen = next(found for found in listed(small) if found["row_no"] == 2)
    which = (UUID(chosen["batch"]), 2)
    with acting(small) as (hub, connection):
        deciding.excuse(hub, connection, [which], ["key.conflict"], SOON, reason="以第二行为准", actor=STEWARD)
    replay(small)
    assert held(small)["A1"][1] == 6.0 and sorted(statuses(small)) == ["excused", "open"]


def test_both_versions_of_a_key_put_in_in_turn_and_both_taken_back(small: Small) -> None:
    load(small, row("A1", weight=4), publish=True)
    load(small, row("A1", weight=5), row("A1", weight=6))
    made = []
    for number in (2, 1):
        which = next((UUID(found["batch"]), number) for found in listed(small, "open") if found["row_no"] == number)
        with acting(small) as (hub, connection):
            made += deciding.excuse(
                hub, connection, [which], ["key.conflict"], SOON, reason="以此行为准", actor=STEWARD
            )
        replay(small)
    assert held(small)["A1"][1] == 5.0
    undo(small, made[0])
    replay(small)
    assert held(small)["A1"][1] == 5.0, "the one that counts stays"
    undo(small, made[1])
    replay(small)
    assert held(small)["A1"][1] == 4.0 and set(statuses(small)) == {"open"}, (
        "the undone one before it does not come back"
    )


def test_what_is_decided_and_not_yet_fit_outlives_a_new_contract(small: Small) -> None:
    load(small, row("A1", weight=999, number=BAD), publish=True)
    with acting(small) as (hub, connection):
        deciding.excuse(hub, connection, [case(small)], ["range"], SOON, reason="确有大型犬", actor=STEWARD)
    small.publish(contract=CONTRACT.replace("1.0.0", "1.1.0").replace("体重", "体重(公斤)"))
    journey.run(small.hub, FEED)
    assert statuses(small) == ["open"]
    fix(small, {"owner_no": GOOD})
    replay(small)
    assert held(small)["A1"] == (GOOD, 999.0) and statuses(small) == ["excused"]


def test_a_row_without_a_key_may_get_one_that_nobody_has(small: Small) -> None:
    load(small, row("A1"), (2026, None, *row("A2")[2:]), publish=True)
    with pytest.raises(Conflict):
        fix(small, {"tag": "A1"})  # another record's
    assert replay(small) is None and statuses(small) == ["open"]
    fix(small, {"tag": "A2"})
    replay(small)
    assert held(small).keys() == {"A1", "A2"} and statuses(small) == ["fixed"]
    with pytest.raises(Conflict):
        load(small, row("A1"), row("A3", weight=-1))
        fix(small, {"tag": "A4", "weight_kg": "1"})


def test_a_later_increment_closes_the_case_and_the_replay_comes_too_late(small: Small) -> None:
    load(small, row("A1", number=BAD), publish=True, mode="incremental")
    made = fix(small, {"owner_no": "440524188001010014"})
    small.write([row("A1", weight=7, changed="2026-03-02 08:00:00")])
    landed = journey.land(small.hub, FEED)  # settles what was decided first, then reads on
    assert held(small)["A1"][0] == "440524188001010014"
    assert landed is not None
    journey.deliver(small.hub, journey.load(small.hub, landed).id)
    assert held(small)["A1"] == (GOOD, 7.0) and statuses(small) == ["closed_by_source"]
    undo(small, made)
    assert replay(small) is None and held(small)["A1"] == (GOOD, 7.0)


def test_a_replay_moves_no_watermark_and_blocks_nothing(small: Small) -> None:
    load(
        small,
        row("A1", number=BAD),
        row("A2", changed="2026-03-05 08:00:00"),
        publish=True,
        mode="incremental",
        minimum=1,
    )
    fix(small, {"owner_no": GOOD})
    replay(small)
    small.write([row("A3", changed="2026-03-06 08:00:00"), row("A0", changed="2026-01-01 08:00:00")])
    batch = journey.run(small.hub, FEED)
    assert batch is not None and batch.since is not None and batch.since.startswith("2026-03-05")
    assert held(small).keys() == {"A1", "A2", "A3"}


def test_who_looked_first_wins(small: Small) -> None:
    load(small, row("A1", number=BAD), publish=True)
    seen = worklist.version(listed(small)[0])
    with acting(small) as (hub, connection):
        deciding.fix(hub, connection, case(small), {"owner_no": GOOD}, reason="核对", actor=STEWARD, version=seen)
    with acting(small) as (hub, connection), pytest.raises(Outdated):
        deciding.dismiss(hub, connection, [case(small)], reason="核对", actor=STEWARD, version=seen)


def test_the_list_is_masked_filtered_grouped_and_paged(small: Small) -> None:
    rows = [row(f"A{n}", number=BAD, owner="王小明") for n in range(5)] + [row("B1", weight=999, number=BAD)]
    load(small, *rows, publish=True)
    with small.hub.read() as connection:
        published = current(small.hub.home)
        first = worklist.page(connection, published, Filter(rule="citizen_no.checksum"), limit=4, total=True)
        second = worklist.page(
            connection, published, Filter(rule="citizen_no.checksum"), limit=4, cursor=first.next or ""
        )
        groups = worklist.groups(connection, published, Filter())
        none = worklist.page(connection, published, Filter(datasets=[])).rows
        with pytest.raises(Invalid):
            worklist.page(connection, published, Filter(), cursor="AAAA")
        with pytest.raises(Invalid):
            worklist.page(connection, published, Filter(severity="bad"))
    assert (len(first.rows), len(second.rows), second.next, first.total, none) == (4, 2, None, 6, [])
    assert len({found["row_no"] for found in first.rows + second.rows}) == 6
    assert BAD not in str(first) + str(second) and "王小明" not in str(first)
    (last,) = [found for found in second.rows if len(found["findings"]) == 2]
    assert {(one["item"], one["raw"]) for one in last["findings"]} == {
        ("owner_no", "110***********0021"),
        ("weight_kg", "999"),
    }
    assert last["findings"][0]["remedy"] and last["findings"][0]["message_en"] and last["key"] == ["2026", "B1"]
    assert [(one["rule"], one["rows"]) for one in groups] == [("citizen_no.checksum", 6), ("range", 1)]


def test_a_decision_tells_nobody_the_values(small: Small) -> None:
    load(small, row("A1", number=BAD), publish=True)
    fix(small, {"owner_no": GOOD})
    replay(small)
    with small.hub.read() as connection:
        told = str(connection.execute(text("SELECT json_agg(e) FROM hub.event e")).scalar_one())
        told += str(connection.execute(text("SELECT json_agg(evidence) FROM hub.batch")).scalar_one())
    assert BAD not in told and GOOD not in told


def test_a_rebuild_makes_the_same_of_decisions(small: Small) -> None:
    rows = [
        row("A1", number=BAD),
        row("A2", number=BAD),
        row("A3", weight=999),
        row("A4", weight=5),
        row("A5", weight=-1),
    ]
    load(small, *rows, publish=True)
    by_tag = {found["key"][1]: (UUID(found["batch"]), found["row_no"]) for found in listed(small)}
    first = fix(small, {"owner_no": GOOD}, by_tag["A1"])
    replay(small)
    with acting(small) as (hub, connection):
        deciding.dismiss(hub, connection, [by_tag["A2"]], reason="测试数据", actor=STEWARD)
        aside = deciding.dismiss(hub, connection, [by_tag["A5"]], reason="测试数据", actor=STEWARD)
        deciding.excuse(hub, connection, [by_tag["A3"]], ["range"], SOON, reason="确有大型犬", actor=STEWARD)
    load(small, *rows[:3], row("A4", weight=999), rows[4])
    fix(small, {"weight_kg": "6"}, (UUID(listed(small)[-1]["batch"]), listed(small)[-1]["row_no"]))
    replay(small)
    undo(small, first)
    undo(small, aside[0])
    replay(small)
    assert sorted(statuses(small)) == ["dismissed", "excused", "fixed", "open", "open"]
    report = rebuild(small.hub)
    assert [found.table for found in report.tables if not found.same] == [] and report.failed == {}
    assert report.batches == 6
