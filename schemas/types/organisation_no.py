"""Numbers of organisations: unified credit code (18), organisation code GB 11714 (9), registration number (15).

Nine and fifteen characters are legal forms of older registers, not dirt.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, credit_code, masks
from schemas.types.base import Level, Options, Reasons, Rule, ValueType, borrow


class OrganisationNo(ValueType):
    name = "organisation_no"
    title = T("组织机构号码", "Organisation number")
    own_rules = (
        *credit_code.TYPE.own_rules,
        Rule(
            "organisation_no.format",
            "error",
            "conformity",
            T("不是 18 位信用代码、9 位组织机构代码或 15 位注册号", "Not a code of 18, 9 or 15 characters"),
            T("对照登记证照核对位数", "Compare the length with the registration document"),
        ),
        Rule(
            "organisation_no.code_check",
            "warning",
            "accuracy",
            T(
                "9 位组织机构代码的校验位不符（GB 11714）",
                "The check of the 9-character organisation code does not fit (GB 11714)",
            ),
            T(
                "对照代码证核对；新发主体标识码不保证相符",
                "Compare with the code certificate; newer codes need not fit",
            ),
        ),
        Rule(
            "organisation_no.registration_check",
            "warning",
            "accuracy",
            T("15 位注册号的校验位不符", "The check of the 15-digit registration number does not fit"),
            T("对照营业执照核对；部分老注册号不带校验位", "Compare with the licence; some old numbers carry no check"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        return self.read(columns.identifier(cells))

    def read(self, values: pa.Array) -> tuple[pa.Array, Reasons]:
        """As `parse`, for identifiers already in one spelling."""
        rows, matrix = columns.fixed(values, 10)  # 12345678-9
        dashed = np.flatnonzero(matrix[:, 8] == ord("-"))
        if dashed.size:
            values = columns.put(values, rows[dashed], columns.from_matrix(np.delete(matrix[dashed], 8, axis=1)))
        old = np.zeros(len(values), bool)
        for width, test in ((9, _organisation_code), (15, columns.all_digits)):
            rows, matrix = columns.fixed(values, width)
            old[rows[columns.by_block(matrix, test)]] = True
        codes, found = credit_code.TYPE.read(columns.null_where(values, old))
        reasons = borrow(found, credit_code.TYPE, self)
        wrong_length = np.flatnonzero(reasons & self.bit("credit_code.format"))
        if wrong_length.size:
            length = pc.utf8_length(values.take(pa.array(wrong_length)))
            reasons[wrong_length[columns.mask(pc.not_equal(length, 18))]] = self.bit("format")
        return columns.put(codes, np.flatnonzero(old), values.filter(pa.array(old))), reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = borrow(credit_code.TYPE.examine(values, options), credit_code.TYPE, self)
        rows, matrix = columns.fixed(values, 9)
        reasons[rows[~credit_code.body_check_passes(matrix)]] |= self.bit("code_check")
        rows, matrix = columns.fixed(values, 15)
        reasons[rows[~columns.by_block(matrix, _registration_check)]] |= self.bit("registration_check")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.ends(values, 6 if level == "clerk" else 3, 4)


def _organisation_code(places: columns.Bytes) -> columns.Bools:
    alphanumeric = columns.is_digit(places) | columns.is_capital(places)
    good: columns.Bools = np.logical_and.reduce(alphanumeric) & (columns.is_digit(places[8]) | (places[8] == ord("X")))
    return good


def _registration_check(places: columns.Bytes) -> columns.Bools:
    """ISO 7064 MOD 11,10 over 15 digits (工商行政管理注册号编制规则, GS 15-2006)."""
    carry = np.full(places.shape[1], 10, np.int16)
    for place in places[:14]:
        total = (carry + (place - np.uint8(48))) % 10
        total[total == 0] = 10
        carry = total * 2 % 11
    same: columns.Bools = (11 - carry) % 10 == places[14] - np.uint8(48)
    return same


TYPE = OrganisationNo()
