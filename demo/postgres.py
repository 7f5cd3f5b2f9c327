"""Puts text tables into a PostgreSQL database under their own, often upper-case, names."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import psycopg
import pyarrow as pa
import pyarrow.csv as pcsv
from psycopg import sql

_BATCH = 50_000
Connection = psycopg.Connection[tuple[object, ...]]


def connect(url: str) -> Connection:
    """Open a database by its URL, with or without SQLAlchemy's driver name. Raises psycopg.Error when it cannot."""
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1))


def replace(
    connection: Connection,
    name: str,
    table: pa.Table,
    types: Mapping[str, str],
    key: Sequence[str] = (),
    index: str = "",
) -> None:
    """Make the table anew with a type for each column, its rows, a primary key and an index."""
    quoted, columns = sql.Identifier(name), table.column_names
    connection.execute(sql.SQL("drop table if exists {}").format(quoted))
    definitions = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(types[column])) for column in columns]
    connection.execute(sql.SQL("create table {} ({})").format(quoted, sql.SQL(", ").join(definitions)))
    # a null is an empty field and never quoted, which is how COPY's CSV form reads it
    options = pcsv.WriteOptions(include_header=False, quoting_style="needed")
    with connection.cursor().copy(sql.SQL("copy {} from stdin (format csv)").format(quoted)) as copy:
        for batch in table.to_batches(max_chunksize=_BATCH):
            buffer = io.BytesIO()
            pcsv.write_csv(batch, buffer, options)
            copy.write(buffer.getbuffer())
    if key:
        keys = sql.SQL(", ").join(map(sql.Identifier, key))
        connection.execute(sql.SQL("alter table {} add primary key ({})").format(quoted, keys))
    if index:
        connection.execute(sql.SQL("create index on {} ({})").format(quoted, sql.Identifier(index)))


def texts(lengths: Mapping[str, int]) -> dict[str, str]:
    """Columns of varying text and their greatest lengths as types."""
    return {column: f"varchar({length})" for column, length in lengths.items()}
