"""The journey of an answer: grants, names, freshness, candidates, receipt, audit."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from catalog_registry import clients, grants, publication, service_items
from catalog_registry.service_items import ServiceItem
from certificates import receipt
from core import clock
from core.actor import SYSTEM
from core.errors import AuditUnavailable, DatabaseUnavailable, Invalid, Unauthorised
from schemas.published import Document
from tests.certificates.town import CLIENT, DEPARTMENT, Someone, Town, firm, person, question

SETTLED, HOME, CREDIT = "fund_loan_settled", "residential_registration", "credit_check"


def reasons(line: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in line["reasons"]]


def loan(who: Someone, **more: Any) -> dict[str, Any]:
    return {
        "loan_no": f"L{who.number}",
        "borrower_name": who.name,
        "borrower_no": who.number,
        "status": "normal",
        "balance": 1,
    } | more


def test_revoking_a_grant_changes_the_next_answer(town: Town) -> None:
    item = ServiceItem(service_item="revoked_item", name="x", department=DEPARTMENT)
    with town.hub.begin() as connection:
        service_items.put(connection, item, SYSTEM)
        given = town.grant(connection, SETTLED, item=item.id)
    who = person()
    assert reasons(town.line(who, SETTLED, item=item.id)) == []
    with town.hub.begin() as connection:
        grants.revoke(connection, given.id, SYSTEM)
    line = town.line(who, SETTLED, item=item.id)
    assert (line["state"], reasons(line)) == ("unknown", ["no_grant"])
    assert town.audit()[-1]["lines"][0]["reasons"] == ["no_grant"]


def test_an_ungranted_line_reads_nothing_and_blocks_no_other(town: Town) -> None:
    item = ServiceItem(service_item="half_item", name="x", department=DEPARTMENT)
    with town.hub.begin() as connection:
        service_items.put(connection, item, SYSTEM)
        town.grant(connection, SETTLED, item=item.id)
    with psycopg.connect(town.hub.dsn) as other:
        other.execute("LOCK TABLE records.real_estate_right")  # whoever looks at it waits, and is then cut off
        answers = town.ask(person(), HOME, SETTLED, item=item.id)["answers"]
        other.rollback()
    assert [reasons(line) for line in answers] == [["no_grant"], []]
    assert answers[0]["sources"] == [] and answers[0]["as_of"] is None


def test_only_granted_fields_leave(town: Town) -> None:
    item = ServiceItem(service_item="cut_item", name="x", department=DEPARTMENT)
    with town.hub.begin() as connection:
        service_items.put(connection, item, SYSTEM)
        town.grant(connection, SETTLED, ["loans"], item=item.id)
    who = person()
    town.put("fund_loan", loan(who, status="settled", balance=0, settled_on=clock.today()))
    assert town.line(who, SETTLED, item=item.id)["fields"] == {
        "loans": {"title": "贷款笔数", "title_en": "loans", "value": 1}
    }
    assert town.line(who, SETTLED)["fields"].keys() == {"loans", "settled_on"}


def test_the_name_must_agree(town: Town) -> None:
    who, other = person(), person()
    town.put("fund_loan", loan(who, borrower_name=other.name))
    line = town.line(who, SETTLED)
    assert (line["state"], line["proved"], line["fields"], reasons(line)) == ("unknown", None, {}, ["name_mismatch"])
    assert town.audit()[-1]["lines"][0]["reasons"] == ["name_mismatch"]
    town.put("fund_loan", loan(who, loan_no=f"M{who.number}"))
    assert reasons(town.line(who, SETTLED)) == ["ambiguous_subject"]


def test_stale_and_failing_sources_forbid_only_what_needs_them(town: Town) -> None:
    nobody, debtor = person(), person()
    town.put("fund_loan", loan(debtor))
    with clock.override(clock.now() + timedelta(days=2)):
        line = town.line(nobody, SETTLED)
        assert (line["state"], reasons(line), line["sources"][0]["freshness"]) == ("unknown", ["stale"], "late")
        assert (town.line(debtor, SETTLED)["state"], town.line(debtor, SETTLED)["proved"]) == ("held", False)
        failed = town.merged("fund_core.fund_loan", "failed")
        assert reasons(town.line(nobody, SETTLED)) == ["source_down", "stale"]  # the register of persons is late too
        town.forget(failed)
    assert town.line(nobody, SETTLED)["state"] == "not_held"


def test_a_register_behind_its_time_may_not_know_former_numbers_yet(town: Town) -> None:
    nobody, debtor, shop = person(), person(), firm()
    town.put("fund_loan", loan(debtor))
    feed = {"feed": "household_registry.household_change"}
    with town.hub.begin() as connection:
        connection.execute(
            text("UPDATE hub.batch SET landed_at = landed_at - interval '2 days' WHERE feed = :feed"), feed
        )
    try:
        assert (town.line(nobody, SETTLED)["state"], reasons(town.line(nobody, SETTLED))) == ("unknown", ["stale"])
        assert town.line(debtor, SETTLED)["state"] == "held"
        assert town.line(shop, "credit_check")["state"] == "not_held"  # a firm's register is another
    finally:
        with town.hub.begin() as connection:
            connection.execute(
                text("UPDATE hub.batch SET landed_at = landed_at + interval '2 days' WHERE feed = :feed"), feed
            )
    assert town.line(nobody, SETTLED)["state"] == "not_held"


def test_a_dataset_never_merged_or_not_published_is_not_collected(town: Town) -> None:
    with town.hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET state = 'blocked' WHERE feed = 'fund_core.fund_loan'"))
    assert reasons(town.line(person(), SETTLED)) == ["not_collected"]
    with town.hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET state = 'merged' WHERE feed = 'fund_core.fund_loan'"))
    body = """
    certificate: nothing_there
    version: 1.0.0
    title: 没有的证明
    claim: 没有
    subject: person
    branches: {rows: {dataset: never_published, role: holder}}
    facts: {rows: {branch: rows, count: true}}
    outcomes:
    - {code: some, label: 有, when: {rows: {above: 0}}, state: held, proved: true}
    - {code: none, label: 无, state: not_held, proved: false}
    """
    publication.register(town.hub, [Document("certificate", "nothing_there", "1.0.0", body, "nothing.yaml")], SYSTEM)
    with town.hub.begin() as connection:
        town.grant(connection, "nothing_there")
    answers = town.ask(person(), "nothing_there", SETTLED)["answers"]
    assert [line["state"] for line in answers] == ["unknown", "not_held"]
    assert reasons(answers[0]) == ["not_collected"]


@pytest.mark.parametrize(
    ("number", "named", "in_doubt", "expected"),
    [
        ("own", "other", None, ["quarantined_candidate"]),
        ("old", "other", None, ["quarantined_candidate"]),
        (None, "own", None, ["quarantined_candidate"]),
        ("4.30903E+17", "own", "borrower_no", ["quarantined_candidate"]),
        ("another", "own", None, []),
        ("another", "own", "status", []),
    ],
)
def test_waiting_rows_that_could_be_the_subjects(
    town: Town, number: str | None, named: str, in_doubt: str | None, expected: list[str]
) -> None:
    who, other = person(), person()
    numbers = {"own": who.number, "old": who.old_number, "another": other.number, None: None}
    name = who.name if named == "own" else other.name
    batch = town.quarantine("fund_loan", "borrower", number=numbers.get(number, number), name=name, in_doubt=in_doubt)
    line = town.line(who, SETTLED)
    assert (reasons(line), line["state"]) == (expected, "unknown" if expected else "not_held")
    assert reasons(town.line(who, HOME)) == []  # another dataset's rows
    with town.hub.begin() as connection:
        connection.execute(text("UPDATE hub.quarantine SET status = 'dismissed' WHERE batch_id = :id"), {"id": batch})
    assert reasons(town.line(who, SETTLED)) == []


def test_a_number_masked_at_the_source(town: Town) -> None:
    who, other = person(), person()
    masked = who.number[:6] + "*" * 8 + who.number[14:]
    elsewhere = other.number[:5] + "9" + "*" * 8 + "0000"
    town.put("fund_loan", loan(other, borrower_name=who.name, borrower_no=elsewhere))
    assert town.line(who, SETTLED)["state"] == "not_held"
    town.put("fund_loan", loan(who, borrower_no=masked))
    assert reasons(town.line(who, SETTLED)) == ["ambiguous_subject"]


def test_no_audit_no_answer(town: Town) -> None:
    before = len(town.audit())
    with town.hub.begin() as connection:
        connection.execute(text("REVOKE INSERT ON hub.audit FROM hutong_answer"))
    try:
        with pytest.raises(AuditUnavailable):
            town.ask(person(), SETTLED)
    finally:
        with town.hub.begin() as connection:
            connection.execute(text("GRANT INSERT ON hub.audit TO hutong_answer"))
    assert len(town.audit()) == before


def test_the_audit_row_is_committed_and_holds_no_values(town: Town) -> None:
    who = person()
    town.put("fund_loan", loan(who))
    body = town.answer(question(who, SETTLED)).body
    told = json.loads(body)
    entry = next(entry for entry in town.audit() if entry["id"] == told["id"])
    assert (entry["kind"], entry["client"], entry["operator"], entry["case"]) == (
        "certificate.answered",
        CLIENT,
        "window-03",
        "2026-0001",
    )
    assert entry["lines"] == [
        {"type": SETTLED, "outcome": "open", "state": "held", "proved": False, "reasons": [], "fields": ["loans"]}
    ]
    for text_ in (json.dumps(entry, ensure_ascii=False), body.decode()):
        assert who.number not in text_ and who.name not in text_


def test_the_receipt_verifies_and_notices_a_change(town: Town) -> None:
    told = town.ask(person(), SETTLED)
    receipt.verify(town.hub.keys, told)
    for changed in (
        told | {"case_no": "2026-0002"},
        {k: v for k, v in told.items() if k != "receipt"},
        told | {"receipt": "a.b.c"},
    ):
        with pytest.raises(Unauthorised):
            receipt.verify(town.hub.keys, changed)


def test_departments_get_pseudonyms_they_cannot_join(town: Town) -> None:
    with town.hub.begin() as connection:
        clients.add(connection, "elsewhere", "别处", "provident_fund")
    who = person()
    refs = {
        json.loads(town.answer(question(who, SETTLED), client).body)["subject"]["ref"]
        for client in (CLIENT, "elsewhere")
    }
    assert len(refs) == 2


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"certificates": [{"type": SETTLED}, {"type": "fund_loan_setled"}]}, "/certificates/1/type"),
        ({"certificates": [{"type": SETTLED}, {"type": SETTLED}]}, "/certificates/1/type"),
        ({"certificates": [{"type": CREDIT}]}, "/certificates/0/type"),
        ({"certificates": [{"type": SETTLED, "parameters": {"months": 1}}]}, "/certificates/0/parameters/months"),
        (
            {"certificates": [{"type": "fund_contributions", "parameters": {"months": 0}}]},
            "/certificates/0/parameters/months",
        ),
        ({"subject": {"kind": "identity_card", "number": "430302199312212519", "name": "张三"}}, "/subject/number"),
        ({"subject": {"kind": "id_card", "number": "11010519491231002X", "name": "张三"}}, "/subject/kind"),
        ({"service_item": "no_such_item"}, "/service_item"),
    ],
)
def test_a_question_that_makes_no_sense(town: Town, changed: dict[str, Any], pointer: str) -> None:
    query = question(person(), SETTLED, **changed)
    with pytest.raises(Invalid) as refused:
        town.answer(query)
    assert refused.value.pointer == pointer
    assert query.subject.number not in str(refused.value)
    if pointer == "/service_item":
        assert town.audit()[-1]["kind"] == "certificate.refused"


def test_near_miss_is_named(town: Town) -> None:
    with pytest.raises(Invalid, match=SETTLED):
        town.answer(question(person(), "fund_loan_setled"))


def test_an_ended_client_is_refused_although_its_token_lives(town: Town) -> None:
    with town.hub.begin() as connection:
        clients.add(connection, "leaving", "将停用", DEPARTMENT)
        clients.end(connection, "leaving")
    with pytest.raises(Unauthorised):
        town.answer(question(person(), SETTLED), "leaving")


def test_one_failing_line_never_blocks_another(town: Town) -> None:
    with town.hub.begin() as connection:
        connection.execute(text("REVOKE SELECT ON records.credit_penalty FROM hutong_answer"))
    try:
        answers = town.ask(firm(), CREDIT, "employer_registered")["answers"]
    finally:
        with town.hub.begin() as connection:
            connection.execute(text("GRANT SELECT ON records.credit_penalty TO hutong_answer"))
    assert [(line["state"], reasons(line)) for line in answers] == [("unknown", ["source_down"]), ("not_held", [])]


def test_one_slow_line_never_blocks_another(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certificates.pool.STATEMENT_SECONDS", 0.5)
    with psycopg.connect(town.hub.dsn) as other:
        other.execute("LOCK TABLE records.real_estate_right")
        answers = town.ask(person(), HOME, SETTLED)["answers"]
        other.rollback()
    assert [(line["state"], reasons(line)) for line in answers] == [("unknown", ["source_down"]), ("not_held", [])]


def test_a_database_that_is_away_is_said_to_be_away(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certificates.pool.STATEMENT_SECONDS", 0.5)
    monkeypatch.setitem(town.hub.__dict__, "dsn", "postgresql://x@127.0.0.1:1/x")
    with pytest.raises(DatabaseUnavailable):
        town.answer(question(person(), SETTLED))
