"""Filling a table that is (nearly) empty: alone, and its indexes last (ADR 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import OperationalError


def alone(connection: Connection, table: str, most: int = 0) -> bool:
    """Whether the table holds at most so many rows and is this transaction's alone. Someone else's lock is not waited for
    long: then, and when it holds more, nothing is locked."""
    return _locked(connection, table, "ACCESS EXCLUSIVE", most)


def stays(connection: Connection, table: str) -> bool:
    """Whether the table is empty, and will not be dropped, changed in form or indexed by others while this transaction lasts."""
    return _locked(connection, table, "ROW EXCLUSIVE", 0)


def _locked(connection: Connection, table: str, mode: str, most: int) -> bool:
    holds_more = text(f"SELECT EXISTS (SELECT FROM {table} OFFSET :most)")
    try:
        with connection.begin_nested():
            connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
            few = not connection.execute(holds_more, {"most": most}).scalar_one()
            if few:
                connection.execute(text(f"LOCK TABLE {table} IN {mode} MODE"))
                few = not connection.execute(holds_more, {"most": most}).scalar_one()
            connection.execute(text("SET LOCAL lock_timeout = DEFAULT"))
            return few
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        return False


@contextmanager
def indexed_after(connection: Connection, table: str) -> Iterator[None]:
    """Fill a table without its indexes and build them when it is full: keys are hashes, so each row would go to another page
    of its index, which takes three times as long. Readers wait for a first load; they had nothing to read."""
    indexes = _indexes(connection, table)
    for index in indexes:
        connection.execute(
            text(f"ALTER TABLE {table} DROP CONSTRAINT {index.key}" if index.key else f"DROP INDEX {index.name}")
        )
    yield
    connection.execute(text(f"SET LOCAL maintenance_work_mem = '{SORTING}'"))
    for index in indexes:
        added = f"ALTER TABLE {table} ADD CONSTRAINT {index.key} {index.key_made_by}"
        connection.execute(text(added if index.key else index.made_by))
    connection.execute(text("SET LOCAL maintenance_work_mem = DEFAULT"))


def copied(connection: Connection, table: str, other: str) -> list[str]:
    """Build the indexes of a table on another as well, under names of their own. Returns the statements that give them the
    first one's names, once that is gone."""
    connection.execute(text(f"SET LOCAL maintenance_work_mem = '{SORTING}'"))
    renaming = []
    for number, index in enumerate(_indexes(connection, table)):
        name = f'"{other.partition(".")[2]}_{number}"'
        if index.key:
            connection.exec_driver_sql(f"ALTER TABLE {other} ADD CONSTRAINT {name} {index.key_made_by}")
            renaming.append(f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO {index.key}")
        else:
            create, using = index.made_by.partition(" INDEX ")[0], index.made_by.partition(" USING ")[2]
            connection.exec_driver_sql(f"{create} INDEX {name} ON {other} USING {using}")
            renaming.append(f"ALTER INDEX {table.partition('.')[0]}.{name} RENAME TO {index.plain}")
    connection.execute(text("SET LOCAL maintenance_work_mem = DEFAULT"))
    return renaming


def _indexes(connection: Connection, table: str) -> Sequence[Row[Any]]:
    return connection.execute(
        text(
            "SELECT indexrelid::regclass::text AS name, quote_ident(x.relname) AS plain, pg_get_indexdef(indexrelid) AS made_by, "
            "quote_ident(c.conname) AS key, pg_get_constraintdef(c.oid) AS key_made_by FROM pg_index i "
            "JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_constraint c ON c.conindid = indexrelid "
            "WHERE indrelid = CAST(:table AS regclass) ORDER BY indexrelid"
        ),
        {"table": table},
    ).all()


#: memory an index is built with; beyond it, it is sorted on disk
SORTING = "256MB"
