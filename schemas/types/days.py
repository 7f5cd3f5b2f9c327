"""Calendar arithmetic on columns of digits: which yyyymmdd are real days, and how many days since 1970."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt

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
