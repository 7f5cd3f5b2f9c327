"""Yes or no, in the ways departments write it. `mapping` (source value → true / false) comes first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from core.text import T
from schemas.types import columns
from schemas.types.base import Options, Reasons, Rule, ValueType

_WORDS = dict.fromkeys(("1", "1.0", "是", "有", "真", "y", "yes", "t", "true", "√"), True) | dict.fromkeys(
    ("0", "0.0", "否", "无", "假", "n", "no", "f", "false", "×"), False
)


class Boolean(ValueType):
    name = "boolean"
    title = T("是否", "Yes or no")
    arrow = pa.bool_()
    sql = "boolean"
    own_rules = (
        Rule(
            "boolean.format",
            "error",
            "conformity",
            T("不是“是”或“否”", "Neither yes nor no"),
            T(
                "填写 是/否，或在系统文件中登记该取值的对应关系",
                "Write yes or no, or map this value in the system's document",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        if pa.types.is_boolean(cells.type):
            return cells, np.zeros(len(cells), np.uint32)
        some = columns.half_width(columns.text(cells)).dictionary_encode()
        mapping = options.mapping or {}
        read = [_WORDS.get(mapping.get(value, value).casefold()) for value in some.dictionary.to_pylist()]
        values = pa.array(read, pa.bool_()).take(some.indices)
        unread = columns.mask(values.is_null()) & columns.mask(cells.is_valid())
        return values, np.where(unread, self.bit("format"), np.uint32(0))


TYPE = Boolean()
