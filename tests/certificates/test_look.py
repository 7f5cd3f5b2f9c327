"""One statement says who asks and what the records say; it reads nothing that is not granted, and a wrong guess is asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from catalog_registry import grants
from catalog_registry.service_items import Demand
from certificates import look, plan, pool
from certificates.answer import Answer, Answerer
from certificates.look import Expected, Look
from certificates.request import Query
from core.actor import SYSTEM
from tests.certificates.test_service_items import item
from tests.certificates.town import CLIENT, Town, person, question

TYPE = "residential_registration"


def ask(town: Town, *queries: Query) -> tuple[list[Answer], list[int]]:
    """Answers by one application, and how many statements looked for each."""

    async def go() -> tuple[list[Answer], list[int]]:
        connections = pool.make(town.hub)
        await connections.open()
        answerer = Answerer(town.hub, connections)
        answers, counts = [], []
        for query in queries:
            counted.append(0)
            answers.append(await answerer.ask(query, CLIENT))
            counts.append(counted[-1])
        await connections.close()
        return answers, counts

    counted: list[int] = []
    once = Look._ask

    async def counting(self: Look, *given: Any) -> Any:
        counted[-1] += 1
        return await once(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Look, "_ask", counting)
        return asyncio.run(go())


def states(answer: Answer) -> list[tuple[str, list[str]]]:
    return [(line["state"], [reason["code"] for reason in line["reasons"]]) for line in answer.lines]


def test_one_statement_looks_from_the_second_question_on(town: Town) -> None:
    named = item(town, "looked_at", Demand(type=TYPE), Demand(type="lease_filed"))
    answers, counts = ask(town, *(question(person(), item=named) for _ in range(3)))
    assert counts == [2, 1, 1] and {tuple(map(str, states(answer))) for answer in answers} == {
        tuple(map(str, states(answers[0])))
    }


def test_a_grant_ended_since_is_seen_at_once_and_nothing_is_read(town: Town) -> None:
    named = item(town, "ended_since", Demand(type=TYPE))
    with town.hub.read() as connection:
        (given,) = [grant for grant in grants.listed(connection) if grant.service_item == named]
    ended = Expected.told

    def end(*told: Any) -> None:
        ended(*told)
        with town.hub.begin() as connection:
            if connection.scalar(
                text("SELECT valid_to IS NULL FROM hub.access_grant WHERE id = :id"), {"id": given.id}
            ):
                grants.revoke(connection, given.id, SYSTEM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Expected, "told", end)
        answers, counts = ask(town, *(question(person(), TYPE, item=named) for _ in range(3)))
    assert [states(answer)[0] for answer in answers[1:]] == [("unknown", ["no_grant"])] * 2
    assert counts == [1, 1, 1]


class Explaining:
    """A connection that keeps how PostgreSQL ran each statement."""

    def __init__(self, connection: pool.Connection) -> None:
        self.connection, self.plans = connection, list[dict[str, Any]]()

    async def fetch(self, sql: str, *values: Any) -> Any:
        (row,) = await self.connection.fetch(f"EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) {sql}", *values)
        self.plans += [each["Plan"] for each in json.loads(row[0])]
        return await self.connection.fetch(sql, *values)


def reading(town: Town, query: Query) -> list[int]:
    """How often each node of the first statement that reads records was run, when everything is expected to be granted."""
    plans: list[dict[str, Any]] = []
    once = Look._ask

    async def explained(self: Look, *given: Any) -> Any:
        connection = Explaining(self.connection)
        found = await once(replace(self, connection=connection), *given)
        plans.extend(connection.plans)
        return found

    def everything(self: Expected, offered: Any, understood: Any, query: Any, client: str, today: Any) -> Any:
        lines = plan.lines(offered, understood, (), today)
        return look.Guess(understood.subjects, (), lines, look.readable(lines))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Look, "_ask", explained)
        patch.setattr(Expected, "guess", everything)
        town.answer(query)
    return [node["Actual Loops"] for node in _nodes(plans[0]) if _reads(node)]


def test_what_is_not_granted_is_not_read(town: Town) -> None:
    assert any(reading(town, question(person(), TYPE, "lease_filed")))
    named = item(town, "one_granted", Demand(type=TYPE), Demand(type="lease_filed"), but=("lease_filed",))
    refused = reading(town, question(person(), TYPE, "lease_filed", item=named))
    assert refused and not any(refused)


def _nodes(plan: dict[str, Any], within: str = "") -> Iterator[dict[str, Any]]:
    within = plan.get("Subplan Name", within)
    yield plan | {"within": within}
    for each in plan.get("Plans", ()):
        yield from _nodes(each, within)


def _reads(node: dict[str, Any]) -> bool:
    """Whether a node reads records, or what is said of the persons in them."""
    if node.get("Schema") == "records":
        return True
    mentioned = str(node["within"]).startswith(("CTE numbered_", "CTE waiting_", "CTE namesake_"))
    return "Relation Name" in node and (mentioned or str(node["Relation Name"]).startswith("quarantine"))
