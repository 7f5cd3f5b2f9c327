"""Whether the service lives, is ready, how much it does, and the keys its receipts are checked with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import OperationalError

from api import metrics
from api.answers import certificates as answers
from api.answers import told
from api.state import Running
from catalog_registry import quality
from core.errors import DatabaseUnavailable
from schemas.published import current

router = APIRouter(tags=["运行 operations"])
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": answers.Readiness, "description": "未就绪 / not ready"}}
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get("/healthz", summary="存活 / Alive", responses=told(answers.Alive))
async def healthz() -> Any:
    """进程在运行。 / The process runs."""
    return {"status": "ok"}


@router.get("/readyz", summary="就绪 / Ready", responses=told(answers.Readiness) | _NOT_READY)
async def readyz(running: Running) -> JSONResponse:
    """数据库可用且已有发布的目录。 / The database answers and something is published."""
    number = current(running.hub.home).number
    try:
        async with running.answerer.pool.connection() as connection:
            await connection.execute("SELECT 1")
        database = "ok"
    except DatabaseUnavailable:
        database = "down"
    ready = database == "ok" and number > 0
    body = {"status": "ok" if ready else "not_ready", "database": database, "publication": number}
    return JSONResponse(body, 200 if ready else 503)


@router.get("/metrics", summary="指标 / Metrics", response_class=Response, responses=_TEXT)
def prometheus(running: Running) -> Response:
    """Prometheus 文本格式；标签不含个人与办件。 / Prometheus text; no person or case in a label."""
    try:
        with running.hub.read() as connection:
            measured = metrics.quality(quality.ratios(connection))
    except OperationalError:  # what this process has counted is told all the same
        measured = b""
    return Response(metrics.exposition() + measured, media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/keys", summary="验签公钥 / Public keys", responses=told(answers.PublicKeys))
def keys(running: Running) -> Any:
    """JWK 集（RFC 7517），用于核验回执。 / The JWK set that receipts are verified with."""
    return running.hub.keys.public()
