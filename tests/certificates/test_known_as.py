"""Asked by whatever number or name a register knows the subject by, records under every other one are found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import clock
from core.errors import Invalid
from tests.certificates.town import Someone, Town, firm, former_name, person

SETTLED, CREDIT = "fund_loan_settled", "credit_check"


def register(town: Town, now: Someone, before: Someone) -> None:
    """The police know `now`, formerly under the number and the name of `before`."""
    key = f"P{now.number}"
    town.put(
        "household_person",
        {
            "person_id": key,
            "citizen_no": now.number,
            "name": now.name,
            "household_kind": "family_farm",
            "status": "normal",
        },
    )
    for kind, item in (("number_corrected", "number"), ("renamed", "name")):
        if getattr(now, item) != getattr(before, item):
            town.put(
                "household_change",
                {"change_id": f"{kind}{now.number}", "person_id": key, "kind": kind, "changed_on": clock.today(),
                 "before": getattr(before, item), "after": getattr(now, item)},
            )  # fmt: skip


def loan(town: Town, who: Someone, number: str | None) -> None:
    town.put(
        "fund_loan",
        {
            "loan_no": f"L{who.number}",
            "borrower_name": who.name,
            "borrower_no": number,
            "status": "normal",
            "balance": 1,
        },
    )


@pytest.mark.parametrize("asked", ["before", "now"])
@pytest.mark.parametrize("form", ["number", "old_number"])
@pytest.mark.parametrize("recorded", ["before", "now"])
def test_a_corrected_number_is_one_person_from_either_side(town: Town, asked: str, form: str, recorded: str) -> None:
    before = person()
    now = replace(person(), name=before.name)
    register(town, now, before)
    by = {"before": before, "now": now}
    assert town.line(by[asked], SETTLED)["outcome"] == "none"
    loan(town, by[recorded], getattr(by[recorded], form))
    assert town.line(by[asked], SETTLED)["outcome"] == "open"


def test_nobody_shares_a_household_with_a_former_self(town: Town) -> None:
    before = person()
    now = replace(person(), name=before.name)
    register(town, now, before)
    with pytest.raises(Invalid, match="同一主体"):
        town.line(now, "same_household", declared=[replace(before, relation="other")])


@pytest.mark.parametrize("asked", ["before", "now"])
def test_a_changed_name_is_no_mismatch(town: Town, asked: str) -> None:
    now = person()
    before = replace(now, name=former_name(now))
    register(town, now, before)
    loan(town, before, now.number)
    assert town.line({"before": before, "now": now}[asked], SETTLED)["outcome"] == "open"


def test_a_record_of_the_former_name_without_a_number(town: Town) -> None:
    now = person()
    before = replace(now, name=former_name(now))
    register(town, now, before)
    loan(town, before, None)
    assert codes(town.line(now, SETTLED)) == ["ambiguous_subject"]


def test_somebody_elses_name_opens_no_other_number(town: Town) -> None:
    before = person()
    now = replace(person(), name=before.name)
    register(town, now, before)
    loan(town, now, now.number)
    line = town.line(replace(before, name=person().name), SETTLED)
    assert (line["state"], line["outcome"]) == ("not_held", "none")


def test_a_correction_that_waits_leaves_the_former_number_unknown(town: Town) -> None:
    before = person()
    now = replace(person(), name=before.name)
    register(town, now, now)
    loan(town, before, before.number)
    assert town.line(now, SETTLED)["state"] == "not_held"
    town.quarantine("household_change", "@person_id", number=f"P{now.number}", name=None)
    assert codes(town.line(now, SETTLED)) == ["quarantined_candidate"]
    assert town.line(person(), SETTLED)["state"] == "not_held"


def test_a_change_of_a_firm_that_waits(town: Town) -> None:
    who = firm()
    entity = {"entity_id": f"E{who.number}", "credit_code": who.number, "name": who.name, "kind": "1151"}
    town.put("market_entity", entity | {"status": "existing"})
    assert town.line(who, CREDIT)["state"] == "not_held"
    town.quarantine("market_change", "@entity_id", number=f"E{who.number}", name=None)
    assert codes(town.line(who, CREDIT)) == ["quarantined_candidate"]


def test_the_registers_own_record_that_waits(town: Town) -> None:
    who = person()
    batch = town.quarantine("household_person", "resident", number=who.number, name=who.name)
    assert codes(town.line(who, SETTLED)) == ["quarantined_candidate"]
    town.forget(batch)
    assert town.line(who, SETTLED)["state"] == "not_held"


@pytest.mark.parametrize("there", [True, False])
def test_a_former_number_of_a_record_that_has_not_come(town: Town, there: bool) -> None:
    before = person()
    now = replace(person(), name=before.name)
    register(town, now, before)
    loan(town, now, now.number)
    if not there:
        with town.hub.begin() as connection:
            connection.execute(
                text("DELETE FROM libraries.mention WHERE id_value = :n AND role = 'resident'"), {"n": now.number}
            )
    line = town.line(before, SETTLED)
    assert (line["outcome"], codes(line)) == (("open", []) if there else (None, ["quarantined_candidate"]))


def test_another_registration_number_is_another_firm_once_ours_is_known(town: Town) -> None:
    who = firm()
    town.put(
        "market_entity",
        {"entity_id": f"E{who.number}", "credit_code": who.number, "registration_no": who.registration, "name": who.name,
         "kind": "1151", "status": "existing"},
    )  # fmt: skip
    town.put(
        "credit_penalty", {"record_id": f"X{who.number}", "party_name": who.name, "credit_code": "430900000099999"}
    )
    assert town.line(who, CREDIT)["state"] == "not_held"


def test_a_penalty_is_forgotten_the_day_its_publication_ends(town: Town) -> None:
    who = firm()
    town.put(
        "credit_penalty",
        {"record_id": f"Y{who.number}", "party_name": who.name, "credit_code": who.number, "document_no": "x",
         "published_until": clock.today()},
    )  # fmt: skip
    assert town.line(who, CREDIT)["outcome"] == "penalised"
    with clock.override(clock.now() + timedelta(days=1)):
        line = town.line(who, CREDIT)
    assert (line["outcome"], line["proved"], line["fields"]) == ("none", True, {})


def test_a_repaired_penalty_of_another_name_is_no_mismatch(town: Town) -> None:
    who = firm()
    repaired = {"record_id": f"Z{who.number}", "party_name": firm().name, "credit_code": who.number, "repaired": True}
    town.put("credit_penalty", repaired)
    assert town.line(who, CREDIT)["outcome"] == "none"
    town.put("credit_penalty", repaired | {"record_id": f"W{who.number}", "repaired": False})
    assert codes(town.line(who, CREDIT)) == ["name_mismatch"]


def codes(line: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in line["reasons"]]
