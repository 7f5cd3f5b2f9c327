"""`/v1/certificates`: ask, and what can be asked."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api import metrics, read
from api.answers import certificates as answers
from api.answers import told
from api.etag import SAME, unchanged
from api.state import Running, running_of
from catalog_registry.certificate_types import Parameter
from certificates.offered import Offer
from certificates.request import Query

router = APIRouter(tags=["证明 certificates"])
_direct = APIRouter(route_class=read.DirectRoute)


@_direct.post(
    "/v1/certificates/queries",
    summary="查询证明 / Ask for certificates",
    response_class=Response,
    responses={
        **told(answers.Receipt),
        401: {"description": "令牌无效 / no valid token"},
        503: {"description": "不能留痕或数据库未响应，未作答复 / no audit or no database, no answer"},
    },
    openapi_extra={"security": [{"oauth2": []}], "requestBody": read.described(Query)},
)
async def ask(request: Request) -> Response:
    """一次查询一个办件的多项证明，按办事指南次序答复；省略 certificates 则查询事项要求的全部证明。未获授权或不能确定的项为 unknown，
    并说明原因。material 说明对应材料是否免提交。证件号码只放在请求体中。

    The certificates of one case, answered in the guide's order; without `certificates`, all that the service item asks for.
    A line not granted or not certain is unknown, with reasons. `material` says whether the paper is still to be brought.
    Numbers travel in the body only.
    """
    running = running_of(request)
    caller = running.tokens.caller(request)  # asked before anything is said about the body
    query = await read.body(request, Query)
    answer = await running.answerer.ask(query, caller.client, secret_version=caller.secret_version)
    for line in answer.lines:
        metrics.labelled(metrics.ANSWERS, line["type"], line["state"]).inc()
    return Response(answer.body, media_type="application/json", headers={"Cache-Control": "no-store"})


router.include_router(_direct)


@router.get(
    "/v1/certificates/types", summary="证明类型 / Certificate types", responses=SAME | told(answers.CertificateTypes)
)
def types(request: Request, response: Response, running: Running) -> Any:
    """现行的证明类型及其参数、可授权字段与依据的资源。 / The types in force: parameters, fields, datasets they read."""
    offered = running.answerer.offered()
    if same := unchanged(request, response, offered.published):
        return same
    return {"types": [_described(offered.types[id]) for id in sorted(offered.types)]}


def _described(offer: Offer) -> dict[str, Any]:
    made = offer.question.type
    return {
        "type": offer.id,
        "title": made.title.zh,
        "title_en": made.title.en,
        "claim": made.claim.zh,
        "claim_en": made.claim.en,
        "version": made.version,
        "subject": made.subject[0],
        "subjects": list(made.subject),
        "authority": made.authority.model_dump() if made.authority else None,
        "each": made.each,
        "declared": {
            name: {
                "title": one.title.zh, "title_en": one.title.en, "least": one.least, "most": one.most,
                "younger_than": one.younger_than,
            }
            for name, one in made.declared.items()
        },
        "parameters": {name: _parameter(each) for name, each in made.parameters.items()},
        "fields": {name: {"title": title.zh, "title_en": title.en} for name, title in made.fields.items()},
        "outcomes": [
            {
                "code": each.code,
                "label": each.label.zh,
                "label_en": each.label.en,
                "state": each.state,
                "proved": each.proved,
            }
            for each in made.outcomes
        ],
        "datasets": list(made.datasets),
    }  # fmt: skip


def _parameter(made: Parameter) -> dict[str, Any]:
    told = {"title": made.title.zh, "title_en": made.title.en, "type": made.type, "default": made.default}
    if made.type == "integer":
        return told | {"minimum": made.minimum, "maximum": made.maximum}
    if made.type == "text":
        return told | {"value_type": made.value_type}
    return told | {
        "choices": {name: {"title": one.title.zh, "title_en": one.title.en} for name, one in made.choices.items()}
    }
