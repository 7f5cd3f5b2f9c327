"""Citizen numbers, GB 11643-1999: 6 division + 8 birth + 3 order + check (ISO 7064 MOD 11-2); 15 digits before 1999.

Foreign permanent-residence cards have the same length and check but begin with 9: they are not citizen numbers
(`identity_no` judges them).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.text import T
from schemas.codes import divisions
from schemas.types import columns, days, masks
from schemas.types.base import Level, One, Options, Reasons, Rule, ValueType

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
EARLIEST_YEAR = 1850

_SHOWN: dict[Level, tuple[int, int]] = {"clerk": (6, 4), "list": (3, 4)}  # characters at either end (DOMAIN §5)

# Expected check character by the weighted sum of the *character codes* of the first 17 digits.
_CHECK_BY_SUM = np.array([ord(CHECKS[(s - 48 * sum(WEIGHTS)) % 11]) for s in range(57 * sum(WEIGHTS) + 1)], np.uint8)
_WEIGHTS = np.array(WEIGHTS, np.uint16)

_PLAIN = re.compile("[0-9]{17}[0-9X]")
_ANYWHERE = re.compile("(?=([0-9]{17}[0-9X]))")  # at every place: a number may stand in a longer run
MANGLED = r"^\d(\.\d+)?E\+?\d{1,2}$"


class CitizenNo(ValueType):
    name = "citizen_no"
    title = T("公民身份号码", "Citizen number")
    own_rules = (
        Rule(
            "citizen_no.mangled",
            "error",
            "accuracy",
            T(
                "号码经电子表格转成了数值，末几位已丢失",
                "A spreadsheet turned the number into a figure; its last digits are lost",
            ),
            T(
                "把该列设为文本格式后重新导出，不要手工补零",
                "Format the column as text and export again; do not pad with zeros",
            ),
        ),
        Rule(
            "citizen_no.format",
            "error",
            "conformity",
            T("不是 18 位或 15 位公民身份号码", "Not a citizen number of 18 or 15 characters"),
            T("对照证件核对位数；其他证件请填写证件种类", "Compare with the card; for another document give its kind"),
        ),
        Rule(
            "citizen_no.masked",
            "warning",
            "completeness",
            T("号码在来源处已脱敏，不能用于匹配", "The number was masked at the source and cannot be matched"),
            T("请来源部门提供完整号码", "Ask the source department for the full number"),
        ),
        Rule(
            "citizen_no.permanent_residence",
            "error",
            "consistency",
            T(
                "这是外国人永久居留身份证号码，不是公民身份号码",
                "This is a foreign permanent residence card, not a citizen number",
            ),
            T("按“外国人永久居留身份证”登记证件种类", "Register it with the kind permanent_residence"),
        ),
        Rule(
            "citizen_no.checksum",
            "error",
            "accuracy",
            T("校验码不符（GB 11643）", "The check character does not fit (GB 11643)"),
            T(
                "对照证件逐位核对，多为录错或颠倒一位",
                "Compare digit by digit with the card; usually one is mistyped or swapped",
            ),
        ),
        Rule(
            "citizen_no.birth",
            "error",
            "accuracy",
            T("出生日期不存在", "The date of birth is not a real day"),
            T("对照证件核对第 7 至 14 位", "Compare characters 7 to 14 with the card"),
        ),
        Rule(
            "citizen_no.future",
            "error",
            "accuracy",
            T("出生日期在未来", "The date of birth lies in the future"),
            T("对照证件核对第 7 至 14 位", "Compare characters 7 to 14 with the card"),
        ),
        Rule(
            "citizen_no.too_early",
            "error",
            "accuracy",
            T("出生年份早于 1850 年", "The year of birth is before 1850"),
            T("对照证件核对第 7 至 10 位", "Compare characters 7 to 10 with the card"),
        ),
        Rule(
            "citizen_no.division",
            "warning",
            "accuracy",
            T("前六位从未是行政区划代码", "The first six digits were never a division code"),
            T(
                "对照证件核对前六位；号码确实如此的可保留",
                "Compare the first six digits with the card; keep them if they are right",
            ),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        return self.read(columns.identifier(cells))

    def read(self, values: pa.Array) -> tuple[pa.Array, Reasons]:
        """As `parse`, for identifiers already in one spelling."""
        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 18)
        good = rows[columns.by_block(matrix, _well_formed)]
        if len(good) == len(values):
            return values, reasons
        rest = columns.mask(values.is_valid())
        rest[good] = False
        rows, matrix = columns.fixed(values, 15)
        old = columns.by_block(matrix, columns.all_digits)
        if old.any():
            values = columns.put(values, rows[old], columns.from_matrix(_lengthen(matrix[old])))
            rest[rows[old]] = False
        wrong = np.flatnonzero(rest)
        if wrong.size:
            left = values.take(pa.array(wrong))
            reasons[wrong] = self.bit("format")
            for pattern, code in (
                (MANGLED, "mangled"),
                (r"\*", "masked"),
                (r"^[A-Z]{3}\d{12}$", "permanent_residence"),
            ):
                reasons[wrong[columns.matches(left, pattern)]] = self.bit(code)
        return columns.null_where(values, rest), reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 18)
        known, limit = divisions.known(), np.int32(days.from_date(options.today))

        def findings(places: columns.Bytes) -> Reasons:
            digits = places - np.uint8(48)
            found = np.zeros(places.shape[1], np.uint32)
            right = check_passes_places(places)
            birth_year = days.number(digits[6:10])
            birth = days.since_epoch(birth_year, days.number(digits[10:14]))
            foreign = (digits[0] == 9) & right
            # Fifteen digits survive in a floating-point number; a spreadsheet writes zeros for the rest.
            rounded = ~right & (places[15] == 48) & (places[16] == 48) & (places[17] == 48)
            for wrong, code in (
                (~right & ~rounded, "checksum"),
                (rounded, "mangled"),
                (foreign, "permanent_residence"),
                (birth == days.NO_DAY, "birth"),
                (birth > limit, "future"),
                (birth_year < EARLIEST_YEAR, "too_early"),
                (~known[days.number(digits[:6])] & ~foreign, "division"),
            ):
                if wrong.any():
                    found[wrong] |= self.bit(code)
            return found

        reasons[rows] = columns.by_block(matrix, findings, np.uint32)
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.ends(values, *_SHOWN[level])

    def one(self, value: str, options: Options, level: Level) -> One:
        # Nearly every number asked about is plain and right; columns of one row cost a hundred times what the sum does.
        if _PLAIN.fullmatch(value) and not (options.separator or options.enum) and _is_plainly_right(value, options):
            return One(value, 0, masks.ends_of(value, *_SHOWN[level]))
        return super().one(value, options, level)


def _is_plainly_right(value: str, options: Options) -> bool:
    """Whether no rule can find anything: check, birth between the earliest year and today, a known division."""
    total = sum(place * weight for place, weight in zip(value.encode(), WEIGHTS, strict=False))
    try:
        birth = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return bool(
        ord(value[17]) == _CHECK_BY_SUM[total]
        and birth.year >= EARLIEST_YEAR
        and birth <= options.today
        and divisions.known()[int(value[:6])]
    )


def held_in(text: str) -> bool:
    """Whether a right number of 18 characters stands in a text, full-width or with blanks too.

    One born this year or last is passed over: many offices number their cases by division, day of filing and sequence, and
    one in eleven of those passes the check.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).upper().split())
    found = _ANYWHERE.findall(plain)
    options = Options() if found else None
    return options is not None and any(
        int(number[6:10]) < options.today.year - 1 and _is_plainly_right(number, options) for number in found
    )


def check_passes(matrix: columns.Bytes) -> columns.Bools:
    """Whether the last of 18 characters is the check (ISO 7064 MOD 11-2) of the 17 digits before it."""
    return columns.by_block(matrix, check_passes_places)


def check_passes_places(places: columns.Bytes) -> columns.Bools:
    """`check_passes` for a transposed block: one array per character place."""
    # letters before the last place can exceed what 17 digits sum to: such numbers are no citizens'
    total = np.minimum(_weighted_sum(places), len(_CHECK_BY_SUM) - 1)
    same: columns.Bools = _CHECK_BY_SUM[total] == places[17]
    return same


def _weighted_sum(places: columns.Bytes) -> npt.NDArray[np.uint16]:
    total: npt.NDArray[np.uint16] = places[0] * _WEIGHTS[0]
    for place, weight in zip(places[1:17], _WEIGHTS[1:], strict=True):
        total += place * weight
    return total


def _lengthen(matrix: columns.Bytes) -> columns.Bytes:
    """15 → 18 digits: the century after the sixth digit (order codes 996–999 mean 18xx, else 19xx), and the check."""
    order = days.number((matrix[:, 12:15] - np.uint8(48)).T)
    long = np.empty((len(matrix), 18), np.uint8)
    long[:, :6] = matrix[:, :6]
    long[:, 6] = ord("1")
    long[:, 7] = np.where(order >= 996, ord("8"), ord("9"))
    long[:, 8:17] = matrix[:, 6:]
    long[:, 17] = _CHECK_BY_SUM[_weighted_sum(long.T)]
    return long


def _well_formed(places: columns.Bytes) -> columns.Bools:
    digits = columns.is_digit(places)
    digits[17] |= places[17] == ord("X")
    good: columns.Bools = np.logical_and.reduce(digits)
    return good


TYPE = CitizenNo()
