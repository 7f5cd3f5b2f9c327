"""Golden records: what the libraries hold about each person, organisation and licence, and where every value came from.

`refresh` is a function of mentions, records, judgements and the rules in force: it can be killed, repeated and delayed. One writer at
a time, chunk by chunk; each chunk is one transaction that links its mentions and makes its entities' golden records, so a
reader never sees one without the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from core import clock, database, events
from core.actor import SYSTEM
from core.errors import Retry
from core.hub import Hub
from core.log import get_logger
from core.text import T
from libraries import claims, conflicts, linking, rules, withholding
from libraries.lookup import Golden, Value, find, get
from libraries.rules import Rules
from schemas import published as published_set
from schemas.published import Published

__all__ = ["Golden", "RefreshResult", "Value", "find", "get", "refresh", "refresh_by"]

PATIENCE = 60.0  # seconds a chunk waits for a merge that holds one of its rows
R = TypeVar("R")
_Next = Callable[[Connection, Rules, str, int], list[str]]
#: what is followed by something else than by numbers, and the numbers it leads to
_LEADING = {linking.references: linking.referred, linking.judgements: linking.concerned}


@dataclass
class RefreshResult:
    """What a refresh did: entities made, mentions linked, mentions that contradict the name of their number, mentions
    that nothing can be linked by, golden records looked at again and those without any claim left."""

    created: int = 0
    linked: int = 0
    conflicts: int = 0
    unlinkable: int = 0
    refreshed: int = 0
    removed: int = 0


def refresh(hub: Hub, *, chunk: int = 5_000) -> RefreshResult:
    """Bring the golden records up to date with what batches merged: only numbers with a waiting mention,
    a judgement that is new or ended, or a dirty entity.
    Raises Retry when a merge holds a chunk for longer than a minute."""
    return refresh_by(hub, published_set.caught_up(hub), chunk=chunk)


@database.answering()
def refresh_by(hub: Hub, published: Published, *, chunk: int = 5_000) -> RefreshResult:
    """As `refresh`, by a given set of documents."""
    result = RefreshResult()
    today = clock.today(hub.settings.timezone)
    every = rules.of(published, today)
    with hub.engine.connect() as conn:
        with conn.begin():
            for statement in (*linking.TABLES, *claims.TABLES):
                conn.execute(text(statement))
        _patiently(partial(_sync, conn, every, today))
        for one in every:
            for following in (linking.judgements, linking.pending, linking.references, linking.dirty):
                _all(conn, one, published, following, chunk, result)
        while settled := _settle(conn, every, chunk * 4):
            result.unlinkable += settled
        if any(asdict(result).values()):
            with conn.begin():
                events.record(conn, "libraries.refreshed", "golden", asdict(result), SYSTEM)
    get_logger(__name__).info("libraries.refreshed", **asdict(result))
    return result


def _sync(conn: Connection, every: list[Rules], today: date) -> None:
    with _turn(conn):
        for one in every:
            rules.sync(conn, one)
        withholding.pass_days(conn, every, today)


def _all(
    conn: Connection, one: Rules, published: Published, following: _Next, chunk: int, result: RefreshResult
) -> None:
    """Everything that `following` gives, chunk by chunk; again from the start until a whole round finds none."""
    after, found = "", False
    while True:
        chunk_of = _patiently(partial(_chunk, conn, one, published, following, after, chunk, result))
        if chunk_of:
            after, found = chunk_of[-1], True
        elif found:
            after, found = "", False
        else:
            return


def _chunk(
    conn: Connection, one: Rules, published: Published, following: _Next, after: str, chunk: int, result: RefreshResult
) -> list[str]:
    with _turn(conn):
        found = following(conn, one, after, chunk)
        if not found:
            return found
        numbers = _LEADING[following](conn, one, found) if following in _LEADING else found
        linked = linking.link(conn, one, numbers)
        linking.mark(conn)
        made, removed = claims.make(conn, one, published)
        conflicts.note(conn, one, published)
    result.created += linked.created
    result.linked += linked.linked
    result.conflicts += linked.conflicts
    result.refreshed += made
    result.removed += removed
    return found


def _settle(conn: Connection, every: list[Rules], limit: int) -> int:
    with _turn(conn):
        return linking.settle(conn, every, limit)


@contextmanager
def _turn(conn: Connection) -> Iterator[None]:
    """One transaction in which nobody else refreshes."""
    with conn.begin():
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('hutong.golden'))"))
        # Rows are reached by index. The planner, knowing nothing of session tables and (after a first load) little of the
        # rest, would read whole tables for each chunk; LATERAL … OFFSET 0 in the statements is there for the same reason.
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        conn.execute(text("SET LOCAL enable_bitmapscan = off"))
        yield


def _patiently(step: Callable[[], R]) -> R:
    """Repeat a transaction while a merge holds one of its rows."""
    deadline, pause = time.monotonic() + PATIENCE, 0.05
    while True:
        try:
            return step()
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            if time.monotonic() > deadline:
                raise Retry(
                    T(
                        "有批次正在合并,主数据记录的刷新等待超时。",
                        "A batch has been merging for too long for the refresh to wait.",
                    ),
                    remedy=T("稍后再试;已完成的部分不会重做。", "Try again later; what is done stays done."),
                    code="refresh_waits",
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
