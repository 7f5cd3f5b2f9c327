"""The highest mark seen in a source: the lower bound of the next run, as JSON-able text.

Text of a mark: dates and times in ISO 8601 (naive ones stay naive, in the source's own zone), numbers in decimal
digits, text as the source wrote it. A run reads `>=` its bound, so rows that tie with it are read again and never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from core import clock

Mark = str | int | float | Decimal | date | datetime

_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d.*)?")


class Watermark:
    """Collects the maximum. Marks later than the start of the run are not believed.

    One row dated 2099 would otherwise hide every later change of the source for good. Such rows are read again each
    time, which changes nothing; the same holds for a source whose clock runs ahead of ours.
    """

    def __init__(self, since: str | None, zone: str) -> None:
        self.value = since
        self._horizon = clock.now()
        self._local = self._horizon.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    def observe(self, marks: Iterable[Mark | None]) -> None:
        """Take the maximum of plain values of one kind (text that holds numbers is compared as numbers)."""
        seen = [mark for mark in set(marks) if mark is not None and mark != ""]
        best = max(seen, key=order, default=None)
        if best is not None and self._is_future(best):
            best = max((mark for mark in seen if not self._is_future(mark)), key=order, default=None)
        if best is not None:
            self._raise_to(text_of(best))

    def observe_column(self, column: pa.Array) -> None:
        """The same for an Arrow array, without leaving Arrow for types that have an order of their own."""
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self.observe(column.to_pylist())
            return
        bound = self._bound(column.type)
        if bound is not None:
            column = column.filter(pc.less_equal(column, bound))
        if len(column) > column.null_count:
            self._raise_to(text_of(pc.max(column).as_py()))

    def _raise_to(self, text: str) -> None:
        if self.value is None or order(text) > order(self.value):
            self.value = text

    def _bound(self, kind: pa.DataType) -> pa.Scalar | None:
        if pa.types.is_timestamp(kind):
            local = self._horizon if kind.tz else self._local
            return pa.scalar(local, kind)
        return pa.scalar(self._local.date(), kind) if pa.types.is_date32(kind) else None

    def _is_future(self, mark: Mark) -> bool:
        if isinstance(mark, datetime):
            return mark > (self._horizon if mark.tzinfo else self._local)
        if isinstance(mark, date):
            return mark > self._local.date()
        if isinstance(mark, str) and _ISO.fullmatch(mark):
            # Second by second in the source's zone; an offset written in the text shifts this by hours at most.
            return mark[:19].replace("T", " ") > self._local.isoformat(" ")[: len(mark[:19])]
        return False


def text_of(mark: Mark) -> str:
    """The text a mark is stored as."""
    if isinstance(mark, datetime | date):
        return mark.isoformat()
    if isinstance(mark, Decimal):
        return format(mark, "f")
    return repr(mark) if isinstance(mark, float) else str(mark)


def order(mark: Mark) -> tuple[int, Decimal, str]:
    """Numbers before text, numbers by value, text by its characters (ISO 8601 sorts by time)."""
    text = text_of(mark)
    if isinstance(mark, int | float | Decimal) or _NUMBER.fullmatch(text):
        return (0, Decimal(text), "")
    return (1, Decimal(0), text)
