"""Names of organisations: brackets in full width as registers write them, letters and digits in half width.

An individual business may have no name: what stands in the cell instead (***, 无字号, 个体工商户) is no value.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.types import columns, masks, names
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_LETTERS = {wide: narrow for wide, narrow in columns.FULL_WIDTH.items() if chr(narrow).isalnum() or narrow == 0x20}
_NO_NAME = "^(?:无|无字号|无名称|不详|未知|个体|个体户|个体工商户)$"
_WIDE_LETTER = re.compile("[０-９Ａ-Ｚａ-ｚ\u3000]")


class OrganisationName(ValueType):
    name = "organisation_name"
    title = T("单位名称", "Name of an organisation")
    judges = "names"
    own_rules = (
        names.lost_rule("organisation_name"),
        Rule(
            "organisation_name.test",
            "error",
            "accuracy",
            T("测试数据", "Test data"),
            T("请来源部门从正式库中清除", "Ask the source department to remove it from its live database"),
        ),
        Rule(
            "organisation_name.brackets",
            "warning",
            "conformity",
            T("括号不成对，名称可能被截断", "Brackets do not match; the name may be cut off"),
            T("对照登记证照补全名称", "Complete the name from the registration document"),
        ),
        Rule(
            "organisation_name.placeholder",
            "warning",
            "completeness",
            T("不是名称（个体工商户可无字号）", "Not a name (an individual business may have none)"),
            T("有字号的请补填", "Fill in the trade name if there is one"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        cells = columns.text(cells)
        odd = columns.rows_where(cells, names.odd_bytes)
        values = columns.repair(cells, odd, _tidy)
        placeholder = columns.matches(values, _NO_NAME)
        placeholder[names.found_in(values, odd, r"^[\s*\-—_.0]*$")] = True
        return columns.null_where(values, placeholder), np.where(placeholder, self.bit("placeholder"), np.uint32(0))

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        odd = columns.rows_where(values, names.odd_bytes)
        for pattern, code in (
            (names.LOST, "lost_character"),
            (r"^[^（]*(?:（[^（）]*）[^（）]*)*（[^）]*$|^[^（]*）", "brackets"),
            (r"(?i)^test\d*$", "test"),
        ):
            reasons[names.found_in(values, odd, pattern)] |= self.bit(code)
        reasons[columns.matches(values, "^测试(?:单位|公司|企业|数据|用户)?[0-9]*$")] |= self.bit("test")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.start(values, r"(?s)^(.{4})()....*$")


def _tidy(name: str) -> str | None:
    if _WIDE_LETTER.search(name):  # translating is slow, and rarely needed
        name = name.translate(_LETTERS)
    return names.tidy(name.replace("(", "（").replace(")", "）"))


TYPE = OrganisationName()
