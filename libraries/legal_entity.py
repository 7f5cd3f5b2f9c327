"""The legal-entity library: firms and other organisations, told apart by organisation code or registration number.

The nine characters of the organisation code (GB 11714) are characters 9 to 17 of the unified credit code (GB 32100 clause 4):
a register that knows only the shorter one speaks of the same organisation.
"""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from libraries.kind import Kind, standard, valid
from libraries.mentions import ORGANISATIONS
from schemas.types import Options, get

_CODES = "('uscc', 'organisation_code', 'business_licence')"  # kinds under which registers file an 18-character code


def identify(kinds: pa.Array, numbers: pa.Array) -> pa.Array:
    """`organisation_code` for codes of 18 and 9 characters, `registration_no` for those of 15; null when not valid."""
    kind = pc.if_else(pc.equal(pc.utf8_length(numbers), 15), "registration_no", "organisation_code")
    fit = pa.array(valid(get("organisation_no"), numbers, Options()))
    return pc.if_else(fit, kind, pa.scalar(None, pa.string()))


def form(number: str) -> str:
    """The organisation code inside a credit code; any other number as it is."""
    return number[8:17] if len(number) == 18 else number


KIND = Kind(
    library="legal_entity",
    kinds=ORGANISATIONS,
    identify=identify,
    standard=partial(standard, get("organisation_no")),
    name="name",
    name_type="organisation_name",
    form=form,
    form_sql="CASE WHEN length({0}) = 18 THEN substr({0}, 9, 9) ELSE {0} END",
    joins=(
        "m.id_value = n.number",
        f"substr(m.id_value, 9, 9) = n.number AND length(m.id_value) = 18 AND m.id_kind IN {_CODES}",
    ),
    numbers={
        "credit_code": "CASE WHEN length(w.id_value) = 18 THEN w.id_value END",
        "organisation_code": "CASE WHEN length(w.id_value) = 9 THEN w.id_value END",
    },
    parts={"organisation": lambda codes: pc.utf8_slice_codeunits(codes, 8, 17)},
)
