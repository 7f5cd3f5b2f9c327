"""The catalogue of resources: list, search, and one resource with its items, freshness and quality."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from catalog_registry import departments, freshness, search, systems
from core import clock
from core.errors import NotFound
from core.text import T
from schemas.derive import catalogue
from schemas.published import Published

LIMIT = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A resource as the registry keeps it."""

    dataset: str
    code: str
    department: str
    title: str
    status: str
    registered_at: datetime
    updated_at: datetime


_COLUMNS = "dataset, code, department, title, status, registered_at, updated_at"
_WHERE = (
    "(CAST(:department AS text) IS NULL OR department = :department) "
    "AND (:query = '' OR search @@ to_tsquery('simple', :query))"
)


def listed(
    connection: Connection, *, q: str = "", department: str | None = None, after: str = "", limit: int = 50
) -> list[Row]:
    """Resources whose code follows `after` (keyset paging), at most `limit` (≤ 200); `q` searches."""
    if q and not search.query(q):
        return []
    rows = connection.execute(
        text(f"SELECT {_COLUMNS} FROM hub.resource WHERE {_WHERE} AND code > :after ORDER BY code LIMIT :limit"),
        {"department": department, "query": search.query(q), "after": after, "limit": min(limit, LIMIT)},
    )
    return [Row(*row) for row in rows]


def total(connection: Connection, *, q: str = "", department: str | None = None) -> int:
    """How many resources `listed` would give without a limit."""
    if q and not search.query(q):
        return 0
    values = {"department": department, "query": search.query(q)}
    return int(connection.execute(text(f"SELECT count(*) FROM hub.resource WHERE {_WHERE}"), values).scalar_one())


def find(connection: Connection, key: str) -> Row:
    """One resource by dataset, or by code with `/` written as `-`. Raises NotFound."""
    row = connection.execute(
        text(f"SELECT {_COLUMNS} FROM hub.resource WHERE dataset = :key OR code = :code"),
        {"key": key, "code": key.replace("-", "/")},
    ).one_or_none()
    if row is None:
        raise NotFound(
            T("没有这个资源。", "There is no such resource."),
            remedy=T("GET /v1/resources?q= 可检索。", "Search with GET /v1/resources?q=."),
        )
    return Row(*row)


def summary(published: Published, row: Row) -> dict[str, Any]:
    """A line of the list."""
    return {
        "code": row.code, "dataset": row.dataset, "title": row.title, "status": row.status,
        "department": {"id": row.department, "name": departments.name(published, row.department)},
        "updated_at": row.updated_at.isoformat(),
    }  # fmt: skip


def detail(connection: Connection, published: Published, row: Row) -> dict[str, Any]:
    """Everything the catalogue says about one resource. Raises NotFound when its contract is not in force."""
    contract = published.contracts.get(row.dataset)
    if contract is None:
        raise NotFound(
            T(
                f"资源 {row.dataset} 的合同未生效或有错误。",
                f"The contract of {row.dataset} is not in force, or broken.",
            ),
            remedy=T("由数据专员检查该合同。", "A steward should check the contract."),
        )
    described = catalogue.resource(contract)
    provider = published.departments.get(row.department)
    feeds = systems.feeds_of(published).get(row.dataset, [])
    titles = {system.id: system.title for system in systems.listed(published)}
    last = _last(connection, [feed.id for feed in feeds])
    judged = freshness.judge([last[feed.id] for feed in feeds], contract.cycle.period, clock.now())
    return summary(published, row) | {
        "provider_code": provider.credit_code if provider else None,
        "version": described.version,
        "summary": described.summary,
        "resource_class": described.resource_class,
        "format": described.format.zh,
        "share": {
            "type": described.share_type, "label": catalogue.SHARE_TYPES[described.share_type].zh,
            "condition": described.share_condition, "basis": described.share_basis, "method": described.share_method,
        },
        "open": {"open": described.open, "condition": described.open_condition},
        "cycle": {"code": described.cycle, "label": described.cycle_label.zh},
        "items": [asdict(item) | {"type_label": catalogue.ITEM_TYPES[item.type].zh} for item in described.items],
        "sources": [
            {
                "feed": feed.id, "system": {"id": feed.system, "title": titles[feed.system]},
                "covers": {"divisions": list(feed.covers.divisions), "since": feed.covers.since and feed.covers.since.isoformat()},
                "as_of": moment.isoformat() if (moment := last[feed.id][0]) else None,
            }
            for feed in feeds
        ],
        "freshness": freshness.as_json(judged),
        "quality": _quality(connection, row.dataset),
    }  # fmt: skip


def _last(connection: Connection, feeds: list[str]) -> dict[str, tuple[datetime | None, str | None]]:
    driver = connection.connection.cursor()
    driver.execute(freshness.LAST_BATCHES, {"feeds": feeds})
    return {feed: (landed, state) for feed, landed, state in driver.fetchall()}


def _quality(connection: Connection, dataset: str) -> dict[str, Any] | None:
    """The figures of the last merged batch, and what still waits. None before the first one."""
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
    landed = row.landed_rows or 0
    return {
        "batch": str(row.id), "landed_at": row.landed_at and row.landed_at.isoformat(), "landed": landed,
        "quarantined": row.quarantined, "warned": row.warned, "waiting": row.waiting,
        "passed_percent": round(100 * (landed - row.quarantined) / landed, 2) if landed else None,
        "evidence": row.evidence,
    }  # fmt: skip
