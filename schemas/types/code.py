"""Codes: a department's own value mapped to the national or contract's one.

What a steward mapped since (`decided`) comes first. With `mapping` every other value must be mapped (an unmapped one waits
for a steward); what it is mapped to, or the value itself without a mapping, must belong to `code_list` or `enum`. A
national list's labels (男) are read as their codes; a leading zero lost in a spreadsheet is put back when only so the code
exists.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from core.text import T
from schemas import codes
from schemas.types import columns
from schemas.types.base import Options, Reasons, Rule, ValueType


class Code(ValueType):
    name = "code"
    title = T("代码", "Code")
    own_rules = (
        Rule(
            "code.unmapped",
            "error",
            "conformity",
            T("来源代码没有登记对应关系", "The source's code is not mapped"),
            T("登记对应关系后重放", "Map the code, then replay"),
        ),
        Rule(
            "code.unknown",
            "error",
            "conformity",
            T("不在标准代码表中", "Not in the standard code list"),
            T("对照代码表更正；部门自有代码请登记对应关系", "Correct it from the list; map a department's own code"),
        ),
        Rule(
            "code.retired",
            "warning",
            "timeliness",
            T("该代码已停用", "The code is no longer in use"),
            T("改用现行代码；历史记录可保留", "Use the present code; old records may keep it"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        some = columns.half_width(columns.text(cells)).dictionary_encode()
        read = [self._read(value, options) for value in some.dictionary.to_pylist()]
        values = pa.array([code for code, _ in read], pa.string()).take(some.indices)
        bits = np.array([0, *(bit for _, bit in read)], np.uint32)  # the first for null
        return values, bits[some.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False) + 1]

    def _read(self, value: str, options: Options) -> tuple[str | None, int]:
        value = _plain(value)
        if value in options.decided:
            value = options.decided[value]
        elif options.mapping:
            mapped = options.mapping.get(_with_zeros(value, options.mapping))
            if mapped is None:
                return None, int(self.bit("unmapped"))
            value = mapped
        if options.code_list is None:
            return _with_zeros(value, options.enum), 0
        code_list = codes.lists(options.code_list)
        known = code_list.code(_with_zeros(value, code_list.values))
        if known is None:
            return value, int(self.bit("unknown"))
        value = known
        end = code_list.retired.get(value)
        return value, int(self.bit("retired")) if end and end.until < options.today.year else 0


def as_read(raw: str) -> str:
    """A code as a source writes it, in the form that mappings are kept in."""
    return _plain(columns.half_width(columns.text(columns.cells(pa.array([raw], pa.string()))))[0].as_py() or "")


def _plain(value: str) -> str:
    value = value.strip()
    return value[:-2] if value.endswith(".0") and value[:-2].isdigit() else value


def _with_zeros(value: str, known: Collection[str]) -> str:
    """A digit code with the leading zeros that make it a known one."""
    if value in known or not value.isdigit():
        return value
    widths = sorted({len(code) for code in known if code.isdigit() and len(code) > len(value)})
    return next((padded for width in widths if (padded := value.zfill(width)) in known), value)


TYPE = Code()
