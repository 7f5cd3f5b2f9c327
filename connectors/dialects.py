"""What is particular to one kind of database among those read row by row: its session, its values, its refusals.

SQLite and MariaDB are tested against real ones. MySQL, Oracle and whatever else SQLAlchemy has a dialect for are read
the same way, but have not been tried here.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import URL, Connection, exc

from connectors import mysql, refusals
from core.errors import HutongError
from core.text import T

CONNECT_TIMEOUT_S = 10
# By driver: each has its own words for it. A MySQL server silent for ten minutes is gone.
_CONNECT: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": CONNECT_TIMEOUT_S, "check_same_thread": False},
    "pymysql": {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": 600},
    "oracledb": {"tcp_connect_timeout": CONNECT_TIMEOUT_S},
    "pyodbc": {"timeout": CONNECT_TIMEOUT_S},
}
Description = Sequence[Sequence[Any]]
"""A cursor's description (PEP 249)."""

_DOWN_SQLITE = ("SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_PROTOCOL")


def _nothing(*_: Any) -> None:
    pass


def _says_text(kind: Any, value: Any) -> bool:
    return isinstance(value, str)


def _unknown(error: exc.DBAPIError, system: str, where: str) -> HutongError:
    wrong = isinstance(error, exc.ProgrammingError | exc.DataError | exc.NotSupportedError)
    return refusals.wrong_query(system) if wrong else refusals.down(system, where)


@dataclass(frozen=True)
class Dialect:
    """How one kind of database is asked."""

    begin: tuple[str, ...] = ()
    """Statements that open one consistent, read-only snapshot; `{ms}` and `{s}` are the statement's time limit."""
    prepare: Callable[[Any, int], None] = _nothing
    """What is said to the driver's own connection; the number is the time limit in seconds."""
    types: Callable[[Description], list[pa.DataType]] | None = None
    """The types of the columns; None: from the first values."""
    is_text: Callable[[Any, Any], bool] = _says_text
    """Whether a column is text to the database: (its type in the cursor's description, one of its values)."""
    length: str = "length"
    """The function for the number of characters of a text."""
    lowest: int | None = None
    """A bound that every value of every type is at or above; None: a date must do."""
    leave: Callable[[Connection, Any], None] = _nothing
    """Lets go of a result that was not read to its end: (connection, the driver's own connection)."""
    refusal: Callable[[exc.DBAPIError, str, str], HutongError] = _unknown
    """What the driver said, as one of ours: (error, system, where)."""


def of(link: Connection) -> Dialect:
    """The dialect of an open connection: only the server says whether it is MySQL or MariaDB."""
    return _KNOWN.get("mariadb" if getattr(link.dialect, "is_mariadb", False) else link.dialect.name, Dialect())


def refusal(error: exc.DBAPIError, system: str, url: URL) -> HutongError:
    """What the driver said, as one of ours; of its words only names of tables and columns are passed on."""
    known = _KNOWN.get(url.get_backend_name(), Dialect())
    return known.refusal(error, system, url.host or "")


def connect_args(url: URL) -> dict[str, Any]:
    """Patience while connecting, in the driver's words."""
    driver = "sqlite" if url.get_backend_name() == "sqlite" else url.get_driver_name()
    return _CONNECT.get(driver, {})


def _stop_sqlite(raw: sqlite3.Connection, timeout_s: int) -> None:
    deadline = time.monotonic() + timeout_s
    raw.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)


def _all_text(columns: Description) -> list[pa.DataType]:
    """SQLite types each value, not the column."""
    return [pa.string()] * len(columns)


def _sqlite_refusal(error: exc.DBAPIError, system: str, where: str) -> HutongError:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return refusals.down(system, "SQLite", why=refusals.TOO_SLOW)
    if name.startswith(_DOWN_SQLITE):
        return refusals.down(system, "SQLite")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return refusals.unreadable(
            system,
            T("不是完好的 SQLite 数据库", "it is not an intact SQLite database"),
            T("请部门重新提供该文件。", "Ask the department for the file again."),
        )
    named = re.match(r"no such (table|column): |ambiguous column name: |near ", str(error.orig))
    return refusals.wrong_query(system, str(error.orig) if named else name)


def _stop_oracle(raw: Any, timeout_s: int) -> None:
    raw.call_timeout = timeout_s * 1000


def _oracle_refusal(error: exc.DBAPIError, system: str, where: str) -> HutongError:
    found = re.search(r"ORA-\d{5}|DPY-\d{4}", str(error.orig))
    code = found.group(0) if found else ""
    if code in {"ORA-01017", "ORA-01031"}:
        return refusals.denied(system)
    return refusals.wrong_query(system, code) if code in {"ORA-00942", "ORA-00904"} else _unknown(error, system, where)


def _mysql(limit: str) -> Dialect:
    return Dialect(
        begin=(limit, *mysql.BEGIN),
        prepare=mysql.prepare,
        types=mysql.types,
        is_text=mysql.is_text,
        length="char_length",
        lowest=mysql.LOWEST,
        leave=mysql.leave,
        refusal=mysql.refusal,
    )


_KNOWN = {
    "sqlite": Dialect(
        begin=("BEGIN",),
        prepare=_stop_sqlite,
        types=_all_text,
        # to SQLite every text is greater than any number
        lowest=-(2**31),
        refusal=_sqlite_refusal,
    ),
    "mysql": _mysql("SET SESSION max_execution_time = {ms}"),
    "mariadb": _mysql("SET SESSION max_statement_time = {s}"),
    "oracle": Dialect(
        begin=("SET TRANSACTION READ ONLY",),
        prepare=_stop_oracle,
        refusal=_oracle_refusal,
    ),
}
