"""The housing bureau's world: sales contracts, leases and subsidised housing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import homes as real
from demo import names
from demo.firms import Firms
from demo.homes import CURRENT, Holders, Homes, Rights
from demo.people import HEAD, People
from demo.text import Days, Ints, Rng, Text, draw, join, some

DRAFT, SIGNED, FILED, CANCELLED, TITLED = "0", "1", "2", "3", "4"
SEVERAL_SHARE = 0.30


@dataclass(frozen=True)
class Contracts:
    """One row a sales contract. Contracts of titled dwellings come first, then those of dwellings not yet titled."""

    right: Ints  # the right it led to, or -1
    unit: Text
    area: Ints  # hundredths of a square metre
    district: Text
    buyer: Ints
    second: Ints  # second buyer, or -1
    seller: Ints  # firm
    state: Text  # HTZT, before dirt
    kind: Text  # HTLX
    day: Days

    def __len__(self) -> int:
        return self.right.size


@dataclass(frozen=True)
class Leases:
    """One row a filed lease."""

    landlord: Ints
    tenant: Ints
    address: Text
    start: Days
    end: Days
    rent: Ints  # yuan a month
    state: Text


@dataclass(frozen=True)
class Subsidies:
    """One row an application for subsidised housing; the family shares it."""

    applicant: Ints
    way: Text  # BZFS
    state: Text
    address: Text
    start: Days


def contracts(
    rng: Rng, people: People, firms: Firms, homes: Homes, rights: Rights, holders: Holders, today: date
) -> Contracts:
    """A contract for a fifth of the titled dwellings, and for dwellings still being built."""
    total = 0.28 * len(homes)
    open_count = round(0.3 * total)
    several = holders.person[np.minimum(rights.first + 1, len(holders) - 1)]
    joint = rights.shared != "0"
    market = (rights.status == CURRENT) & homes.dwelling[rights.home] & (homes.nature[rights.home] == "0")
    market &= holders.person[rights.first] >= 0
    with_second = round(total * SEVERAL_SHARE) - round(open_count * SEVERAL_SHARE)
    right = np.concatenate(
        [some(rng, market & joint, with_second), some(rng, market & ~joint, total - open_count - with_second)]
    )
    right = np.sort(right)
    now = np.datetime64(today)
    filed = rights.day[right] - rng.integers(60, 1000, right.size).astype("timedelta64[D]")

    adults = np.flatnonzero(people.age(today) >= 24)
    married = adults[people.spouse[adults] >= 0]
    pair = np.arange(open_count) < round(open_count * SEVERAL_SHARE)
    buyer = np.where(pair, rng.choice(married, open_count), rng.choice(adults, open_count))
    district = names.districts_of(rng, open_count)
    serial = np.arange(open_count) + len(homes) + 1000  # beyond every titled unit
    return Contracts(
        right=np.concatenate([right, np.full(open_count, -1)]),
        unit=np.concatenate(
            [homes.unit[rights.home[right]], real.units(rng, district, serial, np.zeros(open_count, dtype=bool))]
        ),
        area=np.concatenate([homes.area[rights.home[right]], rng.integers(6000, 18000, open_count)]),
        district=np.concatenate([homes.district[rights.home[right]], district]),
        buyer=np.concatenate([holders.person[rights.first[right]], buyer]),
        second=np.concatenate([np.where(joint[right], several[right], -1), np.where(pair, people.spouse[buyer], -1)]),
        seller=_sellers(rng, firms, right.size + open_count),
        state=np.concatenate(
            [
                np.full(right.size, TITLED),
                draw(rng, [DRAFT, SIGNED, FILED, CANCELLED], open_count, [0.08, 0.17, 0.6, 0.15]),
            ]
        ),
        kind=np.concatenate([draw(rng, ["1", "2", "3"], right.size, [0.6, 0.15, 0.25]), np.full(open_count, "1")]),
        day=np.concatenate([filed, now - rng.integers(5, 900, open_count).astype("timedelta64[D]")]),
    )


def _sellers(rng: Rng, firms: Firms, size: int) -> Ints:
    developers = np.flatnonzero(np.strings.find(firms.name, "房地产开发") >= 0)
    return rng.choice(developers if developers.size else np.flatnonzero(firms.category == "91"), size)


def leases(rng: Rng, people: People, homes: Homes, rights: Rights, holders: Holders, today: date) -> Leases:
    """Leases of dwellings whose holder is a person, to other residents."""
    owner = holders.person[rights.first]
    right = some(rng, (rights.status == CURRENT) & homes.dwelling[rights.home] & (owner >= 0), 0.07 * len(people))
    tenant = rng.choice(np.flatnonzero(people.age(today) >= 19), right.size)
    now = np.datetime64(today)
    start = now - rng.integers(10, 1500, right.size).astype("timedelta64[D]")
    end = start + rng.choice([365, 730, 1095], right.size).astype("timedelta64[D]")
    cancelled = rng.random(right.size) < 0.04
    state = np.where(cancelled, "3", np.where(end < now, "2", "1"))
    rent = rng.integers(5, 40, right.size) * 100
    return Leases(owner[right], tenant, homes.address[rights.home[right]], start, end, rent, state)


def subsidies(rng: Rng, people: People, today: date) -> Subsidies:
    """One family in forty applies."""
    applicant = some(rng, people.role == HEAD, 0.022 * len(people))
    way = draw(rng, ["1", "2", "3", "4"], applicant.size, [0.5, 0.3, 0.15, 0.05])
    state = draw(rng, ["1", "2", "3"], applicant.size, [0.2, 0.65, 0.15])
    address = np.where(state == "1", "", join(names.addresses(rng, people.district[applicant])))
    start = np.datetime64(today) - rng.integers(30, 3000, applicant.size).astype("timedelta64[D]")
    return Subsidies(applicant, way, state, address, start)
