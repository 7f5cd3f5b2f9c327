"""A first load is shipped into the table that it becomes: no row is written twice, and readers wait only for an exchange of
names (ADR 9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, text

from core.hub import Hub
from libraries import filling
from pipeline.batch import Batch
from schemas.contract import Contract
from schemas.derive import sql

#: the one column that only the merge can fill: it comes last, as a default that costs nothing however many rows there are
KNOWN = "_known_from"
_COLUMNS = text(
    "SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS kind FROM pg_attribute "
    "WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND attname <> :known ORDER BY attnum"
)
_PRESENT = text(
    "SELECT quote_ident(c.conname) AS name, quote_ident(a.attname) AS item FROM pg_constraint c JOIN pg_attribute a "
    "ON (a.attrelid, a.attnum) = (c.conrelid, c.conkey[1]) WHERE c.conrelid = CAST(:table AS regclass) AND c.contype = 'n'"
)
# what a table of ours has by itself: columns, their defaults, indexes, constraints, and the right of answers to read it
_OTHERS = text(
    "SELECT c.relrowsecurity OR EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee NOT IN (c.relowner, "
    "CAST('hutong_answer' AS regrole))) OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) "
    "OR EXISTS (SELECT FROM pg_depend WHERE refclassid = CAST('pg_class' AS regclass) AND refobjid = c.oid AND (deptype = 'n' "
    "OR classid <> ALL (CAST('{pg_class,pg_type,pg_attrdef,pg_constraint}' AS regclass[])))) "
    "FROM pg_class c WHERE c.oid = CAST(:table AS regclass)"
)
#: held by whoever must not see tables exchanged
_SNAPSHOT = "hutong.first"


def table(connection: Connection, contract: Contract, batch: Batch, name: str) -> str | None:
    """The statement that makes a staging table which can take the place of a dataset's current one; None when that holds
    rows. What is the same in all rows is a default, so it is not shipped."""
    current = sql.current(contract.id)
    if connection.execute(text(f"SELECT EXISTS (SELECT FROM {current})")).scalar_one():
        return None
    same = {"_system": sql.literal(batch.system), "_batch": f"'{batch.id}'"}
    parts = [
        f"{column} {kind}" + (f" DEFAULT {same[column]}" if column in same else "")
        for column, kind in _columns(connection, current)
    ]
    present = connection.execute(_PRESENT, {"table": current})
    parts += [f"CONSTRAINT {constraint} NOT NULL {item}" for constraint, item in present]
    return f"CREATE TABLE {name} ({', '.join(parts)}) {sql.ROOM}"


def becomes(connection: Connection, contract: Contract, staged: str, known: datetime) -> bool:
    """Let a filled staging table become the current one, in the merge's transaction. False, and nothing done, when the
    current one is not (or no longer) empty, has other columns by now, is in use, or bears what somebody else hung on it (a
    view, a grant, a trigger), which would be gone with it."""
    current = sql.current(contract.id)
    mine = text(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0)) "
        "AND pg_try_advisory_xact_lock_shared(hashtextextended(:snapshot, 0))"
    )
    if not connection.scalar(mine, {"name": f"{_SNAPSHOT}.{contract.id}", "snapshot": _SNAPSHOT}):
        return False  # another system's first load goes before
    if not filling.stays(connection, current) or connection.scalar(_OTHERS, {"table": current}):
        return False
    if set(_columns(connection, staged)) != set(_columns(connection, current)):
        return False
    renaming = filling.copied(connection, current, staged)
    if not filling.alone(connection, current):
        return False
    for statement in (
        *(f"ALTER TABLE {staged} ALTER {column} DROP DEFAULT" for column in ("_system", "_batch")),
        f"ALTER TABLE {staged} ADD COLUMN {KNOWN} timestamptz DEFAULT '{known.isoformat()}'",
        f"ALTER TABLE {staged} ALTER {KNOWN} DROP DEFAULT",
        f"DROP TABLE {current}",
        f"ALTER TABLE {staged} RENAME TO {sql.quote(contract.id)}",
        *sql.moved_in(f"staging.{sql.quote(contract.id)}", current),
        *renaming,
    ):
        connection.exec_driver_sql(statement)
    return True


@contextmanager
def kept_apart(hub: Hub) -> Iterator[None]:
    """No table is exchanged while the block lasts; first loads insert their rows. For a snapshot over several tables: rows
    that were shipped before it was taken would show in it with the exchange, whatever it says of their batch."""
    with hub.engine.connect() as connection:
        connection.detach()  # closing it ends the session, and with it the lock
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": _SNAPSHOT})
        connection.commit()
        yield


def _columns(connection: Connection, table: str) -> list[tuple[str, str]]:
    return [(row.name, row.kind) for row in connection.execute(_COLUMNS, {"table": table, "known": KNOWN})]
