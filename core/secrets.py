"""Secrets of departmental systems (URLs, tokens): encrypted rows, or `HUTONG_SECRET_<NAME>` (JSON) in the environment."""

from __future__ import annotations

import json
import os
from typing import Any

from sqlalchemy import Connection, text

from core.errors import NotReady
from core.keys import Keys
from core.text import T


def get(connection: Connection, keys: Keys, name: str) -> dict[str, Any]:
    """The secret of a system; NotReady with the remedy when nobody has set it."""
    variable = f"HUTONG_SECRET_{name.upper()}"
    if variable in os.environ:
        return dict(json.loads(os.environ[variable]))
    row = connection.execute(
        text("SELECT kid, ciphertext FROM hub.secret WHERE name = :name"), {"name": name}
    ).one_or_none()
    if row is None:
        raise NotReady(
            T(f"系统密钥 {name} 尚未设置。", f"The secret {name} has not been set."),
            remedy=T(
                f"运行 hutong system secret {name},或设置 {variable}。",
                f"Run `hutong system secret {name}` or set {variable}.",
            ),
            code="no_secret",
        )
    return dict(json.loads(keys.decrypt(row.kid, row.ciphertext, name)))


def put(connection: Connection, keys: Keys, name: str, value: dict[str, Any]) -> None:
    """Store a secret, encrypted; the same name is overwritten."""
    kid, ciphertext = keys.encrypt(json.dumps(value).encode(), name)
    connection.execute(
        text(
            "INSERT INTO hub.secret (name, kid, ciphertext) VALUES (:name, :kid, :ciphertext) "
            "ON CONFLICT (name) DO UPDATE SET kid = excluded.kid, ciphertext = excluded.ciphertext, updated_at = now()"
        ),
        {"name": name, "kid": kid, "ciphertext": ciphertext},
    )
