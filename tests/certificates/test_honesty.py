"""Nothing that could be the subject's is overlooked: an honest *cannot be said* never becomes *none*."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from catalog_registry import systems
from certificates.offered import covers
from schemas.links import ends
from tests.certificates.town import Someone, Town, day, firm, person

SETTLED, HOME, NO_HOME, FUND, CREDIT, LISTED = (
    "fund_loan_settled", "residential_registration", "no_home_in_city", "fund_contributions", "credit_check",
    "serious_default",
)  # fmt: skip


def said(line: dict[str, Any]) -> tuple[str, list[str]]:
    return line["state"], [reason["code"] for reason in line["reasons"]]


def account(who: Someone) -> dict[str, Any]:
    return {"account_no": f"A{who.number}", "name": who.name, "id_no": who.number, "status": "normal"}


def test_a_waiting_row_without_a_subject_belongs_to_whom_it_leads_to(town: Town) -> None:
    who, other = person(), person()
    town.put("fund_account", account(who))
    town.put("fund_account", account(other))
    assert said(town.line(who, FUND)) == ("held", [])
    batch = town.quarantine("fund_movement", "@account_no", number=f"A{who.number}", name=None)
    assert said(town.line(who, FUND)) == ("unknown", ["quarantined_candidate"])
    assert said(town.line(other, FUND)) == ("held", [])
    with town.hub.begin() as connection:
        connection.execute(text("UPDATE hub.quarantine SET status = 'fixed' WHERE batch_id = :id"), {"id": batch})
    assert said(town.line(who, FUND)) == ("held", [])


def test_two_systems_may_give_the_same_account_number(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds = systems.feeds_of(town.published)
    for dataset in ("fund_account", "fund_movement"):
        feeds[dataset] = [replace(feeds[dataset][0], id=f"{one}.{dataset}", system=one) for one in ("east", "west")]
        for feed in feeds[dataset]:
            town.merged(feed.id)
    monkeypatch.setattr(systems, "feeds_of", lambda published: feeds)
    who = person()
    paid = {"movement_no": "1", "account_no": f"A{who.number}", "kind": "contribution", "paid_for": day("month-1")}
    town.put("fund_account", account(who), "east")
    town.put("fund_movement", paid, "west")
    assert town.line(who, FUND, parameters={"months": 1})["outcome"] == "not_every_month"
    town.put("fund_movement", paid, "east")
    assert town.line(who, FUND, parameters={"months": 1})["outcome"] == "paid"


def test_two_systems_may_give_the_same_household_number(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds = systems.feeds_of(town.published)
    feed = feeds["household_person"][0]
    feeds["household_person"] = [replace(feed, id=f"{one}.household_person", system=one) for one in ("east", "west")]
    for each in feeds["household_person"]:
        town.merged(each.id)
    monkeypatch.setattr(systems, "feeds_of", lambda published: feeds)
    who = person()
    others = {"east": replace(person(), relation="other"), "west": replace(person(), relation="other")}
    for system, one in (("east", who), *others.items()):
        town.put("household_person", resident(one, household_no=f"H{who.number}"), system)
    outcomes = {system: town.line(who, "same_household", declared=[one])["outcome"] for system, one in others.items()}
    assert outcomes == {"east": "same", "west": "different"}


def resident(who: Someone, **more: Any) -> dict[str, Any]:
    return {
        "person_id": f"P{who.number}", "citizen_no": who.number, "name": who.name, "household_kind": "family_farm",
        "status": "normal",
    } | more  # fmt: skip


def test_a_firm_recorded_by_its_registration_number(town: Town) -> None:
    who = firm()
    assert said(town.line(who, CREDIT)) == ("not_held", [])
    town.put("credit_penalty", penalty(who, credit_code="430900000012345"))
    assert said(town.line(who, CREDIT)) == ("unknown", ["ambiguous_subject"])


def test_a_firm_waiting_by_its_registration_number(town: Town) -> None:
    who = firm()
    town.quarantine("credit_penalty", "firm", number="430900000012345", name=who.name)
    assert said(town.line(who, CREDIT)) == ("unknown", ["quarantined_candidate"])


def test_another_firm_of_the_same_name_is_another_firm(town: Town) -> None:
    who, other = firm(), firm()
    town.put("credit_penalty", penalty(who, credit_code=other.number))
    town.put("credit_penalty", penalty(who, record_id="other", credit_code=other.old_number))
    assert said(town.line(who, CREDIT)) == ("not_held", [])


def test_a_firm_recorded_by_its_operators_number(town: Town) -> None:
    who, operator = firm(), person()
    town.put("credit_penalty", penalty(who, id_no=operator.number, id_kind="identity_card"))
    assert said(town.line(who, CREDIT)) == ("unknown", ["ambiguous_subject"])
    entry = {"entry_id": f"S{who.number}", "party_name": who.name, "id_no": operator.number, "status": "listed"}
    town.put("serious_default", entry)
    assert said(town.line(who, LISTED)) == ("unknown", ["ambiguous_subject"])


def test_a_persons_business_listed_by_its_registration_number(town: Town) -> None:
    who = person()
    entry = {"entry_id": f"S{who.number}", "party_name": who.name, "credit_code": "430900600012345", "status": "listed"}
    town.put("serious_default", entry)
    assert said(town.line(who, LISTED)) == ("unknown", ["ambiguous_subject"])


def penalty(who: Someone, **more: Any) -> dict[str, Any]:
    return {"record_id": f"P{who.number}", "party_name": who.name, "document_no": "x"} | more


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("officer_card", "军字第0123456号", ["ambiguous_subject"]),
        ("passport", "E12345678", ["ambiguous_subject"]),
        (None, None, ["ambiguous_subject"]),
        ("identity_card", "430903******111", []),
    ],
)
def test_a_title_under_another_kind_of_number(
    town: Town, kind: str | None, number: str | None, expected: list[str]
) -> None:
    who = person()
    town.put("real_estate_right", right(who, holder_no_kind=kind, holder_no=number))
    line = town.line(who, HOME)
    assert said(line) == ("unknown" if expected else "not_held", expected)


def test_a_number_masked_in_its_older_form(town: Town) -> None:
    who = person()
    town.put(
        "real_estate_right",
        right(who, holder_no_kind="identity_card", holder_no=f"{who.old_number[:6]}******{who.old_number[-3:]}"),
    )
    assert said(town.line(who, HOME)) == ("unknown", ["ambiguous_subject"])


def test_asking_by_a_passport_does_not_hide_what_the_identity_card_owns(town: Town) -> None:
    who = person()
    town.put("real_estate_right", right(who, holder_no_kind="identity_card", holder_no=who.number))
    abroad = Someone("passport", "E11223344", who.name, "")
    assert said(town.line(abroad, NO_HOME)) == ("unknown", ["ambiguous_subject"])
    stranger = Someone("passport", "E55667788", person().name, "")
    assert said(town.line(stranger, NO_HOME)) == ("not_held", [])


def test_a_name_written_with_a_blank_or_other_brackets(town: Town) -> None:
    who, company = person(), firm()
    town.put("real_estate_right", right(who, holder_name=f"{who.name[0]} {who.name[1:]}"))
    assert said(town.line(who, HOME)) == ("unknown", ["ambiguous_subject"])
    town.put("credit_penalty", penalty(company, party_name=company.name.replace("（", "(").replace("）", ")")))
    assert said(town.line(company, CREDIT)) == ("unknown", ["ambiguous_subject"])


@pytest.mark.parametrize("names", ["李四", "李四、王五、赵六"])
def test_a_number_among_names_that_are_not_as_many(town: Town, names: str) -> None:
    who = person()
    numbers = f"110105194912310038、{who.number}"
    town.put("real_estate_right", right(who, holder_name=names, holder_no=numbers, holder_no_kind="identity_card"))
    assert said(town.line(who, NO_HOME)) == ("unknown", ["ambiguous_subject"])
    assert said(town.line(person(), NO_HOME)) == ("not_held", [])


def right(who: Someone, **more: Any) -> dict[str, Any]:
    return {
        "right_id": f"R{who.number}", "holder_seq": 1, "holder_name": who.name, "status": "current",
        "right_kind": "state_land_house", "planned_use": "housing",
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["430900"], True), (["430000"], True), (["100000"], True), ([], False), (["430902"], False), (["430100"], False),
        (["430902", "430903", "430921", "430922", "430923", "430981"], True),
        (["430902", "430903", "430921", "430922", "430923"], False),
    ],
)  # fmt: skip
def test_every_county_of_the_city_is_the_city(given: list[str], expected: bool) -> None:
    assert covers(given, "430900") is expected


def test_a_province_is_covered_by_its_cities() -> None:
    from schemas.codes import divisions

    cities = [code for code, entries in divisions.history().items() if code[:2] == "43" and entries[-1].until is None]
    assert covers([code for code in cities if code[2:] != "0000"], "430000")
    assert not covers([code for code in cities if code[2:] != "0000" and code[:4] != "4309"], "430000")


def test_what_leads_to_other_datasets_is_kept_of_a_waiting_row(town: Town) -> None:
    contracts = town.published.contracts
    for id, expected in (
        ("fund_movement", {"account_no"}), ("real_estate_limit", {"unit_no"}), ("fund_account", {"account_no", "employer_no"}),
    ):  # fmt: skip
        assert expected <= set(ends(contracts[id], contracts.values()))
