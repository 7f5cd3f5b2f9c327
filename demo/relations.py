"""How a household book states relations: to the head only, and again when the head changes."""

from __future__ import annotations

import numpy as np

from demo.people import CHILD, HEAD, PARENT, SPOUSE
from demo.text import Ints, Mask, Text

_UNRELATED, _HEAD = "99", "02"
# GB/T 4761 by the head's role in the family and the member's: (female, male)
_RELATION = {
    (HEAD, SPOUSE): ("12", "11"), (HEAD, CHILD): ("30", "20"), (HEAD, PARENT): ("52", "51"),
    (SPOUSE, HEAD): ("12", "11"), (SPOUSE, CHILD): ("30", "20"), (SPOUSE, PARENT): ("54", "53"),
    (CHILD, HEAD): ("52", "51"), (CHILD, SPOUSE): ("52", "51"), (CHILD, CHILD): ("70", "70"), (CHILD, PARENT): ("62", "61"),
    (PARENT, PARENT): ("12", "11"), (PARENT, HEAD): ("30", "20"), (PARENT, SPOUSE): ("38", "28"), (PARENT, CHILD): ("42", "41"),
}  # fmt: skip
_WIFES_PARENTS = {"54": "56", "53": "55"}  # of a head who is the husband


def to_head(role: Ints, male: Mask, household: Ints, kind: Text, status: Text) -> Text:
    """YHZGX of each registered person, in order of family and role. Who died or left keeps the relation to the first head;
    the others are related to the first who is still there. In a collective household nobody is related."""
    first = _first_of(household, np.ones(role.size, dtype=bool))
    present = _first_of(household, status == "1")
    head = np.where((status == "1") & (present >= 0), present, first)
    codes = np.full((4, 4, 2), _UNRELATED)
    for (of, member), pair in _RELATION.items():
        codes[of, member] = pair
    out = codes[role[head], role, male.astype(np.int64)]
    for wifes, husbands in _WIFES_PARENTS.items():
        out = np.where((out == wifes) & male[head], husbands, out)
    out = np.where(head == np.arange(role.size), _HEAD, out)
    out = np.where(np.isin(kind, ["3", "4"]), _UNRELATED, out)
    return np.where(kind == "0", "", out)


def _first_of(household: Ints, among: Mask) -> Ints:
    """For each person the row of the household's first member of the mask, -1 where there is none."""
    rows = np.flatnonzero(among)
    found, at = np.unique(household[rows], return_index=True)
    place = np.searchsorted(found, household)
    there = (place < found.size) & (found[np.minimum(place, found.size - 1)] == household)
    return np.where(there, rows[at[np.minimum(place, found.size - 1)]], -1)
