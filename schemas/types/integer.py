"""Whole numbers, bigint."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.types import columns, figures
from schemas.types.base import Options, Reasons, Rule, ValueType

_DIGITS = pa.decimal128(18, 0)


class Integer(ValueType):
    name = "integer"
    title = T("整数", "Whole number")
    arrow = pa.int64()
    sql = "bigint"
    own_rules = (
        Rule(
            "integer.format",
            "error",
            "conformity",
            T("不是整数", "Not a whole number"),
            T("只填数字，不带小数与单位", "Digits only, without decimals or a unit"),
        ),
        Rule(
            "integer.too_large",
            "error",
            "accuracy",
            T("超过 18 位", "More than 18 digits"),
            T("核对数值；号码类应使用文本类型", "Check the figure; numbers that identify something are text"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        reasons = np.zeros(len(cells), np.uint32)
        if pa.types.is_signed_integer(cells.type):
            return cells.cast(pa.int64()), reasons
        found = figures.exact(cells, _DIGITS)
        reasons[found.unreadable | found.rounded] = self.bit("format")
        reasons[found.too_large] = self.bit("too_large")
        return columns.null_where(found.values.cast(pa.int64()), found.rounded), reasons


TYPE = Integer()
