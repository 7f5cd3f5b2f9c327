"""Reading one golden record by number and name. Bulk reads exist nowhere; the caller has authorised and audits the read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from core import clock
from core.text import T
from libraries import standing
from libraries.kind import standard
from libraries.rules import KINDS
from schemas.types import get as value_type

#: an attribute that nothing connected can give; and one that could be given, but was not for this entity
NOT_COLLECTED, NOT_GIVEN = "not_collected", "not_given"


@dataclass(frozen=True)
class Value:
    """One attribute: its value (a list where every distinct one is kept), what it is worth, and where it came from.

    `status` is verified, unverified, declared, not_collected or not_given; `source` holds department, dataset, batch,
    known_from and, for a derived value, derived_from.
    """

    title: T
    value_type: str
    value: str | list[str] | None
    status: str
    source: Mapping[str, str]


@dataclass(frozen=True)
class Golden:
    """A golden record with every attribute of its library's document, in the document's order; of a licence, those of its
    type, as they stand today, and its holders."""

    library: str
    entity_id: UUID
    attributes: Mapping[str, Value]
    refreshed_at: datetime
    holders: tuple[standing.Holder, ...] = ()


def find(conn: Connection, library: str, number: str, name: str, *, today: date | None = None) -> Golden | None:
    """The record of this number whose name (a licence: one of its holders) is this one; both may be former ones, or those of a
    claim judged to be the same, written in any form, but none that is judged to be somebody else.

    None without saying whether number or name is wrong: a number alone must not open a record. `today` is the business date by
    which a licence's term is judged. Raises KeyError for an unknown library."""
    kind = KINDS[library]
    wanted, called = kind.standard(number), standard(value_type(kind.name_type), name)
    if wanted is None or called is None:
        return None
    # Who goes by the number, or was known by it; of a number that anything is judged of, whom records with number and name are
    # linked to, and only that one where the two are judged to be somebody else than another.
    judged = " UNION ".join(
        "SELECT m.entity_id, coalesce(m.name = :called, false) FROM (SELECT CAST(:number AS text) AS number) n JOIN libraries.mention m "
        f"ON {joined} AND m.id_kind = ANY(:kinds) WHERE EXISTS (SELECT FROM libraries.judgement j "
        "WHERE j.library = :library AND j.verdict <> 'unsure' AND j.form = :number)"
        for joined in kind.joins
    )
    rows = conn.execute(
        text(
            "WITH known (id, judged) AS (SELECT e.id, false FROM libraries.entity e WHERE e.library = :library "
            "AND e.id_value = :number UNION SELECT m.entity_id, false FROM libraries.known_as k JOIN libraries.mention m "
            "ON (m.dataset, m.key, m.role) = (k.of_dataset, k.of_key, k.role) WHERE k.form = :number AND k.kind = 'number' "
            f"AND k.library = :library UNION {judged}) "
            "SELECT g.library, g.entity_id, g.attributes, g.refreshed_at, bool_or(known.judged) AS judged, "
            "EXISTS (SELECT FROM libraries.judgement j WHERE j.library = :library AND j.verdict = 'different' AND j.form = :number "
            "AND j.name = :called) AS parted FROM known "
            "JOIN libraries.golden g ON g.library = :library AND g.entity_id = known.id GROUP BY 1, 2 ORDER BY g.entity_id"
        ),
        {"library": library, "number": kind.form(wanted), "kinds": list(kind.kinds), "called": called},
    ).all()
    document = _document(conn, library) if rows else {}
    names = [kind.name, *(one["name"] for one in document.get("attributes", ()) if one["known_as"] == "name")]
    for row in rows:
        if row.judged:
            return _golden(conn, row, document, today)
        if not row.parted and any(called in _several(row.attributes.get(one, {}).get("value")) for one in names):
            return _golden(conn, row, document, today)
    return None


def get(conn: Connection, library: str, entity_id: UUID, *, today: date | None = None) -> Golden | None:
    """The golden record of an entity; None when it has none."""
    row = conn.execute(
        text(
            "SELECT library, entity_id, attributes, refreshed_at FROM libraries.golden WHERE library = :l AND entity_id = :id"
        ),
        {"l": library, "id": entity_id},
    ).one_or_none()
    return None if row is None else _golden(conn, row, _document(conn, library), today)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _document(conn: Connection, library: str) -> dict[str, Any]:
    body: dict[str, Any] = conn.execute(
        text("SELECT body FROM libraries.rules WHERE library = :l AND dataset = ''"), {"l": library}
    ).scalar_one()
    return body


def _unsettled(conn: Connection, row: Row[Any], today: date) -> frozenset[str]:
    """The datasets that withhold records and that no refresh has looked at since a batch or a new day came: what they gave
    may have been withheld since, so it is not shown until one has."""
    found = conn.scalars(
        text(
            "SELECT r.dataset FROM libraries.rules r WHERE r.library = :l AND r.dataset <> '' "
            "AND jsonb_path_exists(r.body, '$[*].withheld ? (@ != null)') AND (EXISTS (SELECT FROM libraries.entity e "
            "WHERE e.id = :id AND e.dirty) OR EXISTS (SELECT FROM libraries.mention m WHERE m.entity_id = :id "
            "AND m.dataset = r.dataset AND m.pending) OR NOT EXISTS (SELECT FROM libraries.rules d WHERE d.library = '' "
            "AND d.dataset = '' AND d.body ->> 'day' = :today))"
        ),
        {"l": row.library, "id": row.entity_id, "today": today.isoformat()},
    )
    return frozenset(found)


def _golden(conn: Connection, row: Row[Any], document: Mapping[str, Any], today: date | None) -> Golden:
    types = document["decides"]["types"]
    stored = dict(row.attributes)
    unsettled = _unsettled(conn, row, today or clock.today())
    elsewhere: set[str] = set()
    holders: tuple[standing.Holder, ...] = ()
    if types:
        stored |= standing.standing(conn, row.entity_id, stored, today or clock.today())
        holders = standing.holders(conn, row.entity_id)
        type_ = stored.get("type", {}).get("value")
        elsewhere = {name for said in types.values() for name in said["face"]}
        elsewhere -= set(types.get(type_, {}).get("face", ()))
    attributes = {}
    for said in document["attributes"]:
        if said["name"] in elsewhere:
            continue
        held = dict(stored.get(said["name"], {}))
        if held.get("dataset") in unsettled:
            held = {}
        status = held.pop("status", NOT_GIVEN if said["collected"] else NOT_COLLECTED)
        value = held.pop("value", None)
        attributes[said["name"]] = Value(T(said["title"], said["english"]), said["value_type"], value, status, held)
    return Golden(row.library, row.entity_id, attributes, row.refreshed_at, holders)
