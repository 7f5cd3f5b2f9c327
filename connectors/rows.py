"""Databases without an Arrow driver (SQLite, MySQL, Oracle …): a server-side cursor, turned into Arrow by column.

The schema must not change half-way, so types are chosen to hold whatever comes: text holds everything exactly (a number
as its shortest digits, never rounded), and only what a database types strictly becomes native. SQLite types each
*value*, not the column, so all of its columns are text.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote as percent

import pyarrow as pa
from sqlalchemy import URL, Connection, NullPool, Select, bindparam, create_engine, exc, literal_column, select, text

from connectors import refusals
from connectors.extraction import Extraction
from connectors.query import Query, bad_bound, check_names
from connectors.watermark import Mark
from core.errors import HutongError, NotReady
from core.text import T

FETCH_ROWS = 20_000
"""Rows held as Python objects at a time."""

CONNECT_TIMEOUT_S = 10
_CONNECT: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": CONNECT_TIMEOUT_S, "check_same_thread": False},
    "pymysql": {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": 600},
    "mysqldb": {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": 600},
    "oracledb": {"tcp_connect_timeout": CONNECT_TIMEOUT_S},
    "pyodbc": {"timeout": CONNECT_TIMEOUT_S},
}
# One consistent snapshot, read only; `ms` and `s` are the statement's time limit.
_BEGIN = {
    "sqlite": ("BEGIN",),
    "mysql": ("SET SESSION max_execution_time = {ms}", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
    "mariadb": ("SET SESSION max_statement_time = {s}", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - naive like the columns it is compared with; every database can hold it


def read(url: URL, query: Query, system: str, run: Extraction) -> Iterator[pa.RecordBatch]:
    """Stream the query's rows."""
    try:
        engine = create_engine(_read_only(url), poolclass=NullPool, connect_args=_connect_args(url))
    except (ImportError, exc.ArgumentError):
        raise NotReady(
            T(f"没有 {url.drivername} 的数据库驱动", f"There is no database driver for {url.drivername}."),
            remedy=T("请安装该驱动的 Python 包。", "Install the driver's Python package."),
        ) from None
    try:
        with engine.connect() as opened:
            link = opened.execution_options(stream_results=True, max_row_buffer=FETCH_ROWS)
            _begin(link, query.timeout_s)
            yield from _stream(link, query, run)
    except exc.DBAPIError as error:
        raise _refusal(error, system, url) from None
    finally:
        engine.dispose()


def _stream(link: Connection, query: Query, run: Extraction) -> Iterator[pa.RecordBatch]:
    statement, bound = _statement(link, query)
    if query.counted:
        counted = f"SELECT count(*) FROM (\n{statement}\n) counted"
        run.source_rows = int(_execute(link, counted, bound).scalar_one())
    result = _execute(link, statement, bound)
    names = [str(column[0]) for column in result.cursor.description]
    check_names(names)
    mark = query.mark_among(names)
    dynamic = link.dialect.name == "sqlite"
    types: list[pa.DataType] = [pa.string()] * len(names)
    run.schema = pa.schema(list(zip(names, types, strict=True)))
    for number, rows in enumerate(result.partitions(FETCH_ROWS)):
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if number == 0 and not dynamic:
            scales = [column[5] for column in result.cursor.description]
            types = [_type(values, scale) for values, scale in zip(columns, scales, strict=True)]
            run.schema = pa.schema(list(zip(names, types, strict=True)))
        if mark is not None:
            run.mark.observe(columns[names.index(mark)])
        arrays = [_array(values, kind) for values, kind in zip(columns, types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=run.schema)


def _statement(link: Connection, query: Query) -> tuple[str, Mark | None]:
    """The statement, and the value of its `:since` in the type the source compares with."""
    if query.places_bound:
        return query.text, _placed(query.since, dynamic=link.dialect.name == "sqlite")
    if query.watermark is None or query.since is None:
        return query.text, None
    inner = f"(\n{query.text}\n) q"
    empty = _execute(link, f"SELECT * FROM {inner} WHERE 1 = 0", None)
    mark = query.mark_among([str(column[0]) for column in empty.cursor.description])
    name = link.dialect.identifier_preparer.quote_identifier(str(mark))
    one: Select[Any] = (
        select(literal_column(name)).select_from(text(_escaped(inner))).where(text(f"{name} IS NOT NULL")).limit(1)
    )
    sample = link.execute(one).scalar()
    statement = f"SELECT * FROM {inner} WHERE {name} >= :since OR {name} IS NULL"
    return statement, _bound(query.since, sample)


def _bound(since: str, like: Any) -> Mark:
    """`since` in the type of a value the source gave."""
    try:
        if isinstance(like, datetime):
            return datetime.fromisoformat(since)
        if isinstance(like, date):
            return datetime.fromisoformat(since).date()
        if isinstance(like, int | float | Decimal):
            return _number(since)
    except (ValueError, InvalidOperation):
        raise bad_bound() from None
    return since


def _placed(since: str | None, *, dynamic: bool) -> Mark:
    """The bound of a query that places it itself, so that the column's type cannot be seen."""
    if since is None:
        # To SQLite every text is greater than any number, so this lets text and numbers through.
        return -(2**31) if dynamic else _EARLIEST
    if re.fullmatch(r"-?[1-9]\d{0,17}", since):
        return int(since)
    if dynamic or not re.match(r"\d{4}-\d\d-\d\d", since):
        return since
    return _bound(since, _EARLIEST)


def _number(digits: str) -> int | float:
    value = Decimal(digits)
    return int(value) if value == value.to_integral_value() else float(value)


def _execute(link: Connection, statement: str, since: Mark | None) -> Any:
    clause = text(_escaped(statement))
    return link.execute(clause if since is None else clause.bindparams(bindparam("since", since)))


def _escaped(statement: str) -> str:
    """Every colon but that of `:since` is the query's own (`'12:30'`, `x::text`), not a parameter's."""
    return re.sub(r":(?!since\b)|(?<=:):", r"\:", statement)


def _type(values: Sequence[Any], scale: int | None) -> pa.DataType:
    """The type of a strictly typed column, from its first values; text where there is doubt."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {datetime}:
        zoned = next(value for value in values if value is not None).tzinfo is not None
        return pa.timestamp("us", "UTC" if zoned else None)
    if kinds == {int}:
        # Oracle's NUMBER without a scale gives integers until the first fraction.
        return pa.int64() if scale in (0, None) else pa.string()
    native: dict[type, pa.DataType] = {date: pa.date32(), bool: pa.bool_(), bytes: pa.binary()}
    return native.get(kinds.pop(), pa.string()) if len(kinds) == 1 else pa.string()


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_string(kind):
        return pa.array(values, kind)
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pa.array(values, kind)
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array([None if value is None else _text(value) for value in values], kind)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, Decimal):
        return format(value, "f")
    return repr(value) if isinstance(value, float) else str(value)


def _read_only(url: URL) -> URL:
    """SQLite is opened read only: otherwise a wrong path would create an empty database, and read no rows from it."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    return url.set(database=f"file:{percent(url.database)}").update_query_dict({"mode": "ro", "uri": "true"})


def _connect_args(url: URL) -> dict[str, Any]:
    driver = url.get_backend_name() if url.get_backend_name() == "sqlite" else url.get_driver_name()
    return _CONNECT.get(driver, {})


def _begin(link: Connection, timeout_s: int) -> None:
    dialect = link.dialect
    name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
    for statement in _BEGIN.get(name, ()):
        link.exec_driver_sql(statement.format(ms=timeout_s * 1000, s=timeout_s))
    raw = link.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        deadline = time.monotonic() + timeout_s
        raw.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
    elif name == "oracle":
        raw.call_timeout = timeout_s * 1000  # type: ignore[union-attr]


_MYSQL_DENIED = frozenset({1044, 1045, 1049, 1142, 1143})
_SQLITE_DOWN = ("SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_PROTOCOL")


def _refusal(error: exc.DBAPIError, system: str, url: URL) -> HutongError:
    """What the driver said, as one of ours; of its words only names of tables and columns are passed on."""
    cause = error.orig
    where = url.host or ("" if url.get_backend_name() != "sqlite" else "SQLite")
    if isinstance(cause, sqlite3.Error):
        return _sqlite_refusal(cause, system, where)
    number = cause.args[0] if cause is not None and cause.args and isinstance(cause.args[0], int) else None
    oracle = re.search(r"ORA-\d{5}|DPY-\d{4}", str(cause))
    code = oracle.group(0) if oracle else str(number or "")
    if number in _MYSQL_DENIED or code in {"ORA-01017", "ORA-01031"}:
        return refusals.denied(system)
    if code in {"ORA-00942", "ORA-00904"} or isinstance(
        error, exc.ProgrammingError | exc.DataError | exc.NotSupportedError
    ):
        return refusals.wrong_query(system, code)
    return refusals.down(system, where)


def _sqlite_refusal(cause: sqlite3.Error, system: str, where: str) -> HutongError:
    name = getattr(cause, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return refusals.down(system, where, why=refusals.TOO_SLOW)
    if name.startswith(_SQLITE_DOWN):
        return refusals.down(system, where)
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return refusals.unreadable(
            system,
            T("不是完好的 SQLite 数据库", "it is not an intact SQLite database"),
            T("请部门重新提供该文件。", "Ask the department for the file again."),
        )
    named = re.match(r"no such (table|column): |ambiguous column name: |near ", str(cause))
    return refusals.wrong_query(system, str(cause) if named else name)
