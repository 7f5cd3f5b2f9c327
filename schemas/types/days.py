"""Calendar arithmetic on columns of digits: which yyyymmdd are real days, and how many days since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int32]

NO_DAY = np.int32(-(2**31))


@cache
def _tables() -> tuple[Ints, Ints, npt.NDArray[np.int8]]:
    """Days before each year 0–9999; day of the year for (leap, mmdd), or NO_DAY; leap years."""
    starts = np.zeros(10_000, np.int32)
    leap = np.zeros(10_000, np.int8)
    epoch = date(1970, 1, 1).toordinal()
    for year in range(1, 10_000):
        starts[year] = date(year, 1, 1).toordinal() - epoch
        leap[year] = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    of_year = np.full((2, 10_000), NO_DAY, np.int32)
    for index, year in enumerate((2023, 2024)):
        for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
            day = date.fromordinal(ordinal)
            of_year[index, day.month * 100 + day.day] = ordinal - date(year, 1, 1).toordinal()
    return starts, of_year.reshape(-1), leap


def since_epoch(year: Ints, month_day: Ints) -> Ints:
    """Days since 1970-01-01 of years (0–9999) and month × 100 + day; NO_DAY where there is no such day."""
    starts, of_year, leap = _tables()
    within = of_year[leap[year].astype(np.int32) * 10_000 + month_day]
    days: Ints = np.where((within == NO_DAY) | (year == 0), NO_DAY, starts[year] + within)
    return days


def number(digits: npt.NDArray[np.uint8]) -> Ints:
    """Rows of digit values, most significant first (one array per place), as integers."""
    total: Ints = digits[0].astype(np.int32)
    for place in digits[1:]:
        total *= 10
        total += place
    return total


def from_date(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def beyond(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Days or moments outside the years 1 to 9999. A database or a Parquet file can hold them (20260-01-01 is a slip of the
    finger); whoever reads them back cannot."""
    ends: tuple[date, date] = (date.min, date.max)
    if pa.types.is_timestamp(values.type):
        if values.type.unit == "ns":  # reaches from 1677 to 2262
            return np.zeros(len(values), bool)
        ends = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        if not values.type.tz:
            ends = (datetime.min, datetime.max.replace(microsecond=0))  # noqa: DTZ901 - naive like the column
    first, last = (pa.scalar(end, values.type) for end in ends)
    outside = pc.or_(pc.less(values, first), pc.greater(values, last))
    found: npt.NDArray[np.bool_] = outside.fill_null(False).to_numpy(zero_copy_only=False)
    return found
