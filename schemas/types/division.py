"""Administrative division codes, GB/T 2260, judged against all codes used since 1981."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.codes import divisions
from schemas.types import columns, days
from schemas.types.base import Options, Reasons, Rule, ValueType


class Division(ValueType):
    name = "division"
    title = T("行政区划代码", "Administrative division")
    own_rules = (
        Rule(
            "division.format",
            "error",
            "conformity",
            T("不是 6 位行政区划代码", "Not a division code of 6 digits"),
            T("填写到县级的 6 位代码（GB/T 2260）", "Give the 6 digits down to county level (GB/T 2260)"),
        ),
        Rule(
            "division.unknown",
            "error",
            "accuracy",
            T("从未有过这个行政区划代码", "There never was such a division code"),
            T("核对前四位的省、市代码", "Check the province and city in the first four digits"),
        ),
        Rule(
            "division.unlisted",
            "warning",
            "accuracy",
            T(
                "所属地级行政区存在，但县级代码不在历年名录中",
                "The city exists, but the county code is in no year's list",
            ),
            T(
                "开发区等自编代码可保留；否则核对后两位",
                "Codes of development zones may stay; otherwise check the last two digits",
            ),
        ),
        Rule(
            "division.retired",
            "warning",
            "timeliness",
            T("该代码已停用", "The code is no longer in use"),
            T(
                "按区划沿革改用现行代码；历史记录可保留",
                "Use the code that followed it; records of that time may keep it",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.identifier(cells)
        rest = columns.mask(values.is_valid())
        rows, matrix = columns.fixed(values, 6)
        rest[rows[columns.by_block(matrix, columns.all_digits)]] = False
        reasons = np.where(rest, self.bit("format"), np.uint32(0))
        return columns.null_where(values, rest), reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 6)
        code = columns.by_block(matrix - np.uint8(48), days.number, np.int32)
        known = divisions.known()
        city_known = np.logical_or.reduce(known.reshape(-1, 100), axis=1)
        found = np.where(city_known[code // 100], self.bit("unlisted"), self.bit("unknown"))
        found[known[code]] = self.bit("retired")
        found[divisions.current(options.today.year)[code]] = 0
        reasons[rows] = found
        return reasons


TYPE = Division()
