"""Cases: every outcome of every certificate type is asked of somebody who appears nowhere else."""

from __future__ import annotations

from collections import Counter

import pytest

from demo.city import City

PERSON = {
    "residential_registration", "no_home_in_city", "fund_contributions", "fund_loan_settled", "registered_residence",
    "death_registered",
}  # fmt: skip
FIRM = {"credit_check", "employer_registered", "business_licence"}
#: about a person with others declared, about a title, about either, or about papers: not every answer can occur
OTHERS = {
    "same_household": {"person"}, "household_homes": {"person"}, "title_limits": {"title"}, "contract_filed": {"person"},
    "lease_filed": {"person"}, "serious_default": {"person", "firm"},
}  # fmt: skip
OPEN = {"same_household", "title_limits"}  # nothing found of it leaves their claim open


@pytest.mark.parametrize("type_", sorted(PERSON | FIRM))
def test_each_type_is_answered_every_way(small: City, type_: str) -> None:
    answers = {(case.expect["state"], case.expect["proved"]) for case in small.truth.cases if case.type == type_}
    assert {state for state, _ in answers} == {"held", "not_held", "unknown"}
    assert {proved for _, proved in answers} == {True, False, None}
    reasons = {case.expect["reason"] for case in small.truth.cases if case.type == type_}
    assert {"name_mismatch", "quarantined_candidate"} <= reasons


def test_unknown_always_says_why_and_nothing_else_does(small: City) -> None:
    for case in small.truth.cases:
        unknown = case.expect["state"] == "unknown"
        assert unknown == (case.expect["reason"] is not None)
        assert unknown == (case.expect["proved"] is None) or (case.type in OPEN and case.expect["proved"] is None)
        assert case.subject["kind"] in OTHERS.get(case.type, {"firm" if case.type in FIRM else "person"})


@pytest.mark.parametrize("type_", sorted(OTHERS))
def test_the_other_types_are_found_and_not_found(small: City, type_: str) -> None:
    answers = {case.expect["state"] for case in small.truth.cases if case.type == type_}
    assert {"held", "not_held"} <= answers


def test_subjects_are_nobody_else(small: City) -> None:
    """A subject's number and name would otherwise be met in records that no case knows of."""
    residents = {*small.world.people.name.tolist(), *small.world.firms.name.tolist()}
    numbers = {*small.world.people.number.tolist(), *small.world.firms.code.tolist()}
    by_name = Counter({(case.subject["name"], case.subject["number"]) for case in small.truth.cases})
    assert len({name for name, _ in by_name}) == len(by_name) == len({number for _, number in by_name})
    assert not residents & {name for name, _ in by_name}
    assert not numbers & {number for _, number in by_name}


def test_one_question_is_asked_once(small: City) -> None:
    asked = Counter((case.type, case.subject["number"]) for case in small.truth.cases)
    assert set(asked.values()) == {1}


def test_examples_have_a_person_and_a_firm(small: City) -> None:
    shown = {(case.subject["kind"], case.type) for case in small.truth.cases if case.demo}
    assert shown == {*(("person", type_) for type_ in PERSON), *(("firm", type_) for type_ in FIRM)}
    assert len({case.subject["number"] for case in small.truth.cases if case.demo}) == 2
