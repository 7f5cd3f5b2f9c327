"""Real-estate unit numbers, GB/T 37346-2019, 28 characters.

Division 6, cadastral district 3, sub-district 3, parcel feature 2, sequence 5, fixture feature 1, fixture unit 8. The
first 19 name the parcel.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.codes import divisions
from schemas.types import columns, days, masks
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_LETTERS = {12: "GJZ", 13: "ABSXCDEFLNHGWY", 19: "FLQW"}  # by place; every other place is a digit
_ALLOWED = {place: np.isin(np.arange(256), [ord(c) for c in allowed]) for place, allowed in _LETTERS.items()}


class RealEstateUnit(ValueType):
    name = "real_estate_unit"
    title = T("不动产单元号", "Real-estate unit number")
    own_rules = (
        Rule(
            "real_estate_unit.format",
            "error",
            "conformity",
            T("不是 28 位不动产单元号（GB/T 37346）", "Not a real-estate unit number of 28 characters (GB/T 37346)"),
            T("对照不动产权证书逐段核对", "Compare it part by part with the title certificate"),
        ),
        Rule(
            "real_estate_unit.ownership_feature",
            "error",
            "consistency",
            T("特征码 A 只能用于集体土地（J）", "Feature A exists on collective land (J) only"),
            T("核对第 13、14 位", "Check characters 13 and 14"),
        ),
        Rule(
            "real_estate_unit.homestead_feature",
            "warning",
            "consistency",
            T(
                "特征码 C（宅基地）一般只用于集体土地（J）",
                "Feature C (homestead) normally exists on collective land (J) only",
            ),
            T("核对第 13、14 位", "Check characters 13 and 14"),
        ),
        Rule(
            "real_estate_unit.no_fixture",
            "error",
            "consistency",
            T("定着物特征码为 W（无定着物）时后 8 位应为 0", "With W (no fixture) the last eight digits are zeros"),
            T("核对第 20 位及其后 8 位", "Check character 20 and the eight after it"),
        ),
        Rule(
            "real_estate_unit.division",
            "warning",
            "accuracy",
            T("前六位从未是行政区划代码", "The first six digits were never a division code"),
            T("核对前六位；开发区自编代码可保留", "Check the first six digits; codes of development zones may stay"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.identifier(cells)
        rest = columns.mask(values.is_valid())
        rows, matrix = columns.fixed(values, 28)
        rest[rows[columns.by_block(matrix, _well_formed)]] = False
        return columns.null_where(values, rest), np.where(rest, self.bit("format"), np.uint32(0))

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        known = divisions.known()

        def findings(places: columns.Bytes) -> Reasons:
            found = np.zeros(places.shape[1], np.uint32)
            collective = places[12] == ord("J")
            for wrong, code in (
                ((places[13] == ord("A")) & ~collective, "ownership_feature"),
                ((places[13] == ord("C")) & ~collective, "homestead_feature"),
                ((places[19] == ord("W")) & (places[20:] != ord("0")).any(axis=0), "no_fixture"),
                (~known[days.number(places[:6] - np.uint8(48))], "division"),
            ):
                found[wrong] |= self.bit(code)
            return found

        reasons = np.zeros(len(values), np.uint32)
        rows, matrix = columns.fixed(values, 28)
        reasons[rows] = columns.by_block(matrix, findings, np.uint32)
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.ends(values, 12 if level == "clerk" else 6, 0)


def parcel(values: pa.Array) -> pa.Array:
    """The parcel each unit stands on: its first 19 characters."""
    return pc.utf8_slice_codeunits(values, 0, 19)


def _well_formed(places: columns.Bytes) -> columns.Bools:
    good = columns.is_digit(places)
    for place, allowed in _ALLOWED.items():
        good[place] = allowed[places[place]]
    well_formed: columns.Bools = np.logical_and.reduce(good)
    return well_formed


TYPE = RealEstateUnit()
