"""Business dates: yyyymmdd, ISO, slashes, dots, 年月日; a time of day is dropped; spreadsheet serials when asked for.

`formats: [excel_serial]` accepts serial day numbers (1900 system). 长期 and the like mean an open end: 9999-12-31.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, days
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

OPEN_END = date(9999, 12, 31)
_OPEN_WORDS = {"长期", "长期有效", "永久", "永久有效", "无固定期限", "无期限"}
_SEPARATED = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?$", re.S)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\d{4,6}|[T\s].*)?$", re.S)
_SERIAL = re.compile(r"([1-9]\d{0,5})(?:\.\d+)?$")
_EXCEL_EPOCH = date(1899, 12, 30)  # the 1900 system counts a 29 February 1900 that never was

Found = tuple[int | None, str | None]  # days since 1970 and the rule broken


class Date(ValueType):
    name = "date"
    title = T("日期", "Date")
    arrow = pa.date32()
    sql = "date"
    own_rules = (
        Rule(
            "date.format",
            "error",
            "conformity",
            T("不能识别的日期写法", "Not a date in any known form"),
            T("改为 2026-11-21 这样的写法", "Write it like 2026-11-21"),
        ),
        Rule(
            "date.impossible",
            "error",
            "accuracy",
            T("没有这一天", "There is no such day"),
            T("核对月、日", "Check month and day"),
        ),
        Rule(
            "date.serial",
            "error",
            "conformity",
            T("像电子表格的日期序号", "Looks like a spreadsheet's day number"),
            T(
                "按日期格式重新导出，或在数据契约的 formats 中声明 excel_serial",
                "Export as dates, or declare excel_serial in the contract's formats",
            ),
        ),
        Rule(
            "date.placeholder",
            "warning",
            "completeness",
            T("占位日期，不是真实日期", "A placeholder, not a real date"),
            T(
                "请来源部门补填真实日期；不详的留空",
                "Ask the source department for the real date; leave it empty if unknown",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        if not pa.types.is_string(cells.type) and not pa.types.is_integer(cells.type):
            return real_days(self, native_dates(cells, options.timezone))
        return parse_days(self, columns.text(cells), lambda value: _read(value, options.formats))

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        placeholder = pc.equal(values, pa.scalar(date(1900, 1, 1)))
        return np.where(columns.mask(placeholder), self.bit("placeholder"), np.uint32(0))

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(pc.cast(values, pa.string()), 0, 4), "**", "**", "-")


def native_dates(cells: pa.Array, timezone: str) -> pa.Array:
    """Arrow dates and times as business dates; aware times in the given zone."""
    if pa.types.is_timestamp(cells.type) and cells.type.tz:
        cells = pc.local_timestamp(cells.cast(pa.timestamp("us", timezone)))
    return cells.cast(pa.date32(), safe=False)


def real_days(kind: ValueType, values: pa.Array) -> tuple[pa.Array, Reasons]:
    """Native days, without those that no calendar has."""
    beyond = days.beyond(values)
    return columns.null_where(values, beyond), np.where(beyond, kind.bit("impossible"), np.uint32(0))


def parse_days(kind: ValueType, text: pa.Array, read: Callable[[str], Found]) -> tuple[pa.Array, Reasons]:
    """Strings to dates: the two common forms as bytes, the rest once per distinct value by `read`."""
    result = np.full(len(text), days.NO_DAY, np.int32)
    reasons = np.zeros(len(text), np.uint32)
    rest = columns.mask(text.is_valid())
    for width, places in ((8, [0, 1, 2, 3, 4, 5, 6, 7]), (10, [0, 1, 2, 3, 5, 6, 8, 9])):
        rows, matrix = columns.fixed(text, width)
        if not len(rows):
            continue

        def simple(block: columns.Bytes, places: list[int] = places) -> days.Ints:
            digits = block[places] - np.uint8(48)
            plain = columns.all_digits(block[places])
            if len(block) == 10:  # 2026-11-21, 2026/11/21
                plain &= (block[4] == block[7]) & ((block[4] == ord("-")) | (block[4] == ord("/")))
            digits[:, ~plain] = 0
            return days.since_epoch(days.number(digits[:4]), days.number(digits[4:]))

        result[rows] = columns.by_block(matrix, simple, np.int32)
        rest[rows[result[rows] != days.NO_DAY]] = False
    left = np.flatnonzero(rest)
    if left.size:
        some = columns.half_width(text.take(pa.array(left))).dictionary_encode()
        found = [read(value) for value in some.dictionary.to_pylist()]
        index = some.indices.to_numpy()
        result[left] = np.array([days.NO_DAY if day is None else day for day, _ in found], np.int32)[index]
        reasons[left] = np.array([kind.bit(rule) if rule else 0 for _, rule in found], np.uint32)[index]
    return pa.array(result, mask=result == days.NO_DAY).cast(pa.date32()), reasons


def _read(value: str, formats: tuple[str, ...]) -> Found:
    if value in _OPEN_WORDS:
        return days.from_date(OPEN_END), None
    match = _SEPARATED.match(value) or _COMPACT.match(value)
    if match:
        year, month, day = map(int, match.groups())
        if (year, month, day) == (0, 0, 0):
            return None, "placeholder"
        try:
            return days.from_date(date(year, month, day)), None
        except ValueError:
            return None, "impossible"
    serial = _SERIAL.match(value)
    if serial and "excel_serial" in formats:
        return days.from_date(_EXCEL_EPOCH + timedelta(days=int(serial[1]))), None
    return None, "serial" if serial and 1 <= int(serial[1]) <= 73_050 else "format"  # 73050 = 2099-12-31


TYPE = Date()
