"""The catalogue: resources, items, departments, systems, service items. Open inside the host: it holds no personal data."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.answers import catalogue as answers
from api.answers import told
from api.etag import SAME, tagged
from api.parameters import After, Limit, following
from api.problems import AWAY
from api.state import Running
from catalog_registry import departments, filters, items, resources, search, service_items, systems
from catalog_registry.finding import Order
from catalog_registry.pages import Asked, Page
from schemas.published import current

router = APIRouter(tags=["目录 catalogue"], responses=AWAY)
PLAIN = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL knows no NUL
Plain = Annotated[str, Query(max_length=40, pattern=PLAIN)]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "没有这个资源 / no such resource"}}


def _filters(
    department: Annotated[list[Plain] | None, Query(description="提供部门，可多选 / providers")] = None,
    share_type: Annotated[list[Plain] | None, Query(description="共享类型 1 无条件 2 有条件 3 不予 / sharing type")] = None,
    cycle: Annotated[list[Plain] | None, Query(description="更新周期代码 / update cycle")] = None,
    resource_class: Annotated[list[Plain] | None, Query(description="资源分类 base theme department / class")] = None,
    format: Annotated[list[Plain] | None, Query(description="资源格式 / format")] = None,
    state: Annotated[list[Plain] | None, Query(description="时效 fresh late stopped never；listed = 仅登记 / freshness")] = None,
) -> dict[str, list[str]]:  # fmt: skip
    """Several values of one facet widen, several facets narrow; each by its code or its label."""
    said = {
        "department": department, "share_type": share_type, "cycle": cycle, "resource_class": resource_class,
        "format": format, "state": state,
    }  # fmt: skip
    return {name: values for name, values in said.items() if values}


def _asked(
    filters: Annotated[dict[str, list[str]], Depends(_filters)],
    q: Annotated[
        str, Query(max_length=search.MAX, pattern=PLAIN, description="汉字、拼音或首字母，容一字之误 / words, pinyin, initials")
    ] = "",
    order: Annotated[Order | None, Query(description="次序：relevance 相关 code 代码 name 名称 updated 更新时间 / order")] = None,
    limit: Limit = 50,
    after: After = "",
    total: Annotated[bool, Query(description="同时给出总数 / with the total")] = False,
    facets: Annotated[bool, Query(description="同时给出各分面计数 / with the counts of facets")] = False,
) -> Asked:  # fmt: skip
    return Asked(q, filters, order, limit, after, total, facets)


Question = Annotated[Asked, Depends(_asked)]


@router.get("/v1/resources", summary="资源目录 / Resources", responses=SAME | told(answers.Resources))
def listed(request: Request, running: Running, asked: Question) -> Response:
    """检索资源：名称先于摘要、信息项、系统与部门，全同先于前缀与部分。
    没有完全相符的，才给相近结果（match = near）。

    Search: title before summary, item, system and department; the whole before its beginning and a part. Near misses only
    when nothing matches as typed (`match`).
    """
    with running.hub.read() as connection:
        return _answer(request, resources.listed(running.hub, connection, asked), "resources")


@router.get("/v1/items", summary="信息项 / Information items", responses=SAME | told(answers.Items))
def items_listed(request: Request, running: Running, asked: Question) -> Response:
    """“谁有建筑面积？”：按信息项检索，给出所属资源、提供部门与该项的共享类型。 / Who holds an item, and how it is shared."""
    with running.hub.read() as connection:
        return _answer(request, items.listed(running.hub, connection, asked), "items")


@router.get(
    "/v1/resources/{key}",
    summary="一个资源 / One resource",
    responses=_NOT_FOUND | SAME | told(answers.ResourceDetail),
)
def detail(request: Request, key: Annotated[str, Path(max_length=80, pattern=PLAIN)], running: Running) -> Response:
    """元数据、信息项及其共享类型、时效与质量。key 为数据集标识，或资源代码（“/”写作“-”）。

    Metadata, items with their sharing types, freshness and quality. `key` is the dataset, or the resource code with `/`
    written as `-`.
    """
    with running.hub.read() as connection:
        row = resources.find(connection, key)
        return tagged(request, resources.detail(connection, current(running.hub.home), row))


@router.get("/v1/departments", summary="部门 / Departments", responses=SAME | told(answers.Departments))
def departments_listed(request: Request, running: Running) -> Response:
    """已登记的部门、系统数、资源数与报送情况（零报告与未报送有别）。

    The registered departments, how many systems and resources each has, and what it has reported.
    """
    published = current(running.hub.home)
    with running.hub.read() as connection:
        counts = systems.counts(connection, published)
        return tagged(request, {"departments": departments.counted(connection, published, counts)})


@router.get("/v1/systems", summary="系统 / Systems", responses=SAME | told(answers.Systems))
def systems_listed(
    request: Request,
    running: Running,
    department: Annotated[
        str | None, Query(max_length=40, pattern=PLAIN, description="所属部门 / of a department")
    ] = None,
) -> Response:
    """已登记的部门系统；已接入的列出采集任务。 / The registered systems; those connected with their feeds."""
    published = current(running.hub.home)
    with running.hub.read() as connection:
        filters.department(running.hub, connection, department)
        known = systems.known(connection, published)
    return tagged(request, {"systems": [each for each in known if department in (None, each["department"])]})


@router.get("/v1/service-items", summary="事项 / Service items", responses=told(answers.ServiceItems))
def service_items_listed(running: Running) -> Any:
    """事项及其所需证明，按办事指南次序。 / Service items and the certificates they ask, in the guide's order."""
    with running.hub.read() as connection:
        return {"service_items": [item.as_json() for item in service_items.listed(connection)]}


def _answer(request: Request, page: Page, name: str) -> Response:
    return tagged(request, page.as_json(name) | {"next": page.next}, following(request, page.next))
