"""`/v1/codes`: source values that fit no code, and what stewards say they mean."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from api.answers import told
from api.answers import work as answers
from api.idempotency import Key, once
from api.roles import REFUSALS, SECURED, Steward
from api.routers.quarantine import decided
from api.state import Running
from certificates.request import Code, Strict, Word
from pipeline import deciding, mapping, worklist
from schemas.published import current

router = APIRouter(tags=["隔离区 quarantine"], responses=REFUSALS)

_MAPPING: dict[int | str, dict[str, Any]] = {
    404: {"description": "没有这个采集任务或代码项 / no such feed or item"},
    409: {"description": "已有对应 / mapped already"},
}


class MappingAsked(Strict):
    """What a raw value of a system's dataset means."""

    system: Code
    dataset: Code
    item: Code
    raw: str = Field(min_length=1, max_length=40, description="来源代码 / the source's value")
    code: str = Field(min_length=1, max_length=40, description="标准代码 / the standard's code")
    reason: Word = Field(description="理由 / why")


@router.get(
    "/v1/codes/unmapped",
    summary="待对应的代码 / Codes that fit none",
    responses=told(answers.UnmappedCodes),
    openapi_extra=SECURED,
)
def unmapped(acting: Steward, running: Running) -> Any:
    """按系统、资源、信息项与原值计数,行数多的在前,至多 500 项,附建议;值不是代码的,raw 为空。

    Counted, with suggestions, the 500 that most rows wait with; raw is null for what is no code.
    """
    with running.hub.read() as connection:
        published = current(running.hub.home)
        found = mapping.queue(connection, published, datasets=worklist.datasets_of(published, acting.scope))
    return {
        "codes": [
            {
                "system": one.system, "dataset": one.dataset, "item": one.item, "raw": one.raw, "rows": one.rows,
                "since": one.since,
                "suggestions": [{"code": code, "label": label.zh, "label_en": label.en} for code, label in one.suggestions],
            }
            for one in found
        ]
    }  # fmt: skip


@router.post(
    "/v1/codes/mappings", status_code=201, summary="登记代码对应 / Map a code", openapi_extra=SECURED, response_class=Response,
    responses=_MAPPING | told(answers.DecisionMade, 201),
)  # fmt: skip
def map_code(acting: Steward, running: Running, said: MappingAsked, key: Key = None) -> Response:
    """登记一次,此后各批与待核行的重放均按此;以撤销决定收回。 / Once, for every later batch and the replay; undone by a reversal."""
    published = current(running.hub.home)
    deciding.require_feed(published, worklist.datasets_of(published, acting.scope), f"{said.system}.{said.dataset}")

    def act(connection: Connection) -> dict[str, Any]:
        about = f"{said.system}.{said.dataset}.{said.item}"
        made = mapping.map_code(
            connection, published, about, said.raw, said.code, reason=said.reason, actor=acting.actor
        )
        return decided(made)

    return once(running.hub, acting, key, "mappings", said, act)
