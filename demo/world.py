"""The coherent world behind the departments' systems, before anybody wrote it down badly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from demo import contracts, firms, homes, households, people, register, savings
from demo.contracts import Contracts, Leases, Subsidies
from demo.firms import Firms
from demo.homes import Holders, Homes, Rights
from demo.households import Households
from demo.people import People
from demo.register import Changes, Register
from demo.savings import Accounts, Employers, Loans
from demo.text import Rng

Size = Literal["small", "medium", "large"]
SIZES: dict[str, tuple[int, int]] = {  # residents, firms
    "small": (20_000, 1_800),
    "medium": (200_000, 18_000),
    "large": (1_000_000, 250_000),
}
OnStep = Callable[[str, int], None]


@dataclass(frozen=True)
class World:
    """Residents, bodies and everything between them, as columns that refer to each other by row."""

    residents: int
    seed: int
    today: date
    people: People
    firms: Firms
    register: Register
    changes: Changes
    homes: Homes
    rights: Rights
    holders: Holders
    employers: Employers
    accounts: Accounts
    loans: Loans
    contracts: Contracts
    leases: Leases
    subsidies: Subsidies
    households: Households

    def rng(self, part: str) -> Rng:
        """The random numbers of one part: changing one part leaves the others as they were."""
        return rng(self.seed, part)


def rng(seed: int, part: str) -> Rng:
    """A generator that depends on the seed and on the part's name only."""
    return np.random.default_rng([seed, *part.encode()])


def make(residents: int, bodies: int, seed: int, today: date, on_step: OnStep) -> World:
    """A world of the given numbers of residents and bodies."""

    def part(name: str) -> Rng:
        return rng(seed, name)

    folk = people.make(part("people"), residents, today)
    on_step("people", len(folk))
    bodies_made = firms.make(part("firms"), bodies, folk, today)
    entries, changes = register.make(part("register"), bodies_made, folk, today)
    on_step("firms", len(bodies_made))
    units, rights, holders = homes.make(part("homes"), round(residents * 0.52), folk, bodies_made, today)
    on_step("homes", len(units))
    employers = savings.employers(part("employers"), bodies_made, today)
    accounts = savings.accounts(part("accounts"), folk, employers, today)
    loans = savings.loans(part("loans"), folk, units, rights, holders, accounts, today)
    on_step("savings", len(accounts))
    sales = contracts.contracts(part("contracts"), folk, bodies_made, units, rights, holders, today)
    on_step("contracts", len(sales))
    return World(
        residents, seed, today, folk, bodies_made, entries, changes, units, rights, holders, employers, accounts, loans, sales,
        contracts.leases(part("leases"), folk, units, rights, holders, today),
        contracts.subsidies(part("subsidies"), folk, today),
        households.make(part("households"), folk, accounts, holders, today),
    )  # fmt: skip
