"""Mention → entity: which mentions wait, judging them chunk by chunk, and keeping what was judged.

What bears on a chunk is gathered (`gather`), judged (`judge`) and written here, all in one transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from core import events
from core.actor import SYSTEM
from libraries import gather, judge, judged
from libraries.mentions import RECORD
from libraries.rules import Rules

TABLES = (*gather.TABLES, *judged.TABLES, *judge.TABLES)
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


def references(conn: Connection, rules: Rules, after: str, limit: int) -> list[str]:
    """The next records that a waiting mention refers to (`<dataset>:<key>`)."""
    return list(
        conn.scalars(
            text(
                "SELECT DISTINCT id_value FROM libraries.mention WHERE pending AND id_value > :after AND id_kind = :kind "
                "AND dataset = ANY(:datasets) ORDER BY id_value LIMIT :limit"
            ),
            {"after": after, "kind": RECORD, "datasets": _referring([rules]), "limit": limit},
        )
    )


def referred(conn: Connection, rules: Rules, records: list[str]) -> list[str]:
    """The numbers of those whom references are about. References that lead nowhere yet wait no longer: when the record
    comes, it brings them along."""
    given = {"records": records, "kind": RECORD, "datasets": _referring([rules]), "kinds": list(rules.kind.kinds)}
    return list(
        conn.scalars(
            text(
                "WITH held AS MATERIALIZED (SELECT m.ctid AS place, m.id_value, m.role FROM libraries.mention m "
                "WHERE m.id_value = ANY(:records) AND m.id_kind = :kind AND m.dataset = ANY(:datasets) FOR UPDATE NOWAIT), "
                "done AS (UPDATE libraries.mention m SET pending = false FROM held h WHERE m.ctid = h.place AND m.pending) "
                "SELECT DISTINCT m.id_value FROM held h CROSS JOIN LATERAL (SELECT * FROM libraries.mention m WHERE "
                "m.dataset = split_part(h.id_value, ':', 1) AND m.key = decode(split_part(h.id_value, ':', 2), 'hex') "
                "AND m.role = h.role AND m.id_kind = ANY(:kinds) OFFSET 0) m WHERE m.id_value IS NOT NULL"
            ),
            given,
        )
    )


def _referring(every: Iterable[Rules]) -> list[str]:
    return sorted({dataset for rules in every for dataset, _, _ in rules.references})


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


def judgements(conn: Connection, rules: Rules, after: str, limit: int) -> list[str]:
    """The next decisions of who is who, or of who is not any more, that no link was made by yet."""
    return list(
        conn.scalars(
            text(
                "SELECT CAST(d.id AS text) FROM hub.decision d JOIN hub.decision o ON o.id = coalesce(d.undoes, d.id) "
                "WHERE d.kind = 'judge' AND o.body ->> 'library' = :l AND CAST(d.id AS text) > :after "
                "AND NOT EXISTS (SELECT FROM libraries.judged j WHERE j.decision = d.id) ORDER BY 1 LIMIT :limit"
            ),
            {"after": after, "l": rules.library.id, "limit": limit},
        )
    )


def concerned(conn: Connection, rules: Rules, decisions: list[str]) -> list[str]:
    """The numbers that decisions are about. Once this transaction is committed, links are made by them."""
    numbers = conn.scalars(
        text(
            "WITH judged AS (INSERT INTO libraries.judged SELECT CAST(d AS uuid) FROM unnest(CAST(:ids AS text[])) d) "
            "SELECT DISTINCT side.form FROM hub.decision d JOIN hub.decision o ON o.id = coalesce(d.undoes, d.id) "
            "CROSS JOIN LATERAL (VALUES (o.body #>> '{a,form}'), (o.body #>> '{b,form}')) AS side (form) "
            "WHERE d.id = ANY(CAST(:ids AS uuid[]))"
        ),
        {"ids": decisions},
    )
    return list(numbers)


def settle(conn: Connection, every: list[Rules], limit: int) -> int:
    """Mentions that nothing can be linked by (no number, or one that concerns no published library) wait no longer;
    returns how many of at most `limit`."""
    return conn.execute(
        text(
            "UPDATE libraries.mention SET pending = false WHERE ctid = ANY(ARRAY(SELECT ctid FROM libraries.mention "
            "WHERE pending AND (coalesce(id_value, '') = '' OR id_kind IS NULL OR id_kind <> ALL(:kinds)) "
            "AND NOT (coalesce(id_kind, '') = :record AND dataset = ANY(:datasets)) LIMIT :limit FOR UPDATE SKIP LOCKED))"
        ),
        {
            "kinds": [kind for rules in every for kind in rules.kind.kinds],
            "record": RECORD,
            "datasets": _referring(every),
            "limit": limit,
        },
    ).rowcount


def link(conn: Connection, rules: Rules, numbers: Iterable[str]) -> Linked:
    """Judge every mention of these numbers again. Leaves their entities in `work_entity`, their mentions, with what they
    are linked to now (`target`), in `work_mention`. Raises LockNotAvailable (as OperationalError) when a merge holds one."""
    gather.gather(conn, rules, numbers)
    created = judge.judge(conn, rules)
    linked = _apply(conn)
    return Linked(created, linked, _conflicts(conn, rules))


def mark(conn: Connection) -> None:
    """Note, in the transaction that links, that links may have changed: what stands on them looks here (`marked`)."""
    conn.execute(
        text(
            "INSERT INTO libraries.rules (library, dataset, body) VALUES ('', 'links', jsonb_build_object('by', uuidv7())) "
            "ON CONFLICT (library, dataset) DO UPDATE SET body = excluded.body"
        )
    )


def marked(conn: Connection) -> str | None:
    """The last mark; another one says that links may have changed since."""
    found = text("SELECT body ->> 'by' FROM libraries.rules WHERE library = '' AND dataset = 'links'")
    mark_: str | None = conn.execute(found).scalar()
    return mark_


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
    """Record mentions newly left out because their number is somebody else's, and those by which a register newly has it for
    two, by where they stand, never by whom."""
    rows = conn.execute(
        text(
            "SELECT w.dataset, encode(w.key, 'hex') AS key, w.role, w.part FROM work_mention w WHERE w.kind IS NOT NULL "
            "AND CASE WHEN w.target IS NULL THEN w.pending OR w.entity_id IS NOT NULL "
            "ELSE w.register AND w.entity_id IS DISTINCT FROM w.target END AND EXISTS (SELECT FROM work_mention o "
            "WHERE o.target IS NOT NULL AND o.target IS DISTINCT FROM w.target AND o.kind = w.kind AND o.number = w.number "
            "AND (w.target IS NULL OR o.register)) ORDER BY 1, 2, 3, 4"
        )
    ).all()
    if rows:
        listed = [dict(row._mapping) for row in rows[:_LISTED]]
        events.record(conn, "libraries.conflict", rules.library.id, {"count": len(rows), "mentions": listed}, SYSTEM)
    return len(rows)
