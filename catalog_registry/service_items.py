"""Service items (事项): what a citizen applies for, and the certificate types it asks, in the guide's order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, text

from core import events
from core.actor import Actor
from core.errors import NotFound
from core.text import T
from schemas.document import Strict, model, read


class ServiceItem(Strict):
    """One service item. `department` is the one that handles it."""

    id: str = Field(alias="service_item", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str = Field(min_length=1)
    department: str
    certificates: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The form the API gives."""
        return {
            "id": self.id,
            "name": self.name,
            "department": self.department,
            "certificates": list(self.certificates),
        }


def load(document: str | Path, *, file: str = "") -> ServiceItem:
    """Read a service item document. Raises DocumentRefused."""
    return model(read(document, file=file), ServiceItem)


def put(connection: Connection, item: ServiceItem, actor: Actor) -> None:
    """Add a service item, or bring it up to date."""
    connection.execute(
        text(
            "INSERT INTO hub.service_item (id, name, department, body) VALUES (:id, :name, :department, CAST(:body AS jsonb)) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, department = excluded.department, body = excluded.body"
        ),
        {"id": item.id, "name": item.name, "department": item.department,
         "body": json.dumps({"certificates": item.certificates})},
    )  # fmt: skip
    events.record(connection, "service_item.put", f"service_item/{item.id}", item.as_json(), actor)


def get(connection: Connection, id: str) -> ServiceItem:
    """One service item; NotFound when there is none."""
    found = [item for item in listed(connection) if item.id == id]
    if not found:
        raise NotFound(
            T(f"没有事项 {id}。", f"There is no service item {id}."),
            remedy=T("GET /v1/service-items 列出全部事项。", "GET /v1/service-items lists them."),
        )
    return found[0]


def listed(connection: Connection) -> list[ServiceItem]:
    """All service items, by id."""
    rows = connection.execute(text("SELECT id, name, department, body FROM hub.service_item ORDER BY id"))
    return [
        ServiceItem(
            service_item=row.id, name=row.name, department=row.department, certificates=row.body.get("certificates", ())
        )
        for row in rows
    ]
