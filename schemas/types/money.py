"""Amounts of money in yuan, numeric(18,2), never float. `multiplier` is the source's unit (10000 for 万元)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.types import figures
from schemas.types.base import Options, Reasons, Rule, ValueType


class Money(ValueType):
    name = "money"
    title = T("金额（元）", "Amount in yuan")
    arrow = pa.decimal128(18, 2)
    sql = "numeric(18,2)"
    own_rules = (
        Rule(
            "money.format",
            "error",
            "conformity",
            T("不是金额", "Not an amount"),
            T("只填数字，小数点后至多两位", "Digits only, at most two after the point"),
        ),
        Rule(
            "money.too_large",
            "error",
            "accuracy",
            T("金额超过一亿亿元", "The amount exceeds ten thousand trillion yuan"),
            T("核对计量单位", "Check the unit"),
        ),
        Rule(
            "money.rounded",
            "warning",
            "accuracy",
            T("不足一分的部分已四舍五入", "Fractions of a fen were rounded half up"),
            T("核对计量单位与小数位", "Check the unit and the decimals"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        found = figures.exact(cells, self.arrow, options.multiplier or Decimal(1), money=True)
        reasons = np.zeros(len(cells), np.uint32)
        reasons[found.unreadable] = self.bit("format")
        reasons[found.too_large] = self.bit("too_large")
        reasons[found.rounded] = self.bit("rounded")
        return found.values, reasons


TYPE = Money()
