"""PostgreSQL and what speaks its protocol, streamed as Arrow by ADBC.

One read-only transaction at REPEATABLE READ: the count and the rows come from the same snapshot. ADBC needs 1.0 s to
turn a million numerics into text and the server 0.2 s, so types Arrow has no native form for are cast to text by the
server; numeric(p,s) then becomes a decimal here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from sqlalchemy import URL

from connectors import refusals
from connectors.extraction import Extraction
from connectors.query import Query, bad_bound, beyond, check_names
from connectors.timely import timely
from core.errors import HutongError

BATCH_BYTES = 16 << 20
CONNECT_TIMEOUT_S = "10"
GRACE_S = 30.0
"""How long beyond the time limit the server may take to say so."""
# A peer that vanishes mid-stream is noticed after a minute instead of two hours.
_LINK = {"connect_timeout": CONNECT_TIMEOUT_S, "keepalives_idle": "30", "tcp_user_timeout": "60000"}

_RETRY = re.compile(r"^(08|40|53|55|57|25006|25P0)")
_DENIED = re.compile(r"^(28|42501|3D000)")
_LOST_TEXT = ("FATAL:", "server closed the connection", "could not receive data", "SSL")
_DENIED_TEXT = (
    "authentication failed",
    "no pg_hba.conf entry",
    "does not exist",
    "permission denied",
    "no password supplied",
)


def quote(name: str) -> str:
    """A name as a PostgreSQL identifier, exactly as written."""
    return sql.Identifier(name).as_string(None)


def read(url: URL, query: Query, system: str, run: Extraction) -> Iterator[pa.RecordBatch]:
    """Stream the query's rows. The server keeps the time limit; one that is too far gone to is left behind."""
    try:
        yield from timely(_read(url, query, system, run), query.timeout_s + GRACE_S)
    except TimeoutError:
        raise refusals.down(system, url.host or "", why=refusals.TOO_SLOW) from None


def _read(url: URL, query: Query, system: str, run: Extraction) -> Iterator[pa.RecordBatch]:
    uri = url.set(drivername="postgresql").update_query_dict({**_LINK, **dict(url.query)})
    hint = {"adbc.postgresql.batch_size_hint_bytes": BATCH_BYTES}
    try:
        dsn = uri.render_as_string(hide_password=False)
        with adbc.connect(dsn) as link, link.cursor(adbc_stmt_kwargs=hint) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {query.timeout_s * 1000}")
            statement = query.projected(_statement(cursor, query), quote)
            native = cursor.adbc_execute_schema(statement)
            check_names(native.names)
            mark = query.mark_among(native.names)
            columns = [_Column(field) for field in native]
            run.schema = pa.schema([pa.field(column.name, column.type) for column in columns])
            if any(column.select != quote(column.name) for column in columns):
                statement = f"SELECT {', '.join(c.select for c in columns)} FROM (\n{statement}\n) AS q"
            if query.counted:
                run.source_rows = _count(link, statement)
            cursor.execute(statement)
            for batch in cursor.fetch_record_batch():
                arrays = [column.of(array) for column, array in zip(columns, batch.columns, strict=True)]
                if mark is not None:
                    run.mark.observe_column(arrays[run.schema.get_field_index(mark)])
                yield pa.RecordBatch.from_arrays(arrays, schema=run.schema)
    except (adbc.Error, pa.ArrowException, OSError) as error:
        raise _refusal(error, system, url) from None


def _statement(cursor: Any, query: Query) -> str:
    """The query with its bound in place; the bound takes the type its column has at the source."""
    if query.watermark is None or (query.since is None and not query.places_bound):
        return query.text
    described = cursor.adbc_execute_schema(query.bound("NULL"))
    mark = query.mark_among(described.names)
    literal = _literal(described.field(mark), query.since)
    if query.places_bound:
        return query.bound(literal)
    name = quote(str(mark))
    is_text = pa.types.is_string(described.field(mark).type) and _postgres_type(described.field(mark)) != "numeric"
    later = beyond(name, str(query.since), literal, "length") if is_text else f"{name} >= {literal}"
    return f"SELECT * FROM (\n{query.text}\n) AS q WHERE {later} OR {name} IS NULL"


def _literal(field: pa.Field, since: str | None) -> str:
    """`since` as a typed SQL literal; None is the beginning of time. Parsed strictly, never pasted."""
    kind = field.type
    try:
        if pa.types.is_timestamp(kind):
            name = "timestamptz" if kind.tz else "timestamp"
            return f"'{datetime.fromisoformat(since).isoformat() if since else '-infinity'}'::{name}"
        if pa.types.is_date(kind):
            return f"'{datetime.fromisoformat(since).date().isoformat() if since else '-infinity'}'::date"
        if pa.types.is_integer(kind):
            return str(int(since)) if since else str(-(2**31))
        if pa.types.is_floating(kind) or _postgres_type(field) == "numeric":
            return f"'{Decimal(since) if since else '-Infinity'}'::numeric"
    except (ValueError, InvalidOperation):
        raise bad_bound() from None
    return sql.Literal(since or "").as_string(None)


def _count(link: Any, statement: str) -> int:
    with link.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (\n{statement}\n) AS counted")
        return int(cursor.fetchone()[0])


class _Column:
    """One column: how it is selected, and how its arrays become what we deliver."""

    def __init__(self, field: pa.Field) -> None:
        self.name: str = field.name
        self.select = quote(field.name)
        self.type: pa.DataType = field.type
        kind = _postgres_type(field)
        if kind == "numeric":
            self.select = f"{self.select}::text AS {self.select}"
            self.type = _decimal(field) or pa.string()
        elif kind == "money":
            # Arrives as an integer of hundredths, whatever the currency has.
            self.select = f"{self.select}::numeric::text AS {self.select}"
            self.type = pa.string()
        elif kind == "oid" or not _is_native(field.type):
            self.select = f"{self.select}::text AS {self.select}"
            self.type = pa.string()

    def of(self, array: pa.Array) -> pa.Array:
        if pa.types.is_decimal(self.type):
            # numeric(p,s) may hold NaN, which is no value and has no decimal form.
            return pc.cast(pc.if_else(pc.equal(array, "NaN"), None, array), self.type)
        if pa.types.is_timestamp(self.type) or pa.types.is_date32(self.type):
            return _finite(array, self.type)
        return array


# What ADBC makes of infinity and -infinity: the extreme integers moved from PostgreSQL's epoch to Unix's, wrapping.
_INFINITE = {"timestamp": (-9222425352054775809, -9222425352054775808), "date": (-2147472692, -2147472691)}
_UNBOUNDED = ("9999-12-31", "0001-01-01")


def _finite(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Infinity becomes 9999-12-31, -infinity 0001-01-01: departments write both to say 长期, without end."""
    name, width = ("timestamp", pa.int64()) if pa.types.is_timestamp(kind) else ("date", pa.int32())
    numbers = array.cast(width)
    lowest = pc.min(numbers).as_py()
    if lowest is None or lowest > max(_INFINITE[name]):
        return array
    for sentinel, stands_for in zip(_INFINITE[name], _UNBOUNDED, strict=True):
        value = pa.scalar(date.fromisoformat(stands_for), pa.date32()).cast(kind)
        array = pc.if_else(pc.equal(numbers, sentinel), value, array)
    return array


def _postgres_type(field: pa.Field) -> str:
    return bytes((field.metadata or {}).get(b"POSTGRESQL:type", b"")).decode().strip("'")


def _decimal(field: pa.Field) -> pa.DataType | None:
    """numeric(p,s) as an Arrow decimal; None when the column is not declared so or is wider than 38 digits."""
    modifier = int(bytes((field.metadata or {}).get(b"POSTGRESQL:typmod", b"'-1'")).decode().strip("'")) - 4
    precision, scale = modifier >> 16, modifier & 0x7FF
    return pa.decimal128(precision, scale) if modifier >= 0 and precision <= 38 and scale <= precision else None


def _is_native(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return False
    is_a = pa.types
    return any(
        test(kind)
        for test in (
            is_a.is_string, is_a.is_boolean, is_a.is_integer, is_a.is_floating, is_a.is_date, is_a.is_timestamp,
            is_a.is_time, is_a.is_binary,
        )
    )  # fmt: skip


def _refusal(error: Exception, system: str, url: URL) -> HutongError:
    """What the server said, as one of ours. Only messages about names (class 42) are passed on."""
    where = f"{url.host or url.query.get('host', 'localhost')}:{url.port or 5432}"
    text = str(error)
    state = getattr(error, "sqlstate", None) or ""
    if not state and "Execution error" in text and not any(lost in text for lost in _LOST_TEXT):
        # In the middle of the stream the driver gives no SQLSTATE.
        slow = "statement timeout" in text
        return refusals.down(system, where, why=refusals.TOO_SLOW) if slow else refusals.wrong_query(system)
    if not state:
        return refusals.denied(system) if any(known in text for known in _DENIED_TEXT) else refusals.down(system, where)
    if _DENIED.match(state):
        return refusals.denied(system)
    if state == "57014":
        return refusals.down(system, where, why=refusals.TOO_SLOW)
    if _RETRY.match(state):
        return refusals.down(system, where)
    return refusals.wrong_query(system, _primary(error) if state.startswith("42") else f"SQLSTATE {state}")


def _primary(error: Exception) -> str:
    for key, value in getattr(error, "details", None) or ():
        if key == "PG_DIAG_MESSAGE_PRIMARY" or key == b"PG_DIAG_MESSAGE_PRIMARY":
            return bytes(value).decode(errors="replace")
    return ""
