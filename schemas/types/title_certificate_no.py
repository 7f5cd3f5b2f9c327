"""Numbers of title certificates, with a parse status. Legacy forms are legal, and what cannot be parsed is kept.

湘(2021)益阳市不动产权第0001234号 · …不动产证明第…号 (proof of registration) · …房权证…字第…号 · …国用(2005)第…号.
No standard fixes the form; brackets are kept in half width, blanks removed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import columns, masks
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

_PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
_UNIFIED = rf"^(?P<province>[{_PROVINCES}])\((?P<year>\d{{4}})\)(?P<place>.+?)不动产(?P<kind>权|证明)第(?P<serial>\d{{5,10}})号"
FORMS = (
    ("title", rf"^[{_PROVINCES}]\(\d{{4}}\).+?不动产权第\d{{5,10}}号$"),
    ("proof_of_registration", rf"^[{_PROVINCES}]\(\d{{4}}\).+?不动产证明第\d{{5,10}}号$"),
    ("legacy_house", r"房(?:地)?(?:产)?(?:权|他)?(?:共)?(?:字|证)|房权|房他"),
    ("legacy_land", r"国用|集用|集有|他项|土(?:地)?(?:使用)?证"),
)
_FIRST_YEAR = 2015  # 不动产登记暂行条例 is in force since 2015-03-01
_BRACKETS = {ord(wide): narrow for wide, narrow in zip("〔〕［］【】[]{}", "()()()()()", strict=True)}


class TitleCertificateNo(ValueType):
    name = "title_certificate_no"
    title = T("不动产权证号", "Title certificate number")
    own_rules = (
        Rule(
            "title_certificate_no.unparsed",
            "warning",
            "conformity",
            T("不是已知的权证号写法，按原文保留", "No known form of certificate number; kept as written"),
            T("对照权证核对", "Compare it with the certificate"),
        ),
        Rule(
            "title_certificate_no.year",
            "warning",
            "accuracy",
            T("年份早于不动产统一登记或在未来", "The year is before unified registration, or in the future"),
            T("对照权证核对括号内的年份", "Compare the year in brackets with the certificate"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.half_width(columns.text(cells))
        odd = columns.rows_where(values, lambda data: (data <= 0x20) | (data >= 0x5B) & (data < 0x80) | (data == 0xE3))
        values = columns.repair(values, odd, lambda value: "".join(value.translate(_BRACKETS).split()) or None)
        return values, np.zeros(len(values), np.uint32)

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        status = statuses(values)
        reasons = np.where(columns.mask(pc.equal(status, "unparsed")), self.bit("unparsed"), np.uint32(0))
        unified = pc.is_in(status, pa.array(["title", "proof_of_registration"]))
        year = pc.cast(
            pc.if_else(unified, pc.utf8_slice_codeunits(values, 2, 6), pa.scalar(None, pa.string())), pa.int32()
        )
        doubtful = pc.or_(pc.less(year, _FIRST_YEAR), pc.greater(year, options.today.year))
        reasons[columns.mask(doubtful)] |= self.bit("year")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.start(values, r"(?s)^(.{0,8}?\)|.{2})()(?:...+)$")


def statuses(values: pa.Array) -> pa.Array:
    """The form of each standardised number: title, proof_of_registration, legacy_house, legacy_land or unparsed."""
    status = pa.array(["unparsed"]).take(pa.array(np.zeros(len(values), np.int8)))
    left = np.arange(len(values))
    for name, form in FORMS:
        rows = left[columns.matches(values.take(pa.array(left)), form)]
        if rows.size:
            status = columns.put(status, rows, pa.array([name]).take(pa.array(np.zeros(len(rows), np.int8))))
            left = np.setdiff1d(left, rows, assume_unique=True)
    return columns.null_where(status, ~columns.mask(values.is_valid()))


def components(values: pa.Array) -> pa.Array:
    """Province, year, place, kind and serial of numbers in the unified form, as strings of a struct; else null."""
    return pc.extract_regex(values, _UNIFIED + "$")


TYPE = TitleCertificateNo()
