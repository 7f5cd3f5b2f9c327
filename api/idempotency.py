"""`Idempotency-Key`: an act sent twice (a lost answer, an impatient client) is done once and answered the same.

The answer is kept in the act's own transaction for a week. What was asked is kept as a keyed hash only: a body may hold a
person's data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from sqlalchemy import Connection, text

from api.roles import Acting
from core import clock
from core.errors import Invalid
from core.hub import Hub
from core.text import T

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
        description="同一操作重发时不变,只执行一次 / the same for the same act sent again; it is done once",
    ),
]  # fmt: skip
_KEPT = timedelta(days=7)


def once(
    hub: Hub,
    acting: Acting,
    key: str | None,
    path: str,
    said: BaseModel,
    act: Callable[[Connection], Any],
    status: int = 201,
) -> Response:
    """Do an act in one transaction and answer it; with a key that was used before, answer as then. Raises Invalid when the
    key was used for something else."""
    with hub.begin() as connection:
        if key is None:
            return _answer(jsonable_encoder(act(connection)), status)
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"hutong.idempotent.{acting.client.id}.{key}"},
        )
        asked = f"{path} {acting.actor.operator} {said.model_dump_json()}"
        hashes = [sha256(f"{kid}:{pseudonym}".encode()).digest() for kid, pseudonym in hub.keys.pseudonyms(asked)]
        known = connection.execute(
            text("SELECT request, status, answer FROM hub.idempotent WHERE client = :client AND key = :key"),
            {"client": acting.client.id, "key": key},
        ).one_or_none()
        if known is not None:
            if bytes(known.request) not in hashes:
                raise Invalid(
                    T("该幂等键已用于另一操作。", "This key was used for another act."),
                    remedy=T("为每项操作另取一个键。", "Take a new key for each act."), pointer="/Idempotency-Key",
                )  # fmt: skip
            return _answer(known.answer, known.status)
        told = jsonable_encoder(act(connection))
        connection.execute(text("DELETE FROM hub.idempotent WHERE at < :then"), {"then": clock.now() - _KEPT})
        connection.execute(
            text(
                "INSERT INTO hub.idempotent (client, key, request, status, answer, at) "
                "VALUES (:client, :key, :request, :status, CAST(:answer AS jsonb), :now)"
            ),
            {
                "client": acting.client.id, "key": key, "request": hashes[-1], "status": status,
                "answer": json.dumps(told, ensure_ascii=False), "now": clock.now(),
            },
        )  # fmt: skip
        return _answer(told, status)


def _answer(told: Any, status: int) -> Response:
    return Response(
        json.dumps(told, ensure_ascii=False), status, {"Cache-Control": "no-store"}, media_type="application/json"
    )
