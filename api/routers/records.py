"""`/v1/records`, `/v1/libraries`, `/v1/conflicts`: what stewards may look up about one record or one value, never in bulk."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field, model_validator

from api.answers import records as answers
from api.answers import told
from api.parameters import After, Limit, lead_on
from api.roles import REFUSALS, SECURED, Acting, Steward
from api.routers.catalogue import Plain
from api.state import Running
from catalog_registry import filters, systems
from certificates.request import Basis, Code, Reference, Strict, Word, unfit
from core.errors import Invalid
from core.text import T
from libraries import conflicts, inquiry, showing
from libraries.inquiry import Case, Question
from schemas.published import current

router = APIRouter(tags=["记录与来源 records"], responses=REFUSALS)
Library = Literal["population", "legal_entity", "license"]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "没有相符的记录 / no such record"}}


class _Subject(Strict):
    number: Word = Field(description="证件号码 / number", examples=["11010519491231002X"])
    name: Word = Field(description="姓名或单位名称 / name", examples=["张三"])

    @property
    def pair(self) -> tuple[str, str]:
        """Number and name."""
        return self.number, self.name


class _Asked(Strict):
    purpose: Word = Field(description="用途或事由,记入审计 / why; kept in the audit log")
    case_no: Reference = Field(description="办件、信访或核查编号 / case number")
    basis: Basis
    reveal: bool = Field(False, description="显示原值,审计中另行注明 / values unmasked; audited as such")

    @property
    def case(self) -> Case:
        """The case as the audit log keeps it."""
        return Case(self.purpose, self.case_no, basis=f"{self.basis.kind}:{self.basis.reference}")


def _either(asked: _Asked, one: str, other: str) -> None:
    given = [name for name in (one, other) if getattr(asked, name) is not None]
    if not given:
        raise unfit("", T(f"须写明 {one} 或 {other}。", f"Give {one} or {other}."))
    if len(given) == 2:
        raise unfit(f"/{other}", T(f"{one} 与 {other} 只写其一。", f"Give {one} or {other}, not both."))


class RecordsQuery(_Asked):
    """Records of one dataset: of a key, or naming a subject by number and name. Numbers travel in the body only."""

    dataset: Code = Field(description="资源 / dataset")
    key: dict[Code, Word] | None = Field(None, description="主键各信息项 / the items of the key", max_length=20)
    subject: _Subject | None = None
    known_at: AwareDatetime | None = Field(
        None, description="交换平台在该时刻所知;晚于来源最近一次入库的,按该次入库作答 / what the exchange knew then"
    )
    as_of: date | None = Field(
        None,
        description="该日有效;没有业务日期的资源为当日所知 / true in the world on that day; else what was known as it ended",
    )

    @model_validator(mode="after")
    def _one(self) -> RecordsQuery:
        _either(self, "key", "subject")
        return self


class ExplanationQuery(_Asked):
    """One attribute of one golden record: of a number and name, or of an entity of the list of conflicts."""

    attribute: Code = Field(description="属性 / attribute", examples=["name"])
    subject: _Subject | None = None
    entity: str | None = Field(
        None, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="实体 / entity"
    )

    @model_validator(mode="after")
    def _one(self) -> ExplanationQuery:
        _either(self, "entity", "subject")
        return self


@router.post(
    "/v1/records/queries",
    summary="查询记录 / Look up records",
    responses=_NOT_FOUND | told(answers.RecordsFound),
    openapi_extra=SECURED,
)
def records(acting: Steward, query: RecordsQuery, running: Running, response: Response) -> Any:
    """某资源的记录:某日有效、某时刻所知。限本部门(或本部门系统)的数据;默认脱敏;每次查询留痕。无批量查询。

    The records of a dataset valid on a day, as known at a moment: of the caller's own department or systems, masked unless
    revealed, audited, never in bulk.
    """
    return _asked(acting, query, running, response, history=False)


@router.post(
    "/v1/records/histories",
    summary="记录的历次版本 / Versions of records",
    responses=_NOT_FOUND | told(answers.RecordsFound),
    openapi_extra=SECURED,
)
def histories(acting: Steward, query: RecordsQuery, running: Running, response: Response) -> Any:
    """记录的历次版本:自何时至何时、由哪个批次带来、改了什么。 / Every version: from when to when, by which batch, what changed."""
    if query.as_of is not None:
        raise Invalid(
            T("历次版本不按业务日期筛选。", "Versions are not told by business day."),
            remedy=T("去掉 as_of,或查询记录。", "Leave as_of out, or look up records."), pointer="/as_of",
        )  # fmt: skip
    return _asked(acting, query, running, response, history=True)


def _asked(acting: Acting, query: RecordsQuery, running: Running, response: Response, *, history: bool) -> Any:
    published = current(running.hub.home)
    contract = published.contracts.get(query.dataset)
    key = None
    if query.key is not None and contract is not None:
        if set(query.key) != set(contract.key):
            raise Invalid(
                T(f"主键的信息项为 {'、'.join(contract.key)}。", f"The key's items are {', '.join(contract.key)}."),
                pointer="/key",
            )
        key = tuple(query.key[name] for name in contract.key)
    within = None if acting.scope is None else systems.readable(published, query.dataset, acting.scope)
    question = Question(
        query.dataset, key, query.subject.pair if query.subject else None, query.known_at, query.as_of,
        history, query.reveal,
    )  # fmt: skip
    found = inquiry.ask(running.hub, question, query.case, acting.actor, systems=within)
    response.headers["Cache-Control"] = "no-store"
    return found.told()


@router.post(
    "/v1/libraries/{library}/explanations",
    summary="主数据的值从何而来 / Why a golden record says what it says",
    responses=_NOT_FOUND | told(answers.ExplanationFound), openapi_extra=SECURED,
)  # fmt: skip
def explanations(
    acting: Steward, query: ExplanationQuery, running: Running, response: Response,
    library: Annotated[Library, Path(description="共享库 / library")],
) -> Any:  # fmt: skip
    """采用的值及其来源、批次、记录、首次与最近所见,其余每个值及未采用的原因。默认脱敏;留痕;本部门以外的值一律脱敏。

    The value that decides and where it stands, and every other claim with the reason it lost. Masked unless revealed, audited;
    values of other departments than the caller's are always masked.
    """
    subject = query.subject.pair if query.subject else None
    found = showing.explain(
        running.hub, library, query.attribute, acting.actor, case=query.case, subject=subject,
        entity=UUID(query.entity) if query.entity else None,
        reveal=query.reveal, opens=False, department=acting.scope,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return found.told()


@router.get(
    "/v1/conflicts",
    summary="来源之间的分歧 / What sources disagree on",
    responses=told(answers.Conflicts),
    openapi_extra=SECURED,
)
def disagreements(
    acting: Steward, request: Request, response: Response, running: Running,
    library: Annotated[Library | None, Query(description="共享库 / library")] = None,
    attribute: Annotated[Plain | None, Query(description="属性 / attribute")] = None,
    department: Annotated[Plain | None, Query(description="说法不同的部门 / the department that says otherwise")] = None,
    after: After = "",
    limit: Limit = 50,
) -> Any:  # fmt: skip
    """与本部门有关的分歧(管理员:全部),脱敏,实体以其标识代称;groups 为各类数目。

    Conflicts the caller's department has a part in (an admin's: all), masked, entities by their own ids.
    """
    within = None if acting.scope is None else [acting.scope]
    documents = current(running.hub.home).libraries
    attributes = [name for id, one in documents.items() if library in (None, id) for name in one.attributes]
    filters.require(attribute, attributes, T("属性", "attribute"), "attribute")
    with running.hub.read() as connection:
        filters.department(running.hub, connection, department)
    page = conflicts.page(
        running.hub, library=library, attribute=attribute, department=department, departments=within, after=after, limit=limit
    )  # fmt: skip
    lead_on(request, response, page.next)
    with running.hub.read() as connection:
        groups = conflicts.grouped(connection, departments=within)
    return page.told() | {"groups": [group.told() for group in groups]}
