"""The population library: persons, told apart by the number of an identity document and a name that agrees."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from libraries.kind import Kind, standard, valid
from schemas.types import Options, get
from schemas.types.identity_no import kinds_of

#: documents whose number belongs to one person; a household book's belongs to a household
PERSONAL = ("identity_card", "hk_macao_permit", "taiwan_permit", "passport", "permanent_residence", "officer_card")


def identify(kinds: pa.Array, numbers: pa.Array) -> pa.Array:
    """The document each number is proven to stand on (GB 11643 checks decide over what was declared)."""
    declared = pc.if_else(pc.equal(kinds, "other"), pa.scalar(None, pa.string()), kinds)
    options = Options(kinds=declared)
    proven = kinds_of(numbers, options)
    fit = pc.and_(pa.array(valid(get("identity_no"), numbers, options)), pc.is_in(proven, pa.array(PERSONAL)))
    return pc.if_else(fit, proven, pa.scalar(None, pa.string()))


def birth(numbers: pa.Array) -> pa.Array:
    """The date of birth in valid citizen numbers, ISO 8601 (GB 11643 clause 4.2: characters 7 to 14)."""
    digits = (pc.utf8_slice_codeunits(numbers, *cut) for cut in ((6, 10), (10, 12), (12, 14)))
    return pc.binary_join_element_wise(*digits, "-")


def sex(numbers: pa.Array) -> pa.Array:
    """GB/T 2261.1: 1 male, 2 female, by the 17th character of valid citizen numbers (GB 11643 clause 4.3: odd is male)."""
    odd = pc.is_in(pc.utf8_slice_codeunits(numbers, 16, 17), pa.array(list("13579")))
    return pc.if_else(odd, "1", "2")


KIND = Kind(
    library="population",
    # a citizen's number is often filed under the household book, or under no kind at all
    kinds=(*PERSONAL, "household_book", "other"),
    identify=identify,
    standard=partial(standard, get("identity_no")),
    name="name",
    name_type="person_name",
    numbers={"citizen_no": "CASE WHEN w.kind = 'identity_card' THEN w.id_value END"},
    parts={"birth": birth, "sex": sex},
)
