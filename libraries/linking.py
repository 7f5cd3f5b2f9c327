"""Mention → entity: exact, valid number with an agreeing name.

All mentions of a number are judged together, so the outcome does not depend on the order in which batches came: among
the names claimed with one number the most authoritative wins (then the most frequent); who claims another name with that
number stays unlinked, and so does, then, who claims no name. Everything happens in session tables named `work_*`, emptied
at commit. Rows of mention and entity are locked without waiting: a merge never waits in a circle with this.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, text

from core import events
from core.actor import SYSTEM
from libraries.rules import Giver, Rules
from schemas.derive import sql

TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS work_number (number text PRIMARY KEY) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_mention (place tid, dataset text, key bytea, role text, part integer, id_kind text, "
    "id_value text, name text, entity_id uuid, pending boolean, rank integer, kind text, number text, "
    "contributes boolean NOT NULL DEFAULT false, target uuid) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_claimed (kind text, number text, name text, disputed boolean, alive boolean) "
    "ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_entity (id uuid, kind text, number text) ON COMMIT DELETE ROWS",
)
_LISTED = 1_000  # conflicts an event names one by one


@dataclass(frozen=True)
class Linked:
    """What one chunk did: entities made, mentions newly linked, mentions newly found to contradict another."""

    created: int
    linked: int
    conflicts: int


def pending(conn: Connection, rules: Rules, after: str, limit: int) -> list[str]:
    """The next numbers that a mention waits with."""
    return list(
        conn.scalars(
            text(
                "SELECT DISTINCT id_value FROM libraries.mention WHERE pending AND id_value > :after "
                "AND id_kind = ANY(:kinds) ORDER BY id_value LIMIT :limit"
            ),
            {"after": after, "kinds": list(rules.kind.kinds), "limit": limit},
        )
    )


def dirty(conn: Connection, rules: Rules, after: str, limit: int) -> list[str]:
    """The next numbers whose entity is to be made again."""
    return list(
        conn.scalars(
            text(
                "SELECT DISTINCT id_value FROM libraries.entity WHERE dirty AND library = :l AND id_value > :after "
                "ORDER BY id_value LIMIT :limit"
            ),
            {"after": after, "l": rules.library.id, "limit": limit},
        )
    )


def settle(conn: Connection, every: Iterable[Rules], limit: int) -> int:
    """Mentions that nothing can be linked by (no number, or one that concerns no published library) wait no longer;
    returns how many of at most `limit`."""
    return conn.execute(
        text(
            "UPDATE libraries.mention SET pending = false WHERE ctid = ANY(ARRAY(SELECT ctid FROM libraries.mention "
            "WHERE pending AND (coalesce(id_value, '') = '' OR id_kind IS NULL OR id_kind <> ALL(:kinds)) "
            "LIMIT :limit FOR UPDATE SKIP LOCKED))"
        ),
        {"kinds": [kind for rules in every for kind in rules.kind.kinds], "limit": limit},
    ).rowcount


def link(conn: Connection, rules: Rules, numbers: Iterable[str]) -> Linked:
    """Judge every mention of these numbers again. Leaves their entities in `work_entity`, their mentions, with what they
    are linked to now (`target`), in `work_mention`. Raises LockNotAvailable (as OperationalError) when a merge holds one."""
    _gather(conn, rules, numbers)
    _identify(conn, rules)
    for giver in rules.givers:
        _mark(conn, giver)
    created = _decide(conn, rules)
    counts = _apply(conn)
    conflicts = _conflicts(conn, rules)
    return Linked(created, counts, conflicts)


def _gather(conn: Connection, rules: Rules, numbers: Iterable[str]) -> None:
    forms = sorted({rules.kind.form(number) for number in numbers})
    conn.execute(text("INSERT INTO work_number SELECT unnest(CAST(:forms AS text[]))"), {"forms": forms})
    for condition in rules.kind.joins:
        conn.execute(
            text(
                "INSERT INTO work_mention (place, dataset, key, role, part, id_kind, id_value, name, entity_id, pending, rank) "
                "SELECT m.ctid, m.dataset, m.key, m.role, m.part, m.id_kind, m.id_value, CASE WHEN :named THEN m.name END, "
                "m.entity_id, m.pending, coalesce(CAST(CAST(:ranks AS jsonb) ->> m.dataset AS integer), 1000) "
                "FROM work_number n CROSS JOIN LATERAL (SELECT m.ctid, m.* FROM libraries.mention m "
                f"WHERE {condition} AND m.id_kind = ANY(:kinds) FOR UPDATE NOWAIT) m"
            ),
            {"kinds": list(rules.kind.kinds), "named": rules.kind.named, "ranks": json.dumps(dict(rules.ranks))},
        )
    conn.execute(
        text(
            "INSERT INTO work_entity SELECT e.id, e.id_kind, e.id_value FROM work_number n CROSS JOIN LATERAL ("
            "SELECT * FROM libraries.entity e WHERE e.library = :l AND e.id_value = n.number FOR UPDATE NOWAIT) e"
        ),
        {"l": rules.library.id},
    )


def _identify(conn: Connection, rules: Rules) -> None:
    """What each number is proven to be, by the value types: identifiers' arithmetic is not repeated in SQL."""
    rows = conn.execute(text("SELECT DISTINCT id_kind, id_value FROM work_mention")).all()
    kinds, values = [row.id_kind for row in rows], [row.id_value for row in rows]
    proven = rules.kind.identify(pa.array(kinds, pa.string()), pa.array(values, pa.string())).to_pylist()
    conn.execute(
        text(
            "UPDATE work_mention w SET kind = p.kind, number = p.number FROM unnest(CAST(:kinds AS text[]), "
            "CAST(:values AS text[]), CAST(:proven AS text[]), CAST(:numbers AS text[])) AS p (id_kind, id_value, kind, number) "
            "WHERE w.id_kind = p.id_kind AND w.id_value = p.id_value"
        ),
        {"kinds": kinds, "values": values, "proven": proven, "numbers": [rules.kind.form(value) for value in values]},
    )


def _mark(conn: Connection, giver: Giver) -> None:
    """Mentions of a contributing role may make an entity; a licence's type comes from its contribution."""
    condition, values = when(giver)
    met = (
        f" AND (SELECT {condition} FROM {sql.current(giver.contract.id)} r WHERE r._key = w.key)" if giver.when else ""
    )
    conn.execute(
        text(
            "UPDATE work_mention w SET contributes = true, kind = coalesce(:type, w.kind) "
            f"WHERE w.dataset = :dataset AND w.role = :role{met}"
        ),
        {"type": giver.type, "dataset": giver.contract.id, "role": giver.role, **values},
    )


def when(giver: Giver) -> tuple[str, dict[str, list[str]]]:
    """The contribution's condition on the record `r`, and its parameters."""
    terms = [f"to_jsonb(r.{sql.quote(item)}) #>> '{{}}' = ANY(:when_{n})" for n, item in enumerate(giver.when)]
    return " AND ".join(terms) or "true", {f"when_{n}": list(values) for n, values in enumerate(giver.when.values())}


def _decide(conn: Connection, rules: Rules) -> int:
    """Per number the name that counts, whether others dispute it, and whether anyone who may make an entity claims it;
    then the entities, and each mention's link."""
    conn.execute(
        text(
            "WITH named AS (SELECT kind, number, name, bool_or(contributes) AS contributes, min(rank) AS rank, count(*) AS n "
            "  FROM work_mention WHERE kind IS NOT NULL AND name IS NOT NULL GROUP BY kind, number, name), "
            "winner AS (SELECT DISTINCT ON (kind, number) kind, number, name, contributes, "
            "  count(*) OVER (PARTITION BY kind, number) > 1 AS disputed FROM named "
            '  ORDER BY kind, number, contributes DESC, rank, n DESC, name COLLATE "C"), '
            "nameless AS (SELECT kind, number, bool_or(contributes) AS contributes "
            "  FROM work_mention WHERE kind IS NOT NULL AND name IS NULL GROUP BY kind, number) "
            "INSERT INTO work_claimed SELECT kind, number, w.name, coalesce(w.disputed, false), "
            "coalesce(w.contributes, false) OR (coalesce(n.contributes, false) AND w.disputed IS NOT TRUE) "
            "FROM winner w FULL JOIN nameless n USING (kind, number)"
        )
    )
    created = conn.execute(
        text(
            "WITH made AS (INSERT INTO libraries.entity (id, library, id_kind, id_value, dirty) "
            "  SELECT uuidv7(), :l, kind, number, false FROM work_claimed c WHERE alive "
            "  AND NOT EXISTS (SELECT FROM work_entity e WHERE e.kind = c.kind AND e.number = c.number) "
            "  RETURNING id, id_kind, id_value) INSERT INTO work_entity SELECT * FROM made"
        ),
        {"l": rules.library.id},
    ).rowcount
    conn.execute(
        text(
            "UPDATE work_mention w SET target = e.id FROM work_claimed c, "
            "(SELECT DISTINCT ON (kind, number) kind, number, id FROM work_entity ORDER BY kind, number, id) e "
            "WHERE c.alive AND w.kind = c.kind AND w.number = c.number AND e.kind = c.kind AND e.number = c.number "
            "AND CASE WHEN w.name IS NULL THEN NOT c.disputed ELSE w.name = c.name END"
        )
    )
    return created


def _apply(conn: Connection) -> int:
    # The rows are locked, so they still stand where they were found; only a nested loop goes straight to that place.
    conn.execute(text("SET LOCAL enable_hashjoin = off"))
    conn.execute(text("SET LOCAL enable_mergejoin = off"))
    linked: int = conn.execute(
        text(
            "WITH done AS (UPDATE libraries.mention m SET entity_id = w.target, pending = false FROM work_mention w "
            "  WHERE m.ctid = w.place AND (w.pending OR w.entity_id IS DISTINCT FROM w.target) "
            "  RETURNING w.entity_id AS before, w.target) "
            "SELECT count(*) FROM done WHERE target IS NOT NULL AND target IS DISTINCT FROM before"
        )
    ).scalar_one()
    conn.execute(text("SET LOCAL enable_hashjoin = on"))
    conn.execute(text("SET LOCAL enable_mergejoin = on"))
    return linked


def _conflicts(conn: Connection, rules: Rules) -> int:
    """Record mentions newly left out because their number is somebody else's, by where they stand, never by whom."""
    rows = conn.execute(
        text(
            "SELECT w.dataset, encode(w.key, 'hex') AS key, w.role, w.part FROM work_mention w WHERE w.target IS NULL "
            "AND w.kind IS NOT NULL AND (w.pending OR w.entity_id IS NOT NULL) AND EXISTS (SELECT FROM work_mention o "
            "WHERE o.target IS NOT NULL AND o.kind = w.kind AND o.number = w.number) ORDER BY 1, 2, 3, 4"
        )
    ).all()
    if rows:
        listed = [dict(row._mapping) for row in rows[:_LISTED]]
        events.record(conn, "libraries.conflict", rules.library.id, {"count": len(rows), "mentions": listed}, SYSTEM)
    return len(rows)
