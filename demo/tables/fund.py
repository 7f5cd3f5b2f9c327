"""The provident fund's four tables: employers, accounts, movements and loans."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo.firms import RARE
from demo.savings import NORMAL, SEALED, last_month
from demo.tables.build import card_holder, kind_codes, plant_documents, table
from demo.tables.market import deregistered, old_names
from demo.tables.movements import movements
from demo.text import Ints, Rng, Text, digits, iso, join, numbers_as_text, plain, put, some, yyyymm
from demo.truth import Truth
from demo.world import World

PERSON_KINDS = ("01", "99", "99", "03", "04")  # zjlx by kind of document; no code for Hong Kong, Macao and Taiwan
_TEST_ROWS = 5
_YEAR = np.timedelta64(365, "D")


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """dw_zhxx, gr_zhxx, gr_mx and dk_zhxx."""
    employer = digits(np.arange(world.employers.firm.size) + 430_900_001, 9)
    account = digits(np.arange(len(world.accounts)) + 430_900_000_001, 12)
    accounts, rate, balance = _accounts(world, account, employer, truth)
    monthly = world.accounts.base * rate  # base × rate % = yuan; both sides pay, so two times that in cents is × 2
    return {
        "dw_zhxx": table(_employers(world, employer, accounts["dwzh"], accounts["grzhzt"], rate, truth)),
        "gr_zhxx": table(accounts),
        "gr_mx": table(movements(world, account, monthly * 2, balance, truth)),
        "dk_zhxx": table(_loans(world, truth)),
    }


def _employers(world: World, key: Text, of_account: Text, states: Text, rate: Ints, truth: Truth) -> dict[str, Text]:
    rng = world.rng("dw_zhxx")
    of, firms = world.employers, world.firms
    size = of.firm.size
    code = firms.code[of.firm]
    rare = np.isin(np.strings.slice(code, 0, 1), RARE)
    nine = some(rng, ~rare, 0.12 * size)
    truth.plant("fund_employer", "code_9", nine, (key,))
    truth.plant("fund_employer", "rare_registrar", np.flatnonzero(rare), (key,))
    body = firms.organisation[of.firm]
    odd = firms.odd[of.firm]
    odd[nine] = False
    truth.plant("fund_employer", "body_check", np.flatnonzero(odd), (key,))
    counts = {
        state: np.bincount(np.searchsorted(key, of_account[states == state]), minlength=size)
        for state in (NORMAL, SEALED)
    }
    percent = numbers_as_text(rng.integers(5, 13, size) * 100, 2)
    last = last_month(world.today)
    until = np.minimum(np.where(of.state == "01", last, of.opened.astype("datetime64[M]") + 6), last)
    return {
        "dwzh": key,
        "dwmc": old_names(rng, world, "fund_employer", of.firm, firms.name[of.firm], key, truth),
        "zzjgdm": put(code, nine, body[nine]),
        "dwfrdbxm": world.people.name[firms.head[of.firm]],
        "dwdz": firms.address[of.firm],
        "dwjcbl": percent,
        "grjcbl": percent,
        "dwjcrs": plain(counts[NORMAL]),
        "dwfcrs": plain(counts[SEALED]),
        "jzny": yyyymm(until),
        "dwzhzt": of.state,
        "dwkhrq": iso(of.opened),
    }


def _accounts(world: World, key: Text, employer: Text, truth: Truth) -> tuple[dict[str, Text], Ints, Ints]:
    """The columns, each account's rate in percent and its balance in cents."""
    rng = world.rng("gr_zhxx")
    of, people = world.accounts, world.people
    size, person = len(of), of.person
    at = of.employer.copy()
    twice = (of.state == NORMAL) & np.isin(person, person[of.second])
    closed = some(rng, (of.state == NORMAL) & ~twice, 0.015 * size)
    at[closed] = rng.choice(np.flatnonzero(world.employers.state == "04"), closed.size)
    rate = rng.integers(5, 13, size)
    months = np.maximum((of.paid_to - of.opened.astype("datetime64[M]")).astype(np.int64), 1)
    balance = np.where(np.isnat(of.closed), of.base * rate * 2 * months * 6 // 10 + 137, 0)
    half = numbers_as_text(of.base * rate, 2)
    number = world.households.elsewhere[person]
    birth, phone, name = people.birth[person].astype("datetime64[M]"), people.phone[person], people.name[person]

    differs = some(rng, card_holder(people, person), 0.005 * size)
    birth = put(birth, differs, birth[differs] + rng.choice([-12, 12, 1], differs.size))
    ones = some(rng, np.ones(size, dtype=bool), 0.01 * size)
    test = some(rng, ~twice & (of.state == "99"), _TEST_ROWS)
    for kind, rows in (
        ("sealed", np.flatnonzero(of.state == SEALED)),
        ("two_live", np.flatnonzero(twice)),
        ("employer_closed", closed),
        ("employer_deregistered", np.flatnonzero((of.state == NORMAL) & deregistered(world)[world.employers.firm[at]])),
        ("birth_differs", differs),
        ("phone_ones", ones),
        ("test_name", test),
        ("number_superseded", np.flatnonzero(number != people.number[person])),
    ):
        truth.plant("fund_account", kind, rows, (key,))
    plant_documents(truth, "fund_account", people, person, np.ones(size, dtype=bool), (key,), world.today)
    columns = {
        "grzh": key,
        "dwzh": employer[at],
        "xingming": put(name, test, "测试"),
        "zjlx": kind_codes(people, person, PERSON_KINDS),
        "zjhm": number,
        "csny": yyyymm(birth),
        "sjhm": put(phone, ones, "11111111111"),
        "hyzk": np.where(people.spouse[person] >= 0, "20", "10"),
        "grjcjs": numbers_as_text(of.base * 100, 2),
        "gryjce": half,
        "dwyjce": half,
        "grzhye": numbers_as_text(balance, 2),
        "jzny": yyyymm(of.paid_to),
        "grzhzt": of.state,
        "khrq": iso(of.opened),
        "xhrq": iso(of.closed),
    }
    return columns, rate, balance


def _loans(world: World, truth: Truth) -> dict[str, Text]:
    rng: Rng = world.rng("dk_zhxx")
    of, people = world.loans, world.people
    size = len(of)
    key = digits(np.arange(size) + 430_950_000_001, 12)
    plant_documents(truth, "fund_loan", people, of.borrower, np.ones(size, dtype=bool), (key,), world.today)
    paid_months = np.minimum((np.datetime64(world.today) - of.day).astype(np.int64) // 30, of.months - 1)
    left = of.amount * 100 * (of.months - paid_months) // of.months
    running = np.isin(of.state, ["2", "4", "5"])
    partner = of.partner >= 0
    not_paid = np.isin(of.state, ["0", "1", "8"])
    return {
        "dkzh": key,
        "jkhtbh": join("益公贷", np.datetime_as_string(of.day, unit="Y"), digits(rng.permutation(size) + 1, 7)),
        "jkrxm": people.name[of.borrower],
        "jkrzjhm": people.number[of.borrower],
        "gtjkrxm": np.where(partner, people.name[of.partner], ""),
        "gtjkrzjhm": np.where(partner, people.number[of.partner], ""),
        "dkffe": numbers_as_text(of.amount * 100, 2),
        "dkffrq": np.where(not_paid, "", iso(of.day)),
        "dkqs": plain(of.months),
        "dkye": np.where(running, numbers_as_text(left, 2), "0.00"),
        "dkjqrq": iso(of.settled),
        "dkzt": of.state,
    }
