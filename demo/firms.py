"""Bodies with a credit code: companies, individual businesses, institutions, state organs and the rarer registrars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import names, numbers
from demo.people import People
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, join, some

_RENAMED_SHARE = 0.12  # of companies and individual businesses
_CATEGORIES = {"91": 0.76, "92": 0.12, "12": 0.05, "11": 0.02, "51": 0.02, "N2": 0.015, "A1": 0.005, "Y1": 0.01}
COMPANY, INDIVIDUAL = "91", "92"
RARE = ("N", "A", "Y")  # registrars whose codes start with a letter: legal, and refused by naive checks


@dataclass(frozen=True)
class Firms:
    """One row a body."""

    name: Text
    former: Text  # the name before the last change, "" when there was none
    code: Text  # unified social credit code, 18 characters
    category: Text  # its first two characters
    division: Text
    founded: Days
    head: Ints  # row of the legal representative among the people
    address: Text
    closed: Mask  # no longer active

    def __len__(self) -> int:
        return self.name.size

    @property
    def registered(self) -> Mask:
        """Whether market supervision registers it: state organs, institutions and associations have other registers."""
        return np.isin(self.category, [COMPANY, INDIVIDUAL])

    @property
    def organisation(self) -> Text:
        """The 9-character organisation code inside the credit code."""
        return np.strings.slice(self.code, 8, 17)

    @property
    def odd(self) -> Mask:
        """Whether the organisation code's own check does not hold, although the credit code's does."""
        body = self.organisation
        return np.asarray(np.strings.slice(body, 8, 9) != numbers.body_check(np.strings.slice(body, 0, 8)))


def make(rng: Rng, size: int, people: People, today: date) -> Firms:
    """`size` bodies, headed by adult residents."""
    category = draw(rng, list(_CATEGORIES), size, list(_CATEGORIES.values()))
    category[:8] = list(_CATEGORIES)  # each category at least once
    division = names.districts_of(rng, size)
    serial = rng.permutation(np.arange(size))
    body8 = np.where(
        np.isin(category, [COMPANY, INDIVIDUAL]) & (rng.random(size) < 0.7),
        join("MA4", _letters(serial)),
        np.where(category == "N2", join("MF", digits(serial, 6)), digits(serial + 40_000_000, 8)),
    )
    body = join(body8, numbers.body_check(body8))
    # early cooperatives were given bodies whose own check does not hold: legal, GB 32100's check does (DOMAIN)
    odd = some(rng, category == "N2", 0.3 * size * _CATEGORIES["N2"])
    body[odd] = join(body8[odd], np.where(np.strings.endswith(body[odd], "X"), "7", "X"))
    founded = np.datetime64(today) - rng.integers(200, 9000, size).astype("timedelta64[D]")
    adults = np.flatnonzero(people.age(today) >= 22)
    renamed = some(rng, np.isin(category, [COMPANY, INDIVIDUAL]), _RENAMED_SHARE * size)
    every = names.firm_names(rng, *(np.concatenate([column, column[renamed]]) for column in (category, division)))
    former = np.full(size, "", dtype=every.dtype)
    former[renamed] = every[size:]
    return Firms(
        name=every[:size],
        former=former,
        code=numbers.credit_code(join(category, division), body),
        category=category,
        division=division,
        founded=founded,
        head=rng.choice(adults, size),
        address=names.addresses(rng, division),
        closed=rng.random(size) < 0.07,
    )


def _letters(serial: Ints) -> Text:
    """Five characters for each serial below 716,100: three of the letters and digits the standard allows, two digits."""
    letters = np.array(list("ABCDEFGHJKLMNPQRTUWXY"))
    either = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))
    block = letters[10 + serial // 65_100]
    return join(block, letters[serial // 3100 % 21], either[serial // 100 % 31], digits(serial % 100, 2))
