"""Which kind of document an identity number stands on: as declared, as its check proves, or as its form suggests.

Kinds are the codes of the list `identity_kind`, here as small integers in `KINDS`' order.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.codes import divisions
from schemas.types import citizen_no, columns, credit_code, days

Kinds = npt.NDArray[np.int8]

KINDS = (
    "identity_card",
    "hk_macao_permit",
    "taiwan_permit",
    "passport",
    "permanent_residence",
    "officer_card",
    "household_book",
    "organisation_code",
    "business_licence",
    "other",
)
(CARD, HK_MACAO, TAIWAN, PASSPORT, RESIDENCE, OFFICER, HOUSEHOLD, ORGANISATION, LICENCE, OTHER) = map(
    np.int8, range(len(KINDS))
)
_UNPROVEN = np.int8(-1)
_NATIONAL = 100000  # the division of bodies registered with the state itself, not part of GB/T 2260

# The first form that fits, for numbers whose check proves nothing.
_FORMS = (
    (CARD, r"^(?:\d{17}[\dX]|\d{15}|\d(?:\.\d+)?E\+?\d+|[\dX]*\*[\dX*]*)$"),
    (LICENCE, rf"^[{credit_code.REGISTRARS}][{credit_code.ALPHABET}]{{17}}$"),
    (ORGANISATION, r"^MA[0-9A-Z]{6}-?[0-9X]$"),
    (HK_MACAO, r"^[HM]\d{8}(?:\d{2})?$"),
    (TAIWAN, r"^\d{8}$"),
    (PASSPORT, r"^[A-Z]{1,2}\d{7,8}$"),
    (ORGANISATION, r"^[0-9A-Z]{8}-?[0-9X]$"),
)


def settle(values: pa.Array, declared: pa.Array | None, today: date) -> tuple[Kinds, columns.Bools]:
    """The kind each number is judged by, and where a proven kind contradicts the declared one.

    A proven kind wins; else the declared one; else (none, unknown or *other* declared) the number's form decides.
    """
    said = np.full(len(values), OTHER, np.int8)
    if declared is not None:
        index = pc.index_in(columns.cells(declared), pa.array(KINDS)).fill_null(int(OTHER))
        said = index.to_numpy(zero_copy_only=False).astype(np.int8)
    proven = _prove(values, said, today)
    kinds = np.where(proven == _UNPROVEN, said, proven)
    unsaid = np.flatnonzero((kinds == OTHER) & columns.mask(values.is_valid()))
    if unsaid.size:
        left = values.take(pa.array(unsaid))
        suggested = np.full(len(unsaid), OTHER, np.int8)
        for kind, form in reversed(_FORMS):
            suggested[columns.matches(left, form)] = kind
        kinds[unsaid] = suggested
    free = np.isin(said, (OTHER, HOUSEHOLD, OFFICER))  # these documents carry other documents' numbers
    organisation = np.isin(said, (ORGANISATION, LICENCE)) & (kinds == LICENCE)
    disputed = (proven != _UNPROVEN) & (proven != said) & ~free & ~organisation
    permits = np.flatnonzero(disputed & np.isin(said, (HK_MACAO, TAIWAN)))
    if permits.size:  # residence permits of these compatriots are citizen numbers beginning 81, 82, 83
        disputed[permits[columns.matches(values.take(pa.array(permits)), "^8[123]0000")]] = False
    return kinds, disputed


def _prove(values: pa.Array, said: Kinds, today: date) -> Kinds:
    """The kind whose own arithmetic a number satisfies; -1 where none, or where the form has no check."""
    kinds = np.full(len(values), _UNPROVEN, np.int8)
    rows, matrix = columns.fixed(values, 18)
    limit = days.from_date(today)

    def person(places: columns.Bytes) -> Kinds:
        digits = places - np.uint8(48)
        right = citizen_no.check_passes_places(places) & columns.all_digits(places[:17])
        digits[:, ~right] = 0
        birth = days.since_epoch(days.number(digits[6:10]), days.number(digits[10:14]))
        right &= (birth >= _EARLIEST) & (birth <= limit)
        return np.where(right, np.where(digits[0] == 9, RESIDENCE, CARD), _UNPROVEN)

    def organisation(places: columns.Bytes) -> Kinds:
        right = credit_code.check_passes_places(places) & columns.all_digits(places[2:8])
        division = days.number(np.where(right, places[2:8] - np.uint8(48), np.uint8(0)))
        right &= divisions.known()[division] | (division == _NATIONAL)
        return np.where(right, LICENCE, _UNPROVEN)

    # most rows are cards, say so, and pass: no need to look at their birth
    plain = (said[rows] == CARD) & (matrix[:, 0] != ord("9")) & citizen_no.check_passes(matrix)
    kinds[rows[plain]] = CARD
    for test in (person, organisation):
        left = np.flatnonzero(kinds[rows] == _UNPROVEN)
        kinds[rows[left]] = columns.by_block(matrix[left], test, np.int8)
    rows, matrix = columns.fixed(values, 15)  # the older residence card: three letters, twelve digits
    letters = ((matrix - np.uint8(65)) <= 25)[:, :3].all(axis=1)
    kinds[rows[letters & columns.is_digit(matrix[:, 3:]).all(axis=1)]] = RESIDENCE
    return kinds


_EARLIEST = days.from_date(date(citizen_no.EARLIEST_YEAR, 1, 1))
