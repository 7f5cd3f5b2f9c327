"""All that bears on who some numbers belong to, into session tables `work_*` (emptied at commit), every row locked.

A number leads to its mentions; they lead to other numbers: those under which a register knows the same subject, now or
formerly, those judged the same, and those of mentions that were linked to the same entity before. The set is closed under
this, so what is judged together does not depend on where one began. Rows of mention and entity are locked without waiting: a
merge never waits in a circle with this.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from libraries import judged
from libraries.mentions import RECORD
from libraries.rules import Giver, Rules
from libraries.withholding import shared
from schemas.derive import sql

TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS work_number (number text PRIMARY KEY, round integer) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_mention (place tid, dataset text, key bytea, role text, part integer, id_kind text, "
    "id_value text, name text, entity_id uuid, pending boolean, round integer, rank integer, kind text, number text, "
    "contributes boolean NOT NULL DEFAULT false, register boolean NOT NULL DEFAULT false, of_kind text, of_number text, "
    "contested boolean NOT NULL DEFAULT false, refers tid, target uuid) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_entity (id uuid PRIMARY KEY, kind text, number text, round integer, name text) "
    "ON COMMIT DELETE ROWS",
)


def gather(conn: Connection, rules: Rules, numbers: Iterable[str]) -> None:
    """Fill `work_number`, `work_mention` and `work_entity`; each mention's proven kind and number, whether its record
    contributes, and whether it is the register's."""
    forms = sorted({rules.kind.form(number) for number in numbers})
    found = conn.execute(
        text("INSERT INTO work_number SELECT number, 0 FROM unnest(CAST(:forms AS text[])) AS n (number)"),
        {"forms": forms},
    ).rowcount
    judgements = rules.kind.named and judged.any_there(conn, rules)
    round = 0
    while found:
        _named(conn, rules, round)
        found = _lead_on(conn, rules, round) if rules.kind.named else 0
        found += judged.numbers_joined(conn, rules, round) if judgements else 0
        round += 1
    if judgements:
        judged.gather(conn, rules)
    identify(conn, rules)
    for giver in rules.givers:
        if giver.target is None:
            _mark(conn, giver, rules.today)
    for dataset, role, target in rules.references:
        _refer(conn, dataset, role, target)


def _named(conn: Connection, rules: Rules, round: int) -> None:
    """The mentions of this round's numbers, and the entities that go by them or that the mentions were linked to."""
    given = {"kinds": list(rules.kind.kinds), "named": rules.kind.named, "round": round, "l": rules.library.id}
    for condition in rules.kind.joins:
        conn.execute(
            text(
                "INSERT INTO work_mention (place, dataset, key, role, part, id_kind, id_value, name, entity_id, pending, round, "
                "rank, register) SELECT m.ctid, m.dataset, m.key, m.role, m.part, m.id_kind, m.id_value, "
                "CASE WHEN :named THEN m.name END, m.entity_id, m.pending, :round, "
                "coalesce(CAST(CAST(:ranks AS jsonb) ->> m.dataset AS integer), 1000), "
                "(m.dataset, m.role) IN (SELECT * FROM unnest(CAST(:datasets AS text[]), CAST(:roles AS text[]))) "
                "FROM work_number n CROSS JOIN LATERAL (SELECT m.ctid, m.* FROM libraries.mention m "
                f"WHERE {condition} AND m.id_kind = ANY(:kinds) FOR UPDATE NOWAIT) m WHERE n.round = :round"
            ),
            {
                **given,
                "ranks": json.dumps(dict(rules.ranks)),
                "datasets": [dataset for dataset, _ in rules.registers],
                "roles": [role for _, role in rules.registers],
            },
        )
    conn.execute(
        text(
            "INSERT INTO work_entity SELECT e.id, e.id_kind, e.id_value, :round, e.name FROM work_number n CROSS JOIN LATERAL ("
            "SELECT * FROM libraries.entity e WHERE e.library = :l AND e.id_value = n.number FOR UPDATE NOWAIT) e "
            "WHERE n.round = :round ON CONFLICT DO NOTHING"
        ),
        given,
    )
    conn.execute(
        text(
            "INSERT INTO work_entity SELECT e.id, e.id_kind, e.id_value, :round, e.name FROM (SELECT DISTINCT w.entity_id AS id "
            "FROM work_mention w WHERE w.round = :round AND w.entity_id IS NOT NULL "
            "AND NOT EXISTS (SELECT FROM work_entity e WHERE e.id = w.entity_id)) w CROSS JOIN LATERAL ("
            "SELECT * FROM libraries.entity e WHERE e.id = w.id FOR UPDATE NOWAIT) e ON CONFLICT DO NOTHING"
        ),
        given,
    )


def _lead_on(conn: Connection, rules: Rules, round: int) -> int:
    """The numbers that this round's lead to; returns how many are new."""
    form = rules.kind.form_sql.format("m.id_value")
    return conn.execute(
        text(
            "INSERT INTO work_number SELECT DISTINCT found.number, :round + 1 FROM ("
            # another number of whom a register mentions
            "SELECT k.form AS number FROM work_mention w CROSS JOIN LATERAL (SELECT * FROM libraries.known_as k WHERE "
            "k.of_dataset = w.dataset AND k.of_key = w.key AND k.role = w.role OFFSET 0) k "
            "WHERE w.register AND w.round = :round AND k.kind = 'number' AND k.library = :l "
            # the number now of whom a register knew by this one
            f"UNION ALL SELECT {form} FROM work_number n CROSS JOIN LATERAL (SELECT * FROM libraries.known_as k WHERE "
            "k.form = n.number AND k.kind = 'number' OFFSET 0) k CROSS JOIN LATERAL (SELECT * FROM libraries.mention m WHERE "
            "m.dataset = k.of_dataset AND m.key = k.of_key AND m.role = k.role AND m.id_kind = ANY(:kinds) OFFSET 0) m "
            "WHERE n.round = :round AND k.library = :l "
            # what was one entity until now
            "UNION ALL SELECT e.number FROM work_entity e WHERE e.round = :round "
            f"UNION ALL SELECT {form} FROM work_entity e CROSS JOIN LATERAL (SELECT * FROM libraries.mention m WHERE "
            "m.entity_id = e.id AND m.id_kind = ANY(:kinds) OFFSET 0) m WHERE e.round = :round) found "
            "WHERE found.number IS NOT NULL ON CONFLICT DO NOTHING"
        ),
        {"round": round, "l": rules.library.id, "kinds": list(rules.kind.kinds)},
    ).rowcount


def identify(conn: Connection, rules: Rules) -> None:
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


def _mark(conn: Connection, giver: Giver, today: date) -> None:
    """Mentions of a contributing role may make an entity; a licence's type comes from its contribution."""
    condition, values = when(giver, today)
    met = f" AND (SELECT {condition} FROM {sql.current(giver.contract.id)} r WHERE r._key = w.key)" if condition else ""
    conn.execute(
        text(
            "UPDATE work_mention w SET contributes = true, kind = coalesce(:type, w.kind) "
            f"WHERE w.dataset = :dataset AND w.role = :role{met}"
        ),
        {"type": giver.type, "dataset": giver.contract.id, "role": giver.role, **values},
    )


def when(giver: Giver, today: date) -> tuple[str, dict[str, Any]]:
    """The contribution's condition on the record `r` (empty: none), and its parameters; a withheld record gives nothing."""
    terms = [f"to_jsonb(r.{sql.quote(item)}) #>> '{{}}' = ANY(:when_{n})" for n, item in enumerate(giver.when)]
    values: dict[str, Any] = {f"when_{n}": list(allowed) for n, allowed in enumerate(giver.when.values())}
    if (rule := shared(giver.contract)) is not None:
        terms.append(rule)
        values["today"] = today
    return " AND ".join(terms), values


def _refer(conn: Connection, dataset: str, role: str, target: str) -> None:
    """The records of one dataset that refer to records among the mentions, as mentions that go where those go; and those
    that were linked to one of the entities before."""
    # The dataset is looked at outside: the planner would take it for the better way into mentions before their first ANALYZE.
    of = "m.ctid, m.dataset, m.key, m.role, m.part, m.id_kind, m.id_value, m.entity_id, m.pending"
    conn.execute(
        text(
            "INSERT INTO work_mention (place, dataset, key, role, part, id_kind, id_value, entity_id, pending, refers) "
            f"SELECT DISTINCT ON (ctid) * FROM (SELECT {of}, w.place AS refers FROM work_mention w CROSS JOIN LATERAL ("
            "  SELECT m.ctid, m.* FROM libraries.mention m WHERE m.id_value = w.dataset || ':' || encode(w.key, 'hex') "
            "  AND m.id_kind = :kind OFFSET 0 FOR UPDATE NOWAIT) m WHERE w.dataset = :target AND w.role = :role "
            f"UNION ALL SELECT {of}, NULL FROM work_entity e CROSS JOIN LATERAL ("
            "  SELECT m.ctid, m.* FROM libraries.mention m WHERE m.entity_id = e.id AND m.id_kind = :kind OFFSET 0 "
            "  FOR UPDATE NOWAIT) m) m WHERE m.dataset = :dataset AND m.role = :role ORDER BY ctid, refers"
        ),
        {"dataset": dataset, "role": role, "target": target, "kind": RECORD},
    )
