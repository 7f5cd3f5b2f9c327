"""Telephone numbers: mobile 1xx (11 digits), landline with area code, 400/95 service numbers.

A wrong telephone never refuses a record: all findings are warnings.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_FORMS = re.compile(
    r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(?:-\d{1,6})?|\d{7,8}|[48]00-?\d{3}-?\d{4}|9[56]\d{3,6}|1[02]\d{1,4}"
)
_FOREIGN = re.compile(r"\+\d{6,16}")


class Phone(ValueType):
    name = "phone"
    title = T("电话号码", "Telephone number")
    own_rules = (
        Rule(
            "phone.format",
            "warning",
            "conformity",
            T("不是电话号码", "Not a telephone number"),
            T("填写 11 位手机号或带区号的固定电话", "Give 11 mobile digits, or a landline with its area code"),
        ),
        Rule(
            "phone.placeholder",
            "warning",
            "accuracy",
            T("占位号码，不是真实电话", "A placeholder, not a real number"),
            T(
                "请来源部门补填；没有的留空",
                "Ask the source department for the number; leave it empty if there is none",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        text = columns.text(cells)
        rows, matrix = columns.fixed(text, 11)
        rest = columns.mask(text.is_valid())
        rest[rows[columns.by_block(matrix, _mobile)]] = False
        reasons = np.zeros(len(text), np.uint32)
        left = np.flatnonzero(rest)
        if not left.size:
            return text, reasons
        some = text.take(pa.array(left)).dictionary_encode()
        read = [self._read(value) for value in some.dictionary.to_pylist()]
        index = some.indices.to_numpy()
        values = columns.put(text, left, pa.array([number for number, _ in read], pa.string()).take(some.indices))
        reasons[left] = np.array([bit for _, bit in read], np.uint32)[index]
        return values, reasons

    def _read(self, value: str) -> tuple[str | None, int]:
        number = re.sub(r"[\s()]", "", value.translate(columns.FULL_WIDTH)).replace("—", "-").removesuffix(".0")
        number = re.sub(r"^(?:\+|00)86-?", "", number)
        if _FORMS.fullmatch(number) or _FOREIGN.fullmatch(number):
            return number, 0
        digits = number.replace("-", "")
        if digits and len(set(digits)) == 1 and digits.isdigit():
            return None, int(self.bit("placeholder"))
        return None, int(self.bit("format"))

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 11)
        if len(rows):  # 13888888888, 13000000000
            same = columns.by_block(matrix, lambda places: (places[3:] == places[3]).all(axis=0))
            reasons[rows[same]] |= self.bit("placeholder")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        length = pc.utf8_length(values)
        tail = pc.utf8_slice_codeunits(values, -4)
        mobile = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, 3), tail, "****")
        landline = pc.binary_join_element_wise("****", pc.utf8_slice_codeunits(values, -2), "")
        return pc.if_else(pc.greater_equal(length, 11), mobile, landline)


def _mobile(places: columns.Bytes) -> columns.Bools:
    mobile: columns.Bools = columns.all_digits(places) & (places[0] == ord("1")) & (places[1] >= ord("3"))
    return mobile


TYPE = Phone()
