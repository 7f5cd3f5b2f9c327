"""Cases about what a family owns: household_homes, whose members the applicant declares."""

from __future__ import annotations

from demo.cases.desk import Desk
from demo.cases.property import contract, notice, title

HOMES = "household_homes"


def cases(desk: Desk) -> None:
    """Each member answered, one dwelling counted once; who belongs is not verified."""
    who, spouse = desk.person(), desk.person()
    desk.ask(HOMES, who, "not_held", True, "none", note="本人与配偶均无房", spouse=spouse)
    desk.ask(HOMES, desk.person(), "not_held", True, "none", note="没有申报任何成员, 只答复本人")
    who, spouse = desk.person(), desk.person()
    title(desk, (spouse.name, spouse.number))
    desk.ask(HOMES, who, "held", False, "home", note="本人无房, 配偶有房", spouse=spouse)
    who, spouse = desk.person(), desk.person()
    title(desk, (who.name, who.number), (spouse.name, spouse.number))
    desk.ask(HOMES, who, "held", False, "home", note="夫妻共有一套, 只计一次", spouse=spouse)
    who, child = desk.person(), desk.child()
    notice(desk, child)
    desk.ask(HOMES, who, "held", False, "advance_notice", note="未成年子女名下有预告登记", minor=child)
    who, child = desk.person(), desk.child()
    contract(desk, f"{who.name}、{child.name}", f"{who.number}、{child.number}")
    desk.ask(HOMES, who, "held", False, "contract", note="与未成年子女同为买受人", minor=child)
    who, spouse = desk.person(), desk.person()
    key = title(desk, (spouse.name, ""))
    desk.plant("real_estate_right", "number_empty", key, "1")
    desk.ask(HOMES, who, "unknown", reason="ambiguous_subject", note="与配偶同名的权利人没有号码", spouse=spouse)
    who, spouse = desk.person(), desk.person()
    title(desk, (desk.person().name, spouse.number))
    desk.ask(HOMES, who, "unknown", reason="name_mismatch", note="配偶的号码登记在另一姓名之下", spouse=spouse)
