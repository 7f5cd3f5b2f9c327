"""The connections of answers: asynchronous, under the role that may read shared records and only INSERT audit rows.

asyncpg: of what an answer costs, the driver is the largest part, and psycopg's costs twice as much a statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import msgspec
from sqlalchemy import make_url

from core.errors import DatabaseUnavailable
from core.hub import Hub
from core.text import T

ROLE = "hutong_answer"
STATEMENT_SECONDS: float = 5  # an answer is milliseconds; whatever takes longer must not hold a clerk's queue
MAX_WAITING = 256  # beyond, the caller is told at once to come back: a longer queue would only time out

Connection: TypeAlias = asyncpg.Connection
#: whatever the driver raises, of a statement or of the connection
ERRORS: tuple[type[Exception], ...] = (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)
_CONNECTING: tuple[type[Exception], ...] = (*ERRORS, OSError)  # no such host, no answer in time

# Of what libpq understands in a URL, what the driver does too; the rest (keepalives, connect_timeout …) would be taken for
# settings of the server.
_IN_A_URL = frozenset(
    {"host", "port", "passfile", "service", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword",
     "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs", "krbsrvname", "options"}
)  # fmt: skip
#: classes of SQLSTATE in which the database, not the statement, is at fault: connection, resources, operator, system
_AWAY = ("08", "53", "57", "58")


class Pool:
    """Connections to one hub. Autocommit: each read is one statement with a snapshot of its own, and the audit row is
    committed when its INSERT returns.

    The driver's own pool connects and closes. What it has connected stays with us from then on: its way to hand out a
    connection and take it back costs as much as a statement.
    """

    def __init__(self, hub: Hub, size: int) -> None:
        self._hub, self._size, self._waiting = hub, size, 0
        self._turn = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._pool: asyncpg.Pool

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable."""
        try:
            self._pool = await asyncpg.create_pool(
                _url(self._hub.dsn), min_size=min(2, self._size), max_size=self._size, timeout=STATEMENT_SECONDS, init=_speak_json,
                reset=_as_it_is, server_settings=_settings(self._hub), max_cached_statement_lifetime=0,
            )  # fmt: skip
        except _CONNECTING as error:
            raise unreachable() from error

    async def close(self) -> None:
        """Close every connection."""
        if hasattr(self, "_pool"):
            while self._idle:
                await self._pool.release(self._idle.pop())
            await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one statement after another. Raises DatabaseUnavailable when there is none in time, when too many
        wait for one already, and when the database goes away meanwhile."""
        await self._take_turn()
        try:
            connection, usable = await self._connected(), False
            try:
                yield connection
                usable = True
            except ERRORS as error:
                if is_away(error):
                    raise unreachable() from error
                usable = True
                raise
            finally:
                if usable:
                    self._idle.append(connection)
                else:  # broken, or its statement is being cancelled: the driver knows what to do
                    await self._pool.release(connection)
        finally:
            self._turn.release()

    async def _take_turn(self) -> None:
        if not self._turn.locked():
            await self._turn.acquire()  # at once
            return
        if self._waiting >= MAX_WAITING:
            raise unreachable()
        self._waiting += 1
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise unreachable() from error
        finally:
            self._waiting -= 1

    async def _connected(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()  # the last one used: its server process is the warmest
            if not _is_gone(connection):
                return connection
            await self._pool.release(connection)
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                return await self._pool.acquire()
        except _CONNECTING as error:
            raise unreachable() from error


def _is_gone(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the driver has taken it back when it broke
        return True


def make(hub: Hub, *, size: int = 4) -> Pool:
    """A pool, not yet open."""
    return Pool(hub, size)


def is_away(error: Exception) -> bool:
    """Whether the database is away, rather than a statement wrong or slow."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate)[:2] in _AWAY and not isinstance(error, asyncpg.QueryCanceledError)
    return not isinstance(error, asyncpg.DataError)


def sqlstate(error: BaseException) -> str | None:
    """The code that is logged of an error; its words may quote a person's data."""
    return getattr(error, "sqlstate", None)


def unreachable() -> DatabaseUnavailable:
    """What a caller is told when nothing can be read."""
    return DatabaseUnavailable(
        T("数据库未响应。", "The database does not answer."),
        remedy=T("请稍后重试。", "Try again later."),
        code="database_unavailable",
    )


def _settings(hub: Hub) -> dict[str, str]:
    return {
        "application_name": "hutong-answer",
        "role": ROLE,
        "timezone": hub.settings.timezone,
        "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
        "jit": "off",
        # every plan starts at the subject's few keys whatever the values: planning anew each time costs more than running
        "plan_cache_mode": "force_generic_plan",
    }


def _url(dsn: str) -> str:
    url = make_url(dsn)
    kept = {name: value for name, value in url.query.items() if name in _IN_A_URL}
    return url.set(query=kept).render_as_string(hide_password=False)


async def _speak_json(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=msgspec.json.encode, decoder=msgspec.json.decode
    )


async def _as_it_is(connection: Connection) -> None:
    """Nothing is put back when a connection is given back, for an answer leaves nothing: that saves a statement."""
