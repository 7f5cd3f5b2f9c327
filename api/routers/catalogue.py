"""The catalogue: resources, departments, systems, service items. Open inside the host: it holds no personal data."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from api.etag import unchanged
from api.state import Running
from catalog_registry import departments, resources, service_items, systems
from core.errors import Invalid
from core.text import T
from schemas.published import current

router = APIRouter(tags=["目录 catalogue"])
PLAIN = r"^[^\x00-\x1f\x7f]*$"  # PostgreSQL knows no NUL


@router.get("/v1/resources", summary="资源目录 / Resources")
def listed(
    request: Request, response: Response, running: Running,
    q: Annotated[str, Query(max_length=100, pattern=PLAIN, description="检索：汉字、拼音首字母或英文 / words, pinyin initials")] = "",
    department: Annotated[str | None, Query(max_length=40, pattern=PLAIN, description="提供部门 / provider")] = None,
    limit: Annotated[int, Query(ge=1, le=resources.LIMIT)] = 50,
    cursor: Annotated[str, Query(max_length=200, description="下一页游标，取自 Link / from the Link header")] = "",
    total: Annotated[bool, Query(description="同时给出总数 / with the total")] = False,
) -> dict[str, Any]:  # fmt: skip
    """检索资源，按资源代码排序；下一页见 Link 头（RFC 8288）。 / Search; the Link header leads to the next page."""
    published = current(running.hub.home)
    with running.hub.read() as connection:
        rows = resources.listed(connection, q=q, department=department, after=_read(cursor), limit=limit + 1)
        count = resources.total(connection, q=q, department=department) if total else None
    body: dict[str, Any] = {"resources": [resources.summary(published, row) for row in rows[:limit]]}
    if count is not None:
        body["total"] = count
    if len(rows) > limit:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        response.headers["Link"] = (
            f'<{request.url.path}?{urlencode([*kept, ("cursor", _write(rows[limit - 1].code))])}>; rel="next"'
        )
    return body


@router.get(
    "/v1/resources/{key}",
    summary="一个资源 / One resource",
    responses={404: {"description": "没有这个资源 / no such resource"}},
)
def detail(key: Annotated[str, Path(max_length=80, pattern=PLAIN)], running: Running) -> dict[str, Any]:
    """元数据、信息项、时效与质量。key 为数据集标识，或资源代码（“/”写作“-”）。

    Metadata, items, freshness and quality. `key` is the dataset, or the resource code with `/` written as `-`.
    """
    with running.hub.read() as connection:
        row = resources.find(connection, key)
        return resources.detail(connection, current(running.hub.home), row)


@router.get("/v1/departments", summary="部门 / Departments")
def departments_listed(request: Request, response: Response, running: Running) -> Any:
    """已登记的部门。 / The registered departments."""
    published = current(running.hub.home)
    if same := unchanged(request, response, published):
        return same
    return {"departments": [each.model_dump() for each in departments.listed(published)]}


@router.get("/v1/systems", summary="系统 / Systems")
def systems_listed(request: Request, response: Response, running: Running) -> Any:
    """已登记的部门系统及其采集任务。 / The registered systems and their feeds."""
    published = current(running.hub.home)
    if same := unchanged(request, response, published):
        return same
    return {
        "systems": [
            {
                "id": system.id, "title": system.title, "department": system.department, "connector": system.connector,
                "feeds": [
                    {"id": feed.id, "dataset": feed.dataset, "mode": feed.mode, "schedule": feed.schedule}
                    for feed in system.feeds
                ],
            }
            for system in systems.listed(published)
        ]
    }  # fmt: skip


@router.get("/v1/service-items", summary="事项 / Service items")
def service_items_listed(running: Running) -> dict[str, Any]:
    """事项及其所需证明，按办事指南次序。 / Service items and the certificates they ask, in the guide's order."""
    with running.hub.read() as connection:
        return {"service_items": [item.as_json() for item in service_items.listed(connection)]}


def _write(code: str) -> str:
    return base64.urlsafe_b64encode(code.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    try:
        code = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if not code.isprintable():
            raise ValueError("not a code")
        return code
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise Invalid(
            T("游标无效。", "The cursor is not valid."),
            remedy=T("使用上一页 Link 头给出的地址。", "Use the address of the previous page's Link header."), pointer="/cursor",
        ) from error  # fmt: skip
