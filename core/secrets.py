"""Secrets of departmental systems (URLs, tokens): encrypted rows, or `HUTONG_SECRET_<NAME>` (JSON) in the environment."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core.errors import Invalid, NotFound, NotReady
from core.keys import Keys
from core.text import T

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Stored:
    """What may be said of a secret: its name, the key it is encrypted with, when it was set."""

    name: str
    kid: str
    updated_at: datetime


def get(connection: Connection, keys: Keys, name: str) -> dict[str, Any]:
    """The secret of a system; NotReady with the remedy when nobody has set it."""
    if (variable := _variable(name)) in os.environ:
        try:
            return dict(json.loads(os.environ[variable]))
        except (ValueError, TypeError):
            raise NotReady(  # from None: the parser's error quotes what it could not read
                T(f"{variable} 不是 JSON 对象。", f"{variable} is not a JSON object."),
                remedy=T('例如 {"url": "postgresql+psycopg://…"}。', 'For example {"url": "postgresql+psycopg://…"}.'),
                code="no_secret",
            ) from None
    row = connection.execute(
        text("SELECT kid, ciphertext FROM hub.secret WHERE name = :name"), {"name": name}
    ).one_or_none()
    if row is None:
        raise NotReady(
            T(f"系统密钥 {name} 尚未设置。", f"The secret {name} has not been set."),
            remedy=T(
                f"运行 hutong secret set {name},或设置 {variable}。",
                f"Run `hutong secret set {name}` or set {variable}.",
            ),
            code="no_secret",
        )
    return dict(json.loads(keys.decrypt(row.kid, row.ciphertext, name)))


def put(connection: Connection, keys: Keys, name: str, value: dict[str, Any]) -> None:
    """Store a secret, encrypted; the same name is overwritten. Invalid for a name no document could have."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            T(f"密钥名称 {name} 不合规则。", f"{name} is not a name for a secret."),
            remedy=T(
                "用系统文件中 secret 的名称:小写字母、数字与下划线。",
                "Use the `secret` of the system file: lower-case letters, digits, underscores.",
            ),
        )
    kid, ciphertext = keys.encrypt(json.dumps(value).encode(), name)
    connection.execute(
        text(
            "INSERT INTO hub.secret (name, kid, ciphertext) VALUES (:name, :kid, :ciphertext) "
            "ON CONFLICT (name) DO UPDATE SET kid = excluded.kid, ciphertext = excluded.ciphertext, updated_at = now()"
        ),
        {"name": name, "kid": kid, "ciphertext": ciphertext},
    )


def encrypt_again(connection: Connection, keys: Keys) -> int:
    """Every secret under the key in use, in the caller's transaction; returns how many. Whoever stores one waits."""
    connection.execute(text("LOCK TABLE hub.secret IN SHARE ROW EXCLUSIVE MODE"))
    rows = connection.execute(text("SELECT name, kid, ciphertext FROM hub.secret ORDER BY name")).all()
    for row in rows:
        kid, ciphertext = keys.encrypt(keys.decrypt(row.kid, row.ciphertext, row.name), row.name)
        connection.execute(
            text("UPDATE hub.secret SET kid = :kid, ciphertext = :ciphertext WHERE name = :name"),
            {"name": row.name, "kid": kid, "ciphertext": ciphertext},
        )
    return len(rows)


def listed(connection: Connection) -> list[Stored]:
    """Every stored secret by name; never what it says."""
    return [
        Stored(*row) for row in connection.execute(text("SELECT name, kid, updated_at FROM hub.secret ORDER BY name"))
    ]


def remove(connection: Connection, name: str) -> None:
    """Forget a stored secret; NotFound when there is none."""
    if connection.execute(text("DELETE FROM hub.secret WHERE name = :name"), {"name": name}).rowcount == 0:
        raise NotFound(
            T(f"没有系统密钥 {name}。", f"There is no secret {name}."),
            remedy=T("hutong secret list 可列出。", "`hutong secret list` lists them."),
        )


def from_environment() -> list[str]:
    """The names that the environment gives, which win over stored ones."""
    prefix = _variable("")
    return sorted(name.removeprefix(prefix).lower() for name in os.environ if name.startswith(prefix))


def _variable(name: str) -> str:
    return f"HUTONG_SECRET_{name.upper()}"
