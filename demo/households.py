"""The household register's world: who is registered here, in which household, and what happened to them since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo import names, numbers
from demo.homes import Holders
from demo.people import CHILD, HEAD, IDENTITY_CARD, PARENT, SPOUSE, People
from demo.relations import to_head
from demo.savings import Accounts
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, join, put, some
from demo.words import words

NORMAL, MOVED_OUT, DEAD, OTHER = "1", "2", "3", "4"  # RYZT
NONE, FAMILY, FARM, COLLECTIVE, FARM_COLLECTIVE = "0", "1", "2", "3", "4"  # HLX
_ELSEWHERE = 0.08  # families that live here and are registered in another city
_COLLECTIVE_SHARE, _COLLECTIVE_SIZE = 0.03, 260
_CORRECTED, _STILL_USED = 0.005, 0.002
_LATE = 0.03  # deaths registered more than a year later
_DELAY = (np.log(60), 0.95)  # days until a death is registered: median 60, lognormal
_NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Households:
    """One row a registered person. Each event has the day it happened and the day the register learned of it; NaT where it
    did not happen, or the register has not learned of it yet."""

    person: Ints  # row among the people
    household: Ints  # serial number
    kind: Text  # HLX
    relation: Text  # GB/T 4761
    district: Text  # of the household; a collective one has people of all districts
    address: Text
    ethnicity: Text  # GB/T 3304
    status: Text  # RYZT as the register has it
    died: Days
    ended: Days  # died or moved out, as the register has it
    ended_known: Days
    born_known: Days  # births since the register is electronic
    moved_in: Days
    moved_in_known: Days
    renamed: Days
    former_name: Text
    corrected: Days
    old_number: Text
    used_elsewhere: Mask  # the old number is still in other departments' records
    elsewhere: Text  # of each of the people: the number other departments know

    def __len__(self) -> int:
        return self.person.size


def make(rng: Rng, people: People, accounts: Accounts, holders: Holders, today: date) -> Households:
    """The register of the people's families, less foreigners and those registered in other cities."""
    now = np.datetime64(today)
    person = _registered(rng, people, now)
    size, age = person.size, people.age(today)[person]
    household, kind = _grouped(rng, people, person, age)
    died, death_known = _deaths(rng, age, now)
    status = np.where(np.isnat(death_known), NORMAL, DEAD)
    left = some(rng, (status == NORMAL) & np.isnat(died) & (age >= 18), 0.015 * size)
    status = put(status, left, MOVED_OUT)
    status = put(status, some(rng, (status == NORMAL) & np.isnat(died), 0.002 * size), OTHER)
    ended, ended_known = np.where(np.isnat(death_known), _NEVER, died), death_known.copy()
    ended[left] = now - rng.integers(10, 2200, left.size).astype("timedelta64[D]")
    ended_known[left] = np.minimum(ended[left] + 3, now - 2)
    birth = people.birth[person]
    recent = birth > now - np.timedelta64(6 * 365, "D")
    born_known = np.where(recent, np.minimum(birth + rng.integers(10, 60, size), now - 1), _NEVER)
    came = some(rng, ~recent & (age >= 3) & (status == NORMAL), 0.03 * size)
    moved_in = _on(size, came, now - rng.integers(5, 1000, came.size).astype("timedelta64[D]"))
    renamed = some(rng, (status == NORMAL) & (age >= 7), 0.004 * size)
    new_name = _on(size, renamed, now - rng.integers(3, 1000, renamed.size).astype("timedelta64[D]"))
    former = np.full(size, "", dtype="<U24")
    surname = np.strings.slice(people.name[person[renamed]], 0, 1)
    former[renamed] = join(surname, names.given_names(rng, people.male[person[renamed]]))
    known = np.isin(person, accounts.person) | np.isin(person, holders.person)
    corrected, used, old = _corrections(rng, people, person, known & (status == NORMAL))
    _, first, at = np.unique(household, return_index=True, return_inverse=True)
    district = people.district[person][first]
    return Households(
        person=person,
        household=household,
        kind=kind,
        relation=to_head(people.role[person], people.male[person], household, kind, status),
        district=district[at],
        address=_addresses(rng, kind[first], district)[at],
        ethnicity=_ethnicity(rng, people.name[person]),
        status=status,
        died=died,
        ended=ended,
        ended_known=ended_known,
        born_known=born_known,
        moved_in=moved_in,
        moved_in_known=np.minimum(moved_in + 2, now - 1),
        renamed=new_name,
        former_name=former,
        corrected=_on(size, corrected, now - rng.integers(3, 1000, corrected.size).astype("timedelta64[D]")),
        old_number=old,
        used_elsewhere=np.isin(np.arange(size), used),
        elsewhere=put(people.number, person[used], old[used]),
    )


def _registered(rng: Rng, people: People, now: np.datetime64) -> Ints:
    """Rows of the people whose household register is this city's; newborn children wait for their registration."""
    elsewhere = rng.random(int(people.family.max()) + 1) < _ELSEWHERE
    here = (people.kind == IDENTITY_CARD) & ~elsewhere[people.family]
    return np.flatnonzero(here & (people.birth < now - np.timedelta64(15, "D")))


def _grouped(rng: Rng, people: People, person: Ints, age: Ints) -> tuple[Ints, Text]:
    """Household and HLX of each registered person. A family is one household, unless a spouse or the parents keep their
    own; students and workers without one are in collective households."""
    size, role, family = person.size, people.role[person], people.family[person]
    families = int(people.family.max()) + 1
    own_parents = (role == PARENT) & (rng.random(families) < 0.4)[family]
    own_spouse = (role == SPOUSE) & (rng.random(size) < 0.06)
    key = family * 4 + np.where(own_parents, 1, np.where(own_spouse, 2, 0))
    single = (role == HEAD) & (people.spouse[person] < 0) & (age < 45)
    free = ((role == CHILD) & (age >= 18)) | single
    in_collective = some(rng, free, _COLLECTIVE_SHARE * size)
    groups = max(1, in_collective.size // _COLLECTIVE_SIZE)
    key[in_collective] = 4 * families + np.arange(in_collective.size) * groups // in_collective.size
    household = np.unique(key, return_inverse=True)[1].astype(np.int64)
    urban = np.isin(people.district[person], ["430902", "430903"])
    nonfarm = rng.random(families)[family] < np.where(urban, 0.75, 0.35)
    kind = np.where(nonfarm, FAMILY, FARM)
    rural = rng.random(groups)[np.maximum(key[in_collective] - 4 * families, 0)] < 0.1
    kind[in_collective] = np.where(rural, FARM_COLLECTIVE, COLLECTIVE)
    alone = some(rng, (role == HEAD) & (kind == FAMILY) & (people.spouse[person] < 0), 0.001 * size)
    kind[alone] = NONE
    household[alone] = household.max() + 1 + np.arange(alone.size)
    return household, kind


def _deaths(rng: Rng, age: Ints, now: np.datetime64) -> tuple[Days, Days]:
    """The day of death and the day it was registered; some are not registered yet."""
    weight = np.where(age >= 45, np.exp((age - 45) / 12.0), 0.02)
    dead = np.sort(rng.choice(age.size, round(0.018 * age.size), replace=False, p=weight / weight.sum()))
    ago = rng.integers(5, 2900, dead.size)
    delay = np.clip(rng.lognormal(*_DELAY, dead.size), 1, 360).astype(np.int64)
    late = some(rng, ago > 1000, _LATE * dead.size)
    delay[late] = rng.integers(370, 990, late.size)
    died = _on(age.size, dead, now - ago.astype("timedelta64[D]"))
    known = died + _scattered(age.size, dead, delay).astype("timedelta64[D]")
    return died, np.where(known < now, known, _NEVER)


def _corrections(rng: Rng, people: People, person: Ints, known: Mask) -> tuple[Ints, Ints, Text]:
    """Rows whose number was corrected, those of them whom other departments still know by the old one, and old numbers: of
    the same place and day, under an order code that two people once shared."""
    size = person.size
    used = some(rng, known, _STILL_USED * size)
    rest = some(rng, known & ~np.isin(np.arange(size), used), (_CORRECTED - _STILL_USED) * size)
    rows = np.concatenate([used, rest])
    order = 984 + 2 * rng.integers(0, 2, rows.size) + people.male[person[rows]]  # beyond those the city gives out
    wrong = numbers.citizen(join(np.strings.slice(people.number[person[rows]], 0, 14), digits(order, 3)))
    _, first = np.unique(wrong, return_index=True)
    old = np.full(size, "", dtype="<U18")
    old[rows[first]] = wrong[first]
    return np.flatnonzero(old != ""), used[old[used] != ""], old


def _addresses(rng: Rng, kind: Text, district: Text) -> Text:
    address = names.addresses(rng, district)
    return np.where(np.isin(kind, [COLLECTIVE, FARM_COLLECTIVE]), join(address, "集体户"), address)


def _ethnicity(rng: Rng, name: Text) -> Text:
    rare = [f"{code:02d}" for code in range(2, 57)]
    here = draw(rng, ["01", "03", "15", "06", "12", "13"], name.size, [0.965, 0.012, 0.01, 0.006, 0.003, 0.003])
    out = np.where(rng.random(name.size) < 0.001, draw(rng, rare, name.size), here)
    return np.where(np.isin(np.strings.slice(name, 0, 1), [first[0] for first in words("dotted_first")]), "05", out)


def _on(size: int, rows: Ints, days: Days) -> Days:
    out = np.full(size, _NEVER)
    out[rows] = days
    return out


def _scattered(size: int, rows: Ints, values: Ints) -> Ints:
    out = np.zeros(size, dtype=np.int64)
    out[rows] = values
    return out
