"""How a licence stands at the moment it is read: who holds it and whether they still are, what came before and after it,
whether its term has passed. None of it is stored, so none of it waits for a batch or a refresh of the licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from libraries import license
from libraries.mentions import UNPAIRED
from schemas.derive import sql

#: a dataset's contributions in libraries.rules; the library's own row is no list, whenever the planner looks at it
_GIVERS = "jsonb_array_elements(CASE jsonb_typeof(r.body) WHEN 'array' THEN r.body END)"
VALID, EXPIRED, CANCELLED, SUPERSEDED = "valid", "expired", "cancelled", "superseded"


@dataclass(frozen=True)
class Holder:
    """Who holds a licence: name, number and kind of number as the licence's records say; `state` is what the holder's own
    library says of them (dead, cancelled …), None where they are in none."""

    role: str
    name: str | None
    kind: str | None
    number: str | None
    library: str | None
    state: str | None


@dataclass(frozen=True)
class _Neighbour:
    issued_on: str
    identifier: str | None
    over: bool


def holders(conn: Connection, entity_id: UUID) -> tuple[Holder, ...]:
    """Those in the roles that the licence's contributions name as its holders."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT h.role, h.name, h.id_kind AS kind, h.id_value AS number, e.library, "
            "g.attributes -> (SELECT body -> 'decides' ->> 'state' FROM libraries.rules r WHERE r.library = e.library "
            "  AND r.dataset = '') ->> 'value' AS state "
            "FROM libraries.mention l JOIN libraries.rules r ON r.library = :l AND r.dataset = l.dataset "
            f"CROSS JOIN LATERAL {_GIVERS} AS giver CROSS JOIN LATERAL "
            "jsonb_array_elements_text(giver -> 'holders') AS role (name) "
            "JOIN libraries.mention h ON h.dataset = l.dataset AND h.key = l.key AND h.role = role.name "
            f"AND h.id_kind IS DISTINCT FROM '{UNPAIRED}' "
            "LEFT JOIN libraries.entity e ON e.id = h.entity_id "
            "LEFT JOIN libraries.golden g ON g.library = e.library AND g.entity_id = e.id "
            "WHERE l.entity_id = :id AND giver ->> 'role' = l.role ORDER BY 1, 2, 4"
        ),
        {"l": license.KIND.library, "id": entity_id},
    )
    return tuple(Holder(**row._mapping) for row in rows)


def standing(
    conn: Connection, entity_id: UUID, attributes: Mapping[str, Mapping[str, Any]], today: date
) -> dict[str, dict[str, Any]]:
    """The attributes that reading the licence today adds or changes, each with what it is derived from: a valid one whose
    last day is past has expired; a cancelled one that has a successor was superseded by it."""
    status, changed = attributes.get("status", {}).get("value"), {}
    until = attributes.get("valid_to", {}).get("value")
    if status == VALID and until is not None and until[:10] < today.isoformat():
        changed["status"] = _derived(attributes["status"], EXPIRED, "valid_to")
    issued = str(attributes.get("issued_on", {}).get("value") or "")
    neighbours = [(item, one) for item, one in _neighbours(conn, entity_id) if issued and one.issued_on]
    before = max((one for one in neighbours if one[1].issued_on < issued and one[1].over), key=_when, default=None)
    after = min((one for one in neighbours if one[1].issued_on > issued), key=_when, default=None)
    if before is not None and before[1].identifier:
        changed["predecessor"] = _derived(attributes["issued_on"], before[1].identifier, before[0])
    if after is not None and after[1].identifier and status != VALID:
        changed["successor"] = _derived(attributes["issued_on"], after[1].identifier, after[0])
        if status == CANCELLED:
            changed["status"] = _derived(attributes["status"], SUPERSEDED, "successor")
    return changed


def _when(one: tuple[str, _Neighbour]) -> tuple[str, str]:
    return one[1].issued_on, one[1].identifier or ""


def _derived(origin: Mapping[str, Any], value: str, derived_from: str) -> dict[str, Any]:
    return {**origin, "value": value, "derived_from": derived_from}


def _neighbours(conn: Connection, entity_id: UUID) -> list[tuple[str, _Neighbour]]:
    """The other licences of its type with which the licence shares the item of its succession, and that item."""
    givers = conn.execute(
        text(
            "SELECT DISTINCT r.dataset, giver ->> 'role' AS role, giver ->> 'succession' AS item FROM libraries.rules r "
            f"CROSS JOIN LATERAL {_GIVERS} AS giver WHERE r.library = :l AND r.dataset <> '' "
            "AND giver ->> 'succession' IS NOT NULL"
        ),
        {"l": license.KIND.library},
    ).all()
    found = []
    for giver in givers:
        table, item = sql.current(giver.dataset), sql.quote(giver.item)
        rows = conn.execute(
            text(
                "SELECT DISTINCT e.id, g.attributes -> 'issued_on' ->> 'value' AS issued_on, "
                "g.attributes -> 'identifier' ->> 'value' AS identifier, g.attributes -> 'status' ->> 'value' AS status "
                f"FROM libraries.mention l JOIN {table} r ON r._key = l.key JOIN {table} s ON s.{item} = r.{item} "
                "JOIN libraries.mention o ON o.dataset = l.dataset AND o.key = s._key AND o.role = l.role "
                "JOIN libraries.entity mine ON mine.id = l.entity_id "
                "JOIN libraries.entity e ON e.id = o.entity_id AND e.id_kind = mine.id_kind "
                "JOIN libraries.golden g ON g.library = e.library AND g.entity_id = e.id "
                "WHERE l.entity_id = :id AND l.dataset = :dataset AND l.role = :role AND o.entity_id <> l.entity_id"
            ),
            {"id": entity_id, "dataset": giver.dataset, "role": giver.role},
        )
        found += [(giver.item, _Neighbour(row.issued_on or "", row.identifier, row.status != VALID)) for row in rows]
    return found
