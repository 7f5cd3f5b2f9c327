"""Why a golden record says what it says: the claim that decides, when it was seen, and every other one with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.hub import Hub
from libraries import conflicts, judgements, showing
from libraries.inquiry import Case
from tests.libraries.sources import START, Sources

LI, ZHAO = "11010519491231002X", "440524188001010014"
CLERK = Actor(operator="clerk", client="cli")
DAY = timedelta(days=1)


def account(no: str, phone: str | None, *, name: str = "李小明", status: str = "open") -> dict[str, Any]:
    return {"account_no": no, "holder_no": LI, "holder_name": name, "phone": phone, "status": status}


@pytest.fixture(scope="module")
def read_only(new_hub: Callable[[], Hub], tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The city, for tests that only look at it."""
    return build(new_hub(), tmp_path_factory.mktemp("sources"))


@pytest.fixture
def city(hub: Hub, tmp_path: Path) -> Sources:
    """The city, for one test alone."""
    return build(hub, tmp_path)


def build(hub: Hub, folder: Path) -> Sources:
    """A person whom three departments know: the fund's phone number changed; one account is void, one another's by name."""
    made = Sources(hub, folder)
    made.publish("resident", "account", "title")
    made.read("resident", {"id": "r", "name": "李小明", "number": LI, "sex": "1", "ethnicity": "01"})
    made.read(
        "account", account("1", "13800000001"), account("2", "13800000002"), account("4", "13800000005", name="王五")
    )
    made.read(
        "account", account("1", "13800000003"), account("2", "13800000002"), account("3", "13800000004", status="void"),
        account("4", "13800000005", name="王五"),
    )  # fmt: skip
    made.read(
        "title",
        {"right_id": "t", "seq": 1, "holder_name": "李小明", "holder_no": LI, "phone": "13800000006", "registered_on": "2020-05-01"},
    )  # fmt: skip
    made.refresh()
    return made


def explain(city: Sources, attribute: str, **more: Any) -> showing.Explanation:
    asked = {"subject": (LI, "李小明")} | more
    return showing.explain(city.hub, "population", attribute, CLERK, case=Case("信访"), **asked)


def test_every_claim_is_told_with_the_reason_it_lost(read_only: Sources) -> None:
    found = explain(read_only, "phone")
    assert found.value.value == "13800000003" and not found.refresh_due and not found.masked
    assert [(one.reason, one.value, dict(one.record)) for one in found.claims] == [
        ("decides", "13800000003", {"account_no": "1"}),
        ("lower_authority", "13800000006", {"right_id": "t", "seq": 1}),
        ("known_earlier", "13800000002", {"account_no": "2"}),
        ("condition", "13800000004", {"account_no": "3"}),
        ("other_name", found.claims[4].value, {"account_no": "4"}),
        ("replaced", "13800000001", {"account_no": "1"}),
    ]
    assert found.claims[4].value != "13800000005", (
        "another person's, perhaps: masked for whoever asks by number and name"
    )


def test_first_and_last_seen_come_from_the_records_versions(city: Sources) -> None:
    by = {one.value: one for one in explain(city, "phone").claims}
    first_reading, second_reading = START + 2 * DAY, START + 3 * DAY
    # still so at the feed's last merge; the value before it ended with the batch that changed it
    seen = {value: (one.first_seen, one.last_seen) for value, one in by.items()}
    assert seen["13800000003"] == (second_reading, second_reading)
    assert seen["13800000002"] == (first_reading, second_reading)
    assert seen["13800000001"] == (first_reading, second_reading)
    assert by["13800000006"].valid_from == "2020-05-01" and by["13800000006"].system == "title_system"
    with city.hub.read() as connection:
        batches = connection.execute(text("SELECT id FROM hub.batch ORDER BY seq")).scalars().all()
    assert by["13800000003"].batch == batches[2] and by["13800000001"].batch == batches[1]
    # an unchanged reload: seen again, by no other batch
    city.read("account", account("1", "13800000003"), account("2", "13800000002"))
    assert {one.value: one.last_seen for one in explain(city, "phone").claims}["13800000003"] == START + 5 * DAY
    # masked at its source, the better authority's value gives way to a whole one
    city.read("account", account("1", "138****0003"))
    city.refresh()
    told = [(one.reason, one.value) for one in explain(city, "phone").claims]
    assert told[:2] == [("decides", "13800000006"), ("masked", "138****0003")]
    assert ("replaced", "13800000003") in told


def test_derived_values_agreeing_ones_and_those_only_an_authority_may_give(read_only: Sources) -> None:
    (decides, *others) = explain(read_only, "birth").claims
    assert (decides.value, decides.reason, decides.derived_from) == ("1949-12-31", "decides", "citizen_no")
    assert {one.reason for one in others} <= {"agrees", "other_name"}
    assert [one.reason for one in explain(read_only, "name").claims][:2] == ["decides", "agrees"]
    assert [one.reason for one in explain(read_only, "ethnicity").claims] == ["decides"]


def test_what_is_not_found_is_refused_and_every_look_is_audited(read_only: Sources) -> None:
    with read_only.hub.read() as connection:
        before = connection.execute(text("SELECT count(*) FROM hub.audit")).scalar_one()
    explain(read_only, "phone")
    for subject in ((LI, "王五"), (ZHAO, "李小明")):
        with pytest.raises(NotFound):
            explain(read_only, "phone", subject=subject)
    for attribute, case in (("phon", Case("信访")), ("phone", Case(" "))):
        with pytest.raises(Invalid):
            showing.explain(read_only.hub, "population", attribute, CLERK, case=case, subject=(LI, "李小明"))
    with read_only.hub.read() as connection:
        rows = connection.execute(text("SELECT kind, canonical FROM hub.audit ORDER BY at")).all()[before:]
    assert [json.loads(row.canonical)["found"] for row in rows] == [True, False, False]
    assert {row.kind for row in rows} == {"library.explained_revealed"}
    assert not any(number in str(rows) for number in (LI, ZHAO))


def test_conflicts_are_listed_without_saying_about_whom(city: Sources) -> None:
    city.read(
        "resident", {"id": "r", "name": "李小明", "number": LI, "sex": "1"}, {"id": "s", "name": "赵六", "number": ZHAO}
    )
    city.refresh()
    page = conflicts.page(city.hub)
    # a phone is only declared, so it is no conflict; the account under another name is
    ((one, sides),) = page.conflicts
    assert (one.attribute, one.department, one.kind, one.dataset) == ("name", "provident_fund", "name", "account")
    assert (sides.decides, sides.otherwise) == ("李*", "王*") and page.next is None
    (group,) = conflicts_grouped(city)
    assert (group.entities, group.against) == (1, None)
    found = explain(city, "name", subject=None, entity=one.entity_id)
    assert found.masked and found.value.value == "李*" and {each.value for each in found.claims} == {"李*", "王*"}
    whole = explain(city, "name", subject=None, entity=one.entity_id, reveal=True)
    assert {each.value for each in whole.claims} == {"李小明", "王五"}
    with city.hub.read() as connection:
        assert not conflicts.listed(connection, departments=["housing"])
    # judged to be two people: no conflict any more, though the record still says why it is not linked
    with city.hub.begin() as connection:
        pair = [judgements.claim("population", LI, name) for name in ("李小明", "王五")]
        made = judgements.add(
            connection, city.hub.keys, "population", judgements.Verdict.different, *pair, reason="本人到场", actor=CLERK
        )
    city.refresh()
    assert conflicts.page(city.hub).conflicts == ()
    assert "other_name" in {each.reason for each in explain(city, "name").claims}
    with city.hub.begin() as connection:
        judgements.undo(connection, city.hub.keys, made.decision.id, reason="误判", actor=CLERK)
    city.refresh()
    assert [each.kind for each, _ in conflicts.page(city.hub).conflicts] == ["name"]
    # corrected at the source: gone with the next refresh
    city.read("account", account("1", "13800000003"), account("4", "13800000005"))
    city.refresh()
    assert conflicts.page(city.hub).conflicts == ()


def conflicts_grouped(city: Sources) -> list[conflicts.Group]:
    with city.hub.read() as connection:
        return conflicts.grouped(connection)


def firm(code: str, name: str, status: str = "1") -> dict[str, Any]:
    return {"id": code, "code": code, "name": name, "status": status}


def test_departments_that_disagree_are_paged_by_place(hub: Hub, tmp_path: Path) -> None:
    city = Sources(hub, tmp_path)
    city.publish("firm", "account")
    codes = ("91350100M000100Y43", "91110000600037341L")
    city.read("firm", *(firm(code, f"示范市第{n}有限公司") for n, code in enumerate(codes)))
    rows = [
        {**account(str(n), None), "employer_no": code, "employer_name": "示范市旧名有限公司"}
        for n, code in enumerate(codes)
    ]
    city.read("account", *rows)
    city.refresh()
    first = conflicts.page(hub, limit=1)
    second = conflicts.page(hub, limit=1, after=first.next)
    assert first.next and second.next is None
    found = [one for one, _ in (*first.conflicts, *second.conflicts)]
    assert len({one.entity_id for one in found}) == 2
    assert {(one.library, one.attribute, one.department) for one in found} == {
        ("legal_entity", "name", "provident_fund")
    }
    assert first.told()["conflicts"][0]["otherwise"] and not first.told()["conflicts"][0]["otherwise"].startswith(
        "示范市旧名有限"
    )
    with pytest.raises(Invalid):
        conflicts.page(hub, after="AAAA")


@pytest.mark.parametrize("as_json", [True, False])
def test_the_commands(read_only: Sources, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    monkeypatch.setenv("HUTONG_HOME", str(read_only.hub.home))
    monkeypatch.setenv("HUTONG_DATABASE_URL", read_only.hub.url)
    more = ["--json"] if as_json else []
    arguments = ["why", "population", "phone", "--reason", "信访", *more]
    done = CliRunner().invoke(app, arguments, input=f"{LI}\n李小明\n", catch_exceptions=False)
    assert done.exit_code == 0 and "13800000003" in done.stdout and LI not in done.stdout
    if as_json:
        assert [one["reason"] for one in json.loads(done.stdout)["claims"]][:2] == ["decides", "lower_authority"]
    listed = CliRunner().invoke(app, ["conflicts", *more], catch_exceptions=False)
    assert listed.exit_code == 0 and "李小明" not in listed.stdout
    counted = CliRunner().invoke(app, ["conflicts", "--summary", *more], catch_exceptions=False)
    assert counted.exit_code == 0 and "population" in counted.stdout
