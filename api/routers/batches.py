"""`/v1/batches`, `/v1/checks`: the evidence of batches, rulings on those that a guard stopped, and what does not fit together
between datasets. For stewards of the departments concerned, and admins; no row and no value of a person is in it, business
keys are masked."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from api.answers import told
from api.answers import work as answers
from api.parameters import AFTER, Limit, lead_on
from api.roles import REFUSALS, SECURED, Acting, Steward
from api.routers.catalogue import Plain
from api.routers.quarantine import Because
from api.state import Running
from catalog_registry import filters
from certificates.request import Strict, unfit
from core import decisions
from core.decisions import Decision
from core.errors import Stop
from core.text import T
from pipeline import batch as batches
from pipeline import check_findings, evidence, guards, journey, rulings
from pipeline.batch import STATE_NAMES, Batch
from pipeline.check_findings import STATUSES, Finding, Side
from pipeline.quality import DIMENSIONS, in_evidence
from schemas import check as documents
from schemas.published import Published, current

router = APIRouter(tags=["对账与核对 reconciliation"], responses=REFUSALS)
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "没有这一条 / there is no such thing"}}
_RULED: dict[int | str, dict[str, Any]] = {
    409: {"description": "该批次不能接受或放弃 / it cannot be accepted or dropped"},
    412: {"description": "已由另一条规则拦截 / another guard has stopped it since"},
}
_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "已处理 / dealt with already"}}
#: the words of closed lists, as pipeline says them
State = Literal["extracting", "landed", "blocked", "merged", "delivered", "dropped", "failed"]
Status = Literal["open", "dismissed", "closed"]


class Dismissal(Strict):
    """Why nothing is wrong with two records."""

    reason: str = Field(min_length=1, max_length=1000, description="理由 / why", examples=["分公司已承接职工"])


class Ruling(Strict):
    """What is ruled on a stopped batch. `guard` is the one that the person has seen: another may have stopped it since."""

    ruling: Literal["accept", "drop"] = Field(
        description="接受入库,或放弃后重新读取 / let it in, or have it read again"
    )
    guard: str | None = Field(
        None,
        max_length=200,
        description="所见的拦截规则;接受时必填 / the guard that was seen, to accept",
        examples=["shrink"],
    )
    reason: str = Field(
        min_length=1, max_length=1000, description="理由 / why", examples=["部门来函确认:本年撤并两个区"]
    )

    @model_validator(mode="after")
    def _seen(self) -> Ruling:
        if self.ruling == "accept" and not self.guard:
            raise unfit("/guard", T("接受须写明所见的拦截规则。", "To accept, name the guard that was seen."))
        if self.ruling == "drop" and self.guard is not None:
            raise unfit("/guard", T("放弃不写拦截规则;请去掉。", "A drop is past no guard: leave it out."))
        return self


@router.get("/v1/batches", summary="批次 / Batches", responses=told(answers.Batches), openapi_extra=SECURED)
def batches_listed(
    acting: Steward, request: Request, response: Response, running: Running,
    feed: Annotated[Plain | None, Query(description="采集任务 / feed")] = None,
    dataset: Annotated[Plain | None, Query(description="资源 / dataset")] = None,
    state: Annotated[State | None, Query(description="状态 / state")] = None,
    after: Annotated[int | None, Query(ge=1, le=2**63 - 1, description=AFTER)] = None,
    limit: Limit = 50,
) -> Any:  # fmt: skip
    """本部门各资源的批次(管理员:全部),新的在前。 / Batches of the department's datasets (an admin's: all), newest first."""
    scope = _datasets(acting, current(running.hub.home))
    with running.hub.read() as connection:
        filters.feed(running.hub, connection, feed)
        filters.dataset(running.hub, connection, dataset)
        found = batches.listed(
            connection, feed=feed, dataset=dataset, state=state, datasets=scope, before=after, limit=limit + 1
        )
    next = str(found[limit - 1].seq) if len(found) > limit else None
    return {"batches": [_batch(one) for one in found[:limit]], "next": lead_on(request, response, next)}


@router.get(
    "/v1/batches/{id}", summary="一个批次及其对账凭证 / A batch and its evidence",
    responses=_NOT_FOUND | told(answers.BatchDetail), openapi_extra=SECURED,
)  # fmt: skip
def batch(acting: Steward, running: Running, id: UUID) -> Any:
    """各行的去向、入库前后的行数与内容哈希、与上一批是否衔接、六个维度的质量。

    What became of each row, rows and content hash before and after, whether it begins where the batch before ended, and its
    quality in six dimensions.
    """
    with running.hub.read() as connection:
        one = batches.get(connection, id)
        acting.require(_department(current(running.hub.home), one.dataset))
        entry = evidence.of_batch(connection, id)
        made = decisions.listed(connection, rulings.ACCEPT, rulings.DROP, batch_id=id)
    return _batch(one) | {
        "since": one.since, "watermark": one.watermark, "contract_version": one.contract_version,
        "evidence": one.evidence,
        "rulings": [_ruling(ruling) for ruling in reversed(made)],
        "adds_up": not entry.problems,
        "problems": [{"zh": problem.zh, "en": problem.en} for problem in entry.problems],
        "quality": [
            {"code": name, "label": DIMENSIONS[name].zh, "label_en": DIMENSIONS[name].en, **measure.as_json()}
            for name, measure in in_evidence(one.evidence).items()
        ],
    }  # fmt: skip


@router.post(
    "/v1/batches/{id}/rulings", summary="接受或放弃被拦截的批次 / Accept or drop a stopped batch",
    responses=_NOT_FOUND | _RULED | told(answers.BatchLine), openapi_extra=SECURED,
)  # fmt: skip
def rule(acting: Steward, running: Running, id: UUID, body: Ruling) -> Any:
    """写明理由;是一项决定。接受只免去所见的那一条拦截规则,并立即入库:答复中 state 仍为 blocked 的,是另一条规则拦截了它,见 guard 与 reason。
    放弃后,其内容由下次运行重新读取。重复提交无妨。

    A decision, with a reason. Accepting waives the guard that was seen and no other, and merges at once: where the answer still
    says *blocked*, another guard has stopped it (`guard`, `reason`). What is dropped is read again by the next run. The same
    ruling twice changes nothing.
    """
    hub = running.hub
    with hub.read() as connection:
        acting.require(_department(current(hub.home), batches.get(connection, id).dataset))
    if body.ruling == rulings.DROP:
        return _batch(journey.drop(hub, id, reason=body.reason, actor=acting.actor))
    try:
        return _batch(journey.accept(hub, id, guard=body.guard, reason=body.reason, actor=acting.actor))
    except Stop:
        with hub.read() as connection:  # it says itself what stopped it
            return _batch(batches.get(connection, id))


@router.get(
    "/v1/checks",
    summary="跨部门核对项 / Checks between datasets",
    responses=told(answers.Checks),
    openapi_extra=SECURED,
)
def checks(acting: Steward, running: Running) -> Any:
    """核对项及本部门清单中各状态的数目。 / The checks, and how many findings of each status the department's list has."""
    good, broken = documents.in_force(current(running.hub.home).texts("check"))
    with running.hub.read() as connection:
        counts = check_findings.counts(connection, acting.scope)
    told = [
        {
            "id": id, "title": one.title.zh, "title_en": one.title.en, "remedy": one.remedy.zh, "remedy_en": one.remedy.en,
            "dimension": one.dimension, "severity": one.severity, "datasets": list(one.datasets), "broken": False,
            "findings": {status: counts.get(id, {}).get(status, 0) for status in STATUSES},
        }
        for id, one in good.items()
    ]  # fmt: skip
    return {"checks": told + [{"id": id, "broken": True} for id in broken]}


@router.get(
    "/v1/checks/findings",
    summary="互不相符的记录 / Records that do not fit together",
    responses=told(answers.CheckFindings),
    openapi_extra=SECURED,
)
def findings(
    acting: Steward, request: Request, response: Response, running: Running,
    check: Annotated[Plain | None, Query(description="核对项 / check")] = None,
    status: Annotated[Status, Query(description="状态 / status")] = "open",
    after: Annotated[UUID | None, Query(description=AFTER)] = None,
    limit: Limit = 50,
) -> Any:  # fmt: skip
    """本部门清单(管理员:全部),新的在前;涉及个人的键已脱敏。

    The department's list (an admin's: all), newest first; keys that are about a person are masked.
    """
    with running.hub.read() as connection:
        filters.check(running.hub, connection, check)
        found = check_findings.listed(
            connection, current(running.hub.home), department=acting.scope, check=check, status=status, after=after,
            limit=limit + 1,
        )  # fmt: skip
    next = str(found[limit - 1].id) if len(found) > limit else None
    return {"findings": [_finding(one) for one in found[:limit]], "next": lead_on(request, response, next)}


@router.post(
    "/v1/checks/findings/{id}/dismissal", summary="忽略一条 / Set one aside", status_code=201,
    responses=_NOT_FOUND | _CONFLICT | told(answers.FindingDecision, 201), openapi_extra=SECURED,
)  # fmt: skip
def dismiss(acting: Steward, running: Running, id: UUID, body: Dismissal) -> Any:
    """写明理由;是一项决定,可撤销。 / With a reason; a decision, and can be undone."""
    with running.hub.begin() as connection:
        made = check_findings.dismiss(connection, id, reason=body.reason, actor=acting.actor, department=acting.scope)
    return {"decision": str(made.id), "finding": str(id), "reason": made.reason}


@router.post(
    "/v1/checks/findings/{id}/reversals", summary="撤销忽略 / Undo a dismissal", status_code=201,
    responses=_NOT_FOUND | _CONFLICT | told(answers.FindingDecision, 201), openapi_extra=SECURED,
)  # fmt: skip
def restore(acting: Steward, running: Running, id: UUID, said: Because) -> Any:
    """以另一项决定撤销;该结果重新待处理。 / By another decision, with a reason; the finding is open again, while it holds."""
    with running.hub.begin() as connection:
        made = check_findings.restore(connection, id, reason=said.reason, actor=acting.actor, department=acting.scope)
    return {"decision": str(made.id), "finding": str(id), "reason": made.reason, "undoes": str(made.undoes)}


def _datasets(acting: Acting, now: Published) -> list[str] | None:
    """The datasets in the caller's scope; None for all. Documents' own words: a city's 2,000 contracts are not compiled."""
    if acting.scope is None:
        return None
    return [id for id, tree in now.documents("contract").items() if tree.get("domain") == acting.scope]


def _department(now: Published, dataset: str) -> str:
    return str(now.documents("contract").get(dataset, {}).get("domain", ""))


def _batch(one: Batch) -> dict[str, Any]:
    reason = one.reason or {}
    return {
        "id": str(one.id), "number": one.seq, "feed": one.feed, "system": one.system, "dataset": one.dataset,
        "origin": one.origin, "mode": one.mode, "state": one.state, "label": STATE_NAMES[one.state].zh,
        "label_en": STATE_NAMES[one.state].en, "landed_rows": one.landed_rows, "source_rows": one.source_rows,
        "started_at": one.started_at, "landed_at": one.landed_at, "merged_at": one.merged_at, "reason": reason or None,
        "guard": guards.of(reason) if one.state == "blocked" else None,
        "acceptable": one.state == "blocked" and reason.get("code") in guards.ACCEPTABLE and one.landed_at is not None,
    }  # fmt: skip


def _ruling(made: Decision) -> dict[str, Any]:
    return {
        "id": str(made.id), "ruling": made.kind, "guard": made.body.get("guard"), "reason": made.reason, "at": made.at,
        "operator": made.actor["operator"], "undoes": made.undoes and str(made.undoes),
    }  # fmt: skip


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": str(one.id), "check": one.check, "title": one.title.zh, "title_en": one.title.en, "remedy": one.remedy.zh,
        "remedy_en": one.remedy.en, "dimension": one.dimension, "severity": one.severity, "status": one.status,
        "label": STATUSES[one.status].zh, "label_en": STATUSES[one.status].en, "departments": one.departments,
        "records": [_side(one.first), _side(one.second)], "first_seen": one.first_seen, "opened_at": one.opened_at,
        "last_seen": one.last_seen,
        "closed_at": one.closed_at,
    }  # fmt: skip


def _side(one: Side) -> dict[str, Any]:
    return {"dataset": one.dataset, "title": one.title, "key": one.key, "as_of": one.as_of}
