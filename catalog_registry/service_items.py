"""Service items (事项): what a citizen applies for, and the certificate types it asks, in the guide's order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator
from sqlalchemy import Connection, text

from core import events
from core.actor import Actor
from core.errors import NotFound
from core.text import T
from schemas.document import Source, Strict, model, near, read


class Demand(Strict):
    """One certificate the guide asks for, in place of a material (GB/T 39554). `declarable`: where the exchange cannot
    say, the applicant's written promise does (告知承诺). `parameters` are what the guide sets for this item."""

    type: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    material: str = ""
    declarable: bool = False
    parameters: Mapping[str, int | str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value


class ServiceItem(Strict):
    """One service item and what its guide asks for, in the guide's order. `department` is the one that handles it."""

    id: str = Field(alias="service_item", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str = Field(min_length=1)
    department: str
    certificates: tuple[Demand, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> ServiceItem:
        if len(set(self.types)) < len(self.types):
            raise ValueError("a certificate type is asked once")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        """The certificate types asked for."""
        return tuple(demand.type for demand in self.certificates)

    def as_json(self) -> dict[str, Any]:
        """The form the API gives."""
        return {
            "id": self.id,
            "name": self.name,
            "department": self.department,
            "certificates": [demand.model_dump() for demand in self.certificates],
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
         "body": json.dumps({"certificates": item.as_json()["certificates"]}, ensure_ascii=False)},
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
        ServiceItem(service_item=row.id, name=row.name, department=row.department,
                    certificates=row.body.get("certificates", ()))
        for row in rows
    ]  # fmt: skip


def demands(body: Mapping[str, Any] | None) -> tuple[Demand, ...]:
    """What a stored service item asks for, in the guide's order."""
    return tuple(Demand.model_validate(one) for one in (body or {}).get("certificates", ()))


def check(item: ServiceItem, types: Iterable[str], source: Source) -> None:
    """Raise DocumentRefused when the guide asks for a certificate type nobody has published."""
    known = set(types)
    for number, demand in enumerate(item.certificates):
        if demand.type not in known:
            raise source.refused(
                ("certificates", number),
                T(f"没有证明类型 {demand.type}", f"there is no certificate type {demand.type}"),
                near(demand.type, known),
            )
