"""Identity numbers, credit codes, organisation codes and registration numbers with their check characters, vectorised.

An implementation of its own (GB 11643, GB 32100, GB 11714, GS 15): the product's value types are judged by numbers they did
not make.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demo.text import Days, Ints, Rng, Text, compact, digits, draw, join, points, turns

_CITIZEN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CITIZEN_CHECKS = np.array(list("10X98765432"))
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_BODY_CHECKS = np.array(list("0123456789X0"))  # 11 - sum mod 11; 10 is written X, 11 is written 0
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I O S V Z
_CREDIT_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])


def _values(text: Text, width: int, alphabet: str) -> NDArray[np.int64]:
    table = np.full(128, -1, dtype=np.int64)
    table[[ord(char) for char in alphabet]] = np.arange(len(alphabet))
    return np.asarray(table[points(text, width)])


def citizen(first17: Text) -> Text:
    """Complete 17 digits to an 18-character citizen number (GB 11643, ISO 7064 MOD 11-2)."""
    total = _values(first17, 17, "0123456789") @ _CITIZEN_WEIGHTS
    return join(first17, _CITIZEN_CHECKS[total % 11])


def citizens(rng: Rng, division: Text, birth: Days, male: NDArray[np.bool_]) -> Text:
    """A different citizen number for each person: division, birth day and an order code odd for men."""
    place = np.strings.add(division, compact(birth))
    order = _orders(rng, male)
    while True:
        first = join(place, digits(order, 3))
        _, keep = np.unique(first, return_index=True)
        again = np.setdiff1d(np.arange(first.size), keep)
        if again.size == 0:
            return citizen(first)
        order[again] = _orders(rng, male[again])


def _orders(rng: Rng, male: NDArray[np.bool_]) -> Ints:
    # 996–999 are kept for people born in the nineteenth century (DOMAIN: order codes)
    return rng.integers(0, 490, male.size) * 2 + male.astype(np.int64) + 2


def short(number18: Text) -> Text:
    """The 15-digit form of numbers of people born in 19xx: no century, no check."""
    cells = points(number18, 18)
    kept = np.concatenate([cells[:, :6], cells[:, 8:17]], axis=1)
    return np.ascontiguousarray(kept).view("<U15").ravel()


def mistyped(number: Text) -> Text:
    """Each number with its last two characters changed so that the check fails, digits otherwise kept."""
    cells = points(number, 18).copy()
    cells[:, 16] = (cells[:, 16] - ord("0") + 1) % 10 + ord("0")
    return np.ascontiguousarray(cells).view("<U18").ravel()


def residence_card(rng: Rng, birth: Days, male: NDArray[np.bool_]) -> Text:
    """Foreign permanent-residence cards since 2023-12: 18 digits, the first a 9, the check a citizen number's."""
    nation = draw(rng, ["840", "392", "410", "276", "250", "826"], birth.size)
    return citizens(rng, join("943", nation), birth, male)


def old_residence_card(nation: Text, birth: Days) -> Text:
    """The older permanent-residence card: three letters and twelve digits, different for each person."""
    head = join(nation, "4301", np.strings.slice(compact(birth), 2, 8))
    return join(head, digits(turns(head), 2))


def body_check(first8: Text) -> Text:
    """The check character of an organisation code (GB 11714)."""
    total = _values(first8, 8, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") @ _BODY_WEIGHTS
    return np.asarray(_BODY_CHECKS[11 - total % 11])


def credit_code(head: Text, body: Text) -> Text:
    """A credit code: registrar, category and division (8), organisation code (9) and its own check character."""
    first = join(head, body)
    total = _values(first, 17, _CREDIT_ALPHABET) @ _CREDIT_WEIGHTS
    return join(first, np.array(list(_CREDIT_ALPHABET))[(31 - total % 31) % 31])


def registration(first14: Text) -> Text:
    """Complete 14 digits to a registration number of a firm (GS 15-2006, ISO 7064 MOD 11,10)."""
    carry = np.full(first14.size, 10)
    for column in _values(first14, 14, "0123456789").T:
        carry = (carry + column) % 10
        carry[carry == 0] = 10
        carry = carry * 2 % 11
    return join(first14, digits((11 - carry) % 10, 1))
