"""grant give|revoke|list, item add|list: who may ask what, for which service item."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog_registry.service_items import ServiceItem
    from core.hub import Hub


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    grant = typer.Typer(no_args_is_help=True, help=str(T("授权", "grants")))
    grant.command(
        "give",
        help=str(T("授权部门为某事项查询某类证明", "let a department ask a certificate type for a service item")),
    )(give)
    grant.command("revoke", help=str(T("终止授权,下一次查询即生效", "end a grant; the next question is refused")))(
        revoke
    )
    grant.command("list", help=str(T("授权列表", "list the grants")))(listed)
    app.add_typer(grant, name="grant")
    item = typer.Typer(no_args_is_help=True, help=str(T("事项", "service items")))
    item.command("add", help=str(T("登记事项(YAML 文件)", "register service items from YAML files")))(add_item)
    item.command("list", help=str(T("事项列表", "list the service items")))(items)
    app.add_typer(item, name="item")


def give(
    department: str,
    service_item: str,
    certificate_type: str,
    field: Annotated[
        list[str] | None,
        typer.Option(help=str(T("可见字段,可重复;空 = 全部", "a field shown, repeatable; none = all"))),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help=str(T("到期时间(本市时区)", "when it ends (the city's zone)")))
    ] = None,
    as_json: Json = False,
) -> None:
    """One dated row: department, service item, type, fields."""
    from zoneinfo import ZoneInfo

    from catalog_registry import grants
    from schemas import published

    with session.opened() as hub, hub.begin() as connection:
        ends = until.replace(tzinfo=ZoneInfo(hub.settings.timezone)) if until else None
        given = grants.give(
            connection, published.current(hub.home), department=department, service_item=service_item,
            certificate_type=certificate_type, actor=session.actor(), fields=field, valid_to=ends,
        )  # fmt: skip
        made = _row(given)
        shown = _words(hub, connection, [made])
    output.table(shown, _GRANT) if not as_json else output.document(made)


def revoke(grant: Annotated[str, typer.Argument(metavar="GRANT")], as_json: Json = False) -> None:
    """End a grant now; its row stays."""
    from catalog_registry import grants

    try:
        id = UUID(grant)
    except ValueError as error:
        raise Invalid(
            T("授权标识应为 UUID。", "A grant is named by its UUID."),
            remedy=T("hutong grant list 可列出。", "`hutong grant list` lists them."),
        ) from error
    with session.opened() as hub, hub.begin() as connection:
        ended = _row(grants.revoke(connection, id, session.actor()))
        shown = _words(hub, connection, [ended])
    output.table(shown, _GRANT) if not as_json else output.document(ended)


def listed(
    department: Annotated[str | None, typer.Option(help=str(T("只看一个部门", "of one department only")))] = None,
    as_json: Json = False,
) -> None:
    """Grants, ended ones too, oldest first."""
    from catalog_registry import filters, grants

    with session.opened() as hub, hub.read() as connection:
        filters.department(hub, connection, department)
        rows = [_row(grant) for grant in grants.listed(connection, department)]
        shown = rows if as_json else _words(hub, connection, rows)
    output.table(shown, _GRANT, as_json=as_json)


def add_item(files: list[Path], as_json: Json = False) -> None:
    """Add service items, or bring them up to date."""
    from catalog_registry import service_items

    found = [service_items.load(path) for path in files]
    with session.opened() as hub, hub.begin() as connection:
        for item in found:
            service_items.put(connection, item, session.actor())
        rows = [_item(item) for item in found]
        shown = rows if as_json else _words(hub, connection, rows)
    output.table(shown, _ITEM, as_json=as_json)


def items(as_json: Json = False) -> None:
    """Service items and the certificate types each asks for, in the guide's order."""
    from catalog_registry import service_items

    with session.opened() as hub, hub.read() as connection:
        rows = [_item(item) for item in service_items.listed(connection)]
        shown = rows if as_json else _words(hub, connection, rows)
    output.table(shown, _ITEM, as_json=as_json)


_ITEM = [
    Column("id", T("事项", "item")),
    Column("name", T("名称", "name")),
    Column("department", T("部门", "department")),
    Column("types", T("所需证明", "asks for")),
]
_GRANT = [
    Column("id", T("授权", "grant")),
    Column("department", T("部门", "department")),
    Column("service_item", T("事项", "service item")),
    Column("certificate_type", T("证明类型", "certificate type")),
    Column("fields", T("可见字段", "fields")),
    Column("valid_from", T("自", "from")),
    Column("valid_to", T("至", "to")),
]


def _words(hub: Hub, connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Grants or service items as people read them: what departments, items and certificate types are called, beside their ids."""
    from catalog_registry import service_items
    from libraries import labels
    from schemas import published

    documents = published.current(hub.home)
    names = {item.id: item.name for item in service_items.listed(connection)}

    def words(row: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "department": output.named(labels.department(documents, row["department"]), row["department"]),
        }
        if "service_item" in row:
            item, type = row["service_item"], row["certificate_type"]
            told["service_item"] = output.named(names.get(item, item), item)
            told["certificate_type"] = output.named(labels.certificate_type(documents, type), type)
        else:
            told["types"] = [labels.certificate_type(documents, type) for type in row["types"]]
        return row | told

    return [words(row) for row in rows]


def _item(item: ServiceItem) -> dict[str, Any]:
    return item.as_json() | {"types": list(item.types)}


def _row(grant: Any) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in grant.__slots__} | {"id": str(grant.id)}
