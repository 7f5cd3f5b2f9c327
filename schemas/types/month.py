"""Months (yyyymm, 2026-11, 2026年11月, or any date in the month) as their first day."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, days
from schemas.types.base import Level, Options, Reasons, Rule, ValueType
from schemas.types.date import Found, native_dates, parse_days, real_days

_MONTH = re.compile(r"(\d{4})\s*(?:[-/.年]\s*(\d{1,2})|(\d\d))(?:\s*[-/.月]?\s*\d{0,2}\s*日?(?:[T\s].*)?)?$", re.S)


class Month(ValueType):
    name = "month"
    title = T("年月", "Month")
    arrow = pa.date32()
    sql = "date"
    own_rules = (
        Rule(
            "month.format",
            "error",
            "conformity",
            T("不能识别的年月写法", "Not a month in any known form"),
            T("改为 202611 这样的写法", "Write it like 202611"),
        ),
        Rule(
            "month.impossible",
            "error",
            "accuracy",
            T("没有这个月份", "There is no such month"),
            T("核对月份", "Check the month"),
        ),
        Rule(
            "month.placeholder",
            "warning",
            "completeness",
            T("占位年月，不是真实年月", "A placeholder, not a real month"),
            T(
                "请来源部门补填真实年月；不详的留空",
                "Ask the source department for the real month; leave it empty if unknown",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        if pa.types.is_string(cells.type) or pa.types.is_integer(cells.type):
            values, reasons = parse_days(self, columns.text(cells), _read)
        else:
            values, reasons = real_days(self, native_dates(cells, options.timezone))
        return pc.floor_temporal(values, unit="month"), reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        placeholder = pc.equal(values, pa.scalar(date(1900, 1, 1)))
        return np.where(columns.mask(placeholder), self.bit("placeholder"), np.uint32(0))

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(pc.cast(values, pa.string()), 0, 4), "**", "-")


def _read(value: str) -> Found:
    match = _MONTH.match(value)
    if not match:
        return None, "format"
    year, month = int(match[1]), int(match[2] or match[3])
    if (year, month) == (0, 0):
        return None, "placeholder"
    if year == 0 or not 1 <= month <= 12:
        return None, "impossible"
    return days.from_date(date(year, month, 1)), None


TYPE = Month()
