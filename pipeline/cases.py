"""Waiting rows as cases: what has been decided about each, and what that makes of it.

The state of a case is a function of the landing and the decisions in force: `wanted` says it, a replay brings it about.
Decisions of kinds `fix` (cells corrected), `excuse` (rules the row may break until a day) and `dismiss` (the row is not to
be kept) add up; the latest dismissal or the acts after it count. A mapping (pipeline/mapping.py) counts for every case
that waits with the value it maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, text

from core.decisions import NOW, Decision
from core.errors import Conflict, NotFound
from core.text import T
from pipeline import mapping
from schemas.types.code import as_read

FIX, EXCUSE, DISMISS = "fix", "excuse", "dismiss"
KINDS = (FIX, EXCUSE, DISMISS)
STATUS_NAMES: Mapping[str, T] = {
    "open": T("待处理", "open"),
    "fixed": T("已修正", "fixed"),
    "excused": T("已豁免", "excused"),
    "dismissed": T("已忽略", "dismissed"),
    "closed_by_source": T("源头已更正", "closed by source"),
}
#: statuses of rows that a replay has put into the library
HELD = frozenset({"fixed", "excused"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision in force about a case; `until` is the last day an excuse holds."""

    id: UUID
    seq: int
    at: datetime
    kind: str
    body: Mapping[str, Any]

    @property
    def until(self) -> date | None:
        """The last day it holds; None for good."""
        return date.fromisoformat(self.body["until"]) if self.kind == EXCUSE else None


@dataclass(frozen=True, slots=True)
class Case:
    """One waiting row: its cells by source column, the decisions its status comes from (`applied`), those in force about it
    (`rulings`, oldest first), and when what is applied was last ended, if it was."""

    batch_id: UUID
    row_no: int
    feed: str
    dataset: str
    key: bytes | None
    row: Mapping[str, str | None]
    status: str
    landed_at: datetime
    applied: frozenset[UUID]
    rulings: tuple[Ruling, ...]
    ended_at: datetime | None
    #: (item, raw value) of findings that a mapping may settle
    codes: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> tuple[UUID, int]:
        """Which row of which batch."""
        return self.batch_id, self.row_no


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the decisions in force make of a case: the status it should have if it is fit, the cells corrected (by item),
    the rules excused, the decisions all this comes from, and the moment from which it holds."""

    status: str
    edits: Mapping[str, str | None] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()
    decisions: tuple[UUID, ...] = ()
    since: datetime | None = None


def wanted(case: Case, maps: Mapping[str, Mapping[str, Decision]], today: date, zone: str) -> Wanted:
    """What should become of a case today."""
    moments = [case.ended_at] if case.ended_at else []
    standing: list[Ruling] = []
    for ruling in case.rulings:
        if ruling.until is not None and ruling.until < today:
            moments.append(datetime.combine(ruling.until + timedelta(days=1), time(), ZoneInfo(zone)))
        else:
            standing.append(ruling)
    dismissals = [ruling for ruling in standing if ruling.kind == DISMISS]
    if dismissals and dismissals[-1] is standing[-1]:
        return Wanted("dismissed", decisions=(standing[-1].id,), since=max([*moments, standing[-1].at]))
    standing = [ruling for ruling in standing if not dismissals or ruling.seq > dismissals[-1].seq]
    edits: dict[str, str | None] = {}
    excused: set[str] = set()
    for ruling in standing:
        if ruling.kind == FIX:
            edits |= ruling.body["set"]
        else:
            excused |= set(ruling.body["rules"])
    mapped = {
        found.id: found
        for item, raw in case.codes
        if item not in edits and (found := maps.get(item, {}).get(as_read(raw))) is not None
    }
    made_of = [*(ruling.id for ruling in standing), *mapped]
    if not made_of:
        return Wanted("open", since=max(moments, default=None))
    moments += [ruling.at for ruling in standing] + [one.at for one in mapped.values()]
    return Wanted("excused" if excused else "fixed", edits, frozenset(excused), tuple(made_of), max(moments))


Status = tuple[UUID, int, str, Sequence[UUID]]


def put_aside(found: Sequence[tuple[Case, Wanted]]) -> list[Status]:
    """What becomes of cases without a replay, because no library holds them: which are dismissed now, and which dismissed
    ones wait again. As (batch, row, status, decisions)."""
    statuses: list[Status] = []
    for case, wish in found:
        if case.status in HELD or (case.status == wish.status and case.applied == set(wish.decisions)):
            continue
        if wish.status == "dismissed":
            statuses.append((*case.id, "dismissed", wish.decisions))
        elif case.status == "dismissed":
            statuses.append((*case.id, "open", ()))
    return statuses


def of_feed(
    connection: Connection, feed: str, maps: Mapping[str, Mapping[str, Decision]], only: Sequence[UUID] | None = None, *,
    upto: int = NOW,
) -> list[Case]:  # fmt: skip
    """The cases of a feed that the source has not closed and that somebody decided about, or whose values are mapped;
    `only` those that the given decisions are about. Decisions as they stood at number `upto`. Without their cells, which are
    many and seldom needed: `with_cells` reads those."""
    mapped = [(item, raw) for item, each in maps.items() for raw in each]
    rows = connection.execute(
        text(
            f"SELECT CAST('{{}}' AS jsonb) AS row, {_COLUMNS} FROM hub.quarantine q JOIN hub.batch b ON b.id = q.batch_id "
            "WHERE q.feed = :feed AND q.status <> 'closed_by_source' AND ("
            "(CAST(:only AS uuid[]) IS NULL AND q.decisions <> '{}') OR EXISTS (SELECT FROM hub.decided_row r "
            "WHERE r.batch_id = q.batch_id AND r.row_no = q.row_no AND (CAST(:only AS uuid[]) IS NULL OR r.decision = ANY(:only))) "
            "OR CAST(:only AS uuid[]) IS NULL AND :mapping AND EXISTS (SELECT FROM hub.finding f WHERE f.batch_id = q.batch_id "
            "AND f.row_no = q.row_no AND f.rule = ANY(:rules) AND f.item = ANY(:items))) ORDER BY b.seq, q.row_no"
        ),
        {
            "feed": feed, "only": None if only is None else list(only), "mapping": bool(mapped),
            "rules": list(mapping.RULES), "items": sorted({item for item, _ in mapped}), "kinds": list(KINDS), "upto": upto,
        },
    )  # fmt: skip
    return [_case(row) for row in rows.mappings()]


def with_cells(connection: Connection, found: Sequence[Case]) -> list[Case]:
    """The same cases with their cells by source column."""
    rows = connection.execute(
        text(
            "SELECT q.batch_id, q.row_no, q.row FROM hub.quarantine q JOIN unnest(CAST(:batches AS uuid[]), "
            "CAST(:rows AS bigint[])) AS c (batch_id, row_no) USING (batch_id, row_no)"
        ),
        {"batches": [case.batch_id for case in found], "rows": [case.row_no for case in found]},
    )
    cells = {(row.batch_id, row.row_no): row.row for row in rows}
    return [replace(case, row=cells[case.id]) for case in found]


def get(connection: Connection, batch_id: UUID, row_no: int, *, lock: bool = False) -> Case:
    """One case. Raises NotFound."""
    row = connection.execute(
        text(
            f"SELECT q.row, {_COLUMNS} FROM hub.quarantine q JOIN hub.batch b ON b.id = q.batch_id "
            f"WHERE q.batch_id = :batch AND q.row_no = :row{' FOR UPDATE OF q' if lock else ''}"
        ),
        {"batch": batch_id, "row": row_no, "rules": list(mapping.RULES), "kinds": list(KINDS), "upto": NOW},
    )
    found = row.mappings().one_or_none()
    if found is None:
        raise NotFound(
            T("隔离区没有这一行。", "There is no such row in the quarantine."),
            remedy=T("hutong quarantine list 可列出。", "`hutong quarantine list` lists them."),
        )
    return _case(found)


def require_open_to_decisions(case: Case) -> None:
    """Raises Conflict for a case that the source has closed: there is nothing left to decide."""
    if case.status == "closed_by_source":
        raise Conflict(
            T("来源已更正或重新报送该行。", "The source has corrected the row, or states it anew."),
            remedy=T("重新查看隔离区。", "Look at the quarantine again."),
        )


_COLUMNS = """q.batch_id, q.row_no, q.feed, q.dataset, q.key, q.status, b.landed_at, q.decisions,
 (SELECT jsonb_agg(jsonb_build_array(d.id, d.seq, d.at, d.kind, d.body) ORDER BY d.seq) FROM hub.decided_row r
  JOIN hub.decision d ON d.id = r.decision WHERE r.batch_id = q.batch_id AND r.row_no = q.row_no AND d.kind = ANY(:kinds)
  AND d.seq <= :upto AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id AND u.seq <= :upto)) AS rulings,
 (SELECT max(u.at) FROM hub.decision u WHERE u.undoes = ANY(q.decisions) AND u.seq <= :upto) AS ended_at,
 (SELECT jsonb_agg(jsonb_build_array(f.item, f.raw)) FROM hub.finding f WHERE f.batch_id = q.batch_id AND f.row_no = q.row_no
  AND f.rule = ANY(:rules) AND f.raw IS NOT NULL) AS codes"""


def _case(row: RowMapping) -> Case:
    rulings = tuple(
        Ruling(UUID(id), seq, datetime.fromisoformat(at), kind, body)
        for id, seq, at, kind, body in row["rulings"] or ()
    )
    codes = tuple((item, raw) for item, raw in row["codes"] or ())
    key = None if row["key"] is None else bytes(row["key"])
    return Case(
        row["batch_id"], row["row_no"], row["feed"], row["dataset"], key, row["row"], row["status"], row["landed_at"],
        frozenset(row["decisions"]), rulings, row["ended_at"], codes,
    )  # fmt: skip
