"""The highest mark seen in a source: the lower bound of the next run, as JSON-able text.

Text of a mark: dates and times in ISO 8601 (naive ones stay naive, in the source's own zone), numbers in decimal
digits, text as the source wrote it. A run reads `>=` its bound, so rows that tie with it are read again and never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import clock

Mark = str | int | float | Decimal | date | datetime

_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d.*)?")
_SHORT = re.compile(r"(\d{1,6})(s|m|h|d)")
_LONG = re.compile(r"P(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: times that a source writes as digits only
_COMPACT = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 8: "%Y%m%d"}


class Horizon:
    """A moment, and marks that lie after it. Naive ones are in the source's zone."""

    def __init__(self, moment: datetime, zone: str) -> None:
        self._moment = moment
        self._local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    def is_past(self, mark: Mark) -> bool:
        """Whether a mark lies after the horizon; one that is no time never does."""
        if isinstance(mark, datetime):
            return mark > (self._moment if mark.tzinfo else self._local)
        if isinstance(mark, date):
            return mark > self._local.date()
        if not isinstance(mark, str):
            return False
        if _ISO.fullmatch(mark):
            # Second by second in the source's zone; an offset written in the text shifts this by hours at most.
            return mark[:19].replace("T", " ") > self._local.isoformat(" ")[: len(mark[:19])]
        moment = _compact(mark)
        return moment is not None and moment > self._local

    def bound(self, kind: pa.DataType) -> pa.Scalar | None:
        """The horizon as a value of an Arrow type that has an order of its own; None for others."""
        if pa.types.is_timestamp(kind):
            return pa.scalar(self._moment if kind.tz else self._local, kind)
        return pa.scalar(self._local.date(), kind) if pa.types.is_date32(kind) else None

    def past(self, column: pa.Array) -> NDArray[np.bool_]:
        """Which cells of a column lie after the horizon."""
        bound = self.bound(column.type)
        if bound is not None:
            later = pc.fill_null(pc.greater(column, bound), False)
        else:
            coded = column.dictionary_encode()
            marks = [mark is not None and self.is_past(mark) for mark in coded.dictionary.to_pylist()]
            later = pc.fill_null(pa.array(marks, pa.bool_()).take(coded.indices), False)
        return np.asarray(later.to_numpy(zero_copy_only=False), dtype=bool)


class Watermark:
    """Collects the maximum. Marks later than the start of the run are not believed.

    One row dated 2099 would otherwise hide every later change of the source for good. Such rows are read again each
    time, which changes nothing; the same holds for a source whose clock runs ahead of ours.
    """

    def __init__(self, since: str | None, zone: str) -> None:
        self.value = since
        self._horizon = Horizon(clock.now(), zone)

    def observe(self, marks: Iterable[Mark | None]) -> None:
        """Take the maximum of plain values of one kind (text that holds numbers is compared as numbers)."""
        seen = [mark for mark in set(marks) if mark is not None and mark != ""]
        best = max(seen, key=order, default=None)
        if best is not None and self._horizon.is_past(best):
            best = max((mark for mark in seen if not self._horizon.is_past(mark)), key=order, default=None)
        if best is not None:
            self._raise_to(text_of(best))

    def observe_column(self, column: pa.Array) -> None:
        """The same for an Arrow array, without leaving Arrow for types that have an order of their own."""
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            self.observe(column.to_pylist())
            return
        bound = self._horizon.bound(column.type)
        if bound is not None:
            column = column.filter(pc.less_equal(column, bound))
        if len(column) > column.null_count:
            self._raise_to(text_of(pc.max(column).as_py()))

    def _raise_to(self, text: str) -> None:
        if self.value is None or order(text) > order(self.value):
            self.value = text


Window = timedelta | int
"""How far before the watermark a run reads again: a duration, or a number for marks that are numbers."""


def duration(written: str) -> timedelta:
    """`30s`, `10m`, `2h`, `1d`, or ISO 8601 (`PT2H`, `P1DT12H`). Raises ValueError."""
    if short := _SHORT.fullmatch(written):
        return timedelta(**{_UNITS[short[2]]: int(short[1])})
    if (long := _LONG.fullmatch(written)) and any(long.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in long.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    raise ValueError(f"not a duration: {written}; write 10m, 2h, 1d or PT2H")


def earlier(mark: str, window: Window) -> str | None:
    """The mark a window before this one, written the same way; None when the window does not fit the kind of mark."""
    if isinstance(window, int):
        return text_of(Decimal(mark) - window) if _NUMBER.fullmatch(mark) else None
    if (moment := _compact(mark)) is not None:
        return (moment - _whole_days(window, apart=len(mark) == 8)).strftime(_COMPACT[len(mark)])
    if not _ISO.fullmatch(mark):
        return None
    if len(mark) == 10:
        return (date.fromisoformat(mark) - _whole_days(window, apart=True)).isoformat()
    try:
        return (datetime.fromisoformat(mark) - window).isoformat(mark[10])
    except ValueError:
        return None


def is_number(mark: str) -> bool:
    """Whether a mark's text is a number, and orders by its value."""
    return _NUMBER.fullmatch(mark) is not None


def is_time(mark: str) -> bool:
    """Whether a mark's text is a time that is written as digits only."""
    return _compact(mark) is not None


def _compact(mark: str) -> datetime | None:
    """A time that is written as digits only; None for any other text."""
    form = _COMPACT.get(len(mark))
    if form is None or not (mark.isascii() and mark.isdigit()):
        return None
    try:
        return datetime.strptime(mark, form)  # noqa: DTZ007 - as naive as the mark
    except ValueError:
        return None


def later(*marks: str | None) -> str | None:
    """The latest of some marks, as `order` has it; None among none."""
    return max((mark for mark in marks if mark is not None), key=order, default=None)


def _whole_days(window: timedelta, *, apart: bool) -> timedelta:
    """For marks that are days: a window of an hour still reaches the day before."""
    return timedelta(days=-(-window // timedelta(days=1))) if apart else window


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
