"""What a library is made from, taken over as it is: documents, batches (not what they came to), decisions, and the register
of entities, whose ids nothing else holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, text

from core.hub import Hub
from schemas import published
from schemas.derive import sql as derived
from schemas.published import Document

#: states of a batch whose rows are in the library
ACCEPTED = ("merged", "delivered")
#: what became of an accepted batch, and what it is again before its turn
_OUTCOME = {
    "state": "'landed'",
    "evidence": "'{}'::jsonb",
    "reason": "NULL",
    "merged_at": "NULL",
    "delivered_at": "NULL",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch whose rows are in the library: by which publication's documents, and when they came in."""

    id: UUID
    dataset: str
    publication: int
    merged_at: datetime


def accepted(live: Connection, after: set[UUID], upto: int | None = None) -> list[Accepted]:
    """The batches whose rows are in the library, but for those of `after`; up to number `upto` where one is given. In the
    order in which they merged: one that waited for a decision came behind what merged meanwhile."""
    rows = live.execute(
        text(
            "SELECT id, dataset, publication, merged_at FROM hub.batch WHERE state = ANY(:states) "
            "AND (CAST(:upto AS bigint) IS NULL OR seq <= :upto) ORDER BY merged_at, seq"
        ),
        {"states": list(ACCEPTED), "upto": upto},
    )
    return [Accepted(*row) for row in rows if row.id not in after]


def batches(live: Connection, scratch: Hub) -> None:
    """Every batch; those accepted that are not in here yet as *landed*."""
    names = columns(live, "hub", "batch")
    taken = f"CASE WHEN state IN {ACCEPTED} THEN {{}} ELSE {{}} END"
    given = [taken.format(_OUTCOME[name], name) if name in _OUTCOME else sql_name(name) for name in names]
    listed = ", ".join(map(sql_name, names))
    assigned = ", ".join(f"{sql_name(name)} = excluded.{sql_name(name)}" for name in names if name not in ("id", "seq"))
    with scratch.begin() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE given ON COMMIT DROP AS SELECT * FROM hub.batch WHERE false")
        pour(raw(live), f"SELECT {', '.join(given)} FROM hub.batch", raw(connection), "given", names)
        connection.exec_driver_sql(
            f"INSERT INTO hub.batch AS b ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} FROM given ORDER BY seq "
            f"ON CONFLICT (id) DO UPDATE SET {assigned} WHERE b.state NOT IN {ACCEPTED}"
        )


def decided(live: Connection, after: int) -> list[tuple[int, datetime]]:
    """Number and time of the decisions after number `after`, oldest first."""
    rows = live.execute(text("SELECT seq, at FROM hub.decision WHERE seq > :after ORDER BY seq"), {"after": after})
    return [(row.seq, row.at) for row in rows]


def decisions(live: Connection, scratch: Hub, after: int, upto: int) -> None:
    """The decisions after number `after` and up to number `upto`, with the rows they are about."""
    names = columns(live, "hub", "decision")
    query = (
        f"SELECT {', '.join(map(sql_name, names))} FROM hub.decision WHERE seq > {after} AND seq <= {upto} ORDER BY seq"
    )
    with scratch.begin() as connection:
        pour(raw(live), query, raw(connection), "hub.decision", names)
        names = columns(live, "hub", "decided_row")
        query = (
            f"SELECT {', '.join(f'r.{sql_name(name)}' for name in names)} FROM hub.decided_row r "
            f"JOIN hub.decision d ON d.id = r.decision WHERE d.seq > {after} AND d.seq <= {upto}"
        )
        pour(raw(live), query, raw(connection), "hub.decided_row", names)


def documents(live: Connection, scratch: Hub, upto: int) -> None:
    """Publications up to that number that are not yet there, one by one, tables included; then the snapshot of the last."""
    with scratch.begin() as connection:
        last = connection.execute(text("SELECT coalesce(max(n), 0) FROM hub.publication")).scalar_one()
        numbers = live.scalars(
            text("SELECT n FROM hub.publication WHERE n > :last AND n <= :upto ORDER BY n"),
            {"last": last, "upto": upto},
        ).all()
        for number in numbers:
            query = f"SELECT n, at, actor FROM hub.publication WHERE n = {int(number)}"
            pour(raw(live), query, raw(connection), "hub.publication", ["n", "at", "actor"])
            published.repeat(connection, number, _entered(live, number))
    if numbers:
        with scratch.read() as connection:
            published.write_snapshot(connection, scratch.home)


def _entered(live: Connection, number: int) -> list[tuple[Document, bool]]:
    rows = live.execute(
        text("SELECT kind, id, version, body, withdrawn FROM hub.document WHERE publication = :n ORDER BY kind, id"),
        {"n": number},
    )
    return [
        (Document(row.kind, row.id, row.version, row.body, f"{row.kind}/{row.id}.yaml", vouched=True), row.withdrawn)
        for row in rows
    ]


def register(live: Connection, scratch: Hub) -> date | None:
    """The entities there are, with the number and the name each goes by, all to be looked at; returns the day that the live
    golden records are of."""
    names = columns(live, "libraries", "entity")
    listed = ["true" if name == "dirty" else sql_name(name) for name in names]
    with scratch.begin() as connection:
        pour(raw(live), f"SELECT {', '.join(listed)} FROM libraries.entity", raw(connection), "libraries.entity", names)
        connection.exec_driver_sql("ANALYZE libraries.entity")
    day = live.scalar(text("SELECT body ->> 'day' FROM libraries.rules WHERE library = '' AND dataset = ''"))
    return date.fromisoformat(day) if day else None


def cut(live: Connection, made: Connection) -> None:
    """Leave out of a rebuilt history what was removed from the live one."""
    for dataset, before in live.execute(text("SELECT dataset, before FROM hub.history_cut")).all():
        if made.scalar(text("SELECT to_regclass(:table)"), {"table": derived.history(dataset)}) is not None:
            made.execute(text(f"DELETE FROM {derived.history(dataset)} WHERE _known_to < :before"), {"before": before})


def columns(connection: Connection, schema: str, table: str) -> list[str]:
    """A table's columns, in order."""
    return list(
        connection.scalars(
            text(
                "SELECT column_name FROM information_schema.columns WHERE (table_schema, table_name) = (:schema, :table) "
                "AND is_generated = 'NEVER' ORDER BY ordinal_position"
            ),
            {"schema": schema, "table": table},
        )
    )


def sql_name(name: str) -> str:
    """A column's name as it stands in a statement."""
    return sql.Identifier(name).as_string()


def raw(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's connection below, in the same transaction: COPY and cursors of the server's."""
    found: Any = connection.connection.driver_connection
    return found  # type: ignore[no-any-return]


def pour(
    source: psycopg.Connection[Any], query: str, target: psycopg.Connection[Any], table: str, names: Sequence[str]
) -> None:
    """Rows of a query in one database into a table of another, as a stream."""
    into = f"COPY {table} ({', '.join(map(sql_name, names))}) FROM STDIN (FORMAT binary)"
    with (
        source.cursor() as reading,
        target.cursor() as writing,
        reading.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as out,
        writing.copy(into) as entering,
    ):
        for block in out:
            entering.write(block)
