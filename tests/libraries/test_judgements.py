"""Judgements: what named persons say of who is who joins and parts, and undoing them gives back what was."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import clock, decisions
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from libraries import contested, golden, judgements, rules
from libraries.judgements import Claim, Judgement, Verdict
from tests.libraries.registry import Registry, values
from tests.libraries.test_known_as import (
    CODE,
    NEW,
    OLD,
    THIRD,
    account,
    change,
    employer,
    entities,
    linked,
    resident,
)

STEWARD = Actor(operator="zhang", client="cli")
Pair = tuple[tuple[str, str], tuple[str, str]]


@pytest.fixture
def city(registry: Registry) -> Registry:
    """With public security and the market's register connected."""
    registry.publish("resident", "change", "firm", "firm_change")
    return registry


def claim(one: tuple[str, str], library: str = "population") -> Claim:
    return judgements.claim(library, *one)


def judge(registry: Registry, verdict: str, one: tuple[str, str], other: tuple[str, str], *, unseen: bool = False,
          library: str = "population") -> Judgement:  # fmt: skip
    with registry.hub.begin() as connection:
        return judgements.add(
            connection, registry.hub.keys, library, Verdict(verdict), claim(one, library), claim(other, library),
            reason="核对纸质档案", actor=STEWARD, unseen=unseen,
        )  # fmt: skip


def undo(registry: Registry, id: UUID) -> None:
    with registry.hub.begin() as connection:
        judgements.undo(connection, registry.hub.keys, id, reason="判断有误", actor=STEWARD)


def export(registry: Registry) -> Any:
    """All that golden records and links say, ids included."""
    with registry.hub.read() as connection:
        return [
            [tuple(line) for line in connection.execute(text(query))]
            for query in (
                "SELECT library, entity_id, attributes::text FROM libraries.golden ORDER BY 1, 2",
                "SELECT dataset, key, role, part, id_kind, id_value, name, entity_id FROM libraries.mention ORDER BY 1, 2, 3, 4",
            )
        ]


def placed(registry: Registry) -> dict[tuple[Any, Any], Any]:
    """Number and name in an account → the number of the entity it is linked to."""
    return {
        (number, name): entity
        for of, _, role, _, number, name, entity, _ in registry.links()
        if of == "account" and number
    }


def found(registry: Registry, number: str, name: str) -> tuple[Any, Any] | None:
    """Whose golden record number and name open."""
    with registry.hub.read() as connection:
        record = golden.find(connection, "population", number, name)
    return record and (record.attributes["citizen_no"].value, record.attributes["name"].value)


def test_two_names_on_one_number_are_one_person_once_judged(city: Registry) -> None:
    city.put("resident", resident("r", "李砚之", OLD))
    city.put("account", account("1", "李彦之", OLD, phone="13800000001"), account("2", None, OLD))
    city.refresh()
    before, ids = export(city), entities(city, "population")
    assert linked(city, "account") == [None, None]  # whose the nameless one is, nobody knows
    made = judge(city, "same", (OLD, "李砚之"), (OLD, "李彦之"))
    assert made.reasons == ("same_number", "same_birth", "same_sound", "name_near") and made.score == pytest.approx(
        0.833
    )
    result = city.refresh()
    assert (result.created, result.linked) == (0, 2)
    assert linked(city, "account") == [OLD, OLD] and entities(city, "population") == ids
    (record,) = city.golden("population")
    assert values(record)["name"] == "李砚之" and values(record)["phone"] == "13800000001"
    undo(city, made.decision.id)
    city.refresh()
    assert export(city) == before


def test_two_persons_become_one_and_two_again_with_their_ids(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", NEW))
    city.put("account", account("1", "李小明", OLD, phone="13800000001"))
    city.refresh()
    before, ids = export(city), entities(city, "population")
    assert ids.keys() == {OLD, NEW}
    made = judge(city, "same", (OLD, "李小明"), (NEW, "李小明"))
    assert city.refresh().removed == 1
    assert entities(city, "population") == {NEW: ids[NEW]} and linked(city, "account") == [NEW]
    (record,) = city.golden("population")
    assert values(record)["phone"] == "13800000001" and values(record)["citizen_no"] == NEW
    with city.hub.read() as connection:
        found = [golden.find(connection, "population", number, "李小明") for number in (OLD, NEW)]
        assert [one and str(one.entity_id) for one in found] == [ids[NEW]] * 2
        assert golden.find(connection, "population", OLD, "张大") is None
    undo(city, made.decision.id)
    city.refresh()
    assert export(city) == before and entities(city, "population") == ids


def test_undone_by_the_general_command_it_is_undone_as_well(city: Registry) -> None:
    city.put("account", account("1", "李小明", OLD), account("2", "李小明", NEW))
    city.refresh()
    before = export(city)
    made = judge(city, "same", (OLD, "李小明"), (NEW, "李小明"))
    city.refresh()
    assert export(city) != before
    with city.hub.begin() as connection:
        decisions.undo(connection, made.decision.id, reason="x", actor=STEWARD)
    city.refresh()
    assert export(city) == before
    assert city.refresh().refreshed == 0


def test_a_record_under_somebody_elses_number_goes_to_whose_it_is(city: Registry) -> None:
    city.put("resident", resident("a", "张大", OLD), resident("b", "李小明", NEW))
    city.put("account", account("1", "李小明", OLD, phone="13800000001"), account("2", None, OLD))
    city.refresh()
    assert linked(city, "account") == [None, None]
    judge(city, "same", (OLD, "李小明"), (NEW, "李小明"))
    city.refresh()
    assert placed(city) == {(OLD, "李小明"): NEW, (OLD, None): None}
    assert {values(one)["name"]: values(one).get("phone") for one in city.golden("population")} == {
        "张大": None, "李小明": "13800000001"
    }  # fmt: skip


def test_different_parts_what_a_register_joins(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", NEW))
    city.put("change", change("1", "r", "corrected", OLD), change("2", "r", "renamed", "李晓明"))
    city.put("account", account("1", "李小明", OLD), account("2", "李晓明", NEW), account("3", "李小明", NEW))
    city.refresh()
    before = export(city)
    assert linked(city, "account") == [NEW] * 3
    by_number = judge(city, "different", (OLD, "李小明"), (NEW, "李小明"))
    by_name = judge(city, "different", (NEW, "李晓明"), (NEW, "李小明"))
    city.refresh()
    assert (
        placed(city) == {(OLD, "李小明"): OLD, (NEW, "李晓明"): NEW, (NEW, "李小明"): NEW}
        and len(city.golden("population")) == 3
    )
    assert {(entity, name) for _, _, _, _, _, name, entity, _ in city.links() if name} > {
        (NEW, "李小明"),
        (NEW, "李晓明"),
    }
    for one in ((OLD, "李小明"), (NEW, "李晓明"), (NEW, "李小明")):
        assert found(city, *one) == one
    undo(city, by_name.decision.id)
    city.refresh()
    assert placed(city) == {(OLD, "李小明"): OLD, (NEW, "李晓明"): NEW, (NEW, "李小明"): NEW}
    undo(city, by_number.decision.id)
    city.refresh()
    assert export(city) == before


def test_two_whom_a_person_judges_two_have_a_golden_record_each(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", OLD))
    city.put("account", account("1", "李小明", OLD, phone="13800000001"), account("2", "张大", OLD, phone="13800000002"),
             account("3", "王五", OLD))  # fmt: skip
    city.refresh()
    before = export(city)
    made = judge(city, "different", (OLD, "李小明"), (OLD, "张大"))
    city.refresh()
    phones = {values(one)["name"]: values(one)["phone"] for one in city.golden("population")}
    assert phones == {"李小明": "13800000001", "张大": "13800000002"}
    also = judge(city, "different", (OLD, "王五"), (OLD, "李小明"))
    city.refresh()
    assert {values(one)["name"] for one in city.golden("population")} == {"李小明", "张大", "王五"}
    undo(city, also.decision.id)
    undo(city, made.decision.id)
    city.refresh()
    assert export(city) == before


def test_two_persons_of_a_register_on_one_number_are_judged_and_given_back(city: Registry) -> None:
    city.put("resident", resident("a", "李小明", OLD), resident("b", "李晓明", OLD))
    city.put("account", account("1", "李晓明", OLD, phone="13800000001"), account("2", None, OLD))
    city.refresh()
    before = export(city)
    (found,) = unsettled(city)
    assert {found.holder.name, found.claim.name} == {"李小明", "李晓明"} and sum(found.records.values()) in (1, 2)
    made = judge(city, "same", (OLD, "李小明"), (OLD, "李晓明"))
    city.refresh()
    (record,) = city.golden("population")
    assert values(record)["phone"] == "13800000001" and linked(city, "account") == [OLD, OLD]
    assert unsettled(city) == []
    undo(city, made.decision.id)
    city.refresh()
    assert export(city) == before
    judge(city, "different", (OLD, "李小明"), (OLD, "李晓明"))
    city.refresh()
    assert export(city) == before and unsettled(city) == [] and len(unsettled(city, settled=True)) == 1


def test_unsure_changes_nothing_and_is_shown(city: Registry) -> None:
    city.put("account", account("1", "李小明", OLD), account("2", "李小明", NEW))
    city.refresh()
    before = export(city)
    judge(city, "unsure", (OLD, "李小明"), (NEW, "李小明"))
    assert city.refresh().linked == 0 and export(city) == before
    with city.hub.read() as connection:
        (one,) = judgements.listed(connection)
        assert one.verdict == "unsure" and one.decision.actor["operator"] == "zhang" and one.ended is None
        assert judgements.shown("population", one.a) == ("110***********002X", "李*")


def test_a_later_verdict_ends_the_one_before_and_is_kept_with_it(city: Registry) -> None:
    city.put("account", account("1", "李小明", OLD), account("2", "李小明", NEW))
    first = judge(city, "unsure", (OLD, "李小明"), (NEW, "李小明"))
    second = judge(city, "same", (NEW, "李小明"), (OLD, "李小明"))
    assert judge(city, "same", (OLD, "李小明"), (NEW, "李小明")) == second
    assert second.decision.about == first.decision.about
    with city.hub.read() as connection:
        listed = judgements.listed(connection)
        assert [(one.verdict, one.ended is not None) for one in listed] == [("same", False), ("unsure", True)]
        assert judgements.listed(connection, standing=True) == listed[:1]
        told = str(connection.execute(text("SELECT array_agg(about || body::text) FROM hub.event")).scalar())
        about = str(connection.execute(text("SELECT array_agg(about) FROM hub.decision")).scalar())
        audited = connection.execute(text("SELECT count(*) FROM hub.audit WHERE kind = 'library.judged'")).scalar()
    for secret in (OLD, NEW, "李小明"):
        assert secret not in told and secret not in about
    assert audited == 4


def test_judgements_do_not_contradict_one_another(city: Registry) -> None:
    names = ("李小明", "李晓明", "李筱明")
    one, two, three = ((OLD, name) for name in names)
    city.put("account", *(account(str(n), name, OLD) for n, name in enumerate(names)))
    judge(city, "same", one, two)
    judge(city, "same", two, three)
    with pytest.raises(Conflict, match="相矛盾"):
        judge(city, "different", one, three)
    second = judge(city, "different", two, three)  # in the place of `same`
    with pytest.raises(Conflict, match=str(second.decision.id)):
        judge(city, "same", one, three)
    with city.hub.read() as connection:
        assert len(judgements.listed(connection, standing=True)) == 2


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        ((OLD, "李小明"), (OLD, " 李小明 "), Invalid),
        ((OLD, "李小明"), ("110105194912310021", "李小明"), Invalid),
        ((OLD, "李小明"), (NEW, ""), Invalid),
        ((OLD, "李小明"), (NEW, "张大"), NotFound),
    ],
)
def test_what_is_no_pair_is_refused_without_repeating_it(
    city: Registry, one: Any, other: Any, error: type[Exception]
) -> None:
    city.put("account", account("1", "李小明", OLD), account("2", "李小明", NEW))
    with pytest.raises(error) as refusal:
        judge(city, "same", one, other)
    assert OLD not in str(refusal.value) and "李小明" not in str(refusal.value)


def test_nobody_is_judged_without_a_reason_or_in_a_library_of_licences(city: Registry) -> None:
    with pytest.raises(Invalid), city.hub.begin() as connection:
        judgements.add(
            connection, city.hub.keys, "population", Verdict.same, claim((OLD, "甲")), claim((NEW, "甲")), reason=" ",
            actor=STEWARD, unseen=True,
        )  # fmt: skip
    with pytest.raises(Invalid):
        judgements.claim("license", "x", "y")
    city.put("account", account("1", "李小明", OLD))
    with pytest.raises(NotFound), city.hub.begin() as connection:
        made = decisions.record(connection, "excuse", "x", reason="x", actor=STEWARD)
        judgements.undo(connection, city.hub.keys, made.id, reason="x", actor=STEWARD)


def test_firms_are_judged_by_whatever_form_of_their_number(city: Registry) -> None:
    city.put("account", employer("1", "示范贸易有限公司", CODE), employer("2", "示范商贸有限公司", CODE[8:17]))
    city.refresh()
    assert linked(city, "account").count(None) == 1
    judge(city, "same", (CODE, "示范贸易有限公司"), (CODE, "示范商贸有限公司"), library="legal_entity")
    city.refresh()
    assert linked(city, "account") == [CODE[8:17]] * 2


def test_what_registers_say_against_a_judgement_suspends_it(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", NEW))
    city.put("account", account("1", "李小明", OLD), account("2", "张大", THIRD))
    city.refresh()
    judge(city, "same", (OLD, "李小明"), (THIRD, "张大"))
    judge(city, "different", (THIRD, "张大"), (NEW, "李小明"))
    city.refresh()
    assert linked(city, "account") == [OLD, OLD]
    city.put("change", change("1", "r", "corrected", OLD))  # so OLD is who THIRD is not
    city.refresh()
    assert placed(city) == {(OLD, "李小明"): NEW, (THIRD, "张大"): THIRD}


def unsettled(registry: Registry, *, settled: bool = False) -> list[contested.Contested]:
    (mine,) = (one for one in rules.of(registry.published, clock.today()) if one.library.id == "population")
    with registry.hub.read() as connection:
        return contested.listed(connection, registry.hub.keys, mine, settled=settled)


def test_what_is_to_be_judged_is_listed_until_it_is(city: Registry) -> None:
    city.put("resident", resident("r", "李砚之", OLD))
    city.put("account", account("1", "李彦之", OLD), account("2", "李彦之", OLD), account("3", "王五", None))
    city.put("penalty", {"id": "x", "name": "张大", "number": OLD})
    city.refresh()
    first, second = unsettled(city)
    assert (first.claim.name, first.holder.name, dict(first.records)) == ("李彦之", "李砚之", {"account": 2})
    assert (second.claim.name, second.reason, dict(second.records)) == ("张大", "two_names", {"penalty": 1})
    made = judge(city, "unsure", (OLD, "李砚之"), (OLD, "李彦之"))
    assert made.decision.about == first.id
    assert [one.verdict for one in unsettled(city)] == ["unsure", None]  # looked at, and still there
    judge(city, "same", (OLD, "李砚之"), (OLD, "李彦之"))
    judge(city, "different", (OLD, "李砚之"), (OLD, "张大"))
    city.refresh()
    assert unsettled(city) == []
    assert [one.claim.name for one in unsettled(city, settled=True)] == ["张大"]


def test_a_name_that_changed_without_a_registered_change_is_told_as_that(city: Registry) -> None:
    city.put("resident", resident("r", "李晓明", OLD))
    city.put("account", account("1", "李晓明", OLD))
    city.refresh()
    with city.hub.begin() as connection:  # as a merge keeps the version before
        columns = [str(row) for row in connection.execute(text(_COMMON)).scalars()]
        listed = ", ".join(f'"{name}"' for name in columns)
        connection.execute(
            text(
                f"INSERT INTO records.resident_history ({listed}, _known_to) SELECT {listed}, now() FROM records.resident"
            )
        )
    city.put("resident", resident("r", "张大", OLD))
    city.refresh()
    (found,) = unsettled(city)
    assert (found.reason, found.claim.name, found.holder.name) == ("unregistered_change", "李晓明", "张大")
    assert [entity for *_, entity, _ in city.links() if entity] == [OLD]  # and never a merge


_COMMON = (
    "SELECT a.column_name FROM information_schema.columns a JOIN information_schema.columns b USING (column_name) "
    "WHERE a.table_schema = 'records' AND b.table_schema = 'records' AND a.table_name = 'resident' "
    "AND b.table_name = 'resident_history'"
)
