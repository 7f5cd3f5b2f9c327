"""`/v1/quarantine`: the rows that wait for a person, as a work list of the caller's department; and what is decided on them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field, model_validator
from sqlalchemy import Connection

from api.answers import told
from api.answers import work as answers
from api.idempotency import Key, once
from api.parameters import After, Limit, lead_on
from api.roles import REFUSALS, SECURED, Acting, Steward
from api.routers.catalogue import PLAIN, Plain
from api.state import Running
from catalog_registry import filters
from certificates.request import Code, Strict, Word, unfit
from core import decisions
from core.decisions import Decision
from core.text import T
from pipeline import cases, deciding, deliver, journey, reveal, undoing, worklist
from pipeline.worklist import Filter
from schemas.parts import Dimension, Severity
from schemas.published import current

router = APIRouter(tags=["隔离区 quarantine"], responses=REFUSALS)
RowNo = Annotated[int, Path(ge=1, le=2**53, description="行号 / number of the row")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=100, description="所见版本(ETag),已变则拒绝 / the version seen")
]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "没有这一行 / no such row"}}
_NO_FEED: dict[int | str, dict[str, Any]] = {404: {"description": "没有这个采集任务 / no such feed"}}
_ACT: dict[int | str, dict[str, Any]] = _NOT_FOUND | {
    409: {"description": "行数与预期不符,或来源已更正 / not as many rows as expected, or the source has corrected it"},
    412: {"description": "该行已有新的处理 / decided on since"},
}
#: the words of pipeline/cases.py, and `all`
Status = Literal["open", "fixed", "excused", "dismissed", "closed_by_source", "all"]
_Rule = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.]{0,80}(:[a-z_][a-z0-9_.]{0,80})?$")]
_Item = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Cell = Annotated[str | None, Field(max_length=10_000)]
#: what only one kind of decision is made of: elsewhere it would be passed over in silence
_OF_KIND = {"set": "fix", "rules": "excuse", "until": "excuse"}


class Row(Strict):
    """A waiting row: the batch it landed in, and its number there."""

    batch: UUID
    row_no: int = Field(ge=1, le=2**53)


class Which(Strict):
    """All open rows that meet every word given."""

    dataset: Code | None = None
    system: Code | None = None
    rule: _Rule | None = None
    item: _Item | None = None

    @model_validator(mode="after")
    def _some(self) -> Which:
        if not self.model_fields_set:
            words = ", ".join(type(self).model_fields)
            raise unfit("", T(f"至少写明其一:{words}。", f"Give at least one of: {words}."))
        return self


class DecisionAsked(Strict):
    """A fix (one row), an excuse or a dismissal (rows, or all that a filter means, `expected` many)."""

    kind: Literal["fix", "excuse", "dismiss"] = Field(description="修正、豁免、忽略 / what is decided")
    reason: Word = Field(description="理由 / why")
    rows: list[Row] | None = Field(None, min_length=1, max_length=500)
    filter: Which | None = None
    expected: int | None = Field(None, ge=1, description="所见行数 / how many rows were seen")
    set: dict[_Item, _Cell] | None = Field(
        None, description="信息项 → 来源应写的值 / item → what the source should write"
    )
    rules: list[_Rule] | None = Field(None, description="豁免的规则,或 信息项:规则 / rules to excuse")
    until: date | None = Field(None, description="豁免的最后一日 / the last day of an excuse")

    @model_validator(mode="after")
    def _whole(self) -> DecisionAsked:
        for name, kind in _OF_KIND.items():
            if self.kind != kind and getattr(self, name) is not None:
                raise unfit(
                    f"/{name}", T(f"只用于 kind: {kind};请去掉。", f"Only `kind: {kind}` has this: leave it out.")
                )
        if self.kind == "fix":
            self._one_row()
        if self.rows is None and self.filter is None:
            raise unfit("", T("须写明 rows,或 filter 与 expected。", "Give rows, or a filter and expected."))
        if self.rows is not None and self.filter is not None:
            raise unfit("/filter", T("rows 与 filter 只写其一。", "Give rows or a filter, not both."))
        if self.filter is not None and self.expected is None:
            raise unfit("/expected", T("用 filter 须写明所见行数。", "With a filter, say how many rows were seen."))
        if self.kind == "excuse" and not self.rules:
            raise unfit("/rules", T("豁免须写明规则。", "An excuse names the rules."))
        if self.kind == "excuse" and self.until is None:
            raise unfit("/until", T("豁免须写明最后一日。", "An excuse says its last day."))
        return self

    def _one_row(self) -> None:
        if self.filter is not None:
            raise unfit("/filter", T("修正只针对一行;请用 rows。", "A fix is of one row: name it in rows."))
        if self.rows is not None and len(self.rows) != 1:
            raise unfit("/rows", T("修正只针对一行;请逐行修正。", "A fix is of one row: send one for each."))
        if self.expected not in (None, 1):
            raise unfit("/expected", T("修正只针对一行。", "A fix is of one row."))
        if self.set is None:
            raise unfit("/set", T("修正须写明信息项与新值。", "A fix gives items and their new values."))


class CheckAsked(Strict):
    """New cells to be tried."""

    set: dict[_Item, _Cell] = Field(min_length=1)


class Because(Strict):
    """Why."""

    reason: Word = Field(description="理由 / why")


class ReplayAsked(Strict):
    """A feed: `<system>.<dataset>`."""

    # one without a dataset is no feed: 404 with the feeds there are says more than a pattern
    feed: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?$", description="采集任务 / feed")


def _filter(
    status: Annotated[Status, Query(description="状态,all 为全部 / status; all for every one")] = "open",
    dataset: Annotated[Plain | None, Query(description="资源 / dataset")] = None,
    system: Annotated[Plain | None, Query(description="系统 / system")] = None,
    rule: Annotated[str | None, Query(max_length=100, pattern=PLAIN, description="规则 / rule")] = None,
    item: Annotated[Plain | None, Query(description="信息项 / item")] = None,
    dimension: Annotated[Dimension | None, Query(description="GB/T 36344 维度 / dimension")] = None,
    severity: Annotated[Severity | None, Query(description="严重程度 / severity")] = None,
    batch: Annotated[UUID | None, Query(description="批次 / batch")] = None,
    days: Annotated[int | None, Query(ge=0, le=36500, description="至少待了几天 / waiting for so many days")] = None,
    decided: Annotated[bool | None, Query(description="已决定、待重放 / decided on, waiting for a replay")] = None,
) -> Filter:  # fmt: skip
    return Filter(
        None if status == "all" else status,
        dataset,
        system,
        rule,
        item,
        dimension,
        severity,
        batch,
        days,
        decided=decided,
    )


Asked = Annotated[Filter, Depends(_filter)]


@router.get(
    "/v1/quarantine/rows",
    summary="待核的行 / Rows that wait",
    responses=told(answers.WaitingRows),
    openapi_extra=SECURED,
)
def rows(
    request: Request, response: Response, acting: Steward, running: Running, which: Asked,
    limit: Limit = 50,
    after: After = "",
    total: Annotated[bool, Query(description="同时给出总数 / with the total")] = False,
) -> Any:  # fmt: skip
    """本部门资源的待核行,待得最久的在前;每行的全部问题、处理办法与决定;值已遮蔽。

    Rows of the caller's department with all their findings and decisions, the oldest first, masked.
    """
    with running.hub.read() as connection:
        published = current(running.hub.home)
        page = worklist.page(
            connection, published, _within(acting, running, connection, which), limit=limit, cursor=after, total=total
        )
    response.headers["Cache-Control"] = "no-store"
    told: dict[str, Any] = {"rows": page.rows, "next": lead_on(request, response, page.next)}
    return told if page.total is None else told | {"total": page.total}


@router.get(
    "/v1/quarantine/groups",
    summary="待核行按规则计数 / Rows counted by rule",
    responses=told(answers.WaitingGroups),
    openapi_extra=SECURED,
)
def groups(acting: Steward, running: Running, which: Asked) -> Any:
    """按资源、信息项与规则计数,多的在前。 / Rows by dataset, item and rule, most first, with the remedy."""
    with running.hub.read() as connection:
        found = worklist.groups(connection, current(running.hub.home), _within(acting, running, connection, which))
    return {"groups": found}


@router.get(
    "/v1/quarantine/rows/{batch}/{row_no}",
    summary="一行 / One row",
    responses=_NOT_FOUND | told(answers.WaitingRow),
    openapi_extra=SECURED,
)
def row(response: Response, acting: Steward, running: Running, batch: UUID, row_no: RowNo) -> Any:
    """一行的全部问题与决定;ETag 为其版本。 / All findings and decisions of a row; the ETag is its version."""
    with running.hub.read() as connection:
        found = worklist.one(connection, current(running.hub.home), batch, row_no)
    deciding.require_scope(_scope(acting, running), found["dataset"])
    response.headers.update({"ETag": f'"{worklist.version(found)}"', "Cache-Control": "no-store"})
    return found


@router.post(
    "/v1/quarantine/rows/{batch}/{row_no}/checks", summary="试改一行 / Try a correction", responses=_ACT | told(answers.Tried),
    openapi_extra=SECURED,
)  # fmt: skip
def check(acting: Steward, running: Running, batch: UUID, row_no: RowNo, said: CheckAsked) -> Any:
    """按数据契约检查修正后的行,不保存。 / What the contract still says of the corrected row; nothing is kept."""
    with running.hub.read() as connection:
        case = cases.get(connection, batch, row_no)
        deciding.require_scope(_scope(acting, running), case.dataset)
        tried = deciding.check(running.hub, connection, (batch, row_no), said.set)
        contract = current(running.hub.home).contracts.get(case.dataset)
    wrong = [
        {
            "item": one.item,
            "rule": one.rule,
            "severity": one.severity,
            **worklist.described(contract, one.item, one.rule),
        }
        for one in tried.wrong
    ]
    return {"fit": not tried.errors, "wrong": wrong}


@router.post(
    "/v1/quarantine/rows/{batch}/{row_no}/reveals", summary="查看原值 / See the values", responses=_NOT_FOUND | told(answers.Revealed),
    openapi_extra=SECURED,
)  # fmt: skip
def reveals(response: Response, acting: Steward, running: Running, batch: UUID, row_no: RowNo, said: Because) -> Any:
    """一行的原值;查看事由与操作人记入审计。 / A row as the source gave it; who looked and why is in the audit log first."""
    with running.hub.begin() as connection:
        case = cases.get(connection, batch, row_no)
        deciding.require_scope(_scope(acting, running), case.dataset)
        found = reveal.reveal(running.hub, connection, batch, row_no, reason=said.reason, actor=acting.actor)
    response.headers["Cache-Control"] = "no-store"
    return {"items": found}


@router.post(
    "/v1/quarantine/decisions", status_code=201, summary="修正、豁免、忽略 / Fix, excuse, dismiss",
    responses=_ACT | told(answers.DecisionsMade, 201), openapi_extra=SECURED, response_class=Response,
)  # fmt: skip
def decide(
    acting: Steward, running: Running, said: DecisionAsked, key: Key = None, if_match: IfMatch = None
) -> Response:
    """修正即按数据契约检查,仍有错误则拒绝并逐项说明;批量须写明所见行数。决定由重放或该任务下次运行生效,可撤销。

    A fix that leaves errors is refused with all of them. A bulk act says how many rows were seen. Brought about by a replay
    or the feed's next run; undone by a reversal.
    """
    return once(
        running.hub,
        acting,
        key,
        "decisions",
        said,
        lambda connection: _decide(acting, running, connection, said, if_match),
    )


@router.post(
    "/v1/quarantine/decisions/{id}/reversals", status_code=201, summary="撤销决定 / Undo a decision",
    responses=_ACT | told(answers.DecisionMade, 201), openapi_extra=SECURED, response_class=Response,
)  # fmt: skip
def reverse(acting: Steward, running: Running, id: UUID, said: Because, key: Key = None) -> Response:
    """以另一项决定撤销;其行重新待处理,已入库的由重放恢复原状。 / Its rows wait again; a replay restores what was there."""

    def act(connection: Connection) -> dict[str, Any]:
        # of a dataset in force no more nobody is the steward: an administrator may
        for department in undoing.departments(running.hub, decisions.get(connection, id)) or {""}:
            acting.require(department)
        return decided(undoing.undo(running.hub, connection, id, reason=said.reason, actor=acting.actor))

    return once(running.hub, acting, key, f"reversals/{id}", said, act)


@router.post(
    "/v1/quarantine/replays",
    summary="重放 / Replay",
    responses=_ACT | _NO_FEED | told(answers.Replayed),
    openapi_extra=SECURED,
)
def replay(acting: Steward, running: Running, said: ReplayAsked) -> Any:
    """使一个采集任务的决定生效;重复执行无妨。batch 为空表示共享库无须变动。

    Bring about what was decided on a feed's rows; golden records follow. Doing it again changes nothing; `batch` is null when
    no record had to. `unfit` rows are decided on and still cannot go in: another rule stops them, or several claim one key.
    """
    deciding.require_feed(current(running.hub.home), _scope(acting, running), said.feed)
    batch = journey.replay(running.hub, said.feed, acting.actor)
    with running.hub.read() as connection:
        left = worklist.count(connection, Filter(feed=said.feed, decided=True))
    if batch is None:
        return {"feed": said.feed, "batch": None, "evidence": None, "unfit": left}
    deliver.refreshed(running.hub)
    return {"feed": said.feed, "batch": str(batch.id), "evidence": batch.evidence, "unfit": left}


def decided(made: Decision) -> dict[str, Any]:
    """A decision as the API tells it: never its body, which may hold values."""
    return {
        "id": str(made.id), "kind": made.kind, "about": made.about, "at": made.at, "reason": made.reason,
        "operator": made.actor["operator"], "rows": made.body.get("count"), "undoes": made.undoes and str(made.undoes),
    }  # fmt: skip


def _decide(
    acting: Acting, running: Running, connection: Connection, said: DecisionAsked, if_match: str | None
) -> dict[str, Any]:
    hub, scope = running.hub, _scope(acting, running)
    version = if_match.strip().removeprefix("W/").strip('"') if if_match and if_match.strip() != "*" else None
    listed = [(one.batch, one.row_no) for one in said.rows or ()]
    if said.kind == "fix":
        made = [
            deciding.fix(
                hub, connection, listed[0], said.set or {}, reason=said.reason, actor=acting.actor, version=version,
                scope=scope,
            )
        ]  # fmt: skip
        return {"decisions": [decided(one) for one in made]}
    rows = Filter(**said.filter.model_dump()) if said.filter else listed
    facts: dict[str, Any] = {
        "reason": said.reason, "actor": acting.actor, "expected": said.expected, "version": version, "scope": scope,
    }  # fmt: skip
    if said.kind == "excuse" and said.until is not None:
        made = deciding.excuse(hub, connection, rows, said.rules or (), said.until, **facts)
    else:
        made = deciding.dismiss(hub, connection, rows, **facts)
    return {"decisions": [decided(one) for one in made]}


def _scope(acting: Acting, running: Running) -> deciding.Scope:
    return worklist.datasets_of(current(running.hub.home), acting.scope)


def _within(acting: Acting, running: Running, connection: Connection, which: Filter) -> Filter:
    """The rows of a filter that the caller may see. Raises Invalid for a word that nothing goes by."""
    filters.waiting(running.hub, connection, which)
    return which.within(_scope(acting, running))
