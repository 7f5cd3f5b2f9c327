"""The vectorised text building blocks against the plain way."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from demo import text

NUMBERS = st.lists(st.integers(0, 10**18), max_size=20)
DAYS = st.lists(st.none() | st.dates(date(1890, 1, 1), date(2100, 1, 1)), max_size=20)


@given(NUMBERS, st.integers(1, 19))
def test_digits_are_padded_and_cut_on_the_left(values: list[int], width: int) -> None:
    assert text.digits(values, width).tolist() == [str(value).zfill(width)[-width:] for value in values]


@given(st.lists(st.integers(-(10**17), 10**17), max_size=20))
def test_plain_numbers_are_whole(values: list[int]) -> None:
    assert text.plain(values).tolist() == [str(value) for value in values]


@given(DAYS)
def test_days_are_spelt(days: list[date | None]) -> None:
    column = np.array(days, dtype="datetime64[D]")
    assert text.iso(column).tolist() == [day.isoformat() if day else "" for day in days]
    assert text.compact(column).tolist() == [day.strftime("%Y%m%d") if day else "" for day in days]
    months = text.yyyymm(column.astype("datetime64[M]")).tolist()
    assert months == [day.strftime("%Y%m") if day else "" for day in days]
