"""Who may work on data over HTTP: a client's role, looked up at every call, and the person behind the client.

A token says which client calls; what that client may do is asked of the database each time, so that an ended client or a
renewed secret stops at once. A client is a system of a department: the person at it is named by the `Hutong-Operator`
header, as the calling system knows them (an account). A header, not a field of the body, because reading somebody's row
is an act of a person too and a GET has no body. The calling system vouches for it; the client is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Header

from api.problems import AWAY
from api.state import Called, Running
from catalog_registry import clients
from catalog_registry.clients import Client, Role
from core.actor import Actor
from core.errors import Forbidden, Invalid
from core.text import T
from schemas.types import citizen_no

#: what every route that demands a role may refuse with, for OpenAPI
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "令牌无效,或客户端已停用 / no valid token, or the client has ended"},
    403: {"description": "客户端的角色或部门不符 / not for this client's role or department"},
    422: {"description": "请求内容不符合要求 / not as asked for"},
    **AWAY,
}
#: OpenAPI: the operation asks for a token
SECURED: dict[str, Any] = {"security": [{"oauth2": []}]}
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Acting:
    """A client in a role that allows the route, and the actor its acts are kept with."""

    client: Client
    actor: Actor

    @property
    def scope(self) -> str | None:
        """The department whose data may be seen and decided on: the client's own; None, an admin's, for every one."""
        return None if self.client.role == "admin" else self.client.department

    def require(self, department: str) -> None:
        """Raises Forbidden when the data of a department is not in the client's scope."""
        if self.scope not in (None, department):
            raise Forbidden(
                T("数据属于其他部门。", "The data is another department's."),
                remedy=T("由该部门的数据专员或管理员处理。", "Its own steward or an administrator may."),
            )


def _acting(*roles: Role) -> Callable[..., Acting]:
    def found(
        called: Called,
        running: Running,
        operator: Annotated[
            str,
            Header(
                alias="Hutong-Operator", max_length=600, examples=["zhang.wei"],
                description="操作人账号；非 ASCII 字符按 UTF-8 百分号编码 / the person's account; UTF-8, percent-encoded when not ASCII",
            ),
        ],
    ) -> Acting:  # fmt: skip
        with running.hub.read() as connection:
            client = clients.caller(connection, called.client, called.secret_version)
        if client.role not in roles:
            raise Forbidden(
                T("该客户端的角色不能进行此操作。", "The client's role does not allow this."),
                remedy=T(
                    f"需要角色:{'、'.join(roles)};由管理员登记。",
                    f"Needs one of the roles {', '.join(roles)}; an administrator registers it.",
                ),
            )
        return Acting(client, Actor(_person(operator), client=client.id, department=client.department))

    return found


def _person(header: str) -> str:
    name = unquote(header, errors="replace").strip()
    if not name or len(name) > _LONGEST or not name.isprintable() or "\ufffd" in name:
        raise Invalid(
            T("操作人账号不可读。", "The operator's account cannot be read."),
            remedy=T(
                "在 Hutong-Operator 头中写明操作人账号;非 ASCII 字符按 UTF-8 百分号编码。",
                "Name the person's account in the Hutong-Operator header; UTF-8, percent-encoded when not ASCII.",
            ),
            pointer="/Hutong-Operator",
        )
    if citizen_no.held_in(name):
        raise Invalid(
            T("操作人账号中含有公民身份号码。", "The operator's account holds a citizen number."),
            remedy=T("以账号称呼操作人:它会记入审计并列出给他人看。", "Name the person by an account: it is kept and listed for others."),
            pointer="/Hutong-Operator",
        )  # fmt: skip
    return name


#: a steward's client, in the scope of its department, or an admin's, in every one
Steward = Annotated[Acting, Depends(_acting("steward", "admin"))]
#: an admin's client
Admin = Annotated[Acting, Depends(_acting("admin"))]
