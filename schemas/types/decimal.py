"""Decimal figures (areas, rates, shares), numeric(24,6); 50% and 1/2 are 0.5."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.types import figures
from schemas.types.base import Options, Reasons, Rule, ValueType


class DecimalFigure(ValueType):
    name = "decimal"
    title = T("小数", "Decimal figure")
    arrow = pa.decimal128(24, 6)
    sql = "numeric(24,6)"
    own_rules = (
        Rule(
            "decimal.format",
            "error",
            "conformity",
            T("不是数值", "Not a figure"),
            T("只填数字，不带单位", "Digits only, without a unit"),
        ),
        Rule(
            "decimal.too_large",
            "error",
            "accuracy",
            T("整数部分超过 18 位", "More than 18 digits before the point"),
            T("核对数值", "Check the figure"),
        ),
        Rule(
            "decimal.rounded",
            "warning",
            "accuracy",
            T("第六位以后的小数已四舍五入", "Decimals after the sixth were rounded half up"),
            T("核对小数位", "Check the decimals"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        found = figures.exact(cells, self.arrow)
        reasons = np.zeros(len(cells), np.uint32)
        reasons[found.unreadable] = self.bit("format")
        reasons[found.too_large] = self.bit("too_large")
        reasons[found.rounded] = self.bit("rounded")
        return found.values, reasons


TYPE = DecimalFigure()
