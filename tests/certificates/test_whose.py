"""Somebody else's records are never an answer, whatever was judged: only the claims judged the same are looked for."""

from __future__ import annotations

from dataclasses import replace

from tests.certificates.test_judged import judge, undo
from tests.certificates.test_known_as import SETTLED, codes, loan, register
from tests.certificates.town import Someone, Town, former_name, person


def two(name: str) -> tuple[Someone, Someone]:
    """Two persons of one name."""
    return replace(person(), name=name), replace(person(), name=name)


def fund(town: Town, who: Someone, number: str) -> None:
    """An account: a record of a dataset that nothing here asks about."""
    town.put(
        "fund_account",
        {"account_no": f"A{who.number}{who.name}", "name": who.name, "id_no": number, "id_kind": "identity_card"},
    )


def test_a_namesake_whose_number_a_merged_record_bears_keeps_his_records(town: Town) -> None:
    first, second = two("王伟")
    register(town, first, first)
    register(town, second, second)
    loan(town, first, first.number)
    misspelt = replace(first, name="王炜")  # a record of the second's, under the first's number
    fund(town, misspelt, misspelt.number)
    assert town.line(second, SETTLED)["outcome"] == "none"
    made = judge(town, "same", misspelt, second)
    assert codes(town.line(second, SETTLED)) == ["name_mismatch"]
    assert town.line(first, SETTLED)["outcome"] == "open"
    judge(town, "different", first, second)
    assert town.line(second, SETTLED)["outcome"] == "none"
    undo(town, made)


def test_two_former_claims_judged_different_do_not_answer_for_one_another(town: Town) -> None:
    now = person()
    before = replace(person(), name=former_name(now))
    register(town, now, before)
    by_number, by_name = (
        replace(now, number=before.number, old_number=before.old_number),
        replace(now, name=before.name),
    )
    loan(town, by_name, by_name.number)
    fund(town, by_number, by_number.number)
    assert town.line(by_number, SETTLED)["outcome"] == "open"
    judge(town, "different", by_number, by_name)
    assert town.line(by_number, SETTLED)["outcome"] == "none"
    assert town.line(by_name, SETTLED)["outcome"] == "open"
    assert codes(town.line(now, SETTLED)) == ["name_mismatch"]  # one of the two is theirs, nobody said which


def test_a_contradicted_judgement_shows_nobody_elses_records(town: Town) -> None:
    old, other = person(), person()
    now = replace(person(), name=old.name)
    fund(town, old, old.number)
    fund(town, other, other.number)
    loan(town, now, now.number)
    judge(town, "same", old, other)
    judge(town, "different", other, now)
    assert town.line(other, SETTLED)["outcome"] == "none"
    register(town, now, old)  # so whom `other` is the same as is whom it is not
    assert codes(town.line(other, SETTLED)) == ["ambiguous_subject"]
    assert [town.line(each, SETTLED)["outcome"] for each in (now, old)] == ["open"] * 2


def test_a_nameless_record_of_whoever_has_the_number(town: Town) -> None:
    holder, other = person(), person()
    register(town, holder, holder)
    register(town, other, other)
    mistaken = replace(other, number=holder.number)
    fund(town, mistaken, mistaken.number)
    loan(town, replace(holder, name=None), holder.number)
    assert town.line(other, SETTLED)["outcome"] == "none"
    judge(town, "same", mistaken, other)
    assert [codes(town.line(each, SETTLED)) for each in (other, holder)] == [["ambiguous_subject"]] * 2


def test_anothers_number_opens_no_record_without_a_name(town: Town) -> None:
    holder = person()
    register(town, holder, holder)
    loan(town, replace(holder, name=None), holder.number)
    assert town.line(holder, SETTLED)["outcome"] == "open"
    assert codes(town.line(replace(holder, name="某某"), SETTLED)) == ["ambiguous_subject"]
