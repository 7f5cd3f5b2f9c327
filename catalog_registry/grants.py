"""Grants: which department may ask which certificate type for which service item, and which fields it is shown.

A grant covers the datasets its type reads. Rows are dated; revoking ends a row, nothing is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from catalog_registry.certificate_checks import in_force
from core import clock, events
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.text import T
from schemas.document import near
from schemas.published import Published

#: certificate type and fields of the grants in force; parameters `department`, `service_item`, `types`, `at` (psycopg)
IN_FORCE = """\
SELECT g.certificate_type, g.fields FROM hub.access_grant g
WHERE g.department = %(department)s AND g.service_item = %(service_item)s AND g.certificate_type = ANY(%(types)s)
  AND g.valid_from <= %(at)s AND (g.valid_to IS NULL OR g.valid_to > %(at)s)"""


@dataclass(frozen=True, slots=True)
class Grant:
    """One dated right. `fields` is an allow-list of answer fields."""

    id: UUID
    department: str
    service_item: str
    certificate_type: str
    fields: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None


_COLUMNS = "id, department, service_item, certificate_type, fields, valid_from, valid_to"


def give(
    connection: Connection, published: Published, *, department: str, service_item: str, certificate_type: str,
    actor: Actor, fields: Sequence[str] | None = None, valid_to: datetime | None = None,
) -> Grant:  # fmt: skip
    """Grant a type to a department for a service item; `fields` None gives all of the type's answer fields.

    Raises Invalid for an unknown type, department or field, NotFound for an unknown service item.
    """
    if certificate_type not in published.texts("certificate"):
        raise Invalid(
            T(f"没有证明类型 {certificate_type}。", f"There is no certificate type {certificate_type}."),
            remedy=near(certificate_type, published.texts("certificate")), pointer="/certificate_type",
        )  # fmt: skip
    if department not in published.departments:
        raise Invalid(
            T(f"没有部门 {department}。", f"There is no department {department}."),
            remedy=near(department, published.departments), pointer="/department",
        )  # fmt: skip
    known = in_force(published.texts("certificate"), certificate_type).fields
    for field in fields or ():
        if field not in known:
            raise Invalid(
                T(f"{certificate_type} 没有字段 {field}。", f"{certificate_type} has no field {field}."),
                remedy=near(field, known), pointer="/fields",
            )  # fmt: skip
    if not connection.execute(text("SELECT 1 FROM hub.service_item WHERE id = :id"), {"id": service_item}).first():
        raise NotFound(
            T(f"没有事项 {service_item}。", f"There is no service item {service_item}."),
            remedy=T("先登记事项。", "Register the service item first."),
        )
    row = connection.execute(
        text(
            "INSERT INTO hub.access_grant (id, department, service_item, certificate_type, fields, valid_from, valid_to, "
            "given_by) VALUES (:id, :department, :service_item, :type, CAST(:fields AS text[]), :now, :valid_to, "
            f"CAST(:actor AS jsonb)) RETURNING {_COLUMNS}"
        ),
        {"id": uuid7(), "department": department, "service_item": service_item, "type": certificate_type,
         "fields": list(known if fields is None else fields), "now": clock.now(), "valid_to": valid_to,
         "actor": json.dumps(actor.as_dict())},
    ).one()  # fmt: skip
    grant = _grant(row)
    events.record(connection, "grant.given", f"grant/{grant.id}", _facts(grant), actor)
    return grant


def revoke(connection: Connection, id: UUID, actor: Actor) -> Grant:
    """End a grant now: the next question finds none. Raises Conflict when it has ended, NotFound when there is none."""
    row = connection.execute(
        text(
            "UPDATE hub.access_grant SET valid_to = :now, ended_by = CAST(:actor AS jsonb) "
            f"WHERE id = :id AND (valid_to IS NULL OR valid_to > :now) RETURNING {_COLUMNS}"
        ),
        {"id": id, "now": clock.now(), "actor": json.dumps(actor.as_dict())},
    ).one_or_none()
    if row is None:
        if connection.execute(text("SELECT 1 FROM hub.access_grant WHERE id = :id"), {"id": id}).first():
            raise Conflict(T("该授权已终止。", "This grant has ended already."))
        raise NotFound(
            T("没有该授权。", "There is no such grant."),
            remedy=T("hutong grant list 可列出。", "`hutong grant list` lists them."),
        )
    grant = _grant(row)
    events.record(connection, "grant.ended", f"grant/{grant.id}", _facts(grant), actor)
    return grant


def listed(connection: Connection, department: str | None = None) -> list[Grant]:
    """Grants, ended ones too, oldest first."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.access_grant WHERE CAST(:department AS text) IN (department) OR :department IS NULL ORDER BY id"
        ),
        {"department": department},
    )
    return [_grant(row) for row in rows]


def granted(
    connection: Connection, department: str, service_item: str, certificate_type: str, at: datetime
) -> frozenset[str] | None:
    """The fields in force at a moment (the union of overlapping grants), None when nothing is granted."""
    driver = connection.connection.cursor()
    driver.execute(
        IN_FORCE, {"department": department, "service_item": service_item, "types": [certificate_type], "at": at}
    )
    rows = driver.fetchall()
    return frozenset(field for _, fields in rows for field in fields) if rows else None


def _grant(row: Row[Any]) -> Grant:
    return Grant(**{**row._mapping, "fields": tuple(row.fields)})


def _facts(grant: Grant) -> dict[str, object]:
    return {
        "department": grant.department, "service_item": grant.service_item, "certificate_type": grant.certificate_type,
        "fields": list(grant.fields),
    }  # fmt: skip
