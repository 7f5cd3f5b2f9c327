"""Writes text tables into an SQLite file, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

_BATCH = 50_000


def write(
    path: Path,
    tables: Mapping[str, pa.Table],
    keys: Mapping[str, tuple[str, ...]],
    integers: Sequence[str] = (),
    orders: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """A new file with the tables, put in the place of an older one at the end; `orders` are indexed beside the keys.

    Amounts stay text: SQLite has no decimal, and its NUMERIC would turn them into floats.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute("begin")
        for name, table in tables.items():
            _fill(connection, name, table, keys[name], integers)
            if orders and name in orders:
                columns = ", ".join((*orders[name], *keys[name]))
                connection.execute(f"create index {name}_order on {name} ({columns})")
        connection.execute("commit")
    finally:
        connection.close()
    part.replace(path)


def _fill(
    connection: sqlite3.Connection, name: str, table: pa.Table, key: tuple[str, ...], integers: Sequence[str]
) -> None:
    columns = ", ".join(f"{column} {'integer' if column in integers else 'text'}" for column in table.column_names)
    connection.execute(f"create table {name} ({columns}, primary key ({', '.join(key)})) without rowid")
    marks = ", ".join("?" * table.num_columns)
    connection.executemany(
        f"insert into {name} values ({marks})", _rows(table.sort_by([(column, "ascending") for column in key]))
    )


def _rows(table: pa.Table) -> Iterator[tuple[str | None, ...]]:
    for batch in table.to_batches(max_chunksize=_BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
