"""What is to be judged: numbers with a name that is not the name of whoever has the number, listed for stewards.

Nothing links by itself here: two names on one number are a conflict, and so is a name that changed without the register saying
so. The list is masked; a row is named by the keyed pseudonym of its pair, so that it can be judged without typing a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from core.errors import NotFound
from core.keys import Keys
from core.text import T
from libraries import judgements, likeness
from libraries.judgements import Claim, Verdict
from libraries.rules import Rules
from schemas.derive import sql

REASONS = {
    "two_names": T("一个号码,两个名称", "two names on one number"),
    "unregistered_change": T(
        "登记库中曾用此名,但没有更名登记", "the register had this name before, but no change is registered"
    ),
}


@dataclass(frozen=True, slots=True)
class Contested:
    """A claim that is linked to nobody, or whom the register has beside somebody else, with the claim of whoever has its number.
    `records` counts by dataset where it stands; `verdict` is what was judged of the two and did not settle it."""

    id: str
    library: str
    holder: Claim
    claim: Claim
    reason: str
    records: Mapping[str, int]
    score: float
    verdict: Verdict | None


def listed(conn: Connection, keys: Keys, rules: Rules, *, settled: bool = False, limit: int = 50) -> list[Contested]:
    """Those of a library, the most often claimed first. Without those judged different, unless `settled` ones are asked for."""
    rows = conn.execute(
        text(_LISTED.format(form=rules.kind.form_sql.format("m.id_value"))),
        {"l": rules.library.id, "kinds": list(rules.kind.kinds), "settled": settled, "limit": limit},
    ).all()  # fmt: skip
    before = _names_before(conn, rules, rows)
    return [_contested(keys, rules, row, before) for row in rows]


def find(conn: Connection, keys: Keys, rules: Rules, id: str) -> Contested:
    """The one with this id; NotFound when it is settled, or never was."""
    for one in listed(conn, keys, rules, settled=True, limit=1_000_000):
        if one.id == id:
            return one
    raise NotFound(
        T("没有该身份冲突,或已经消除。", "There is no such conflict, or it is gone."),
        remedy=T("hutong judgement open 可列出。", "`hutong judgement open` lists them."),
    )


# Whoever has a number: the entity that goes by it and that records with it are linked to. Of two that go by one number, the one
# made later is the claim.
_LISTED = """
WITH shared AS MATERIALIZED (
  SELECT e.id, e.id_value, e.name FROM libraries.entity e WHERE e.library = :l AND e.name IS NOT NULL AND e.id_value IN (
    SELECT id_value FROM libraries.entity WHERE library = :l GROUP BY id_value HAVING count(*) > 1)
), claimed AS (
  SELECT {form} AS form, m.name, min(m.id_value) AS number, jsonb_object_agg(m.dataset, m.n) AS records, sum(m.n) AS total
  FROM (SELECT id_value, name, dataset, count(*) AS n FROM libraries.mention WHERE entity_id IS NULL AND NOT pending
    AND name IS NOT NULL AND id_kind = ANY(:kinds) GROUP BY 1, 2, 3) m GROUP BY 1, 2
), found AS (
  SELECT c.*, e.id AS holder_id, e.id_kind AS kind, e.name AS holder
  FROM claimed c JOIN libraries.entity e ON e.library = :l AND e.id_value = c.form AND e.name IS NOT NULL AND e.name <> c.name
  UNION ALL
  SELECT s.id_value, s.name, m.number, m.records, m.total, e.id, e.id_kind, e.name FROM shared s
  JOIN libraries.entity e ON e.library = :l AND e.id_value = s.id_value AND e.name <> s.name AND e.id < s.id
  CROSS JOIN LATERAL (SELECT min(m.id_value) AS number, jsonb_object_agg(m.dataset, m.n) AS records, sum(m.n) AS total FROM (
    SELECT m.dataset, min(m.id_value) AS id_value, count(*) AS n FROM libraries.mention m
    WHERE m.entity_id = s.id AND m.name = s.name GROUP BY 1) m) m WHERE m.total > 0
)
SELECT * FROM (
  SELECT DISTINCT ON (c.form, c.name) c.*, o.id_value AS held, j.verdict FROM found c
  CROSS JOIN LATERAL (SELECT o.id_value FROM libraries.mention o WHERE o.entity_id = c.holder_id AND o.name = c.holder LIMIT 1) o
  LEFT JOIN libraries.judgement j ON j.library = :l AND j.form = c.form AND j.name = c.name AND j.other_form = c.form
    AND j.other_name = c.holder
  ORDER BY c.form, c.name, j.verdict IS NOT DISTINCT FROM 'different', c.holder_id
) found WHERE :settled OR verdict IS DISTINCT FROM 'different' ORDER BY total DESC, form, name LIMIT :limit
"""


def _names_before(conn: Connection, rules: Rules, rows: Sequence[Row[Any]]) -> set[tuple[str, str]]:
    """Which of these (number, name) the library's own register once said in a record of the number."""
    found: set[tuple[str, str]] = set()
    for giver in rules.givers:
        subject = next((one for one in giver.contract.subjects if one.role == giver.role), None)
        if not giver.register or subject is None or subject.name is None:
            continue
        history = sql.history(giver.contract.id)
        found |= {
            (row.form, row.name)
            for row in conn.execute(
                text(
                    "SELECT DISTINCT c.form, c.name FROM unnest(CAST(:forms AS text[]), CAST(:names AS text[])) AS c (form, name) "
                    "JOIN libraries.entity e ON e.library = :l AND e.id_value = c.form JOIN libraries.mention m "
                    f"ON m.entity_id = e.id AND m.dataset = :dataset AND m.role = :role JOIN {history} h ON h._key = m.key "
                    f"AND h.{sql.quote(subject.name)} = c.name"
                ),
                {
                    "forms": [row.form for row in rows], "names": [row.name for row in rows], "l": rules.library.id,
                    "dataset": giver.contract.id, "role": giver.role,
                },
            )
        }  # fmt: skip
    return found


def _contested(keys: Keys, rules: Rules, row: Row[Any], before: set[tuple[str, str]]) -> Contested:
    library = rules.library.id
    holder = Claim(row.kind, row.held, row.form, row.holder)
    claim = Claim(row.kind, row.number, row.form, row.name)
    return Contested(
        judgements.about(keys, library, holder, claim), library, holder, claim,
        "unregistered_change" if (row.form, row.name) in before else "two_names", row.records,
        likeness.of(library, holder.number, holder.name, claim.number, claim.name).score,
        Verdict(row.verdict) if row.verdict else None,
    )  # fmt: skip
