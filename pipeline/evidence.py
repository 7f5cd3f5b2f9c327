"""The reconciliation evidence of merged batches, as a ledger that adds up: what a feed's batch left is what the next one met.

The evidence is written by the merge and never changed; this reads it. By key: counts. By content: the exclusive-or of the
content hashes of a system's current records (a record's key is part of its content), as the merge met and as it left them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.text import T
from pipeline import batch as batches
from pipeline import reconcile
from pipeline.batch import Batch

#: the counts of a batch, in the order of DESIGN §1.3, with what people call them
COUNTS: Mapping[str, T] = {
    "source_rows": T("来源声明", "announced"),
    "landed": T("落地", "landed"),
    "inserted": T("新增", "inserted"),
    "changed": T("变更", "changed"),
    "unchanged": T("未变", "unchanged"),
    "repeated": T("重复", "repeated"),
    "removed": T("标记删除", "removed"),
    "quarantined": T("隔离", "quarantined"),
    "closed": T("关闭", "closed"),
    "before": T("入库前", "before"),
    "after": T("入库后", "after"),
}
#: the counts of a scan of keys besides
SCANNED: Mapping[str, T] = {
    "scanned": T("扫描主键", "keys scanned"),
    "unreadable": T("主键不可读", "keys not readable"),
    "closed_waiting": T("关闭待核行", "waiting rows closed"),
    "missed": T("待补读", "missed, to be read"),
}
_HASHES = ("before_hash", "after_hash", "expected_hash", "held_hash")


@dataclass(frozen=True, slots=True)
class Entry:
    """One merged batch in its feed's ledger; `problems` says what does not add up, in it or towards the one before."""

    batch: UUID
    feed: str
    origin: str
    landed_at: datetime | None
    merged_at: datetime | None
    evidence: Mapping[str, Any]
    problems: tuple[T, ...]

    def row(self) -> dict[str, Any]:
        """The entry as a flat row: for tables, CSV and JSON."""
        return {
            "batch": str(self.batch), "feed": self.feed, "origin": self.origin, "landed_at": self.landed_at,
            "merged_at": self.merged_at, **{name: self.evidence.get(name) for name in (*COUNTS, *_HASHES)},
            "problems": "; ".join(one.zh for one in self.problems), "problems_en": "; ".join(one.en for one in self.problems),
        }  # fmt: skip


def ledger(connection: Connection, feed: str) -> list[Entry]:
    """Every merged batch of a feed in the order of merges, each held against its own equations and the one before."""
    found: list[Entry] = []
    for batch in batches.merged(connection, feed):
        found.append(_entry(batch, found[-1].evidence if found else None))
    return found


def of_batch(connection: Connection, batch_id: UUID) -> Entry:
    """One merged batch, held against the one before it in its feed's ledger. Raises NotFound; a batch that has not merged
    has no evidence, and its entry says so."""
    batch = batches.get(connection, batch_id)
    if not batch.evidence:
        return Entry(batch.id, batch.feed, batch.origin, batch.landed_at, batch.merged_at, {}, (_NONE,))
    *before, last = batches.merged(connection, batch.feed, upto=batch)
    return _entry(last, before[-1].evidence if before else None)


_NONE = T("该批次没有入库,没有对账凭证", "the batch has not merged and has no evidence")


def _entry(batch: Batch, before: Mapping[str, Any] | None) -> Entry:
    problems = reconcile.problems(batch.evidence)
    announced = batch.evidence.get("source_rows")
    landed = batch.evidence.get("landed", batch.evidence.get("scanned"))
    if announced is not None and announced != landed:
        problems.append(
            T(f"来源声明 {announced} 行,落地 {landed}", f"the source announced {announced} rows, {landed} landed")
        )
    # the first batch of a feed begins its ledger: the system's records may have come by a feed that was called otherwise
    if before is not None:
        for left, met, what in (
            ("after", "before", T("行数", "rows")),
            ("after_hash", "before_hash", T("内容哈希", "content hash")),
        ):
            one, other = before.get(left), batch.evidence.get(met)
            if one is not None and other is not None and one != other:
                problems.append(
                    T(
                        f"上一批之后的{what.zh} {one},本批之前 {other}",
                        f"{what.en} after the batch before: {one}, before this one: {other}",
                    )
                )
    return Entry(batch.id, batch.feed, batch.origin, batch.landed_at, batch.merged_at, batch.evidence, tuple(problems))


def write(entries: Sequence[Entry], path: Path, *, workbook: bool = False) -> None:
    """The ledger as a file: a workbook, or CSV (UTF-8 with its mark, which spreadsheets want)."""
    rows = [entry.row() for entry in entries]
    names = list(rows[0]) if rows else ["batch"]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    if workbook:
        import xlsxwriter

        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            sheet = book.add_worksheet()
            for at, line in enumerate([names, *cells]):
                sheet.write_row(at, 0, line)
        return
    import csv

    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([names, *cells])


def _cell(value: Any) -> Any:
    """A value as a file holds it: hashes and ids as text, so that no spreadsheet rounds them."""
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else value
