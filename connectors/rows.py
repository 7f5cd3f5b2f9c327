"""Databases without an Arrow driver (SQLite, MariaDB, Oracle …): a server-side cursor, turned into Arrow by column.

The schema must not change half-way, so types are chosen to hold whatever comes: text holds everything exactly (a number
as its shortest digits, never rounded), and only what a database types strictly becomes native. What differs between
databases is said in connectors.dialects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote as percent

import pyarrow as pa
from sqlalchemy import URL, Connection, NullPool, Select, bindparam, create_engine, exc, literal_column, select, text

from connectors import dialects
from connectors.dialects import Dialect
from connectors.extraction import Extraction
from connectors.query import Query, bad_bound, beyond, check_names, mixed_types
from connectors.watermark import Mark
from core.errors import NotReady
from core.text import T

FETCH_ROWS = 20_000
"""Rows held as Python objects at a time."""

FETCH_SIZE = 32 << 20
"""Characters and bytes in them; what goes beyond is given on with fewer rows."""

_PIECE = 100

_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - naive like the columns it is compared with; every database can hold it


def read(url: URL, query: Query, system: str, run: Extraction) -> Iterator[pa.RecordBatch]:
    """Stream the query's rows."""
    try:
        engine = create_engine(_read_only(url), poolclass=NullPool, connect_args=dialects.connect_args(url))
    except (ImportError, exc.ArgumentError):
        raise NotReady(
            T(f"没有 {url.drivername} 的数据库驱动。", f"There is no database driver for {url.drivername}."),
            remedy=T("请安装该驱动的 Python 包。", "Install the driver's Python package."),
        ) from None
    try:
        with engine.connect() as opened:
            link = opened.execution_options(stream_results=True, max_row_buffer=FETCH_ROWS)
            dialect = dialects.of(link)
            _begin(link, dialect, query.timeout_s)
            yield from _stream(link, dialect, query, run)
    except exc.DBAPIError as error:
        raise dialects.refusal(error, system, url) from None
    finally:
        engine.dispose()


def _stream(link: Connection, dialect: Dialect, query: Query, run: Extraction) -> Iterator[pa.RecordBatch]:
    statement, bound = _statement(link, dialect, query)
    statement = query.projected(statement, link.dialect.identifier_preparer.quote_identifier)
    if query.counted:
        counted = f"SELECT count(*) FROM (\n{statement}\n) counted"
        run.source_rows = int(_execute(link, counted, bound).scalar_one())
    raw = link.connection.driver_connection
    result = _execute(link, statement, bound)
    try:
        yield from _batches(result, dialect, query, run)
    except BaseException:
        dialect.leave(link, raw)
        raise


def _batches(result: Any, dialect: Dialect, query: Query, run: Extraction) -> Iterator[pa.RecordBatch]:
    description = result.cursor.description
    names = [str(column[0]) for column in description]
    check_names(names)
    mark = query.mark_among(names)
    types = dialect.types(description) if dialect.types else [pa.string()] * len(names)
    run.schema = pa.schema(list(zip(names, types, strict=True)))
    for number, rows in enumerate(_parts(result)):
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if number == 0 and dialect.types is None:
            types = [_type(values, column[5]) for values, column in zip(columns, description, strict=True)]
            run.schema = pa.schema(list(zip(names, types, strict=True)))
        if mark is not None:
            run.mark.observe(columns[names.index(mark)])
        yield pa.RecordBatch.from_arrays(
            [_array(values, field) for values, field in zip(columns, run.schema, strict=True)], schema=run.schema
        )


def _parts(result: Any) -> Iterator[list[Sequence[Any]]]:
    """The rows in parts of FETCH_ROWS, or of fewer where they are heavy."""
    part: list[Sequence[Any]] = []
    size = 0
    while piece := result.fetchmany(_PIECE):
        part += piece
        size += sum(len(cell) for row in piece for cell in row if isinstance(cell, str | bytes))
        if len(part) >= FETCH_ROWS or size > FETCH_SIZE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _statement(link: Connection, dialect: Dialect, query: Query) -> tuple[str, Mark | None]:
    """The statement, and the value of its `:since` in the type the source compares with."""
    if query.places_bound:
        return query.text, _placed(query.since, dialect.lowest)
    if query.watermark is None or query.since is None:
        return query.text, None
    inner = f"(\n{query.text}\n) q"
    with closing(_execute(link, f"SELECT * FROM {inner} WHERE 1 = 0", None)) as empty:
        described = {str(column[0]): column for column in empty.cursor.description}
        mark = query.mark_among(list(described))
    name = link.dialect.identifier_preparer.quote_identifier(str(mark))
    one: Select[Any] = (
        select(literal_column(name)).select_from(text(_escaped(inner))).where(text(f"{name} IS NOT NULL")).limit(1)
    )
    sample = link.execute(one).scalar()
    is_text = dialect.is_text(described[str(mark)][1], sample)
    later = beyond(name, query.since, ":since", dialect.length) if is_text else f"{name} >= :since"
    statement = f"SELECT * FROM {inner} WHERE {later} OR {name} IS NULL"
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


def _placed(since: str | None, lowest: int | None) -> Mark:
    """The bound of a query that places it itself, so that the column's type cannot be seen."""
    if since is None:
        return _EARLIEST if lowest is None else lowest
    if re.fullmatch(r"-?[1-9]\d{0,17}", since):
        return int(since)
    if lowest is not None or not re.match(r"\d{4}-\d\d-\d\d", since):
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


def _array(values: Sequence[Any], field: pa.Field) -> pa.Array:
    kind = field.type
    if not pa.types.is_string(kind):
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            raise mixed_types(field.name) from None
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


def _begin(link: Connection, dialect: Dialect, timeout_s: int) -> None:
    for statement in dialect.begin:
        link.exec_driver_sql(statement.format(ms=timeout_s * 1000, s=timeout_s))
    dialect.prepare(link.connection.driver_connection, timeout_s)
