"""MariaDB and MySQL by PyMySQL: values as the server wrote them, from one snapshot in UTC.

Columns come as text, which holds an amount exactly and a date that is none (`2024-00-15`) as it stands, so that whoever
judges the value sees it. Only TIMESTAMP is native: it is a moment, and the session's zone decides how it is written.
The zero date `0000-00-00` is the server's own word for "no date" in a column that must not be null, hence null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.constants import CR, ER, FIELD_TYPE
from sqlalchemy import Connection, exc

from connectors import refusals
from core.errors import HutongError

BEGIN = (
    # A snapshot is consistent only so; a server may be set otherwise.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION time_zone = '+00:00'",
    # The server hangs up on a reader that pauses for longer (60 s unless told), as one does that loads meanwhile.
    "SET SESSION net_write_timeout = 3600",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
LOWEST = -(2**31)
"""Compared with a number, a zero date or a text, MariaDB takes this for the least."""

_ZERO = "0000-00-00"
_STATEMENT_TOO_SLOW = (1969, 3024)  # MariaDB's and MySQL's number for it
_DENIED = frozenset({
    ER.DBACCESS_DENIED_ERROR, ER.ACCESS_DENIED_ERROR, ER.BAD_DB_ERROR, ER.TABLEACCESS_DENIED_ERROR,
    ER.COLUMNACCESS_DENIED_ERROR, ER.HOST_NOT_PRIVILEGED, ER.SPECIFIC_ACCESS_DENIED_ERROR, ER.PROCACCESS_DENIED_ERROR,
    1698,  # a user who may log in only from the server itself
})  # fmt: skip
_PASSING = frozenset({
    ER.CON_COUNT_ERROR, ER.SERVER_SHUTDOWN, ER.TOO_MANY_USER_CONNECTIONS, ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK,
    ER.USER_LIMIT_REACHED, ER.QUERY_INTERRUPTED, ER.NET_PACKETS_OUT_OF_ORDER, ER.NET_READ_ERROR,
    ER.NET_READ_INTERRUPTED, ER.NET_ERROR_ON_WRITE, ER.NET_WRITE_INTERRUPTED, ER.OUT_OF_RESOURCES, ER.DISK_FULL,
    1927,  # the connection was killed
})  # fmt: skip
_NAMES = frozenset({ER.BAD_FIELD_ERROR, ER.NO_SUCH_TABLE, ER.BAD_TABLE_ERROR, ER.NON_UNIQ_ERROR})


def prepare(raw: Any, timeout_s: int) -> None:
    """Let PyMySQL hand over text instead of making Python objects of it. Another driver keeps its own ways."""
    if isinstance(raw, pymysql.Connection):
        raw.decoders = _DECODERS


def types(columns: Sequence[Sequence[Any]]) -> list[pa.DataType]:
    """Text, and moments in UTC."""
    return [pa.timestamp("us", "UTC") if column[1] == FIELD_TYPE.TIMESTAMP else pa.string() for column in columns]


def is_text(kind: Any, value: Any) -> bool:
    """Whether a column is text to the server: here all values are."""
    return kind in _TEXTS


def leave(link: Connection, raw: Any) -> None:
    """Hang up. PyMySQL would first read the result to its end, millions of rows or not."""
    result = getattr(raw, "_result", None)  # the one way in: to close its cursor is to read on
    if isinstance(raw, pymysql.Connection) and result is not None:
        result.unbuffered_active = False
    if not link.invalidated:
        link.invalidate()


def refusal(error: exc.DBAPIError, system: str, where: str) -> HutongError:
    """What the driver said, as one of ours; of its words only names of tables and columns are passed on."""
    number, *words = error.orig.args if error.orig is not None and error.orig.args else (None,)
    if not isinstance(number, int) or CR.CR_ERROR_FIRST <= number <= CR.CR_ERROR_LAST:
        return refusals.down(system, where)
    if number in _DENIED:
        return refusals.denied(system)
    if number in _STATEMENT_TOO_SLOW:
        return refusals.down(system, where, why=refusals.TOO_SLOW)
    if number in _PASSING or number == 0:
        return refusals.down(system, where)
    return refusals.wrong_query(system, str(words[0]) if number in _NAMES and words else f"MySQL {number}")


def _date(written: str) -> str | None:
    return None if written.startswith(_ZERO) else written


def _moment(written: str) -> datetime | None:
    return None if written.startswith(_ZERO) else datetime.fromisoformat(written).replace(tzinfo=UTC)


_TEXTS = frozenset({
    FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.ENUM, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB,
    FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB,
})  # fmt: skip
_DECODERS: dict[int, Callable[[str], Any]] = {
    FIELD_TYPE.DATE: _date,
    FIELD_TYPE.NEWDATE: _date,
    FIELD_TYPE.DATETIME: _date,
    FIELD_TYPE.TIMESTAMP: _moment,
}
