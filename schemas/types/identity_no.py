"""Identity numbers of persons and organisations, judged together with the kind of document they stand on.

Without a kind the number's own check or form says which it is. A foreign owner's passport is not dirt, and forms of
foreign documents differ: what does not look like its kind is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas.types import citizen_no, columns, masks, organisation_no
from schemas.types.base import Level, Options, Reasons, Rule, ValueType, borrow
from schemas.types.citizen_no import CitizenNo
from schemas.types.identity_kinds import (
    CARD,
    HK_MACAO,
    HOUSEHOLD,
    KINDS,
    LICENCE,
    ORGANISATION,
    PASSPORT,
    RESIDENCE,
    TAIWAN,
    Kinds,
    settle,
)
from schemas.types.organisation_no import OrganisationNo

# Registers keep Hong Kong, Macao and Taiwan documents under one code, so each accepts the other's; identity cards of
# Hong Kong and Macao occur in old records.
_COMPATRIOT = r"^(?:[HM]\d{8}(?:\d{2})?|\d{8}|\d{10}[A-Z]{0,2}|[A-Z]{1,2}\d{6}\(?[0-9A]\)?|[157]\d{6}\(?\d\)?)$"
_FORMS = (
    (HK_MACAO, _COMPATRIOT),
    (TAIWAN, _COMPATRIOT),
    (PASSPORT, r"^[A-Z0-9]{6,12}$"),
    (RESIDENCE, r"^(?:[A-Z]{3}\d{12}|9\d{16}[\dX])$"),
)
_READABLE = r"^[0-9A-Z\x{4E00}-\x{9FFF}()/.\-]{4,40}$"  # officer cards carry hanzi: 军字第0012345号
_LOST = citizen_no.MANGLED + r"|\*"  # mangled or masked numbers are recognised under every kind


class IdentityNo(ValueType):
    name = "identity_no"
    title = T("证件号码", "Identity number")
    own_rules = (
        *citizen_no.TYPE.own_rules,
        *organisation_no.TYPE.own_rules,
        Rule(
            "identity_no.format",
            "error",
            "conformity",
            T(
                "含有证件号码不会有的字符，或过短、过长",
                "Has characters no document number has, or is too short or too long",
            ),
            T("对照证件重新录入", "Enter it again from the document"),
        ),
        Rule(
            "identity_no.kind",
            "warning",
            "consistency",
            T("号码有效，但不是所登记的证件种类", "The number is valid but belongs to another kind of document"),
            T("更正证件种类", "Correct the kind of document"),
        ),
        Rule(
            "identity_no.form",
            "warning",
            "conformity",
            T("不像该种证件的号码", "Does not look like a number of this kind of document"),
            T("对照证件核对号码与证件种类", "Compare the number and its kind with the document"),
        ),
        Rule(
            "identity_no.residence_check",
            "error",
            "accuracy",
            T("外国人永久居留身份证号码的校验码不符", "The permanent residence card's check character does not fit"),
            T("对照证件逐位核对", "Compare digit by digit with the card"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        values = columns.identifier(cells)
        kinds, _ = settle(values, options.kinds, options.today)
        reasons = np.zeros(len(values), np.uint32)
        document = columns.mask(values.is_valid())
        for judge, rows in _judges(values, kinds):
            some, found = judge.read(values.take(pa.array(rows)) if len(rows) < len(values) else values)
            values = columns.put(values, rows, some)
            reasons[rows] = borrow(found, judge, self)
            document[rows] = False
        rest = np.flatnonzero(document)
        if rest.size:
            rest = rest[~columns.matches(values.take(pa.array(rest)), _READABLE)]
            reasons[rest] = self.bit("identity_no.format")
            unreadable = np.zeros(len(values), bool)
            unreadable[rest] = True
            values = columns.null_where(values, unreadable)
        return values, reasons

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        kinds, disputed = settle(values, options.kinds, options.today)
        for judge, rows in _judges(values, kinds):
            some = values.take(pa.array(rows)) if len(rows) < len(values) else values
            reasons[rows] = borrow(judge.examine(some, options), judge, self)
        reasons[disputed] |= self.bit("identity_no.kind")
        there = columns.mask(values.is_valid())
        for kind, form in _FORMS:
            rows = np.flatnonzero((kinds == kind) & there)
            if rows.size:
                reasons[rows[~columns.matches(values.take(pa.array(rows)), form)]] |= self.bit("identity_no.form")
        cards = np.flatnonzero((kinds == RESIDENCE) & there)
        if cards.size:
            among, matrix = columns.fixed(values.take(pa.array(cards)), 18)
            reasons[cards[among[~citizen_no.check_passes(matrix)]]] |= self.bit("identity_no.residence_check")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        long = pc.greater_equal(pc.utf8_length(values), 15)
        return pc.if_else(long, masks.ends(values, 6 if level == "clerk" else 3, 4), masks.ends(values, 1, 2))


def kinds_of(values: pa.Array, options: Options) -> pa.Array:
    """The kind each standardised number is judged by, as codes of the list `identity_kind`; null for null."""
    kinds, _ = settle(values, options.kinds, options.today)
    known = pa.DictionaryArray.from_arrays(pa.array(kinds), pa.array(KINDS)).dictionary_decode()
    return columns.null_where(known, ~columns.mask(values.is_valid()))


def _judges(values: pa.Array, kinds: Kinds) -> Iterator[tuple[CitizenNo | OrganisationNo, columns.Rows]]:
    """The rows a citizen's and an organisation's rules judge; the others are documents with a form only."""
    citizen = kinds == CARD
    for index, condition in ((HOUSEHOLD, r"^(?:\d{17}[\dX]|\d{15})$"), (None, _LOST)):
        doubtful = ~np.isin(kinds, (CARD, ORGANISATION, LICENCE)) if index is None else kinds == index
        rows = np.flatnonzero(doubtful)
        if rows.size:
            citizen[rows[columns.matches(values.take(pa.array(rows)), condition)]] = True
    organisation = (kinds == ORGANISATION) | (kinds == LICENCE)
    shares: tuple[tuple[CitizenNo | OrganisationNo, columns.Bools], ...] = (
        (citizen_no.TYPE, citizen),
        (organisation_no.TYPE, organisation),
    )
    for judge, mine in shares:
        rows = np.flatnonzero(mine)
        if rows.size:
            yield judge, rows


TYPE = IdentityNo()
