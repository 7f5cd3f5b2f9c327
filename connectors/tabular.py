"""Sheets made for people: where the table starts in them, and which rows are not data.

Exports carry a title above the header, blank rows, and a line of totals. The header is found by the names the feed
knows; whole blank rows and rows that begin with 合计, 总计 or 小计 are dropped, and the latter counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from connectors import refusals
from core.errors import BatchBlocked
from core.text import T

HEADER_WITHIN = 50
"""Rows searched for the header."""

_SPACE = "[\\s\\x{3000}]"
_TOTAL = f"^{_SPACE}*[合总小]{_SPACE}*计{_SPACE}*[:：]?{_SPACE}*$"
_BLANK = f"^{_SPACE}*$"


@dataclass
class Sheet:
    """One table of text columns: the header's names (None for a column without one) and the totals met so far."""

    file: str
    names: list[str | None]
    totals: int = field(default=0)

    @property
    def schema(self) -> pa.Schema:
        """The named columns."""
        return pa.schema([pa.field(name, pa.string()) for name in self.names if name is not None])

    def empty(self) -> pa.RecordBatch:
        """No rows: what a file with nothing but a header holds."""
        schema = self.schema
        return pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in schema], schema=schema)

    def clean(self, columns: Sequence[pa.Array]) -> pa.RecordBatch:
        """The rows that are data. Raises BatchBlocked when a column without a name holds values."""
        keep = pc.invert(_blank(columns))
        total = pc.fill_null(pc.match_substring_regex(columns[0], _TOTAL), False)
        if pc.any(total).as_py():
            self.totals += int(pc.sum(total).as_py())
            keep = pc.and_not(keep, total)
        named = []
        for number, (name, column) in enumerate(zip(self.names, columns, strict=True), start=1):
            kept = column.filter(keep)
            if name is not None:
                named.append(kept)
            elif not pc.all(_blank([kept])).as_py():
                raise BatchBlocked(
                    T(f"{self.file} 第 {number} 列没有列名。", f"{self.file}: column {number} has no name."),
                    code="unknown_column",
                    remedy=T("请部门补上列名后重新交换。", "Ask the department to name it and deliver again."),
                )
        return pa.RecordBatch.from_arrays(named, schema=self.schema)


def _blank(columns: Sequence[pa.Array]) -> pa.Array:
    """True where every cell is empty or white space; most rows are decided by their first cell."""
    blank = pc.fill_null(pc.match_substring_regex(columns[0], _BLANK), True)
    for column in columns[1:]:
        if not pc.any(blank).as_py():
            break
        blank = pc.and_(blank, pc.fill_null(pc.match_substring_regex(column, _BLANK), True))
    return blank


def find_header(rows: Iterable[Sequence[str | None]], known: frozenset[str]) -> tuple[int, list[str | None]] | None:
    """The row that holds most of the known names, and its names; None unless it holds half of them."""
    best: tuple[int, int, list[str | None]] = (0, 0, [])
    for number, row in enumerate(rows):
        if number == HEADER_WITHIN:
            break
        names = [_name(cell) for cell in row]
        hits = len(known.intersection(name for name in names if name))
        if hits > best[0]:
            best = (hits, number, names)
    return (best[1], best[2]) if best[0] and best[0] * 2 >= len(known) else None


def checked(file: str, names: list[str | None]) -> Sheet:
    """The sheet with that header. Raises BatchBlocked when a name occurs twice."""
    for name, times in Counter(names).items():
        if name is not None and times > 1:
            raise refusals.unreadable(
                file,
                T(f"列名 {name} 出现两次", f"column name {name} occurs twice"),
                T("请部门改正后重新交换。", "Ask the department to correct and deliver it again."),
            )
    return Sheet(file, names)


def no_header(file: str) -> BatchBlocked:
    """None of the first rows looks like the header the feed expects."""
    return refusals.unreadable(
        file,
        T("找不到表头", f"no header was found in the first {HEADER_WITHIN} rows"),
        T(
            "请核对文件与系统文档 columns 中的列名。",
            "Compare the file with the column names under `columns` in the system document.",
        ),
    )


def _name(cell: str | None) -> str | None:
    """A header cell without the white space and line breaks people put into it."""
    return "".join((cell or "").replace("\ufeff", "").split()) or None
