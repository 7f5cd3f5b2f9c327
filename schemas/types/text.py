"""Free text: trimmed, full-width letters and digits in half width, Chinese punctuation as it is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, masks
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_ACCOUNT = r"^[0-9A-Za-z\-]{8,}$"


class Text(ValueType):
    name = "text"
    title = T("文本", "Text")
    judges = "text"
    own_rules = (
        Rule(
            "text.unreadable",
            "warning",
            "accuracy",
            T("含有替代符，疑为编码转换出错", "Holds the replacement character: the encoding was probably misread"),
            T("核对来源文件的编码（GB 18030 或 UTF-8）", "Check the encoding of the source (GB 18030 or UTF-8)"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.half_width(columns.text(cells), letters_only=True)
        return columns.cells(values), np.zeros(len(values), np.uint32)

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        view = columns.strings(values)
        if not view.data.size or view.data.max() < 0xEF:
            return np.zeros(len(values), np.uint32)
        return np.where(columns.mask(pc.match_substring(values, "\ufffd")), self.bit("unreadable"), np.uint32(0))

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        """Accounts and other numbers show their last four characters, other text its first."""
        account = pc.binary_join_element_wise("****", pc.utf8_slice_codeunits(values, -4), "")
        other = masks.start(values, r"(?s)^(.)()...*$")
        return pc.if_else(pc.match_substring_regex(values, _ACCOUNT), account, other)


TYPE = Text()
