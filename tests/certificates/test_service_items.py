"""A case: one request for what a service item's guide asks for, answered in the guide's order, each line by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from catalog_registry import service_items
from catalog_registry.service_items import Demand, ServiceItem
from core.actor import SYSTEM
from core.errors import Invalid
from tests.certificates.town import DEPARTMENT, Someone, Town, day, firm, person, question, title, unit

GUIDE = (
    Demand(type="fund_contributions", material="缴存证明", parameters={"months": 1, "counting": "with_back_payments"}),
    Demand(type="marriage_registered", material="结婚证", declarable=True),
    Demand(type="no_home_in_city"),
    Demand(type="title_limits"),
    Demand(type="household_homes", material="家庭住房证明"),
    Demand(type="registered_residence"),
)


def item(town: Town, id: str, *guide: Demand, but: tuple[str, ...] = ()) -> str:
    with town.hub.begin() as connection:
        made = ServiceItem(service_item=id, name="事项", department=DEPARTMENT, certificates=guide)
        service_items.put(connection, made, SYSTEM)
        for type in made.types:
            if type not in but:
                town.grant(connection, type, item=id)
    return id


def told(line: dict[str, Any]) -> tuple[str, str | None, str, list[str]]:
    return line["type"], line["outcome"], line["material"]["state"], [reason["code"] for reason in line["reasons"]]


def test_all_that_the_guide_asks_in_its_order(town: Town) -> None:
    who, spouse = person(), replace(person(), relation="spouse")
    town.put(
        "fund_account", {"account_no": f"A{who.number}", "name": who.name, "id_no": who.number, "status": "normal"}
    )
    town.put(
        "real_estate_right",
        {"right_id": f"R{spouse.number}", "holder_seq": 1, "status": "current", "right_kind": "state_land_house",
         "planned_use": "flat", "certificate_no": title(spouse), "unit_no": unit(spouse), "holder_name": spouse.name,
         "holder_no": spouse.number},
    )  # fmt: skip
    about = replace(spouse, kind="title_certificate", number=title(spouse), relation="title")
    named = item(town, "whole_item", *GUIDE, but=("registered_residence",))
    answer = town.ask(who, item=named, declared=[spouse, about])
    assert [told(line) for line in answer["answers"]] == [
        ("fund_contributions", "not_every_month", "submit", []),
        ("marriage_registered", None, "declare", ["not_collected"]),
        ("no_home_in_city", "none", "waived", []),
        ("title_limits", "clear", "waived", []),
        ("household_homes", "home", "submit", []),
        ("registered_residence", None, "submit", ["no_grant"]),
    ]
    assert [line["material"]["name"] for line in answer["answers"][:3]] == ["缴存证明", "结婚证", "本市无房情况"]
    assert "最近 1 个足月" not in json.dumps(answer["answers"][2], ensure_ascii=False)
    assert [one["relation"] for one in answer["declared"]] == ["spouse", "title"]
    for value in (who.number, who.name, spouse.number, spouse.name, title(spouse)):
        assert value not in json.dumps(answer, ensure_ascii=False)
    entry = town.audit()[-1]
    assert [one["relation"] for one in entry["declared"]] == ["spouse", "title"]
    assert spouse.number not in json.dumps(entry) and entry["declared"][0]["subject"] != entry["declared"][1]["subject"]
    quoted = answer["answers"][1]
    assert quoted["label"] == "由民政部门登记，尚未归集" and quoted["sources"] == []


def test_declared_members_leave_the_membership_to_a_promise(town: Town) -> None:
    named = item(town, "household_item", Demand(type="household_homes"))
    line = town.ask(person(), item=named, declared=[replace(person(), relation="spouse")])["answers"][0]
    assert told(line) == ("household_homes", "none", "declare", []) and line["proved"] is True
    assert line["membership"]["state"] == "unknown"
    assert [one["relation_label"] for one in line["members"]] == ["本人", "配偶"]


def test_some_of_them_come_in_the_guides_order_too(town: Town) -> None:
    named = item(town, "part_item", *GUIDE)
    types = ("registered_residence", "lease_filed", "no_home_in_city", "fund_contributions")
    answers = town.ask(person(), *types, item=named)["answers"]
    assert [line["type"] for line in answers] == [
        "fund_contributions", "no_home_in_city", "registered_residence", "lease_filed",
    ]  # fmt: skip
    assert [reason["code"] for reason in answers[3]["reasons"]] == ["no_grant"]


def test_what_was_not_declared_is_unknown_and_blocks_nothing(town: Town) -> None:
    named = item(
        town, "undeclared_item", Demand(type="title_limits"), Demand(type="same_household"), Demand(type="lease_filed")
    )
    answers = town.ask(person(), item=named)["answers"]
    assert [told(line) for line in answers] == [
        ("title_limits", None, "submit", ["not_declared"]), ("same_household", None, "submit", ["not_declared"]),
        ("lease_filed", "none", "submit", []),
    ]  # fmt: skip


def test_a_member_whose_source_fails_leaves_the_other_lines(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certificates.pool.STATEMENT_SECONDS", 0.5)
    named = item(town, "slow_item", Demand(type="household_homes"), Demand(type="lease_filed"))
    with psycopg.connect(town.hub.dsn) as other:
        other.execute("LOCK TABLE records.real_estate_right")
        answers = town.ask(person(), item=named, declared=[replace(person(), relation="spouse")])["answers"]
        other.rollback()
    assert [told(line)[3] for line in answers] == [["source_down"], []]
    assert {told(one | {"type": "", "material": {"state": ""}})[3][0] for one in answers[0]["members"]} == {
        "source_down"
    }


def test_a_guides_type_that_nobody_published(town: Town) -> None:
    named = "unpublished_item"
    with town.hub.begin() as connection:
        made = ServiceItem(
            service_item=named,
            name="事项",
            department=DEPARTMENT,
            certificates=(Demand(type="never_written"), Demand(type="lease_filed")),
        )
        service_items.put(connection, made, SYSTEM)
        town.grant(connection, "lease_filed", item=named)
    answers = town.ask(person(), item=named)["answers"]
    assert [told(line)[3] for line in answers] == [["not_collected"], []]


@pytest.mark.parametrize(
    ("types", "declared", "pointer"),
    [
        (("household_homes",), [replace(person(), relation="spous")], "/declared/0/relation"),
        (("lease_filed",), [replace(person(), relation="spouse")], "/declared/0/relation"),
        (("household_homes",), [replace(person(), relation="spouse")] * 2, "/declared/0/relation"),
        (("household_homes",), [replace(person(19), relation="minor")], "/declared/0/number"),
        (("household_homes",), [replace(firm(), relation="spouse")], "/declared/0/kind"),
        (("title_limits",), [replace(person(), relation="title")], "/declared/0/kind"),
        (("household_homes",), [Someone("identity_card", "1", "张三", "", relation="spouse")], "/declared/0/number"),
        (("title_limits",), [], "/certificates/0/type"),
        ((), [], "/certificates"),
    ],
)  # fmt: skip
def test_declarations_that_make_no_sense(
    town: Town, types: tuple[str, ...], declared: list[Someone], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        town.answer(question(person(), *types, declared=declared))
    assert refused.value.pointer == pointer
    assert town.audit()[-1]["kind"] == "certificate.refused"
    assert all(one.name not in str(refused.value) for one in declared)


def test_nobody_is_declared_to_be_with_oneself(town: Town) -> None:
    who, child = person(), replace(person(9), relation="minor")
    for types, declared in (
        ("same_household", [replace(who, relation="other")]),
        ("household_homes", [replace(who, relation="spouse")]),
        ("household_homes", [child, child]),
    ):
        with pytest.raises(Invalid) as refused:
            town.answer(question(who, types, declared=declared))
        assert refused.value.pointer == f"/declared/{len(declared) - 1}/number"
        entry = town.audit()[-1]
        assert entry["kind"] == "certificate.refused"
        assert [one["relation"] for one in entry["declared"]] == [one.relation for one in declared]


def test_what_the_guide_sets_may_be_asked_otherwise(town: Town) -> None:
    named = item(town, "months_item", Demand(type="fund_contributions", parameters={"months": 3}))
    who = person()
    town.put(
        "fund_account", {"account_no": f"B{who.number}", "name": who.name, "id_no": who.number, "status": "normal"}
    )
    for n in (1, 2):
        town.put("fund_movement", {"movement_no": f"{who.number}{n}", "account_no": f"B{who.number}", "kind": "contribution",
                                   "paid_for": day(f"month-{n}"), "booked_on": day(f"month-{n}")})  # fmt: skip
    assert town.ask(who, item=named)["answers"][0]["outcome"] == "not_every_month"
    line = town.line(who, "fund_contributions", item=named, parameters={"months": 2})
    assert (line["outcome"], line["label"]) == ("paid", "最近 2 个足月逐月缴存")
