"""Two databases, table by table, by key and hash.

Each side counts and folds every part of a table by itself; only the rows of parts that differ are read, one part at a time.
So memory holds a part at most, and what is equal costs one reading of each table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import psycopg

from core.backup.census import write_alike
from pipeline.rebuild.tables import Table

Connection = psycopg.Connection[Any]
#: rows of a table that are shown one by one
SHOWN = 20
#: columns whose values identify a person: never shown
_SECRET = ("id_value", "value", "form", "name", "number")


@dataclass(frozen=True)
class Row:
    """A row that differs: how (`missing` in the library, `extra` there, `different`), where it stands (key columns, masked,
    and the batch and row it came from), and which columns differ."""

    how: str
    at: dict[str, str]
    columns: tuple[str, ...] = ()


@dataclass
class Compared:
    """What the comparison of one table came to. `parts` are those that differ; `shape`: columns that only one side has."""

    table: str
    rows: int = 0
    rebuilt: int = 0
    equal: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    shape: tuple[str, ...] = ()
    listed: list[Row] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether both sides hold the very same rows."""
        return not (self.parts or self.shape)


def compare(live: Connection, scratch: Connection, table: Table) -> Compared:
    """One table of the live database against the one made anew, each as its connection's transaction sees it."""
    write_alike(live)
    write_alike(scratch)
    found = Compared(table.name)
    missing = _missing_columns(live, table)
    if missing:  # the table is not even of this form, or not there
        found.shape = missing
        found.rebuilt = found.missing = sum(rows for rows, _ in _parts(scratch, table).values())
        return found
    here, there = _parts(live, table), _parts(scratch, table)
    found.rows, found.rebuilt = (sum(rows for rows, _ in side.values()) for side in (here, there))
    found.parts = sorted(part for part in here.keys() | there.keys() if here.get(part) != there.get(part))
    found.equal = sum(rows for part, (rows, _) in here.items() if part not in set(found.parts))
    if found.parts:
        _rows(live, scratch, table, found)
    return found


def _parts(connection: Connection, table: Table) -> dict[int, tuple[int, int]]:
    """Each part's rows and the sum of their hashes, which does not depend on their order."""
    query = (
        f"SELECT {table.part}, count(*), sum(hashtextextended({table.content}, 0)) FROM {table.place} t "
        f"WHERE {table.where} GROUP BY 1"
    )
    return {part: (rows, int(fold)) for part, rows, fold in connection.execute(query)}


def _rows(live: Connection, scratch: Connection, table: Table, found: Compared) -> None:
    noted: dict[str, str] = {}
    ours, theirs = _by_part(live, table, found.parts), _by_part(scratch, table, found.parts)
    for (_, here), (_, there) in zip(ours, theirs, strict=True):
        for key in here.keys() | there.keys():
            before, now = here.get(key, ()), there.get(key, ())
            same = (Counter(before) & Counter(now)).total()
            changed = min(len(before), len(now)) - same
            found.equal += same
            found.different += changed
            found.missing += len(now) - same - changed
            found.extra += len(before) - same - changed
            if before != now and len(noted) < SHOWN:
                noted[key] = "different" if before and now else "missing" if now else "extra"
    found.listed = _shown(live, scratch, table, noted)


def _by_part(
    connection: Connection, table: Table, parts: list[int]
) -> Iterator[tuple[int, dict[str, tuple[int, ...]]]]:
    """For each of the parts in order: key → hashes of the rows that have it (one, where keys are unique)."""
    query = (
        f"SELECT {table.part} AS part, {table.id}, hashtextextended({table.content}, 0) FROM {table.place} t "
        f"WHERE {table.where} AND {table.part} = ANY(%s) ORDER BY 1"
    )
    waiting = iter(parts)
    with connection.cursor(name="rebuild_rows") as cursor:
        cursor.itersize = 20_000
        cursor.execute(query, [parts])
        for part, rows in groupby(cursor, key=lambda row: row[0]):
            for empty in iter(lambda: next(waiting), part):
                yield empty, {}
            held: dict[str, list[int]] = {}
            for _, key, value in rows:
                held.setdefault(key, []).append(value)
            yield part, {key: tuple(sorted(values)) for key, values in held.items()}
    for empty in waiting:
        yield empty, {}


def _shown(live: Connection, scratch: Connection, table: Table, noted: dict[str, str]) -> list[Row]:
    here, there = _values(live, table, list(noted)), _values(scratch, table, list(noted))
    places = [*table.key, *(name for name in ("_batch", "_row_no") if name in table.columns and name not in table.key)]
    names = list(table.columns)
    shown = []
    for key, how in noted.items():
        before, now = here.get(key), there.get(key)
        row = now or before or ()
        at = {name: _masked(name, row[names.index(name)]) for name in places}
        changed = (
            tuple(name for name, old, new in zip(names, before, now, strict=True) if old != new)
            if before and now
            else ()
        )
        shown.append(Row(how, at, changed))
    return sorted(shown, key=lambda row: (row.how, list(row.at.values())))


def _values(connection: Connection, table: Table, keys: list[str]) -> dict[str, list[str | None]]:
    listed = ", ".join(f"({said})::text" for said in table.columns.values())
    query = f"SELECT {table.id}, ARRAY[{listed}] FROM {table.place} t WHERE {table.where} AND {table.id} = ANY(%s)"
    return dict(connection.execute(query, [keys]).fetchall())


def _masked(name: str, value: str | None) -> str:
    """A key's part as it may be shown: of hashes the beginning, of what may be a person's number or name nothing."""
    if value is None:
        return ""
    if name in _SECRET:
        return "***"
    return f"{value[2:10]}…" if value.startswith("\\x") else value


def _missing_columns(live: Connection, table: Table) -> tuple[str, ...]:
    schema, _, name = table.name.partition(".")
    there = {
        row[0]
        for row in live.execute(
            "SELECT column_name FROM information_schema.columns WHERE (table_schema, table_name) = (%s, %s)",
            [schema, name],
        )
    }
    return tuple(column for column in table.written if column not in there)
