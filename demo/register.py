"""Market supervision's world: what the register says of each company and individual business, and what changed in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import names, numbers
from demo.firms import INDIVIDUAL, Firms
from demo.people import People
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, join, plain, some

EXISTING = "1"
INDIVIDUAL_KIND = "9500"
NAME, DOMICILE, REPRESENTATIVE, CAPITAL = "01", "02", "03", "04"
_GONE = {"2": 0.3, "3": 0.15, "4": 0.48, "5": 0.02, "6": 0.04, "9": 0.01}  # REGSTATE of what is no longer active
_ONE_CODE = np.datetime64("2015-10-01")  # since when licences carry the unified credit code
_ONLY_OLD_SHARE = 0.06
_LAG = np.timedelta64(2, "D")  # the province hands back what it knew two days ago
_YEAR = np.timedelta64(365, "D")
_UNITS = {"156": 1.0, "840": 0.14, "344": 1.1}  # currencies by GB/T 12406, and how many make a yuan's worth


@dataclass(frozen=True)
class Register:
    """One row an entry, in the order of the firms."""

    firm: Ints
    entity: Text  # PRIPID
    registration: Text  # 15 digits, "" where none was given
    only_old: Mask  # known by that number alone
    kind: Text  # ENTTYPE
    status: Text  # REGSTATE
    capital: Ints  # units of the currency, -1 where none is registered
    currency: Text  # GB/T 12406, three digits
    until: Days  # NaT: without end
    approved: Days
    entry: Ints  # row here of each firm, -1 for those of other registers

    def __len__(self) -> int:
        return self.firm.size


@dataclass(frozen=True)
class Changes:
    """One row a changed matter, in the order of the entries."""

    entry: Ints
    item: Text  # ALTITEM
    before: Text
    after: Text
    day: Days

    def __len__(self) -> int:
        return self.entry.size


def make(rng: Rng, firms: Firms, people: People, today: date) -> tuple[Register, Changes]:
    """The entries of all registered bodies; what is closed in the world is so, in one way or another, in the register."""
    firm = np.flatnonzero(firms.registered)
    size, founded = firm.size, firms.founded[firm]
    last = np.datetime64(today) - _LAG
    individual = firms.category[firm] == INDIVIDUAL
    kind = _kinds(rng, firms.name[firm], individual)
    closed = firms.closed[firm]
    status = np.where(closed, draw(rng, list(_GONE), size, list(_GONE.values())), EXISTING)
    old = founded < _ONE_CODE
    only_old = np.zeros(size, dtype=bool)
    only_old[some(rng, old, _ONLY_OLD_SHARE * size)] = True
    first = np.where(individual, "6", "0")  # GS 15-2006: 0 to 3 domestic firms, 6 to 9 individual businesses
    number = numbers.registration(join(firms.division[firm], first, digits(np.arange(size) + 1, 7)))
    currency = np.where(individual, "", draw(rng, list(_UNITS), size, [0.985, 0.01, 0.005]))
    yuan = rng.choice([3, 10, 50, 100, 200, 500, 1000, 2000, 5000], size) * 10_000
    capital = np.select(
        [currency == code for code in _UNITS], [(yuan * rate).astype(np.int64) for rate in _UNITS.values()], -1
    )
    entry = np.full(len(firms), -1, dtype=np.int64)
    entry[firm] = np.arange(size)
    changes = _changes(rng, firms, people, firm, capital, today)
    approved = founded.copy()
    np.maximum.at(approved, changes.entry, changes.day)
    span = (last - approved).astype(np.int64)
    ended = last - (np.minimum(span, 1500) * rng.random(size)).astype("timedelta64[D]")
    return (
        Register(
            firm, join("4309", digits(np.arange(size) + 1, 14)), np.where(old | (rng.random(size) < 0.7), number, ""),
            only_old, kind, status, capital, currency, _terms(rng, founded, individual, last),
            np.where(closed, ended, approved), entry,
        ),
        changes,
    )  # fmt: skip


def _kinds(rng: Rng, name: Text, individual: Mask) -> Text:
    """ENTTYPE as the name tells it: a joint-stock company, a works of one owner, or a limited company of some sort."""
    limited = draw(rng, ["1130", "1151", "1140", "1190"], name.size, [0.62, 0.3, 0.03, 0.05])
    joint, works = np.strings.find(name, "股份有限公司") >= 0, np.strings.endswith(name, "厂")
    return np.select([individual, joint, works], [INDIVIDUAL_KIND, "1222", "4540"], limited)


def _terms(rng: Rng, founded: Days, individual: Mask, last: np.datetime64) -> Days:
    """When the term of business ends: mostly never; of the terms that ran out two in three were renewed."""
    years = rng.choice([10, 20, 30, 50], founded.size)
    until = founded + years * _YEAR
    renewed = (until < last) & (rng.random(founded.size) < 0.67)
    until = np.where(renewed, until + 30 * _YEAR, until)
    return np.where(individual | (rng.random(founded.size) < 0.6), np.datetime64("NaT"), until)


def _changes(rng: Rng, firms: Firms, people: People, firm: Ints, capital: Ints, today: date) -> Changes:
    """Every former name, and some moves, new representatives and raised capitals; each matter at most once a firm."""
    every = np.ones(firm.size, dtype=bool)
    renamed = np.flatnonzero(firms.former[firm] != "")
    moved, headed = (some(rng, every, share * firm.size) for share in (0.08, 0.10))
    raised = some(rng, capital > 0, 0.08 * firm.size)
    adults = np.flatnonzero(people.age(today) >= 40)
    parts = [
        (NAME, renamed, firms.former[firm[renamed]], firms.name[firm[renamed]]),
        (DOMICILE, moved, names.addresses(rng, firms.division[firm[moved]]), firms.address[firm[moved]]),
        (REPRESENTATIVE, headed, people.name[rng.choice(adults, headed.size)], people.name[firms.head[firm[headed]]]),
        (CAPITAL, raised, _wan(capital[raised] // 2), _wan(capital[raised])),
    ]
    entry = np.concatenate([rows for _, rows, _, _ in parts])
    item = np.concatenate([np.full(rows.size, code) for code, rows, _, _ in parts])
    before, after = (np.concatenate([part[at] for part in parts]) for at in (2, 3))
    founded = firms.founded[firm[entry]]
    span = (np.datetime64(today) - _LAG - founded).astype(np.int64) - 60
    day = founded + np.timedelta64(60, "D") + (span * rng.random(entry.size)).astype("timedelta64[D]")
    order = np.lexsort([item, entry])
    return Changes(entry[order], item[order], before[order], after[order], day[order])


def _wan(amount: Ints) -> Text:
    return join(plain(amount // 10_000), "万元")
