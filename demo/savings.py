"""The housing provident fund's world: who employs whom, accounts, loans, and the mortgages that secure them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from demo.firms import Firms
from demo.homes import CURRENT, Holders, Homes, Rights
from demo.people import People
from demo.text import Days, Ints, Rng, Text, draw, put, some

NORMAL, SEALED, CLOSED_OUT = "01", "02", "05"
_STATES = {"01": 0.695, "02": 0.18, "03": 0.015, "04": 0.025, "05": 0.07, "06": 0.01, "99": 0.005}
_LOAN_STATES = {"2": 0.67, "3": 0.26, "5": 0.02, "4": 0.005, "0": 0.015, "1": 0.015, "8": 0.015}
SECURED_STATES = ("2", "4", "5")  # paid out and not settled


@dataclass(frozen=True)
class Employers:
    """One row an employer with the fund."""

    firm: Ints
    state: Text  # dwzhzt
    opened: Days


@dataclass(frozen=True)
class Accounts:
    """One row an account."""

    person: Ints
    employer: Ints
    state: Text  # grzhzt
    opened: Days
    closed: Days  # NaT while it exists
    paid_to: Days  # month
    base: Ints  # monthly pay the contribution is counted on, yuan
    second: np.ndarray  # bool: a person's second live account, a defect

    def __len__(self) -> int:
        return self.person.size


@dataclass(frozen=True)
class Loans:
    """One row a loan of the fund."""

    borrower: Ints
    partner: Ints  # co-borrower, or -1
    right: Ints  # the right mortgaged for it
    amount: Ints  # yuan
    day: Days
    months: Ints
    state: Text  # dkzt
    settled: Days  # NaT unless settled

    def __len__(self) -> int:
        return self.borrower.size


def last_month(today: date) -> np.datetime64:
    """The last month contributions are booked for."""
    return np.datetime64(today, "M") - np.timedelta64(1, "M")


def employers(rng: Rng, firms: Firms, today: date) -> Employers:
    """Two thirds of the bodies pay into the fund; the closed ones closed their account."""
    firm = np.flatnonzero((firms.category != "92") & (rng.random(len(firms)) < 0.75))
    state = draw(rng, ["01", "02", "03", "05", "99"], firm.size, [0.93, 0.02, 0.02, 0.025, 0.005])
    state = np.where(firms.closed[firm], "04", state)
    after = rng.integers(20, 150, firm.size).astype("timedelta64[D]")
    return Employers(
        firm, state, np.minimum(firms.founded[firm] + after, np.datetime64(today) - np.timedelta64(30, "D"))
    )


def accounts(rng: Rng, people: People, of: Employers, today: date) -> Accounts:
    """An account for two fifths of the residents; one in a hundred people has a second live one."""
    age = people.age(today)
    person = some(rng, (age >= 21) & (age <= 62), 0.41 * len(people))
    state = draw(rng, list(_STATES), person.size, list(_STATES.values()))
    pairs = some(rng, state == NORMAL, 0.01 * person.size)
    person = np.concatenate([person, person[pairs]])
    state = np.concatenate([state, np.full(pairs.size, NORMAL)])
    live_employers = np.flatnonzero(of.state == "01")
    size = live_employers.size
    pull = 1 / (np.arange(size) + 8.0)  # a few large employers, many small ones
    employer = rng.permutation(live_employers)[rng.choice(size, person.size, p=pull / pull.sum())]
    gone = np.flatnonzero(of.state == "04")
    former = some(rng, (state == SEALED) | (state == CLOSED_OUT), 0.06 * person.size)
    employer[former] = rng.choice(gone, former.size)
    now = np.datetime64(today)
    opened = np.maximum(now - rng.integers(90, 6000, person.size).astype("timedelta64[D]"), of.opened[employer])
    opened = np.minimum(opened, now - np.timedelta64(70, "D"))
    last = last_month(today)
    live = state == NORMAL
    stopped = now - (rng.random(person.size) * (now - opened).astype(np.int64)).astype("timedelta64[D]")
    paid_to = np.where(live, last, np.maximum(stopped.astype("datetime64[M]"), opened.astype("datetime64[M]")))
    behind = some(rng, live, 0.04 * person.size)
    paid_to = put(paid_to, behind, last - rng.integers(1, 9, behind.size).astype("timedelta64[M]"))
    paid_to = np.minimum(np.maximum(paid_to, opened.astype("datetime64[M]")), last)
    ended = np.minimum((paid_to + np.timedelta64(1, "M")).astype("datetime64[D]") + np.timedelta64(9, "D"), now)
    closed = np.where(np.isin(state, ["03", "04", CLOSED_OUT]), ended, np.datetime64("NaT"))
    base = np.clip(rng.lognormal(8.65, 0.4, person.size), 1740, 27000).astype(np.int64) // 10 * 10
    second = np.arange(person.size) >= person.size - pairs.size
    return Accounts(person, employer, state, opened, closed, paid_to, base, second)


def loans(rng: Rng, people: People, homes: Homes, rights: Rights, holders: Holders, of: Accounts, today: date) -> Loans:
    """Loans of account holders on the dwelling they own, with the spouse as co-borrower in most families."""
    has_account = np.zeros(len(people), dtype=bool)
    has_account[of.person[np.isin(of.state, ["01", "02", "06"])]] = True
    owner = holders.person[rights.first]
    settled_in = np.datetime64(today) - np.timedelta64(400, "D")
    fit = (rights.status == CURRENT) & homes.dwelling[rights.home] & (homes.right[rights.home] == "4")
    fit &= (owner >= 0) & (rights.day < settled_in)
    fit[fit] = has_account[owner[fit]]
    _, once = np.unique(owner, return_index=True)  # one loan a person
    fit &= np.isin(np.arange(len(rights)), once)
    right = some(rng, fit, 0.13 * len(of))
    borrower = owner[right]
    partner = np.where(rng.random(right.size) < 0.7, people.spouse[borrower], -1)
    day = rights.day[right] + rng.integers(15, 90, right.size).astype("timedelta64[D]")
    state = draw(rng, list(_LOAN_STATES), right.size, list(_LOAN_STATES.values()))
    span = (np.datetime64(today) - day).astype(np.int64)
    settled = day + (span * (0.4 + 0.55 * rng.random(right.size))).astype("timedelta64[D]")
    return Loans(
        borrower,
        partner,
        right,
        rng.integers(10, 81, right.size) * 10_000,
        day,
        rng.integers(5, 31, right.size) * 12,
        state,
        np.where(state == "3", settled, np.datetime64("NaT")),
    )
