"""Claims → golden records: every attribute's value, and where it came from, by the library's survivorship order.

Works on the entities and mentions that `linking.link` left in the session's `work_*` tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, text

from core import events
from core.actor import SYSTEM
from libraries import license
from libraries.gather import when
from libraries.rules import DERIVED_RANK, Claim, Giver, Rules
from schemas.derive import sql
from schemas.library import Attribute
from schemas.published import Published

TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS work_claim (entity_id uuid, attribute text, value text, rank integer, status text, "
    "department text, dataset text, batch uuid, known_from timestamptz, since text, derived text, key bytea) "
    "ON COMMIT DELETE ROWS",
)
#: a value masked at its source decides only where nobody gives it whole; of one rank the newest claim does: by the valid time
#: its contract names, then by when the hub learned of it. libraries/why.py says the same in words
ORDER = (
    'strpos(value, \'*\') > 0, rank, since COLLATE "C" DESC NULLS LAST, known_from DESC NULLS LAST, value COLLATE "C", '
    "dataset, batch"
)


def make(conn: Connection, rules: Rules, published: Published) -> tuple[int, int]:
    """Make the golden records of the chunk's entities again; returns how many there are and how many lost theirs."""
    collect(conn, rules, published)
    made = _write(conn, rules)
    emptied = conn.scalars(
        text(
            "DELETE FROM libraries.golden g USING work_entity e WHERE g.library = :l AND g.entity_id = e.id "
            "AND NOT EXISTS (SELECT FROM work_claim c WHERE c.entity_id = e.id) RETURNING g.entity_id"
        ),
        {"l": rules.library.id},
    ).all()
    if emptied:
        body = {"count": len(emptied), "entities": sorted(map(str, emptied))}
        events.record(conn, "libraries.emptied", rules.library.id, body, SYSTEM)
    conn.execute(text("UPDATE libraries.entity SET dirty = false FROM work_entity e WHERE entity.id = e.id AND dirty"))
    return made, len(emptied)


def collect(conn: Connection, rules: Rules, published: Published) -> None:
    """Everything that the linked mentions' records give, and what follows from it, into `work_claim`."""
    for giver in rules.givers:
        _collect(conn, giver, rules.today)
    for name, attribute in rules.library.attributes.items():
        if attribute.derive:
            _derive(conn, rules, name, attribute)
    if license.IDENTIFIER in rules.library.attributes:
        _assign(conn, rules, published)


def _collect(conn: Connection, giver: Giver, today: date) -> None:
    """All that one dataset says of the chunk's entities in one role, in one query."""
    if not giver.claims:
        return
    condition, values = when(giver, today)
    said, parameters = saying(giver, giver.claims)
    conn.execute(
        text(
            "INSERT INTO work_claim SELECT w.target, a.name, v.value, a.rank, a.status, :department, :dataset, r._batch, "
            f"r._known_from, {since(giver)}, NULL, w.key {said} AND w.target IS NOT NULL AND {condition or 'true'}"
        ),
        {**parameters, **values, "department": giver.contract.department},
    )


def since(giver: Giver) -> str:
    """SQL: from when a record `r` is valid, as text; NULL where its contract names no such item."""
    start = giver.contract.valid_from
    return f"to_jsonb(r.{sql.quote(start)}) #>> '{{}}'" if start else "CAST(NULL AS text)"


def saying(giver: Giver, claims: Sequence[Claim]) -> tuple[str, dict[str, Any]]:
    """SQL from FROM on, and its parameters: mentions `w` in the giver's role, their records `r`, the claims `a` (name, rank,
    status) and each value `v.value`; whether the mention is linked and the contribution's condition met is for the caller."""
    listed, parameters = [], dict[str, Any]()
    for n, claim in enumerate(claims):
        said = claim.sql if claim.constant is None else f"CAST(:value_{n} AS text)"
        listed.append(f"(:name_{n}, {said}, CAST(:cut_{n} AS text), {claim.rank}, :status_{n})")
        parameters |= {f"name_{n}": claim.attribute, f"cut_{n}": claim.cut, f"status_{n}": claim.status}
        if claim.constant is not None:
            parameters[f"value_{n}"] = claim.constant
    return (
        "FROM work_mention w "
        f"CROSS JOIN LATERAL (SELECT * FROM {sql.current(giver.contract.id)} r WHERE r._key = w.key OFFSET 0) r "
        f"CROSS JOIN LATERAL (VALUES {', '.join(listed)}) AS a (name, value, cut, rank, status) CROSS JOIN LATERAL "
        "unnest(CASE WHEN a.cut IS NULL THEN ARRAY[a.value] ELSE string_to_array(a.value, a.cut) END) AS v (value) "
        "WHERE w.dataset = :dataset AND w.role = :role AND v.value <> ''",
        {**parameters, "dataset": giver.contract.id, "role": giver.role},
    )


def _derive(conn: Connection, rules: Rules, name: str, attribute: Attribute) -> None:
    """An attribute that another one implies: as certain as that one, and from the same record."""
    origin, _, part = str(attribute.derive).partition(".")
    values = list(
        conn.scalars(text("SELECT DISTINCT value FROM work_claim WHERE attribute = :origin"), {"origin": origin})
    )
    derived = rules.kind.parts[part](pa.array(values, pa.string())).to_pylist()
    conn.execute(
        text(
            "INSERT INTO work_claim SELECT c.entity_id, :name, d.derived, c.rank + :behind, c.status, c.department, c.dataset, "
            "c.batch, c.known_from, c.since, :origin, c.key FROM work_claim c JOIN unnest(CAST(:values AS text[]), "
            "CAST(:derived AS text[])) AS d (value, derived) ON d.value = c.value WHERE c.attribute = :origin"
        ),
        {"name": name, "behind": DERIVED_RANK, "origin": origin, "values": values, "derived": derived},
    )


def _assign(conn: Connection, rules: Rules, published: Published) -> None:
    """What a licence's type implies; an identifier where its source gives none, and for all of them who assigned it."""
    rows = conn.execute(
        text(
            "SELECT id, kind, number, EXISTS (SELECT FROM work_claim c WHERE c.entity_id = e.id AND attribute = :name) AS has "
            "FROM work_entity e WHERE EXISTS (SELECT FROM work_claim c WHERE c.entity_id = e.id)"
        ),
        {"name": license.IDENTIFIER},
    ).all()
    issuers = {
        type_: (said, published.departments[said.authority])
        for type_, said in rules.library.types.items()
        if said.authority in published.departments
    }
    claims: list[tuple[Any, str, str, str, str | None]] = []
    for row in rows:
        if row.kind in issuers:
            said, issuer = issuers[row.kind]
            implied = license.implied(said, issuer).items()
            claims += [(row.id, *one, "verified", "type") for one in implied if one[0] in rules.library.attributes]
            if not row.has:
                identifier = license.provisional(said.code, issuer.credit_code, row.number)
                claims.append((row.id, license.IDENTIFIER, identifier, "unverified", None))
        if row.has or row.kind in issuers:
            by = license.BY_ISSUER if row.has else license.BY_HUB
            claims.append((row.id, license.ASSIGNED_BY, by, "unverified", None))
    columns = [list(column) for column in zip(*claims, strict=True)] if claims else [[]] * 5
    conn.execute(
        text(
            "INSERT INTO work_claim (entity_id, attribute, value, status, derived, rank) SELECT a.*, :rank FROM unnest("
            "CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:values AS text[]), CAST(:statuses AS text[]), "
            "CAST(:origins AS text[])) AS a"
        ),
        {"rank": DERIVED_RANK, **dict(zip(("ids", "names", "values", "statuses", "origins"), columns, strict=True))},
    )


def _write(conn: Connection, rules: Rules) -> int:
    """One JSON object per entity: attribute → value, status, and the record it came from. What did not change is not written."""
    conn.execute(text(_WRITE), {"l": rules.library.id, "many": rules.many})
    made: int = conn.execute(text("SELECT count(DISTINCT entity_id) FROM work_claim")).scalar_one()
    return made


# The JSON is joined as text and parsed once: three times faster than building it value by value.
_WRITE = f"""
WITH best AS (
  SELECT DISTINCT ON (entity_id, attribute) * FROM work_claim ORDER BY entity_id, attribute, {ORDER}
), lists AS (
  SELECT entity_id, attribute, rank, jsonb_agg(DISTINCT value) AS value
  FROM work_claim WHERE attribute = ANY(:many) GROUP BY entity_id, attribute, rank
), sources AS MATERIALIZED (
  SELECT dataset, batch, known_from, trim(both '{{}}' from jsonb_build_object(
    'department', department, 'dataset', dataset, 'batch', batch, 'known_from', known_from)::text) AS source
  FROM (SELECT DISTINCT department, dataset, batch, known_from FROM work_claim WHERE dataset IS NOT NULL) s
), made AS (
  SELECT b.entity_id, ('{{' || string_agg(concat(
      to_json(b.attribute)::text, ':{{"value":', coalesce(l.value::text, to_json(b.value)::text), ',"status":"', b.status, '"',
      ',' || s.source, ',"derived_from":' || to_json(b.derived)::text, '}}'), ',') || '}}')::jsonb AS attributes
  FROM best b LEFT JOIN lists l USING (entity_id, attribute, rank) LEFT JOIN sources s USING (dataset, batch, known_from)
  GROUP BY b.entity_id
)
INSERT INTO libraries.golden AS g (library, entity_id, attributes) SELECT :l, entity_id, attributes FROM made
ON CONFLICT (library, entity_id) DO UPDATE SET attributes = excluded.attributes, refreshed_at = now()
WHERE g.attributes IS DISTINCT FROM excluded.attributes
"""
