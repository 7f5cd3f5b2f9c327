"""The connections of answers: how statements are numbered, what a URL may hold, and what happens when the database goes."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from certificates import pool
from certificates.statement import Statement
from core.errors import DatabaseUnavailable
from tests.certificates.town import Town


def test_named_parameters_are_numbered_once_each() -> None:
    made = Statement("SELECT %(a)s::int + %(b.c)s + %(a)s, '%%' LIKE 'x'")
    assert made.sql == "SELECT $1::int + $2 + $1, '%' LIKE 'x'"
    assert made.values({"b.c": 2, "a": 1, "left_out": 3}) == [1, 2]


@pytest.mark.parametrize("more", ["connect_timeout=3&keepalives_idle=30", "sslmode=prefer&application_name=x"])
def test_what_only_libpq_understands_in_a_url_is_left_to_it(
    town: Town, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setitem(town.hub.__dict__, "dsn", f"{town.hub.dsn}?{more}")

    async def go() -> tuple[str, str]:
        opened = pool.make(town.hub)
        await opened.open()
        async with opened.connection() as connection:
            found = await connection.fetchrow("SELECT current_setting('role'), current_setting('application_name')")
        await opened.close()
        return tuple(found)

    assert asyncio.run(go()) == (pool.ROLE, "hutong-answer")


def test_a_connection_that_was_ended_is_said_to_be_away_and_made_again(town: Town) -> None:
    async def go() -> int:
        opened = pool.make(town.hub, size=2)
        await opened.open()
        with pytest.raises(DatabaseUnavailable):
            async with opened.connection() as connection:
                end = text("SELECT pg_terminate_backend(:pid)")
                with town.hub.begin() as other:
                    other.execute(end, {"pid": await connection.fetchval("SELECT pg_backend_pid()")})
                await connection.execute("SELECT 1")
        async with opened.connection() as connection:
            found = await connection.fetchval("SELECT 1")
        await opened.close()
        return int(found)

    assert asyncio.run(go()) == 1


def test_who_comes_when_too_many_wait_is_told_at_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_WAITING", 1)

    async def go() -> list[str]:
        opened = pool.make(town.hub, size=2)
        await opened.open()
        held, told = asyncio.Event(), list[str]()

        async def ask(name: str) -> None:
            try:
                async with opened.connection():
                    await held.wait()
                    told.append(f"{name} answered")
            except DatabaseUnavailable:
                told.append(f"{name} refused")
                held.set()

        asking = []
        for name in ("first", "second", "waiting", "fourth"):
            asking.append(asyncio.create_task(ask(name)))
            await asyncio.sleep(0.2)
        await asyncio.gather(*asking)
        await opened.close()
        return told

    assert asyncio.run(go()) == ["fourth refused", "first answered", "second answered", "waiting answered"]


def test_a_connection_whose_statement_was_cancelled_or_that_died_idle_is_not_handed_out(town: Town) -> None:
    async def go() -> list[int]:
        opened = pool.make(town.hub, size=1)
        await opened.open()
        found = []

        async def ask(what: str) -> int:
            async with opened.connection() as connection:
                return int(await connection.fetchval(what))

        for _ in range(3):
            slow = asyncio.create_task(ask("SELECT 1 FROM pg_sleep(5)"))
            await asyncio.sleep(0.1)
            slow.cancel()
            found.append(await ask("SELECT 2"))
        process = await ask("SELECT pg_backend_pid()")
        with town.hub.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": process})
        await asyncio.sleep(0.2)
        found.append(await ask("SELECT 3"))
        with pytest.raises(ValueError):
            async with opened.connection():
                raise ValueError
        found.append(await ask("SELECT 4"))
        await opened.close()
        return found

    assert asyncio.run(go()) == [2, 2, 2, 3, 4]
