"""The one way to read a dataset's records: current or as known at a moment, as of a business date, within a row scope.

`select` makes the statement (certificates compose several), `read` runs it. Nothing here decides who may read what: the
caller passes the row scope of its grant, and it is part of the statement, never a filter afterwards. What a contract
withholds (repaired or expired credit records) is left out unless the caller is the steward's or administrator's view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    Numeric,
    RowMapping,
    Select,
    String,
    Subquery,
    TableClause,
    TextClause,
    Uuid,
    and_,
    column,
    null,
    or_,
    table,
    text,
    true,
    union_all,
)
from sqlalchemy import select as sql_select
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from core import clock
from schemas.contract import Contract
from schemas.derive.sql import current as quoted
from schemas.derive.sql import quote
from schemas.derive.withheld import shared

SCHEMA = "records"
Columns: TypeAlias = ReadOnlyColumnCollection[str, ColumnElement[Any]]
#: a condition on a row, given its columns: `lambda row: row.holder_no == number`
Predicate = Callable[[Columns], ColumnElement[bool]]

#: which row a value came from; in every record
PROVENANCE: tuple[tuple[str, TypeEngine[Any]], ...] = (
    ("_key", LargeBinary()),
    ("_system", String()),
    ("_row_hash", BigInteger()),
    ("_batch", Uuid()),
    ("_row_no", BigInteger()),
    ("_known_from", DateTime(timezone=True)),
)
#: how a former record ended; in every row of a history table
ENDING: tuple[tuple[str, TypeEngine[Any]], ...] = (
    ("_known_to", DateTime(timezone=True)),
    ("_ended", String()),
    ("_ended_by", Uuid()),
)


def read(
    conn: Connection,
    contract: Contract,
    *,
    where: Predicate | None = None,
    scope: Predicate | None = None,
    known_at: datetime | None = None,
    as_of: date | None = None,
    columns: Sequence[str] | None = None,
    withheld: bool = False,
    zone: str = "Asia/Shanghai",
) -> Iterator[RowMapping]:
    """Records one by one; the arguments are those of `select`."""
    statement = select(
        contract,
        where=where,
        scope=scope,
        known_at=known_at,
        as_of=as_of,
        columns=columns,
        withheld=withheld,
        zone=zone,
    )
    yield from conn.execute(statement).mappings()


def select(
    contract: Contract,
    *,
    where: Predicate | None = None,
    scope: Predicate | None = None,
    known_at: datetime | None = None,
    as_of: date | None = None,
    columns: Sequence[str] | None = None,
    withheld: bool = False,
    zone: str = "Asia/Shanghai",
) -> Select[Any]:
    """The statement that reads records.

    where, scope   the question's condition and the reader's row scope; both must hold
    known_at       what the hub knew at this aware moment; None reads the current records. Of a moment after a source's last
                   merge (`horizon`) no more can be said than what was known then, which is what this gives
    as_of          records valid on this business day in `zone`, both ends included and an empty end open. A contract
                   that names neither validFrom nor validTo has valid time = known time: what was known as it ended
    columns        names of items or provenance columns; None gives all of them
    withheld       True shows what the contract withholds from consumers, for stewards and administrators. Otherwise a
                   version is shown only while its record is current and neither of the two is withheld today: asking
                   for a moment before the repair does not bring a penalty back

    Raises ValueError for a naive `known_at`, KeyError for an unknown column.
    """
    if known_at is not None and known_at.tzinfo is None:
        raise ValueError("known_at must be an aware datetime")
    conditions: list[ColumnElement[bool]] = []
    known_at = moment(contract, known_at, as_of, zone)
    rows = current(contract) if known_at is None else _known(contract, known_at)
    if as_of is not None and _dated(contract):
        conditions.append(_valid(contract, rows.c, as_of, zone))
    conditions += [condition(rows.c) for condition in (scope, where) if condition is not None]
    names = rows.c.keys() if columns is None else columns
    statement = sql_select(*(rows.c[name] for name in names)).where(and_(true(), *conditions))
    return statement if withheld or not contract.withheld else statement.where(_shared(contract, rows, zone))


def moment(contract: Contract, known_at: datetime | None, as_of: date | None, zone: str) -> datetime | None:
    """The moment as known at which records are read: the one asked about, and not after a day whose valid time is known time.
    None reads the current records."""
    if as_of is None or _dated(contract):
        return known_at
    last = _end(as_of, zone)
    return last if known_at is None else min(known_at, last)


def _dated(contract: Contract) -> bool:
    return contract.valid_from is not None or contract.valid_to is not None


def current(contract: Contract) -> TableClause:
    """The table of a dataset's current records."""
    return table(contract.id, *_columns(contract), schema=SCHEMA)


def history(contract: Contract) -> TableClause:
    """The table of a dataset's former records: when each stopped being what the hub knew, how (`changed` or `removed`),
    and by which batch."""
    ended = [column(name, kind) for name, kind in ENDING]
    return table(f"{contract.id}_history", *_columns(contract), *ended, schema=SCHEMA)


def horizon(conn: Connection, dataset: str) -> dict[str, datetime]:
    """By source system, the known time of the last batch that merged: up to then, what was known when never changes.

    What is known of a later moment may still come: a batch that landed before it may yet merge. Whoever must be able to
    repeat a read asks for the earlier of the moment wanted and this one.
    """
    rows = conn.execute(
        text(
            "SELECT DISTINCT ON (system) system, known_at FROM hub.batch WHERE dataset = :dataset AND known_at IS NOT NULL "
            "ORDER BY system, known_at DESC"
        ),
        {"dataset": dataset},
    )
    return {row.system: row.known_at for row in rows}


def known_since(conn: Connection, dataset: str) -> dict[str, datetime]:
    """By source system, the known time of the first batch that merged: of what was so before, the exchange knew nothing."""
    rows = conn.execute(
        text(
            "SELECT system, min(known_at) AS first FROM hub.batch WHERE dataset = :dataset AND known_at IS NOT NULL GROUP BY system"
        ),
        {"dataset": dataset},
    )
    return {row.system: row.first for row in rows}


def complete_since(conn: Connection, dataset: str) -> datetime | None:
    """Versions that ended before this moment are not kept any more (retention); None where all are."""
    found: datetime | None = conn.scalar(
        text("SELECT before FROM hub.history_cut WHERE dataset = :dataset"), {"dataset": dataset}
    )
    return found


def _columns(contract: Contract) -> list[Any]:
    # Built per table: a column object belongs to one table only.
    provenance = [column(name, kind) for name, kind in PROVENANCE]
    items = [column(item.name, sql_type(item.type.arrow)) for item in contract.items]
    return [*provenance[:2], *items, *provenance[2:]]


def sql_type(arrow: pa.DataType) -> TypeEngine[Any]:
    """The SQLAlchemy type of an item, for binding and reading its values."""
    if pa.types.is_date(arrow):
        return Date()
    if pa.types.is_timestamp(arrow):
        return DateTime(timezone=True)
    if pa.types.is_decimal(arrow):
        return Numeric(arrow.precision, arrow.scale)
    if pa.types.is_integer(arrow):
        return BigInteger()
    if pa.types.is_boolean(arrow):
        return Boolean()
    return String()


def _known(contract: Contract, moment: datetime) -> Subquery:
    now, then = current(contract), history(contract)
    standing = sql_select(now).where(now.c["_known_from"] <= moment)
    ended = sql_select(*(then.c[one.name] for one in now.c)).where(
        then.c["_known_from"] <= moment, then.c["_known_to"] > moment
    )
    # PostgreSQL pushes conditions on the union into both sides, so their indexes serve.
    return union_all(standing, ended).subquery("known")


def _shared(contract: Contract, rows: TableClause | Subquery, zone: str) -> TextClause:
    here, today = quote(rows.name), "CAST(:withheld_today AS date)"
    told = shared(contract, here, today)
    if isinstance(rows, Subquery):  # versions: what has become of the record since counts too
        now = f"now._key = {here}._key AND {shared(contract, 'now', today)}"
        told = f"{told} AND EXISTS (SELECT FROM {quoted(contract.id)} now WHERE {now})"
    told = f"({told})".replace("%%", "%")  # SQLAlchemy doubles them itself
    return text(told).bindparams(withheld_today=clock.today(zone))


def _valid(contract: Contract, row: Columns, day: date, zone: str) -> ColumnElement[bool]:
    limits: list[ColumnElement[bool]] = []
    if contract.valid_from is not None:
        start = row[contract.valid_from]
        limits.append(or_(start.is_(null()), start <= (day if isinstance(start.type, Date) else _end(day, zone))))
    if contract.valid_to is not None:
        end = row[contract.valid_to]
        limits.append(or_(end.is_(null()), end >= (day if isinstance(end.type, Date) else _midnight(day, zone))))
    return and_(*limits)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _end(day: date, zone: str) -> datetime:
    """The last moment of a day: PostgreSQL counts microseconds too."""
    return datetime.combine(day, time.max, ZoneInfo(zone))
