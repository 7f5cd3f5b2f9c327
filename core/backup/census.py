"""Counting what the database holds: rows of every table and a hash of them that does not depend on their order.

Tables that hold several libraries or datasets are counted by each: `libraries.golden/population`, `hub.quarantine/…`.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from core.backup.manifest import Count
from core.database import SCHEMAS, TRANSIENT

#: a table of the libraries with one of these columns is counted by its values
_PARTS = ("library", "dataset")
# every row as text, written the same wherever it is read
_SETTINGS = {
    "timezone": "UTC", "datestyle": "ISO", "intervalstyle": "iso_8601", "bytea_output": "hex", "extra_float_digits": "1",
}  # fmt: skip
#: the row's alias, which no column can be called
_ROW = '"*"'
# The sum of both halves of each row's MD5: a lost, added or altered row shows. It tells of mishaps, not of forgers: the
# dump itself has a SHA-256.
_HASH = ", ".join(f"sum(('x' || {half}(md5({_ROW}::text), 16))::bit(64)::bigint)" for half in ("left", "right"))

Connection = psycopg.Connection[Any]


def tables(connection: Connection) -> list[str]:
    """Every table that is kept, as `schema.table`, in order."""
    rows = connection.execute(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1",
        [[schema for schema in SCHEMAS if schema != TRANSIENT]],
    )
    return [row[0] for row in rows]


def write_alike(connection: Connection) -> None:
    """Have the rest of the transaction write every value as text in one way, whatever the server's settings are."""
    for name, value in _SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def take(connection: Connection) -> dict[str, Count]:
    """The census, in the caller's transaction."""
    write_alike(connection)
    parts = dict(
        connection.execute(
            "SELECT table_schema || '.' || table_name, max(column_name) FROM information_schema.columns "
            "WHERE table_schema = 'libraries' AND column_name = ANY(%s) GROUP BY 1",
            [list(_PARTS)],
        ).fetchall()
    )
    found: dict[str, Count] = {}
    for table in tables(connection):
        part = sql.Identifier(parts[table]) if table in parts else sql.SQL("''::text")
        query = sql.SQL("SELECT {part}, count(*), {hash} FROM {table} {row} GROUP BY 1 ORDER BY 1").format(
            part=part, hash=sql.SQL(_HASH), table=sql.Identifier(*table.split(".", 1)), row=sql.SQL(_ROW)
        )
        counted = connection.execute(query).fetchall() or [("", 0, 0, 0)]
        for name, rows, *halves in counted:
            key = f"{table}/{name}" if name else table
            found[key] = Count(rows, "".join(f"{int(half) % 2**64:016x}" for half in halves))
    return found
