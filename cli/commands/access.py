"""client add, grant give|revoke|list, certificate: who may ask what, and asking."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    client = typer.Typer(no_args_is_help=True, help=str(T("接口客户端", "clients of the API")))
    client.callback()(lambda: None)
    client.command("add", help=str(T("登记客户端,密钥只显示一次", "register a client; its secret is shown once")))(add)
    app.add_typer(client, name="client")
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
    item.callback()(lambda: None)
    item.command("add", help=str(T("登记事项(YAML 文件)", "register service items from YAML files")))(add_item)
    app.add_typer(item, name="item")


def add(
    id: Annotated[str, typer.Argument(metavar="CLIENT")],
    department: Annotated[str, typer.Option(help=str(T("所属部门", "the department it belongs to")))],
    name: Annotated[str, typer.Option(help=str(T("名称", "name")))] = "",
    as_json: Json = False,
) -> None:
    """The secret is printed now and kept nowhere."""
    from catalog_registry import clients

    with session.opened() as hub, hub.begin() as connection:
        secret = clients.add(connection, id, name or id, department, session.actor())
    output.facts(
        {"client_id": id, "client_secret": secret, "department": department},
        {
            "client_id": T("客户端", "client_id"),
            "client_secret": T("密钥", "client_secret"),
            "department": T("部门", "department"),
        },
        as_json=as_json,
    )


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
        made = grants.give(
            connection, published.current(hub.home), department=department, service_item=service_item,
            certificate_type=certificate_type, actor=session.actor(), fields=field, valid_to=ends,
        )  # fmt: skip
    output.table([_row(made)], _GRANT) if not as_json else output.document(_row(made))


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
        ended = grants.revoke(connection, id, session.actor())
    output.table([_row(ended)], _GRANT) if not as_json else output.document(_row(ended))


def listed(
    department: Annotated[str | None, typer.Option(help=str(T("只看一个部门", "of one department only")))] = None,
    as_json: Json = False,
) -> None:
    """Grants, ended ones too, oldest first."""
    from catalog_registry import grants

    with session.opened() as hub, hub.read() as connection:
        rows = [_row(grant) for grant in grants.listed(connection, department)]
    output.table(rows, _GRANT, as_json=as_json)


def add_item(files: list[Path], as_json: Json = False) -> None:
    """Add service items, or bring them up to date."""
    from catalog_registry import service_items

    items = [service_items.load(path) for path in files]
    with session.opened() as hub, hub.begin() as connection:
        for item in items:
            service_items.put(connection, item, session.actor())
    rows = [item.as_json() for item in items]
    columns = [
        Column("id", T("事项", "item")),
        Column("name", T("名称", "name")),
        Column("department", T("部门", "department")),
    ]
    output.table(rows, columns, as_json=as_json)


_GRANT = [
    Column("id", T("授权", "grant")),
    Column("department", T("部门", "department")),
    Column("service_item", T("事项", "service item")),
    Column("certificate_type", T("证明类型", "certificate type")),
    Column("fields", T("可见字段", "fields")),
    Column("valid_from", T("自", "from")),
    Column("valid_to", T("至", "to")),
]


def _row(grant: Any) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in grant.__slots__} | {"id": str(grant.id)}
