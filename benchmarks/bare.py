"""What a look-up must at least do: a FastAPI endpoint with one asyncpg SELECT, and the same with a signature and an audit row.

    uvicorn --factory benchmarks.bare:select | benchmarks.bare:signed        BARE_DSN names the database

Neither knows a client, a grant, a purpose, a former number, freshness or coverage; they are the floor, not a peer.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Response
from pydantic import BaseModel

#: one row a certificate, as a department's own copy would have it
TABLE = """
CREATE TABLE bare_right AS SELECT holder_no, holder_name, certificate_no, planned_use, co_ownership, division
FROM records.real_estate_right;
CREATE INDEX ON bare_right (holder_no);
CREATE TABLE bare_audit (id uuid PRIMARY KEY, at timestamptz, who text, case_no text, body bytea, hash bytea);
GRANT ALL ON bare_right, bare_audit TO PUBLIC;
ANALYZE bare_right
"""
_SELECT = "SELECT holder_name, planned_use, co_ownership, division FROM bare_right WHERE holder_no = $1"
_AUDIT = "INSERT INTO bare_audit VALUES ($1, $2, $3, $4, $5, $6)"


class Subject(BaseModel):
    """Whom the question is about."""

    kind: str
    number: str
    name: str


class Query(BaseModel):
    """The parts of the product's question that the floor reads."""

    case_no: str
    operator: str
    subject: Subject


def select() -> FastAPI:
    """One SELECT."""
    return _app(signs=False)


def signed() -> FastAPI:
    """One SELECT, one Ed25519 signature, one committed audit row."""
    return _app(signs=True)


def _app(*, signs: bool) -> FastAPI:
    key = Ed25519PrivateKey.generate()
    held: dict[str, asyncpg.Pool[Any]] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        held["pool"] = await asyncpg.create_pool(os.environ["BARE_DSN"], min_size=2, max_size=8)
        yield
        await held["pool"].close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/certificates/queries")
    async def ask(query: Query) -> Response:
        async with held["pool"].acquire() as connection:
            rows = [dict(row) for row in await connection.fetch(_SELECT, query.subject.number)]
            answer: dict[str, Any] = {"id": str(uuid4()), "case": query.case_no, "rows": rows}
            if signs:
                canonical = json.dumps(answer, sort_keys=True, ensure_ascii=False).encode()
                answer["receipt"] = key.sign(canonical).hex()
                digest = hashlib.sha256(canonical).digest()
                await connection.execute(
                    _AUDIT, uuid4(), datetime.now(UTC), query.operator, query.case_no, canonical, digest
                )
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")

    return app
