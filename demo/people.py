"""Residents in families: names, births, numbers, kinds of document, marriages and children."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import names, numbers
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, join, some
from demo.words import birth_divisions, words

HEAD, SPOUSE, CHILD, PARENT = 0, 1, 2, 3
IDENTITY_CARD, HK_MACAO, TAIWAN, PASSPORT, RESIDENCE = range(
    5
)  # kinds of document in the world; systems have their codes
_FOREIGN_SHARE = {HK_MACAO: 0.004, TAIWAN: 0.002, PASSPORT: 0.003, RESIDENCE: 0.004}


@dataclass(frozen=True)
class People:
    """One row a resident; families are runs of rows."""

    name: Text
    number: Text
    kind: Ints
    male: Mask
    birth: Days
    phone: Text
    family: Ints
    role: Ints
    district: Text
    spouse: Ints  # row of the spouse, or -1

    def __len__(self) -> int:
        return self.name.size

    def age(self, today: date) -> Ints:
        """Completed years, near enough."""
        return ((np.datetime64(today) - self.birth).astype(np.int64) / 365.2425).astype(np.int64)


def make(rng: Rng, size: int, today: date) -> People:
    """`size` residents."""
    family, role, age, male = _members(rng, size)
    birth = (
        np.datetime64(today) - (age * 365.2425 + rng.integers(0, 365, size)).astype(np.int64) - np.timedelta64(1, "D")
    )
    birth = birth.astype("datetime64[D]")
    heads = np.flatnonzero(role == HEAD)
    home = names.districts_of(rng, heads.size)
    name = _names(rng, family, role, male)
    year = birth.astype("datetime64[Y]").astype(np.int64) + 1970
    number = numbers.citizens(rng, birth_divisions(rng, year), birth, male).astype("<U18")
    kind = np.zeros(size, dtype=np.int64)
    _foreigners(rng, name, number, kind, birth, male, (role == HEAD) & (age >= 18))
    spouse = np.full(size, -1, dtype=np.int64)
    second = np.flatnonzero(role == SPOUSE)
    spouse[second], spouse[second - 1] = second - 1, second
    return People(name, number, kind, male, birth, names.phones(rng, size), family, role, home[family], spouse)


def _members(rng: Rng, size: int) -> tuple[Ints, Ints, Ints, Mask]:
    """Family, role, age and sex of each resident, cut to `size`; a spouse is always the row after the head."""
    count = size // 2 + 10
    age = np.clip(rng.normal(47, 15, count), 20, 92).astype(np.int64)
    male = rng.random(count) < 0.72
    couple = rng.random(count) < np.where(age < 26, 0.2, 0.78)
    wife_age = np.clip(age - np.where(male, 2, -2) + rng.integers(-3, 4, count), 20, 95)
    mother = np.where(male, wife_age, age)
    parts = [(np.arange(count), np.full(count, HEAD), age, male)]
    rows = np.flatnonzero(couple)
    parts.append((rows, np.full(rows.size, SPOUSE), wife_age[rows], ~male[rows]))
    for born_after, chance in ((27, 0.85), (30, 0.5), (33, 0.12)):
        child = mother - born_after - rng.integers(-4, 5, count)
        rows = np.flatnonzero(couple & (rng.random(count) < chance) & (child >= 0) & (child < 27))
        parts.append((rows, np.full(rows.size, CHILD), child[rows], rng.random(rows.size) < 0.525))
    for father in (True, False):
        parent = age + rng.integers(21, 31, count)
        rows = np.flatnonzero((rng.random(count) < 0.16) & (parent < 98))
        parts.append((rows, np.full(rows.size, PARENT), parent[rows], np.full(rows.size, father)))
    family, role, years, sex = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(family * 4 + role, kind="stable")[:size]
    return family[order], role[order], years[order], sex[order].astype(np.bool_)


def _names(rng: Rng, family: Ints, role: Ints, male: Mask) -> Text:
    own = names.surnames(rng, family.size)
    line = own[np.flatnonzero(role == HEAD)][family]  # children and the head's father carry the family's name
    inherits = (role == HEAD) | (role == CHILD) | ((role == PARENT) & male)
    name = join(np.where(inherits, line, own), names.given_names(rng, male)).astype("<U24")
    dotted = some(rng, np.ones(family.size, dtype=bool), 0.003 * family.size)
    name[dotted] = names.dotted_names(rng, dotted.size)
    return name


def _foreigners(rng: Rng, name: Text, number: Text, kind: Ints, birth: Days, male: Mask, adults: Mask) -> None:
    """Turn some heads of families into holders of other documents, in place."""
    for code, share in _FOREIGN_SHARE.items():
        rows = some(rng, adults & (kind == IDENTITY_CARD), share * name.size)
        kind[rows] = code
        many = rows.size
        serial = digits(rng.choice(10**8, many, replace=False), 8)
        if code == HK_MACAO:
            number[rows] = join(draw(rng, ["H", "M"], many), serial)
        elif code == TAIWAN:
            number[rows] = serial
        elif code == PASSPORT:
            number[rows] = join(draw(rng, ["E", "G", "P"], many), serial)
        else:
            new = numbers.residence_card(rng, birth[rows], male[rows])
            old = numbers.old_residence_card(draw(rng, words("nations"), many), birth[rows])
            number[rows] = np.where(rng.random(many) < 0.6, new, old)
        if code in (PASSPORT, RESIDENCE):
            name[rows] = draw(rng, words("foreign"), many)
