"""Audit rows: what waits at one moment goes in one statement; each answer has its own row, or none at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from certificates import pool
from certificates.ledger import Ledger
from core import audit, clock
from core.errors import AuditUnavailable
from core.hub import Hub
from core.ids import uuid7


def entry(number: int, **said: Any) -> audit.Entry:
    facts = {
        "id": uuid7(), "at": clock.now(), "kind": "certificate.answered", "department": "housing", "client": "c",
        "operator": "o", "service_item": "s", "case_no": str(number), "subject": "p", "kid": "k", "body": {"n": number},
    }  # fmt: skip
    return audit.Entry(**{**facts, **said})


def written(hub: Hub, entries: list[audit.Entry], *, leaves: int = 0) -> tuple[list[Any], int]:
    """What became of each entry, and how many statements wrote them; `leaves` callers go away while they wait."""
    counted = 0

    async def go() -> list[Any]:
        nonlocal counted
        connections = pool.make(hub)
        await connections.open()
        ledger = Ledger(connections)
        once = ledger._insert

        async def counting(rows: Any) -> None:
            nonlocal counted
            counted += 1
            await once(rows)

        ledger._insert = counting  # type: ignore[method-assign]
        tasks = [asyncio.create_task(ledger.commit(one)) for one in entries]
        await asyncio.sleep(0)
        for task in tasks[:leaves]:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        await connections.close()
        return found

    return asyncio.run(go()), counted


def cases(hub: Hub) -> list[str]:
    with hub.engine.connect() as connection:
        return list(connection.execute(text("SELECT case_no FROM hub.audit ORDER BY case_no::int")).scalars())


def test_many_at_once_are_few_statements_and_every_row(hub: Hub) -> None:
    found, statements = written(hub, [entry(number) for number in range(200)])
    assert found == [None] * 200 and cases(hub) == [str(number) for number in range(200)]
    assert statements < 20


def test_a_row_that_cannot_be_written_takes_no_other_with_it(hub: Hub) -> None:
    twice = entry(0)
    found, _ = written(hub, [twice, entry(1), entry(2, id=twice.id), entry(3)])
    assert [type(one) for one in found] == [type(None), type(None), AuditUnavailable, type(None)]
    assert cases(hub) == ["0", "1", "3"]


def test_whoever_goes_away_leaves_the_others_their_rows(hub: Hub) -> None:
    found, _ = written(hub, [entry(number) for number in range(5)], leaves=2)
    assert [type(one) for one in found] == [asyncio.CancelledError] * 2 + [type(None)] * 3
    assert set(cases(hub)) >= {"2", "3", "4"}


@pytest.mark.parametrize(
    "statement", ["REVOKE INSERT ON hub.audit FROM hutong_answer", "ALTER TABLE hub.audit RENAME TO gone"]
)
def test_without_the_table_nobody_is_told(hub: Hub, statement: str) -> None:
    with hub.begin() as connection:
        connection.execute(text(statement))
    found, _ = written(hub, [entry(number) for number in range(3)])
    assert [type(one) for one in found] == [AuditUnavailable] * 3
