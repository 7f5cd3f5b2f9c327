"""The parts of the live tables that differ, replaced by what was made anew, inside the caller's transaction.

Readers see the tables as they were until it commits. Rows that are equal stay where they are; what a table says of its own
keeping (when a golden record was last refreshed) stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from pipeline.rebuild.compare import Compared
from pipeline.rebuild.inputs import pour, sql_name
from pipeline.rebuild.tables import Table

Connection = psycopg.Connection[Any]


def swap(live: Connection, scratch: Connection, differing: Sequence[tuple[Table, Compared]]) -> None:
    """Bring the parts over. `differing` is in the order of `tables.compared`: a parent before what refers to it."""
    for at, (table, found) in enumerate(differing):
        live.execute(f"CREATE TEMP TABLE rebuilt_{at} ON COMMIT DROP AS SELECT * FROM {table.place} WHERE false")
        listed = ", ".join(f"t.{sql_name(name)}" for name in table.written)
        query = f"SELECT {listed} FROM {table.place} t WHERE {table.where} AND {table.part} = ANY(ARRAY{found.parts})"
        pour(scratch, query, live, f"rebuilt_{at}", table.written)
        live.execute(f"ANALYZE rebuilt_{at}")
    for at, (table, found) in reversed([*enumerate(differing)]):
        if table.name != _EVIDENCE:
            _remove(live, table, found, f"rebuilt_{at}")
    for at, (table, _) in enumerate(differing):
        if table.name == _EVIDENCE:
            live.execute(_MENDED.format(at=at))
        else:
            _bring(live, table, f"rebuilt_{at}")


_EVIDENCE = "hub.batch"
#: how long things took is remembered of the batch as it was
_MENDED = """
UPDATE hub.batch t SET watermark = s.watermark, evidence = t.evidence || (s.evidence - 'seconds')
FROM rebuilt_{at} s WHERE s.id = t.id
"""


def _remove(live: Connection, table: Table, found: Compared, rebuilt: str) -> None:
    """The rows that are not there any more; where keys may repeat, all rows of the parts."""
    kept = f"AND NOT EXISTS (SELECT FROM {rebuilt} s WHERE {_joined(table)})" if table.unique else ""
    live.execute(f"DELETE FROM {table.place} t WHERE {table.where} AND {table.part} = ANY(%s) {kept}", [found.parts])


def _bring(live: Connection, table: Table, rebuilt: str) -> None:
    """The rows that were missing, and the content of those that differ."""
    names = ", ".join(map(sql_name, table.written))
    given = ", ".join(f"s.{sql_name(name)}" for name in table.written)
    changed = [name for name in table.columns if name not in table.key]
    update = ""
    if changed and table.unique:
        now, new = (f"ROW({', '.join(f'{side}.{sql_name(name)}' for name in changed)})::text" for side in "ts")
        assigned = ", ".join(f"{sql_name(name)} = s.{sql_name(name)}" for name in changed)
        update = f"WHEN MATCHED AND {now} <> {new} THEN UPDATE SET {assigned} "
    live.execute(
        f"MERGE INTO {table.place} t USING {rebuilt} s ON {_joined(table)} {update}"
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({given})"
    )


def _joined(table: Table) -> str:
    return " AND ".join(f"t.{sql_name(name)} = s.{sql_name(name)}" for name in table.key)
