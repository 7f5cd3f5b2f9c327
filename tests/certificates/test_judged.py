"""What named persons judged of who is who reaches answers at once, and not a byte of it stays when it is undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from core.actor import Actor
from libraries import golden, judgements
from libraries.judgements import Judgement, Verdict
from schemas.derive.sql import current, history
from tests.certificates.test_known_as import CREDIT, SETTLED, codes, loan, register
from tests.certificates.town import Someone, Town, firm, person

STEWARD = Actor(operator="zhang", client="cli")


def judge(town: Town, verdict: str, one: Someone, other: Someone, library: str = "population") -> Judgement:
    with town.hub.begin() as connection:
        return judgements.add(
            connection, town.hub.keys, library, Verdict(verdict),
            judgements.claim(library, one.number, one.name), judgements.claim(library, other.number, other.name),
            reason="核对档案", actor=STEWARD,
        )  # fmt: skip


def undo(town: Town, made: Judgement) -> None:
    with town.hub.begin() as connection:
        judgements.undo(connection, town.hub.keys, made.decision.id, reason="误判", actor=STEWARD)


def records(town: Town) -> dict[str, Any]:
    """Every dataset's current and former records."""
    with town.hub.read() as connection:
        return {
            table: connection.execute(text(f"SELECT array_agg(r::text ORDER BY r::text) FROM {table} r")).scalar()
            for dataset in sorted(town.published.contracts)
            for table in (current(dataset), history(dataset))
        }


def libraries(town: Town) -> list[Any]:
    """Golden records and links, with the ids of entities."""
    with town.hub.read() as connection:
        return [
            connection.execute(
                text(f"SELECT array_agg(({said})::text ORDER BY ({said})::text) FROM libraries.{table}")
            ).scalar()
            for table, said in (
                ("golden", "(library, entity_id, attributes)"),
                ("mention", "(dataset, key, role, part, system, id_kind, id_value, name, entity_id, pending)"),
            )
        ]


def answers(town: Town, *who: Someone) -> list[Any]:
    """All that can be asked about persons."""
    types = [id for id, offer in offered(town).items() if "person" in offer.question.type.subject]
    assert len(types) >= 10
    return [town.ask(one, *types)["answers"] for one in who]


def offered(town: Town) -> Any:
    from certificates.offered import Offered

    return Offered(town.published, town.hub.settings.division).types


def test_after_undo_records_libraries_and_answers_equal_their_export_before(town: Town) -> None:
    one = person()
    other = replace(person(), name=one.name)
    register(town, one, one)
    town.put(
        "fund_account",
        {
            "account_no": f"A{other.number}",
            "name": other.name,
            "id_no": other.number,
            "id_kind": "identity_card",
            "phone": "13800000001",
        },
    )
    loan(town, other, other.number)
    golden.refresh(town.hub)
    before = records(town), libraries(town), answers(town, one, other)
    assert town.line(one, SETTLED)["outcome"] == "none" and town.line(other, SETTLED)["outcome"] == "open"
    with town.hub.read() as connection:
        apart = [golden.find(connection, "population", each.number, one.name) for each in (one, other)]
    assert None not in apart and apart[0] != apart[1]

    made = judge(town, "same", one, other)
    assert town.line(one, SETTLED)["outcome"] == "open"  # at once, before any refresh
    assert golden.refresh(town.hub).removed == 1
    with town.hub.read() as connection:
        found = [golden.find(connection, "population", each.number, one.name) for each in (one, other)]
    assert found[0] is not None and found[0] == found[1] and found[0].attributes["phone"].value == "13800000001"
    merged = records(town), libraries(town), answers(town, one, other)
    assert merged[0] == before[0] and merged[1] != before[1] and merged[2] != before[2]
    assert [line["outcome"] for said in merged[2] for line in said if line["type"] == SETTLED] == ["open"] * 2

    undo(town, made)
    assert answers(town, one, other) == before[2]
    golden.refresh(town.hub)
    assert (records(town), libraries(town), answers(town, one, other)) == before


def test_judgements_and_registers_lead_on_to_one_another(town: Town) -> None:
    former = person()
    now = replace(person(), name=former.name)
    third = replace(person(), name=former.name[0] + "某")
    register(town, now, former)
    loan(town, third, third.number)
    assert town.line(former, SETTLED)["outcome"] == "none"
    made = judge(town, "same", third, now)
    assert town.line(former, SETTLED)["outcome"] == "open"  # a former number → the register's person → the judgement
    assert town.line(third, "residential_registration")["state"] != "unknown"
    undo(town, made)
    assert town.line(former, SETTLED)["outcome"] == "none"


def test_different_keeps_from_what_a_register_says(town: Town) -> None:
    former = person()
    now = replace(person(), name=former.name)
    register(town, now, former)
    loan(town, former, former.number)
    assert town.line(now, SETTLED)["outcome"] == "open"
    made = judge(town, "different", former, now)
    assert [town.line(each, SETTLED)["outcome"] for each in (now, former)] == ["none", "open"]
    undo(town, made)
    assert town.line(now, SETTLED)["outcome"] == "open"


def test_who_is_judged_somebody_else_stands_in_nobodys_way(town: Town) -> None:
    one = person()
    other = replace(one, name=one.name + "二")
    register(town, one, one)
    loan(town, other, other.number)
    assert codes(town.line(one, SETTLED)) == ["name_mismatch"]
    made = judge(town, "different", one, other)
    assert town.line(one, SETTLED)["outcome"] == "none"
    assert town.line(other, SETTLED)["outcome"] == "open"
    undo(town, made)
    assert codes(town.line(one, SETTLED)) == ["name_mismatch"]


def test_unsure_leaves_answers_as_they_are(town: Town) -> None:
    one = person()
    other = replace(person(), name=one.name)
    register(town, one, one)
    loan(town, other, other.number)
    judge(town, "unsure", one, other)
    assert town.line(one, SETTLED)["outcome"] == "none"


def test_a_firm_is_found_by_every_form_of_the_number_judged_its_own(town: Town) -> None:
    one, other = firm(), firm()
    town.put(
        "market_entity",
        {
            "entity_id": f"E{one.number}",
            "credit_code": one.number,
            "name": one.name,
            "kind": "1151",
            "status": "existing",
        },
    )
    penalty = {"record_id": f"P{other.number}", "party_name": other.name, "credit_code": other.number}
    town.put("credit_penalty", penalty)
    assert town.line(one, CREDIT)["outcome"] == "none"
    short = replace(other, number=other.old_number)
    judge(town, "same", one, short, "legal_entity")
    assert town.line(one, CREDIT)["outcome"] == "penalised"
