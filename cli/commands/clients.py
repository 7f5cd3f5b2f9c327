"""client add|list|renew|end: the departments' systems that ask, and their secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from catalog_registry.clients import Role
    from schemas.published import Published

Id = Annotated[str, typer.Argument(metavar="CLIENT")]


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    client = typer.Typer(no_args_is_help=True, help=str(T("接口客户端", "clients of the API")))
    client.command("add", help=str(T("登记客户端,密钥只显示一次", "register a client; its secret is shown once")))(add)
    client.command("list", help=str(T("客户端列表", "list the clients")))(listed)
    client.command(
        "renew",
        help=str(T("换发密钥;旧密钥与旧令牌立即失效", "a new secret; the old one and its tokens end at once")),
    )(renew)
    client.command("end", help=str(T("停用客户端,其令牌立即失效", "end a client; its tokens end at once")))(end)
    app.add_typer(client, name="client")


def add(
    id: Id,
    department: Annotated[str, typer.Option(help=str(T("所属部门", "the department it belongs to")))],
    name: Annotated[str, typer.Option(help=str(T("名称", "name")))] = "",
    role: Annotated[
        str,
        typer.Option(
            help=str(
                T(
                    "角色:department 查询,steward 处理本部门数据,admin 处理全部",
                    "role: department asks, steward works on its department's data, admin on all",
                )
            ),
        ),
    ] = "department",
    as_json: Json = False,
) -> None:
    """The secret is printed now and kept nowhere. A role is given once; for another, add another client."""
    from catalog_registry import clients
    from schemas import published
    from schemas.document import near

    with session.opened() as hub, hub.begin() as connection:
        known = published.current(hub.home).departments
        if department not in known:  # a client of none could ask for nothing, and nobody would know why
            raise Invalid(
                T(f"没有部门 {department}。", f"There is no department {department}."),
                remedy=near(department, known), pointer="/department",
            )  # fmt: skip
        secret = clients.add(connection, id, name or id, department, session.actor(), role=cast("Role", role))
    _secret({"client_id": id, "client_secret": secret, "department": department, "role": role}, as_json)


def renew(id: Id, as_json: Json = False) -> None:
    """The new secret is printed now and kept nowhere."""
    from catalog_registry import clients

    with session.opened() as hub, hub.begin() as connection:
        secret = clients.renew(connection, id, session.actor())
        found = next(one for one in clients.listed(connection) if one.id == id)
    _secret({"client_id": id, "client_secret": secret, "department": found.department, "role": found.role}, as_json)


def end(id: Id, as_json: Json = False) -> None:
    """The row stays, with the time it ended."""
    from catalog_registry import clients
    from schemas import published

    with session.opened() as hub, hub.begin() as connection:
        clients.end(connection, id, session.actor())
        rows = [asdict(one) for one in clients.listed(connection) if one.id == id]
        documents = published.current(hub.home)
    output.table([_words(documents, row) for row in rows], _CLIENT) if not as_json else output.document(rows[0])


def listed(as_json: Json = False) -> None:
    """Clients, ended ones too, by id; never a secret."""
    from catalog_registry import clients
    from schemas import published

    with session.opened() as hub, hub.read() as connection:
        rows = [asdict(one) for one in clients.listed(connection)]
        documents = published.current(hub.home)
    output.table(rows if as_json else [_words(documents, row) for row in rows], _CLIENT, as_json=as_json)


def _words(documents: Published, row: dict[str, Any]) -> dict[str, Any]:
    """A client as people read it."""
    from catalog_registry.clients import ROLE_NAMES
    from libraries import labels

    department = row["department"]
    return row | {
        "department": output.named(labels.department(documents, department), department), "role": ROLE_NAMES[row["role"]],
    }  # fmt: skip


def _secret(found: dict[str, Any], as_json: bool) -> None:
    titles = {
        "client_id": T("客户端", "client_id"),
        "client_secret": T("密钥", "client_secret"),
        "department": T("部门", "department"),
        "role": T("角色", "role"),
    }
    output.facts(found, titles, as_json=as_json)


_CLIENT = [
    Column("id", T("客户端", "client")),
    Column("name", T("名称", "name")),
    Column("department", T("部门", "department")),
    Column("role", T("角色", "role")),
    Column("valid_from", T("自", "from")),
    Column("valid_to", T("至", "to")),
    Column("secret_version", T("第几个密钥", "secrets given"), right=True),
]
