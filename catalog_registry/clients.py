"""Clients: the departments' registered systems, each with a secret it exchanges for tokens (RFC 6749 §4.4).

A secret has 256 bits of its own and is hashed with scrypt at a cost a token request can bear (some 10 ms); it is shown
once. Rows are dated and never deleted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from core import clock, events
from core.actor import SYSTEM, Actor
from core.errors import Conflict, Invalid, NotFound, Unauthorised
from core.text import T

_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_COST = {"n": 2**12, "r": 8, "p": 1}
#: asks for certificates; also works on the data of its own department; on everybody's
Role = Literal["department", "steward", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
ROLE_NAMES: Mapping[Role, T] = {
    "department": T("部门查询", "a department's"),
    "steward": T("数据专员", "a steward's"),
    "admin": T("管理员", "an administrator's"),
}
_IN_FORCE = "valid_from <= :now AND (valid_to IS NULL OR valid_to > :now)"


@dataclass(frozen=True, slots=True)
class Client:
    """A client. `secret_version` counts its secrets: tokens given for an earlier one no longer work."""

    id: str
    name: str
    department: str
    role: Role
    valid_from: datetime
    valid_to: datetime | None
    secret_version: int


_COLUMNS = ", ".join(Client.__slots__)


def add(
    connection: Connection, id: str, name: str, department: str, actor: Actor = SYSTEM, *, role: Role = "department"
) -> str:
    """Register a client; returns its secret, which is kept nowhere. Raises Conflict when the id is taken. A role is given
    once: whoever needs another gets another client, so that what a client did can be read by what it might do."""
    if not _ID.fullmatch(id):
        raise Invalid(
            T(
                "client_id 只用小写字母、数字、下划线和连字符。",
                "A client_id has lower-case letters, digits, underscores and hyphens.",
            ),
            pointer="/client_id",
        )
    if role not in ROLES:
        raise Invalid(
            T("没有这个角色。", "There is no such role."),
            remedy=T(f"可用:{'、'.join(ROLES)}。", f"Known: {', '.join(ROLES)}."),
            pointer="/role",
        )
    secret = secrets.token_urlsafe(32)
    try:
        with connection.begin_nested():
            connection.execute(
                text(
                    "INSERT INTO hub.client (id, name, department, role, secret_hash) "
                    "VALUES (:id, :name, :department, :role, :hash)"
                ),
                {"id": id, "name": name, "department": department, "role": role, "hash": _hash(secret)},
            )
    except IntegrityError as error:
        raise Conflict(
            T(f"客户端 {id} 已存在。", f"There is a client {id} already."),
            remedy=T("换一个标识,或为它更换密钥。", "Choose another id, or renew its secret."),
        ) from error
    events.record(connection, "client.added", f"client/{id}", {"department": department, "role": role}, actor)
    return secret


def renew(connection: Connection, id: str, actor: Actor = SYSTEM) -> str:
    """A new secret for a client; the old one no longer works, nor do the tokens given for it."""
    secret = secrets.token_urlsafe(32)
    done = connection.execute(
        text("UPDATE hub.client SET secret_hash = :hash, secret_version = secret_version + 1 WHERE id = :id"),
        {"id": id, "hash": _hash(secret)},
    )
    if done.rowcount == 0:
        raise _unknown(id)
    events.record(connection, "client.renewed", f"client/{id}", {}, actor)
    return secret


def end(connection: Connection, id: str, actor: Actor = SYSTEM) -> None:
    """End a client now: its tokens stop working at the next request. The row stays."""
    done = connection.execute(
        text("UPDATE hub.client SET valid_to = :now WHERE id = :id AND valid_to IS NULL"),
        {"id": id, "now": clock.now()},
    )
    if done.rowcount == 0:
        raise _unknown(id)
    events.record(connection, "client.ended", f"client/{id}", {}, actor)


def authenticate(connection: Connection, id: str, secret: str) -> Client:
    """The client with this secret. Raises Unauthorised, after the same work whether or not the client exists."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS}, secret_hash FROM hub.client WHERE id = :id AND {_IN_FORCE}"),
        {"id": id, "now": clock.now()},
    ).one_or_none()
    known = row.secret_hash if row else _NOBODY
    if not _matches(secret, known) or row is None:
        raise Unauthorised(
            T("client_id 或 client_secret 不正确。", "The client_id or client_secret is not right."),
            remedy=T("用 hutong client add 登记客户端。", "Register a client with `hutong client add`."),
        )
    return Client(*row[:-1])


def caller(connection: Connection, id: str, secret_version: int) -> Client:
    """The client a token was given to, as it is now. Raises Unauthorised when it has ended or has another secret since."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS} FROM hub.client WHERE id = :id AND secret_version = :version AND {_IN_FORCE}"),
        {"id": id, "version": secret_version, "now": clock.now()},
    ).one_or_none()
    if row is None:
        raise Unauthorised(
            T("客户端已停用,或其密钥已换发。", "The client has ended, or has another secret since."),
            remedy=T("以现行密钥换取新的令牌。", "Get a token with the secret in force."),
            headers={"WWW-Authenticate": 'Bearer realm="hutong", error="invalid_token"'},
        )
    return Client(*row)


def listed(connection: Connection) -> list[Client]:
    """All clients, ended ones too, by id."""
    rows = connection.execute(text(f"SELECT {_COLUMNS} FROM hub.client ORDER BY id"))
    return [Client(*row) for row in rows]


def _hash(secret: str) -> str:
    salt = secrets.token_bytes(16)
    return "$".join(["scrypt", *(base64.b64encode(part).decode() for part in (salt, _derive(secret, salt)))])


def _matches(secret: str, known: str) -> bool:
    _, salt, digest = known.split("$")
    return hmac.compare_digest(_derive(secret, base64.b64decode(salt)), base64.b64decode(digest))


def _derive(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, dklen=32, **_COST)


def _unknown(id: str) -> NotFound:
    return NotFound(T(f"没有有效的客户端 {id}。", f"There is no client {id} in force."))


_NOBODY = _hash("")
