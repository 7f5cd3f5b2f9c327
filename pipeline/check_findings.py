"""The lists of what checks of datasets against each other found: by department, masked; and a finding dismissed by a person.

Both departments have a finding in their list. It stays open while it holds; a dismissal is a decision, undone like any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import decisions
from core.actor import Actor
from core.decisions import Decision
from core.errors import Conflict, NotFound
from core.text import T
from libraries import business_key
from schemas import check as documents
from schemas.check import Check
from schemas.published import Published

DISMISSED = "check.dismissed"
STATUSES: Mapping[str, T] = {
    "open": T("待处理", "open"),
    "dismissed": T("已忽略", "dismissed"),
    "closed": T("已消除", "closed"),
}
#: how a finding `f` stands, as SQL; a dismissal is of what was found then: one that was gone and came back is open
STATUS = (
    "CASE WHEN f.status = 'closed' THEN 'closed' WHEN EXISTS (SELECT FROM hub.decision d WHERE d.kind = 'check.dismissed' "
    "AND d.about = f.id::text AND d.at >= f.opened_at AND d.undoes IS NULL "
    "AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id)) THEN 'dismissed' ELSE 'open' END"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two records: its dataset and business key, masked where it is about a person. `as_of` is when the dataset's
    oldest feed last landed: what was found cannot be newer than that."""

    dataset: str
    title: str
    key: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Two records that do not fit together. `opened_at` is later than `first_seen` where they fitted in between."""

    id: UUID
    check: str
    title: T
    remedy: T
    dimension: str
    severity: str
    status: str
    departments: list[str]
    first: Side
    second: Side
    first_seen: datetime
    opened_at: datetime
    last_seen: datetime
    closed_at: datetime | None


def listed(
    connection: Connection, now: Published, *, department: str | None = None, check: str | None = None,
    status: str | None = "open", after: UUID | None = None, limit: int = 50,
) -> list[Finding]:  # fmt: skip
    """Findings, the newest first; those in a department's list, of one check, of one status, before the one named."""
    rows = connection.execute(
        text(
            f"SELECT * FROM (SELECT f.*, {STATUS} AS now FROM hub.check_finding f) f WHERE (CAST(:status AS text) IS NULL OR "
            "now = :status) AND (CAST(:department AS text) IS NULL OR f.departments @> ARRAY[CAST(:department AS text)]) "
            "AND (CAST(:check AS text) IS NULL OR f.check_id = :check) AND (CAST(:after AS uuid) IS NULL OR f.id < :after) "
            "ORDER BY f.id DESC LIMIT :limit"
        ),
        {"status": status, "department": department, "check": check, "after": after, "limit": limit},
    ).all()
    names = _named(connection, now, rows)
    landed = _landed(connection, {dataset for row in rows for dataset in (row.first_dataset, row.second_dataset)})
    good, _ = documents.in_force(now.texts("check"))
    return [_finding(row, good.get(row.check_id), now, names, landed) for row in rows]


def counts(connection: Connection, department: str | None = None) -> dict[str, dict[str, int]]:
    """Check → status → how many findings, of all or of a department's list."""
    rows = connection.execute(
        text(
            f"SELECT check_id, now, count(*) AS n FROM (SELECT f.check_id, f.departments, {STATUS} AS now FROM hub.check_finding f) f "
            "WHERE CAST(:department AS text) IS NULL OR departments @> ARRAY[CAST(:department AS text)] GROUP BY 1, 2"
        ),
        {"department": department},
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.check_id, {})[row.now] = row.n
    return found


def dismiss(connection: Connection, id: UUID, *, reason: str, actor: Actor, department: str | None = None) -> Decision:
    """A person judges that nothing is wrong with these two records; `department` is the one whose list it must be in.
    Raises NotFound, and Conflict for one that is dismissed or closed already."""
    _require(connection, id, "open", department)
    return decisions.record(connection, DISMISSED, str(id), reason=reason, actor=actor)


def restore(connection: Connection, id: UUID, *, reason: str, actor: Actor, department: str | None = None) -> Decision:
    """End a finding's dismissal by another decision: it is open again, while it holds. Raises as `dismiss` does, Conflict for
    one that is not dismissed."""
    _require(connection, id, "dismissed", department)
    standing = decisions.in_force(connection, DISMISSED, about=str(id))
    if not standing:  # `hutong decision undo` holds no finding
        raise _is("open")
    return decisions.undo(
        connection, standing[-1].id, reason=reason, actor=actor
    )  # those before: of what was found then


def _require(connection: Connection, id: UUID, wanted: str, department: str | None) -> None:
    """Holds a finding of a department's list (None: of any) until the transaction ends. Raises NotFound, and Conflict for
    another status than the one wanted."""
    # before its status is read: of two at once, the second waits here, then reads what the first decided
    connection.execute(text("SELECT FROM hub.check_finding WHERE id = :id FOR UPDATE"), {"id": id})
    status = connection.execute(
        text(
            f"SELECT {STATUS} FROM hub.check_finding f WHERE f.id = :id "
            "AND (CAST(:department AS text) IS NULL OR f.departments @> ARRAY[CAST(:department AS text)])"
        ),
        {"id": id, "department": department},
    ).scalar()
    if status is None:
        raise NotFound(
            T("没有这一核对结果。", "There is no such finding."),
            remedy=T("hutong checks findings 可列出。", "`hutong checks findings` lists them."),
        )
    if status != wanted:
        raise _is(status)


def _is(status: str) -> Conflict:
    return Conflict(
        T(f"该结果已是“{STATUSES[status].zh}”。", f"The finding is {status} already."),
        remedy=T("无需处理。", "Nothing is left to do."),
    )


def _named(connection: Connection, now: Published, rows: Any) -> dict[tuple[str, bytes], str]:
    wanted: dict[str, set[bytes]] = {}
    for row in rows:
        wanted.setdefault(row.first_dataset, set()).add(bytes(row.first_key))
        wanted.setdefault(row.second_dataset, set()).add(bytes(row.second_key))
    return {
        (dataset, key): name
        for dataset, keys in wanted.items()
        if (contract := now.contracts.get(dataset)) is not None
        for key, name in business_key.of(connection, contract, keys).items()
    }


def _landed(connection: Connection, datasets: set[str]) -> dict[str, datetime]:
    """Dataset → when the oldest of its feeds' last merged batches landed."""
    rows = connection.execute(
        text(
            "SELECT dataset, min(landed_at) AS landed_at FROM (SELECT DISTINCT ON (feed) dataset, landed_at FROM hub.batch "
            "WHERE dataset = ANY(:datasets) AND origin = 'feed' AND state IN ('merged', 'delivered') ORDER BY feed, seq DESC) b "
            "GROUP BY 1"
        ),
        {"datasets": sorted(datasets)},
    )
    return {row.dataset: row.landed_at for row in rows}


def _finding(
    row: Any,
    check: Check | None,
    now: Published,
    names: Mapping[tuple[str, bytes], str],
    landed: Mapping[str, datetime],
) -> Finding:
    def side(dataset: str, key: bytes) -> Side:
        contract = now.contracts.get(dataset)
        title = contract.title if contract else dataset
        return Side(dataset, title, names.get((dataset, bytes(key)), ""), landed.get(dataset))

    return Finding(
        id=row.id, check=row.check_id, title=check.title.text if check else T(row.check_id, row.check_id),
        remedy=check.remedy.text if check else T("", ""), dimension=row.dimension, severity=row.severity, status=row.now,
        departments=list(row.departments), first=side(row.first_dataset, row.first_key),
        second=side(row.second_dataset, row.second_key), first_seen=row.first_seen, opened_at=row.opened_at,
        last_seen=row.last_seen,
        closed_at=row.closed_at,
    )  # fmt: skip
