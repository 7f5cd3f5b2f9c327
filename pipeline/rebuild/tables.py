"""What a rebuild has made, and by what it is compared: rows by their key, their content by every column that is not the
moment at which somebody wrote it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from pipeline.rebuild.inputs import ACCEPTED, columns, sql_name

#: in how many parts a table is compared; a part is what must fit in memory
PARTS = 1024
#: when something was written down, and whether it waits to be looked at: true of an installation, not of its data
APART = frozenset({"quarantined_at", "closed_at", "created_at", "refreshed_at", "pending", "dirty"})
#: of the libraries, what only says how far the work has come
_BOOKKEEPING = frozenset({"libraries.rules", "libraries.judged"})
#: what the journey writes beside the libraries
_OF_BATCHES = ("finding", "pushed", "quarantine", "quarantine_subject", "replayed")
#: of a batch's evidence, what every release has written: later ones may say more
_LEDGER = (
    "landed", "inserted", "changed", "unchanged", "repeated", "removed", "quarantined", "closed", "before", "after",
    "expected_hash", "held_hash", "source_rows", "findings", "scanned", "unreadable", "closed_waiting", "missed",
)  # fmt: skip
# a version of a record came from one row of one batch
_VERSION = ("_key", "_batch", "_row_no")


@dataclass(frozen=True)
class Table:
    """A table to compare. `columns`: name → SQL over the row `t`; `key` names those that tell rows apart (`unique`: the
    database sees to it); `written` are all its columns, which a swap brings over; `where` tells which rows count."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    written: tuple[str, ...]
    unique: bool = True
    where: str = "true"

    @property
    def place(self) -> str:
        """The quoted, qualified name."""
        schema, _, table = self.name.partition(".")
        return f"{schema}.{sql_name(table)}"

    @property
    def id(self) -> str:
        """SQL: the key as text."""
        return f"ROW({', '.join(f't.{sql_name(name)}' for name in self.key)})::text"

    @property
    def content(self) -> str:
        """SQL: everything compared, as text."""
        return f"ROW({', '.join(self.columns.values())})::text"

    @property
    def part(self) -> str:
        """SQL: which part a row belongs to."""
        return f"(hashtextextended({self.id}, 0) & {PARTS - 1})::integer"


def compared(connection: Connection) -> list[Table]:
    """Every table that a rebuild makes, as the scratch database has it. A parent stands before what refers to it."""
    found = [
        *(f"hub.{name}" for name in _OF_BATCHES),
        *_listed(connection, "libraries"),
        *_listed(connection, "records"),
    ]
    return [evidence(connection), *(_table(connection, name) for name in sorted(found) if name not in _BOOKKEEPING)]


def of_batches(connection: Connection, dataset: str) -> list[Table]:
    """What the journey writes beside the libraries, of one dataset. A parent stands before what refers to it."""
    where = {
        "pushed": f"split_part(t.feed, '.', 2) = '{dataset}'",
        "replayed": f"t.batch_id IN (SELECT b.id FROM hub.batch b WHERE b.dataset = '{dataset}')",
    }
    return [
        replace(_table(connection, f"hub.{name}"), where=where.get(name, f"t.dataset = '{dataset}'"))
        for name in sorted(_OF_BATCHES)
    ]


def evidence(connection: Connection) -> Table:
    """What became of the accepted batches: their watermark, and their evidence but for how long things took."""
    named = ", ".join(f"'{name}'" for name in _LEDGER)
    ledger = f"(SELECT jsonb_object_agg(name, t.evidence -> name) FROM unnest(ARRAY[{named}]) AS name)"
    kept = {"id": "t.id", "watermark": "t.watermark", "evidence": ledger}
    return Table("hub.batch", ("id",), kept, tuple(columns(connection, "hub", "batch")), where=f"t.state IN {ACCEPTED}")


def _table(connection: Connection, name: str) -> Table:
    schema, _, table = name.partition(".")
    names = columns(connection, schema, table)
    key = _primary_key(connection, name)
    listed = {column: f"t.{sql_name(column)}" for column in names if column not in APART}
    return Table(name, key or _VERSION, listed, tuple(names), unique=bool(key))


def _listed(connection: Connection, schema: str) -> list[str]:
    rows = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"), {"schema": schema})
    return [f"{schema}.{name}" for name in rows]


def _primary_key(connection: Connection, name: str) -> tuple[str, ...]:
    schema, _, table = name.partition(".")
    return tuple(
        connection.scalars(
            text(
                "SELECT a.attname FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place) "
                "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number "
                "WHERE i.indisprimary AND i.indrelid = CAST(:table AS regclass) ORDER BY k.place"
            ),
            {"table": f"{schema}.{sql_name(table)}"},
        )
    )
