"""Addresses: as text, blanks between hanzi removed. Display goes down to the street."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, masks, names
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_STREET = r"(?s)^(.*?(?:街道|大道|[路街巷弄镇乡村]))()(?:.+)$"
_DISTRICT = r"(?s)^(.{2,}?[市区县旗州])()(?:.+)$"


class Address(ValueType):
    name = "address"
    title = T("地址", "Address")
    judges = "text"
    own_rules = (
        Rule(
            "address.short",
            "warning",
            "completeness",
            T("地址过短，无法定位", "Too short to find the place"),
            T("补全到门牌号", "Complete it down to the house number"),
        ),
        names.lost_rule("address"),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.half_width(columns.text(cells), letters_only=True)
        blanks = columns.rows_where(values, columns.blank_bytes)
        values = columns.repair(values, blanks, names.close_up)
        return values, np.zeros(len(values), np.uint32)

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        length = columns.lengths(values)
        short = np.flatnonzero((length >= 0) & (length < 12))
        if short.size:
            reasons[short[columns.mask(pc.less(pc.utf8_length(values.take(pa.array(short))), 5))]] |= self.bit("short")
        doubtful = columns.rows_where(values, _doubtful_bytes)
        reasons[names.found_in(values, doubtful, names.LOST)] |= self.bit("lost_character")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        if level == "list":
            return masks.start(values, _DISTRICT)
        street = pc.match_substring_regex(values, _STREET)
        return pc.if_else(street, masks.start(values, _STREET), masks.start(values, _DISTRICT))


def _doubtful_bytes(data: columns.Bytes) -> columns.Bools:
    """A question mark, or the first byte of a private-use or replacement character."""
    question: columns.Bools = data == 0x3F
    return question if data.size == 0 or data.max() < 0xEE else question | (data >= 0xEE)


TYPE = Address()
