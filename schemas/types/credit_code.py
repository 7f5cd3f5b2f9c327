"""Unified social credit codes, GB 32100-2015: registrar 1 + category 1 + division 6 + body 9 (GB 11714) + check 1.

The body's own check is a warning, never an error: legal codes break it (N2110112MF0000123X).
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.text import T
from schemas.types import columns, masks
from schemas.types.base import Level, One, Options, Reasons, Rule, ValueType
from schemas.types.citizen_no import MANGLED

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REGISTRARS = "123456789ANY"
WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# Codes given out in Fujian before the standard came into force break its check and are legal to this day, e.g.
# 91350211M0000XUF46, 91350203M0001FUE2P, 91350203M0001QKT19 (github.com/chinabugotech/hutool/issues/4119). All known
# ones are of this form and pass the check of their body.
PILOTS = r"^9135\d{4}M000[01][A-Z]{3}[0-9X][0-9A-Z]$"

_CHECK_BY_SUM = np.array([ord(ALPHABET[-s % 31]) for s in range(30 * sum(WEIGHTS) + 1)], np.uint8)
_BODY_CHECK_BY_SUM = np.array([ord("0X987654321"[s % 11]) for s in range(35 * sum(BODY_WEIGHTS) + 1)], np.uint8)
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_PLAIN = re.compile(f"[{REGISTRARS}][{ALPHABET}]{{17}}")
_SHOWN: dict[Level, tuple[int, int]] = {"clerk": (6, 4), "list": (3, 4)}  # characters at either end (DOMAIN §5)
_REGISTRAR = np.isin(np.arange(256), [ord(c) for c in REGISTRARS])


class CreditCode(ValueType):
    name = "credit_code"
    title = T("统一社会信用代码", "Unified social credit code")
    own_rules = (
        Rule(
            "credit_code.mangled",
            "error",
            "accuracy",
            T(
                "代码经电子表格转成了数值，末几位已丢失",
                "A spreadsheet turned the code into a figure; its last digits are lost",
            ),
            T(
                "把该列设为文本格式后重新导出，不要手工补零",
                "Format the column as text and export again; do not pad with zeros",
            ),
        ),
        Rule(
            "credit_code.format",
            "error",
            "conformity",
            T(
                "不是 18 位统一社会信用代码，或含有 I、O、S、V、Z 等不用的字符",
                "Not 18 characters of the credit code's alphabet (which has no I, O, S, V, Z)",
            ),
            T("对照营业执照核对，注意 0 与 O、1 与 I", "Compare with the licence; mind 0 and O, 1 and I"),
        ),
        Rule(
            "credit_code.masked",
            "warning",
            "completeness",
            T("代码在来源处已脱敏，不能用于匹配", "The code was masked at the source and cannot be matched"),
            T("请来源部门提供完整代码", "Ask the source department for the full code"),
        ),
        Rule(
            "credit_code.checksum",
            "error",
            "accuracy",
            T("校验码不符（GB 32100）", "The check character does not fit (GB 32100)"),
            T(
                "对照营业执照逐位核对；登记机关确认为早期试点代码的，可在隔离区豁免",
                "Compare with the licence; if the registrar confirms an early pilot code, excuse the row in quarantine",
            ),
        ),
        Rule(
            "credit_code.pilot",
            "warning",
            "accuracy",
            T(
                "历史试点代码：校验码不符国家标准，但属合法代码",
                "Historical pilot code: breaks the standard's check but is legal",
            ),
            T("无需更改；如有疑问向登记机关核实", "Nothing to change; in doubt ask the registrar"),
        ),
        Rule(
            "credit_code.registrar",
            "error",
            "conformity",
            T("首位不是登记管理部门代码", "The first character is no registrar"),
            T("对照营业执照核对首位", "Compare the first character with the licence"),
        ),
        Rule(
            "credit_code.body",
            "warning",
            "accuracy",
            T("主体标识码的校验位不符（GB 11714）", "The organisation code's own check does not fit (GB 11714)"),
            T("如总校验码相符，可保留", "Keep it if the code's overall check fits"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        return self.read(columns.identifier(cells))

    def read(self, values: pa.Array) -> tuple[pa.Array, Reasons]:
        """As `parse`, for identifiers already in one spelling."""
        reasons = np.zeros(len(values), np.uint32)
        rest = columns.mask(values.is_valid())
        rows, matrix = columns.fixed(values, 18)
        rest[rows[in_alphabet(matrix)]] = False
        wrong = np.flatnonzero(rest)
        if wrong.size:
            left = values.take(pa.array(wrong))
            reasons[wrong] = self.bit("format")
            for pattern, code in ((MANGLED, "mangled"), (r"\*", "masked")):
                reasons[wrong[columns.matches(left, pattern)]] = self.bit(code)
        return columns.null_where(values, rest), reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 18)
        right, body = check_passes(matrix), body_check_passes(matrix[:, 8:17])
        found = np.zeros(len(rows), np.uint32)
        failing = np.flatnonzero(~right)
        if failing.size:
            left = columns.from_matrix(matrix[failing])
            pilot = columns.matches(left, PILOTS) & body[failing]
            rounded = columns.matches(left, r"^\d{15}000$")
            found[failing] = np.where(
                pilot, self.bit("pilot"), np.where(rounded, self.bit("mangled"), self.bit("checksum"))
            )
        found[~_REGISTRAR[matrix[:, 0]]] |= self.bit("registrar")
        found[~body] |= self.bit("body")
        reasons[rows] = found
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.ends(values, *_SHOWN[level])

    def one(self, value: str, options: Options, level: Level) -> One:
        # as of citizens' numbers: nearly every code asked about is plain and right
        if _PLAIN.fullmatch(value) and not (options.separator or options.enum) and _is_plainly_right(value):
            return One(value, 0, masks.ends_of(value, *_SHOWN[level]))
        return super().one(value, options, level)


def _is_plainly_right(value: str) -> bool:
    """Whether both checks fit, of a code whose characters and registrar do."""
    total = sum(_VALUES[place] * weight for place, weight in zip(value, WEIGHTS, strict=False))
    body = sum(int(place, 36) * weight for place, weight in zip(value[8:16], BODY_WEIGHTS, strict=True))
    return bool(ord(value[17]) == _CHECK_BY_SUM[total] and ord(value[16]) == _BODY_CHECK_BY_SUM[body])


def in_alphabet(matrix: columns.Bytes) -> columns.Bools:
    """Rows whose characters all belong to the code's alphabet."""

    def known(places: columns.Bytes) -> columns.Bools:
        good = columns.is_digit(places) | columns.is_capital(places)
        for absent in b"IOSVZ":
            good &= places != absent
        rows: columns.Bools = np.logical_and.reduce(good)
        return rows

    return columns.by_block(matrix, known)


def check_passes(matrix: columns.Bytes) -> columns.Bools:
    """Whether the last of 18 characters is the check of the 17 before it (GB 32100 clause 5)."""
    return columns.by_block(matrix, check_passes_places)


def check_passes_places(places: columns.Bytes) -> columns.Bools:
    """`check_passes` for a transposed block: one array per character place."""
    values = _alphanumeric_values(places[:17])
    for absent in b"IOSV":  # Z, the last, shifts nothing
        values -= (places[:17] > absent).view(np.uint8)
    # characters outside the alphabet exceed the table: such codes are not parsed, only tried
    total = np.minimum(_weighted_sum(values, WEIGHTS), len(_CHECK_BY_SUM) - 1)
    same: columns.Bools = _CHECK_BY_SUM[total] == places[17]
    return same


def body_check_passes(matrix: columns.Bytes) -> columns.Bools:
    """Whether the last of 9 characters is the check of the 8 before it (GB 11714: 11 − Σ mod 11; 10 → X, 11 → 0)."""

    def passes(places: columns.Bytes) -> columns.Bools:
        values = _alphanumeric_values(places[:8])  # the body alone knows I, O, S, V and Z
        total = np.minimum(_weighted_sum(values, BODY_WEIGHTS), len(_BODY_CHECK_BY_SUM) - 1)
        same: columns.Bools = _BODY_CHECK_BY_SUM[total] == places[8]
        return same

    return columns.by_block(matrix, passes)


def _alphanumeric_values(places: columns.Bytes) -> columns.Bytes:
    """0–9 and A–Z as 0–35, by arithmetic: a look-up table would take four times as long."""
    letters = (places > ord("9")).view(np.uint8)
    values: columns.Bytes = places - np.uint8(48) - letters * np.uint8(7)
    return values


def _weighted_sum(values: columns.Bytes, weights: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    total = np.zeros(values.shape[1], np.uint16)
    for place, weight in zip(values, weights, strict=True):
        total += place * np.uint16(weight)
    return total


TYPE = CreditCode()
