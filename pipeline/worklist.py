"""The quarantine as a work list: which rows wait, with all that is wrong with each, by whatever a steward looks for.

What is told of a row is masked; its cells as they stand are shown by pipeline/reveal.py alone, which is audited.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, RowMapping, text

from core import clock
from core.errors import Invalid, NotFound
from core.text import T
from libraries import business_key
from pipeline.cases import KINDS, STATUS_NAMES
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.derive import expectations
from schemas.document import near
from schemas.parts import SEVERITIES, Dimension
from schemas.published import Published
from schemas.types import Rule, masks

LIMIT = 200
DIMENSIONS: tuple[str, ...] = get_args(Dimension)
#: of a row that waits: something has been decided, and neither undone nor brought about nor run out
_DECIDED = (
    "(q.status = 'open' AND EXISTS (SELECT FROM hub.decided_row r JOIN hub.decision d ON d.id = r.decision "
    "WHERE r.batch_id = q.batch_id AND r.row_no = q.row_no AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id) "
    "AND coalesce(CAST(d.body ->> 'until' AS date) >= :today, true)))"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: every word given narrows. Of `rule`, `item`, `dimension` and `severity` one finding must meet all.
    `days` is the least age; `datasets` the reader's scope (None for all). `decided`: those that wait only for a replay to
    bring about what was decided on them, or those that do not."""

    status: str | None = "open"
    dataset: str | None = None
    system: str | None = None
    rule: str | None = None
    item: str | None = None
    dimension: str | None = None
    severity: str | None = None
    batch: UUID | None = None
    days: int | None = None
    datasets: Collection[str] | None = None
    decided: bool | None = None
    feed: str | None = None

    def within(self, datasets: Collection[str] | None) -> Filter:
        """The same, for a reader whose scope these datasets are."""
        return self if datasets is None else replace(self, datasets=datasets)

    def check(self) -> None:
        """Raises Invalid for a word that is none of a fixed list."""
        for name, word, known in (
            ("status", self.status, STATUS_NAMES),
            ("dimension", self.dimension, DIMENSIONS),
            ("severity", self.severity, SEVERITIES),
        ):
            if word is not None and word not in known:
                plain = word if word.isidentifier() else ""
                raise Invalid(
                    T(f"没有这个{name}。", f"There is no such {name}."), remedy=near(plain, known), pointer=f"/{name}"
                )

    def sql(self) -> tuple[str, dict[str, Any]]:
        """The condition on `q` (hub.quarantine) and its parameters."""
        parts, values = ["true"], dict[str, Any]()
        for name, column in (
            ("status", "q.status"),
            ("dataset", "q.dataset"),
            ("system", "q.system"),
            ("feed", "q.feed"),
            ("batch", "q.batch_id"),
        ):
            if (value := getattr(self, name)) is not None:
                parts.append(f"{column} = :{name}")
                values[name] = value
        if self.datasets is not None:
            parts.append("q.dataset = ANY(:datasets)")
            values["datasets"] = sorted(self.datasets)
        if self.decided is not None:
            parts.append(_DECIDED if self.decided else f"NOT {_DECIDED}")
            values["today"] = clock.today()
        if self.days is not None:
            parts.append("q.quarantined_at <= :before")
            values["before"] = clock.now() - timedelta(days=self.days)
        said = [name for name in ("rule", "item", "dimension", "severity") if getattr(self, name) is not None]
        if said:
            found = " AND ".join(f"f.{name} = :f_{name}" for name in said)
            parts.append(
                f"EXISTS (SELECT FROM hub.finding f WHERE f.batch_id = q.batch_id AND f.row_no = q.row_no AND {found})"
            )
            values |= {f"f_{name}": getattr(self, name) for name in said}
        return " AND ".join(parts), values


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of the list, the oldest first; `next` is the cursor of the following page; `total` when it was asked for."""

    rows: list[dict[str, Any]]
    next: str | None
    total: int | None


def page(
    connection: Connection,
    published: Published,
    which: Filter,
    *,
    limit: int = 50,
    cursor: str = "",
    total: bool = False,
) -> Page:
    """One page of rows, masked. Raises Invalid for a word or a cursor that cannot be."""
    which.check()
    condition, values = which.sql()
    after = _read(cursor)
    place = "AND (q.quarantined_at, q.batch_id, q.row_no) > (:at, :of, :no)" if after else ""
    if after:
        values |= dict(zip(("at", "of", "no"), after, strict=True))
    limit = max(1, min(limit, LIMIT))
    rows = (
        connection.execute(
            text(f"{_ROWS} WHERE {condition} {place} ORDER BY q.quarantined_at, q.batch_id, q.row_no LIMIT :limit"),
            {**values, "limit": limit + 1, "kinds": list(KINDS)},
        )
        .mappings()
        .all()
    )
    counted = count(connection, which) if total else None
    return Page(
        [told(published, row) for row in rows[:limit]], _write(rows[limit - 1]) if len(rows) > limit else None, counted
    )


def count(connection: Connection, which: Filter) -> int:
    """How many rows a filter means."""
    which.check()
    condition, values = which.sql()
    return int(
        connection.execute(text(f"SELECT count(*) FROM hub.quarantine q WHERE {condition}"), values).scalar_one()
    )


def ids(connection: Connection, which: Filter, *, lock: bool = False) -> list[tuple[UUID, int, str]]:
    """The rows a filter means: batch, number, dataset; held until the transaction ends, when `lock` says so."""
    which.check()
    condition, values = which.sql()
    rows = connection.execute(
        text(
            f"SELECT q.batch_id, q.row_no, q.dataset FROM hub.quarantine q WHERE {condition} ORDER BY 1, 2"
            f"{' FOR UPDATE OF q' if lock else ''}"
        ),
        values,
    )
    return [tuple(row) for row in rows]


def feeds(connection: Connection, datasets: Collection[str] | None = None) -> list[str]:
    """The feeds that have rows which the source has not closed: those a replay may have something to do for."""
    return list(
        connection.execute(
            text(
                "SELECT DISTINCT feed FROM hub.quarantine WHERE status <> 'closed_by_source' "
                "AND (CAST(:datasets AS text[]) IS NULL OR dataset = ANY(:datasets)) ORDER BY 1"
            ),
            {"datasets": None if datasets is None else list(datasets)},
        ).scalars()
    )


def one(connection: Connection, published: Published, batch_id: UUID, row_no: int) -> dict[str, Any]:
    """One row with all its findings, masked. Raises NotFound."""
    row = connection.execute(
        text(f"{_ROWS} WHERE q.batch_id = :batch AND q.row_no = :row"),
        {"batch": batch_id, "row": row_no, "kinds": list(KINDS)},
    )
    found = row.mappings().one_or_none()
    if found is None:
        raise NotFound(
            T("隔离区没有这一行。", "There is no such row in the quarantine."),
            remedy=T("hutong quarantine list 可列出。", "`hutong quarantine list` lists them."),
        )
    return told(published, found)


def groups(
    connection: Connection, published: Published, which: Filter, *, limit: int | None = None
) -> list[dict[str, Any]]:
    """Rows counted by dataset, item and rule, most first, all of them without a limit: what is wrong, and what to do about it.
    `decided` are those of them that only wait for a replay."""
    which.check()
    condition, values = which.sql()
    said = [f"f.{name} = :f_{name}" for name in ("rule", "item", "dimension", "severity") if f"f_{name}" in values]
    rows = connection.execute(
        text(
            "SELECT q.dataset, f.item, f.rule, f.severity, f.dimension, count(*) AS rows, "
            f"count(*) FILTER (WHERE {_DECIDED}) AS decided, min(q.quarantined_at) AS since "
            f"FROM hub.quarantine q JOIN hub.finding f USING (batch_id, row_no) WHERE {' AND '.join([condition, *said])} "
            "GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC, 1, 2, 3 LIMIT CAST(:limit AS bigint)"
        ),
        {**values, "limit": limit, "today": clock.today()},
    )
    return [{**row._mapping, **described(published.contracts.get(row.dataset), row.item, row.rule)} for row in rows]


def version(row: Mapping[str, Any]) -> str:
    """What changes when anything is decided on a row or becomes of it: for optimistic locking."""
    return f"{row['status']}-{row['decided']}"


def told(published: Published, row: RowMapping) -> dict[str, Any]:
    """A row as a list shows it."""
    contract = published.contracts.get(row["dataset"])
    status = STATUS_NAMES[row["status"]]
    key = row["source_key"] or []
    names = contract.key if contract is not None and len(contract.key) == len(key) else [""] * len(key)
    findings = [
        {
            "item": item, "rule": rule, "severity": severity, "dimension": dimension, "raw": masked(contract, item, raw),
            **described(contract, item, rule),
        }
        for item, rule, severity, dimension, raw in row["findings"] or ()
    ]  # fmt: skip
    return {
        "batch": str(row["batch_id"]), "row_no": row["row_no"], "feed": row["feed"], "dataset": row["dataset"],
        "system": row["system"], "status": row["status"], "status_label": status.zh, "status_label_en": status.en,
        "key": [key_part(contract, name, value) for name, value in zip(names, key, strict=True)],
        "since": row["quarantined_at"], "closed_at": row["closed_at"], "findings": findings,
        "decisions": [
            {"id": id, "kind": kind, "at": datetime.fromisoformat(at), "reason": reason, "by": actor["operator"], "applied": applied,
             "until": until, "expired": until is not None and date.fromisoformat(until) < clock.today()}
            for id, kind, at, reason, actor, applied, until in row["rulings"] or ()
        ],
        "decided": row["decided"],
    }  # fmt: skip


def described(contract: Contract | None, item: str, rule: str) -> dict[str, str]:
    """An item's title, what a rule says is wrong, and what to do, in both languages."""
    known = _rules(contract).get(rule) if contract is not None else None
    title = "主键" if item == key_rules.ITEM else ""
    if contract is not None and item in {one.name for one in contract.items}:
        title = contract.item(item).title
    told = {"item_label": title or item}
    if known is not None:
        told |= {
            "message": known.message.zh, "message_en": known.message.en,
            "remedy": known.remedy.zh, "remedy_en": known.remedy.en,
        }  # fmt: skip
    return told


def key_part(contract: Contract | None, item: str, raw: str | None) -> str | None:
    """A part of a row's business key as every list shows it (libraries/business_key.py): hidden by what its contract says of
    the item, for by the rest of it a department finds the row."""
    items = {one.name: one for one in contract.items} if contract is not None else {}
    if raw is None or item not in items or items[item].personal:
        return masked(contract, item, raw)
    return business_key.plain(raw)


def masked(contract: Contract | None, item: str, raw: str | None) -> str | None:
    """A raw cell as a list may show it: a person's by its type, any other as it is unless it holds a number long enough to
    be somebody's. What the contract does not name is hidden."""
    if raw is None:
        return None
    items = {one.name: one for one in contract.items} if contract is not None else {}
    if item not in items:
        return "***"
    if not items[item].personal and not masks.holds_number(raw):
        return raw if len(raw) <= 200 else raw[:200] + "…"
    if not pa.types.is_string(items[item].type.arrow):
        return "***"
    shown: str | None = items[item].type.mask(pa.array([raw], pa.string()), "list")[0].as_py()
    return "***" if shown is None or shown == raw else shown


def _rules(contract: Contract) -> Mapping[str, Rule]:
    """The rules of a contract; asked for with every finding told, so the last few are kept by their document."""
    if contract.sha256 not in _known:
        if len(_known) > 256:
            _known.clear()
        _known[contract.sha256] = expectations.rules(contract)
    return _known[contract.sha256]


_known: dict[str, Mapping[str, Rule]] = {}
_ROWS = """SELECT q.batch_id, q.row_no, q.feed, q.dataset, q.system, q.status, q.source_key, q.quarantined_at, q.closed_at,
 (SELECT jsonb_agg(jsonb_build_array(f.item, f.rule, f.severity, f.dimension, f.raw) ORDER BY f.severity, f.item, f.rule)
  FROM hub.finding f WHERE f.batch_id = q.batch_id AND f.row_no = q.row_no) AS findings,
 (SELECT jsonb_agg(jsonb_build_array(d.id, d.kind, d.at, d.reason, d.actor, d.id = ANY(q.decisions), d.body ->> 'until') ORDER BY d.seq)
  FROM hub.decision d WHERE d.kind = ANY(:kinds) AND d.id IN (SELECT r.decision FROM hub.decided_row r
   WHERE r.batch_id = q.batch_id AND r.row_no = q.row_no) AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id)
  ) AS rulings,
 (SELECT coalesce(max(greatest(d.seq, u.seq)), 0) FROM hub.decided_row r JOIN hub.decision d ON d.id = r.decision
  LEFT JOIN hub.decision u ON u.undoes = d.id WHERE r.batch_id = q.batch_id AND r.row_no = q.row_no) AS decided
 FROM hub.quarantine q"""


def _write(row: RowMapping) -> str:
    body = [row["quarantined_at"].isoformat(), str(row["batch_id"]), row["row_no"]]
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, UUID, int] | None:
    if not cursor:
        return None
    try:
        at, batch, row = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
        moment = datetime.fromisoformat(at)
        if type(row) is not int or not 0 <= row < 2**62 or moment.tzinfo is None:
            raise ValueError("not a position")
        return moment, UUID(batch), row
    except (binascii.Error, UnicodeDecodeError, ValueError, TypeError, AttributeError) as error:
        raise Invalid(
            T("游标无效。", "The cursor is not valid."),
            remedy=T("使用上一页给出的 next。", "Use the `next` of the previous page."), pointer="/after",
        ) from error  # fmt: skip


def datasets_of(published: Published, department: str | None) -> Sequence[str] | None:
    """The datasets of a department: a steward's scope; None for None, every one."""
    if department is None:
        return None
    return sorted(id for id, contract in published.contracts.items() if contract.department == department)
