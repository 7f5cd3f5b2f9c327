"""Writes text tables into a MariaDB database, typed as a vendor would have them: a day that is not known is 0000-00-00."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pymysql

_BATCH = 5_000
NO_DAY = "0000-00-00"


def write(
    url: str, tables: Mapping[str, pa.Table], keys: Mapping[str, tuple[str, ...]], types: Mapping[str, str]
) -> None:
    """New tables in the place of older ones of their names, exchanged in one step at the end.

    `url` is `mysql+pymysql://user:password@host:port/database`; `types` says what is not varchar, by column. Raises
    pymysql.Error when the server cannot be reached or refuses.
    """
    parts = urlsplit(url)
    link = pymysql.connect(
        host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=unquote(parts.username or ""),
        password=unquote(parts.password or ""), database=parts.path.strip("/"), charset="utf8mb4",
        init_command="SET SESSION sql_mode = ''",  # the strict mode has no zero dates
    )  # fmt: skip
    with link, link.cursor() as cursor:
        for name, table in tables.items():
            _fill(cursor, f"new_{name}", table, keys[name], types)
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} (gone int)")
        link.commit()
        exchanged = (f"{name} TO old_{name}, new_{name} TO {name}" for name in tables)
        cursor.execute(f"RENAME TABLE {', '.join(exchanged)}")
        cursor.execute(f"DROP TABLE {', '.join(f'old_{name}' for name in tables)}")


def _fill(
    cursor: pymysql.cursors.Cursor, name: str, table: pa.Table, key: tuple[str, ...], types: Mapping[str, str]
) -> None:
    columns = [f"{column} {types.get(column, 'varchar(255)')}" for column in table.column_names]
    cursor.execute(f"DROP TABLE IF EXISTS {name}, old_{name.removeprefix('new_')}")
    cursor.execute(f"CREATE TABLE {name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(key)})) CHARACTER SET utf8mb4")
    days = [types.get(column, "").startswith("date") for column in table.column_names]
    marks = ", ".join(["%s"] * table.num_columns)
    for rows in _rows(table, days):
        cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def _rows(table: pa.Table, days: list[bool]) -> Iterator[list[tuple[str | None, ...]]]:
    for batch in table.to_batches(max_chunksize=_BATCH):
        columns = [column.fill_null(NO_DAY) if day else column for column, day in zip(batch.columns, days, strict=True)]
        yield list(zip(*(column.to_pylist() for column in columns), strict=True))
