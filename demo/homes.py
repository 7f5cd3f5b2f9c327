"""Dwellings and business premises, the rights in them and who holds those rights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import names
from demo.firms import Firms
from demo.people import HEAD, SPOUSE, People
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, join, some

CURRENT, HISTORICAL = "1", "2"
DWELLING_USES = ("10", "11", "111", "112", "12", "13")
_BUSINESS_USES = ("31", "60", "80")
UNIFIED = np.datetime64("2015-03-01")  # when one real-estate title replaced those of house and of land
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Homes:
    """One row a real-estate unit."""

    unit: Text  # GB/T 37346, 28 characters
    district: Text
    use: Text  # GHYT
    right: Text  # QLLX
    nature: Text  # FWXZ
    area: Ints  # hundredths of a square metre
    address: Text

    def __len__(self) -> int:
        return self.unit.size

    @property
    def dwelling(self) -> Mask:
        return np.isin(self.use, DWELLING_USES)


@dataclass(frozen=True)
class Rights:
    """One row a right; historical ones were transferred to today's holder."""

    home: Ints
    status: Text
    day: Days
    shared: Text  # GYFS: 0 sole, 1 joint, 2 by shares
    first: Ints  # row in Holders of the first holder

    def __len__(self) -> int:
        return self.home.size


@dataclass(frozen=True)
class Holders:
    """One row a right and a holder, in order of right and number."""

    right: Ints
    seq: Ints
    person: Ints  # row, or -1
    firm: Ints  # row, or -1
    percent: Ints  # share, 0 unless by shares

    def __len__(self) -> int:
        return self.right.size


def make(rng: Rng, size: int, people: People, firms: Firms, today: date) -> tuple[Homes, Rights, Holders]:
    """`size` units, a current right in each and an earlier one in a quarter."""
    homes = _units(rng, size)
    earlier = some(rng, np.ones(size, dtype=bool), 0.25 * size)
    home = np.concatenate([np.arange(size), earlier])
    status = np.where(np.arange(home.size) < size, CURRENT, HISTORICAL)
    last = np.datetime64(today) - _DAY
    since_unified = int((last - UNIFIED).astype(np.int64))
    ago = np.where(rng.random(home.size) < 0.03, since_unified + 365 * 8, since_unified)
    day = last - (ago * rng.random(home.size)).astype("timedelta64[D]")
    sold = day[earlier] - rng.integers(400, 4000, earlier.size).astype("timedelta64[D]")
    day[size:] = sold
    holders, shared, first = _holders(rng, homes.dwelling[home], people, firms, today)
    return homes, Rights(home, status, day, shared, first), holders


def _units(rng: Rng, size: int) -> Homes:
    district = names.districts_of(rng, size)
    business = rng.random(size) < 0.12
    use = np.where(
        business,
        draw(rng, _BUSINESS_USES, size, [0.6, 0.3, 0.1]),
        draw(rng, DWELLING_USES, size, [0.55, 0.36, 0.02, 0.02, 0.03, 0.02]),
    )
    rural = ~business & (rng.random(size) < 0.15)
    area = np.clip(rng.normal(10800, 3200, size), 2500, 60000).astype(np.int64)
    return Homes(
        unit=units(rng, district, np.arange(size), rural),
        district=district,
        use=np.where(rural, "10", use),
        right=np.where(rural, draw(rng, ["6", "8"], size, [0.85, 0.15]), "4"),
        nature=np.where(
            rural, "99", draw(rng, ["0", "1", "5", "6", "8", "9"], size, [0.8, 0.08, 0.02, 0.04, 0.02, 0.04])
        ),
        area=np.where(business, area * 2, area),
        address=names.addresses(rng, district),
    )


def units(rng: Rng, district: Text, serial: Ints, rural: Mask) -> Text:
    """Unit numbers, different for different serials: ten units a building, a hundred buildings a parcel."""
    zone = join(digits(rng.integers(1, 60, serial.size), 3), digits(rng.integers(1, 30, serial.size), 3))
    parcel = digits(serial // 1000 % 99_999 + 1, 5)
    return join(
        district, zone, np.where(rural, "JC", "GB"), parcel,
        "F", digits(serial // 10 % 100 + 1, 4), digits(serial % 10 + 1, 4),
    )  # fmt: skip


def _holders(rng: Rng, dwelling: Mask, people: People, firms: Firms, today: date) -> tuple[Holders, Text, Ints]:
    """Who holds each right: mostly a head of family, often with the spouse; firms hold half of the premises."""
    count = dwelling.size
    age = people.age(today)
    adults = np.flatnonzero((age >= 24) & (people.role <= SPOUSE))
    weights = np.where(people.role[adults] == HEAD, 3.0, 1.0)
    person = rng.choice(adults, count, p=weights / weights.sum())
    by_firm = rng.random(count) < np.where(dwelling, 0.01, 0.5)
    firm = np.where(by_firm, rng.integers(0, len(firms), count), -1)
    person = np.where(by_firm, -1, person)
    partner = np.where(by_firm, -1, people.spouse[person])
    second = (partner >= 0) & (rng.random(count) < 0.62)
    shared = np.where(second, draw(rng, ["1", "2"], count, [0.8, 0.2]), "0")
    percent = np.where(shared == "2", draw(rng, ["50", "60", "70", "99"], count).astype(np.int64), 0)
    right = np.concatenate([np.arange(count), np.flatnonzero(second)])
    seq = np.where(np.arange(right.size) < count, 1, 2)
    order = np.lexsort([seq, right])
    lead = seq == 1
    holders = Holders(
        right=right[order],
        seq=seq[order],
        person=np.where(lead, person[right], partner[right])[order],
        firm=np.where(lead, firm[right], -1)[order],
        percent=np.where(lead, percent[right], np.where(percent[right] > 0, 100 - percent[right], 0))[order],
    )
    return holders, shared, np.flatnonzero(holders.seq == 1)
