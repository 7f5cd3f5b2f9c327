"""Records of two departments that do not fit together, and others that only look so: nobody asks about their subjects."""

from __future__ import annotations

from demo.cases import firms, households, money
from demo.cases.desk import Desk, Subject
from demo.cases.limits import MORTGAGE, limit
from demo.cases.property import contract, title, unit
from demo.cases.register import INDIVIDUAL, entry

_FUND = ("益阳市住房公积金管理中心", "124309004488001101")


def cases(desk: Desk) -> None:
    """A few of each kind."""
    _contracts(desk)
    _units(desk)
    _employers(desk)
    _businesses(desk)
    _mortgages(desk)


def _named(who: Subject) -> tuple[str, str]:
    return who.name, who.number


def _contracts(desk: Desk) -> None:
    who, other = desk.person(), desk.person()
    key = contract(
        desk, f"{other.name}、{who.name}", f"{other.number}、{who.number}", unit=unit(title(desk, _named(who)))
    )
    desk.plant("housing_contract", "never_titled", key)
    desk.plant("housing_contract", "several_buyers", key)
    seller, buyer = desk.person(), desk.person()  # an existing dwelling: the seller is still in the register
    contract(desk, *_named(buyer), unit=unit(title(desk, _named(seller))), kind="3")
    who = desk.person()
    contract(desk, *_named(who), state="4", unit=unit(title(desk, _named(who))))
    who = desk.person()
    contract(desk, *_named(who), unit=unit(title(desk, _named(who), status="2")))


def _units(desk: Desk) -> None:
    first, second, third = desk.person(), desk.person(), desk.person()
    one = title(desk, _named(first), _named(second))
    other = title(desk, _named(third), of=one)
    for key, seq in ((one, "1"), (one, "2"), (other, "1")):
        desk.plant("real_estate_right", "unit_twice_current", key, seq)
    title(desk, _named(desk.person()), of=title(desk, _named(desk.person())), status="2")


def _employers(desk: Desk) -> None:
    for status, planted in (("4", True), ("3", True), ("2", False), ("1", False)):
        firm = desk.firm()
        entry(desk, firm, status=status)
        key = money.account(desk, desk.person(), months=1, employer=firms.employer(desk, firm))
        if planted:
            desk.plant("fund_account", "employer_deregistered", key)
    firm = desk.firm()
    entry(desk, firm, status="4")
    key = money.account(desk, desk.person(), "02", months=1, employer=firms.employer(desk, firm))
    desk.plant("fund_account", "sealed", key)
    firm = desk.firm()
    desk.plant("market_entity", "not_cancelled", entry(desk, firm, status="2"))
    firms.employer(desk, firm, "04", code=firm.number[8:17])
    desk.plant("fund_employer", "code_9", desk.rows["dw_zhxx"][-1]["dwzh"])
    for status, state in (("1", "04"), ("4", "04"), ("2", "01")):
        firm = desk.firm()
        entry(desk, firm, status=status)
        firms.employer(desk, firm, state)


def _businesses(desk: Desk) -> None:
    for status, person, planted in (("1", "3", True), ("4", "3", False), ("1", "2", False)):
        who, shop = desk.person(), desk.firm("92430903", "赫山区{}茶庄")
        households.registered(desk, who, status=person, ended=desk.day(400))
        key = entry(desk, shop, kind=INDIVIDUAL, operator=who.name, operator_no=who.number, status=status)
        if planted:
            desk.plant("market_entity", "operator_dead", key)
    dead, living = desk.person(), desk.person()  # the dead man's name is another's
    households.registered(desk, dead, status="3", ended=desk.day(400))
    shop = desk.firm("92430903", "赫山区{}茶庄")
    entry(desk, shop, kind=INDIVIDUAL, operator=dead.name, operator_no=living.number)


def _mortgages(desk: Desk) -> None:
    who, partner = desk.person(), desk.person()
    money.loan(desk, partner, "3", partner=who)
    desk.plant(
        "real_estate_limit", "mortgage_not_released", limit(desk, MORTGAGE, title(desk, _named(who)), holder=_FUND)
    )
    who = desk.person()
    money.loan(desk, who, "3")
    limit(desk, MORTGAGE, title(desk, _named(who)), holder=_FUND, state="2", ends=desk.day(100))
    who = desk.person()  # a bank's, for another loan
    money.loan(desk, who, "3")
    limit(desk, MORTGAGE, title(desk, _named(who)))
    who = desk.person()  # one loan is settled, the other is not
    money.loan(desk, who, "3")
    money.loan(desk, who, "2", "61000.00")
    limit(desk, MORTGAGE, title(desk, _named(who)), holder=_FUND)
