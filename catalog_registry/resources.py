"""The catalogue of resources: list, search, and one resource with its items, freshness and quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog_registry import departments, facets, freshness, items, pages, quality, systems
from catalog_registry.pages import Asked, Page
from connectors.system import Feed
from core import clock
from core.errors import NotFound
from core.hub import Hub
from core.text import T
from schemas.codes import division_names
from schemas.derive import catalogue
from schemas.published import Published

_NUMBERS: Mapping[str, type[int]] = {"share_type": int, "cycle": int}
STATUSES: Mapping[str, T] = {"published": T("已发布", "published"), "retired": T("已停用", "retired")}


@dataclass(frozen=True, slots=True)
class Row:
    """A resource as the registry keeps it. `origin` is `contract` for a live one, `listing` for one only listed."""

    dataset: str
    code: str
    department: str
    title: str
    status: str
    origin: str
    described: Mapping[str, Any]
    registered_at: datetime
    updated_at: datetime


def listed(hub: Hub, connection: Connection, asked: Asked) -> Page:
    """The resources that fit, a page of them."""
    return pages.page(hub, connection, asked, _line)


def find(connection: Connection, key: str) -> Row:
    """One resource by dataset, or by code with `/` written as `-`. Raises NotFound."""
    row = connection.execute(
        text(f"SELECT {', '.join(Row.__slots__)} FROM hub.resource WHERE dataset = :key OR code = :code"),
        {"key": key, "code": key.replace("-", "/")},
    ).one_or_none()
    if row is None:
        raise NotFound(
            T("没有这个资源。", "There is no such resource."),
            remedy=T("GET /v1/resources?q= 可检索。", "Search with GET /v1/resources?q=."),
        )
    return Row(*row)


def detail(connection: Connection, published: Published, row: Row) -> dict[str, Any]:
    """Everything the catalogue says about one resource. Raises NotFound when its contract is not in force."""
    told = _line(
        published,
        {**row.described, "code": row.code, "status": row.status, "updated_at": row.updated_at.isoformat(),
         "state": facets.LISTED},
    ) | _metadata(published, row)  # fmt: skip
    if row.origin == "listing":
        return told | {"sources": [], "freshness": None, "quality": None}
    contract = published.contracts.get(row.dataset)
    if contract is None:
        raise NotFound(
            T(
                f"资源 {row.dataset} 的数据契约未生效或有错误。",
                f"The contract of {row.dataset} is not in force, or broken.",
            ),
            remedy=T("由数据专员检查该数据契约。", "A steward should check the contract."),
        )
    feeds = systems.feeds_of(published).get(row.dataset, [])
    last = freshness.last(connection, [feed.id for feed in feeds])
    judged = freshness.judge([last[feed.id] for feed in feeds], contract.cycle.period, clock.now())
    titles = {system.id: system.title for system in systems.listed(published)}
    return told | {
        "live": True,
        "state": pages.labelled(published, "state", judged.state),
        "sources": [_source(feed, titles[feed.system], last[feed.id][0]) for feed in feeds],
        "freshness": freshness.as_json(judged),
        "quality": _quality(connection, published, row.dataset),
    }


def _line(published: Published, row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the list."""
    return {
        "code": row["code"], "dataset": row["dataset"], "title": row["title"], "status": row["status"],
        "status_label": STATUSES[row["status"]].zh, "status_label_en": STATUSES[row["status"]].en,
        "department": departments.named(published, row["department"]),
        "live": row["state"] != facets.LISTED,
        **{
            name: pages.labelled(published, name, _NUMBERS.get(name, str)(row[name]))
            for name in facets.NAMES if name != "department"
        },
        "updated_at": row["updated_at"],
    }  # fmt: skip


def _metadata(published: Published, row: Row) -> dict[str, Any]:
    """The core metadata of 发改高技〔2017〕1272号 beyond the line's."""
    said = row.described
    provider = published.departments.get(row.department)
    share = catalogue.SHARE_TYPES[said["share_type"]]
    return {
        "provider_code": provider.credit_code if provider else None,
        "version": said["version"] or None,
        "summary": said["summary"],
        "registered_at": row.registered_at.isoformat(),
        "share": {
            "type": said["share_type"], "label": share.zh, "label_en": share.en, "condition": said["share_condition"],
            "basis": said["share_basis"], "method": said["share_method"],
        },
        "open": {"open": said["open"], "condition": said["open_condition"]},
        "items": [items.described(item) for item in said["items"]],
    }  # fmt: skip


def _source(feed: Feed, title: str, as_of: datetime | None) -> dict[str, Any]:
    covered = [(code, division_names.label(code)) for code in feed.covers.divisions]
    return {
        "feed": feed.id, "system": {"id": feed.system, "title": title},
        "covers": {
            "divisions": [code for code, _ in covered],
            "division_names": [name.zh for _, name in covered],
            "division_names_en": [name.en for _, name in covered],
            "since": feed.covers.since and feed.covers.since.isoformat(),
        },
        "as_of": as_of and as_of.isoformat(),
    }  # fmt: skip


def _quality(connection: Connection, published: Published, dataset: str) -> dict[str, Any] | None:
    """How good the resource is now, the figures of the last merged batch, and what still waits. None before the first one."""
    row = connection.execute(
        text(
            "SELECT b.id, b.landed_rows, b.landed_at, b.evidence, "
            "(SELECT count(*) FROM hub.quarantine q WHERE q.batch_id = b.id) AS quarantined, "
            "(SELECT count(*) FROM hub.quarantine q WHERE q.dataset = b.dataset AND q.status = 'open') AS waiting, "
            "(SELECT count(DISTINCT row_no) FROM hub.finding f WHERE f.batch_id = b.id AND f.severity = 'warning') AS warned "
            "FROM hub.batch b WHERE b.dataset = :dataset AND b.origin = 'feed' AND b.state IN ('merged', 'delivered') "
            "ORDER BY b.seq DESC LIMIT 1"
        ),
        {"dataset": dataset},
    ).one_or_none()
    if row is None:
        return None
    landed, now = row.landed_rows or 0, quality.read(connection, published, dataset)
    return (quality.as_json(now) if now else {}) | {
        "batch": str(row.id), "landed_at": row.landed_at and row.landed_at.isoformat(), "landed": landed,
        "quarantined": row.quarantined, "warned": row.warned, "waiting": row.waiting,
        "passed_percent": round(100 * (landed - row.quarantined) / landed, 2) if landed else None,
        "evidence": row.evidence,
    }  # fmt: skip
