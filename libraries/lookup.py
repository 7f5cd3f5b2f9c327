"""Reading one golden record by number and name. Bulk reads exist nowhere; the caller has authorised and audits the read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from core.text import T
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
    """A golden record with every attribute of its library's document, in the document's order."""

    library: str
    entity_id: UUID
    attributes: Mapping[str, Value]
    refreshed_at: datetime


def find(conn: Connection, library: str, number: str, name: str) -> Golden | None:
    """The record of this number whose name (a licence: one of its holders) is this one; both may be written in any form.
    None without saying whether number or name is wrong: a number alone must not open a record. Raises KeyError for an
    unknown library."""
    kind = KINDS[library]
    wanted, called = kind.standard(number), standard(value_type(kind.name_type), name)
    if wanted is None or called is None:
        return None
    rows = conn.execute(
        text(
            "SELECT g.library, g.entity_id, g.attributes, g.refreshed_at FROM libraries.entity e JOIN libraries.golden g "
            "ON g.library = e.library AND g.entity_id = e.id WHERE e.library = :library AND e.id_value = :number ORDER BY e.id"
        ),
        {"library": library, "number": kind.form(wanted)},
    )
    for row in rows:
        names = row.attributes.get(kind.name, {}).get("value", [])
        if called in (names if isinstance(names, list) else [names]):
            return _golden(conn, row)
    return None


def get(conn: Connection, library: str, entity_id: UUID) -> Golden | None:
    """The golden record of an entity; None when it has none."""
    row = conn.execute(
        text(
            "SELECT library, entity_id, attributes, refreshed_at FROM libraries.golden WHERE library = :l AND entity_id = :id"
        ),
        {"l": library, "id": entity_id},
    ).one_or_none()
    return None if row is None else _golden(conn, row)


def _golden(conn: Connection, row: Row[Any]) -> Golden:
    document = conn.execute(
        text("SELECT body FROM libraries.rules WHERE library = :l AND dataset = ''"), {"l": row.library}
    ).scalar_one()
    attributes = {}
    for said in document["attributes"]:
        held = dict(row.attributes.get(said["name"], {}))
        status = held.pop("status", NOT_GIVEN if said["collected"] else NOT_COLLECTED)
        value = held.pop("value", None)
        attributes[said["name"]] = Value(T(said["title"], said["english"]), said["value_type"], value, status, held)
    return Golden(row.library, row.entity_id, attributes, row.refreshed_at)
