"""Cases that the register of firms decides: business_licence, and credit_check and employer_registered of firms that go by
another number or name than the one asked with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from demo import numbers
from demo.cases.desk import Desk, Subject
from demo.cases.firms import CREDIT, REGISTERED, employer, penalty

LICENCE = "business_licence"
COMPANY, INDIVIDUAL = "1151", "9500"


def registration(desk: Desk) -> str:
    """A 15-digit registration number no other firm has."""
    return str(numbers.registration(np.array([f"43090309{desk.serial() % 10**6:06d}"]))[0])


def entry(
    desk: Desk, who: Subject, *, code: str | None = None, number: str = "", name: str | None = None, kind: str = COMPANY,
    operator: str = "刘建国", operator_no: str = "", status: str = "1", until: str = "长期",
) -> str:  # fmt: skip
    """A firm's entry in the register; `number` is its registration number. Returns PRIPID."""
    key = f"4309{desk.serial():014d}"
    said = {
        "UNISCID": who.number if code is None else code, "REGNO": number, "ENTNAME": who.name if name is None else name,
        "LECERNO": operator_no, "OPTO": until,
    }  # fmt: skip
    money = {"REGCAP": "100.000000", "REGCAPCUR": "156"} if kind != INDIVIDUAL else {}
    row = {
        "PRIPID": key, "ENTTYPE": kind, "LEREP": operator, "ESTDATE": "2012-05-08", "OPFROM": "2012-05-08",
        "DOM": "益阳市赫山区益阳大道168号", "OPSCOPE": "茶叶种植、加工、销售。", "REGORG": "赫山区市场监督管理局",
        "REGSTATE": status, "APPRDATE": desk.day(400),
    }  # fmt: skip
    desk.write("E_BASEINFO", row | money | {column: cell for column, cell in said.items() if cell})
    if until in ("", "9999-12-31", "长期"):
        desk.plant("market_entity", "endless", key)
    return key


def renamed(desk: Desk, key: str, before: str, after: str) -> None:
    """A change of name in the register."""
    row = {"PRIPID": key, "ALTITEM": "01", "ALTBE": before, "ALTAF": after, "ALTDATE": desk.day(500)}
    desk.write("E_ALTITEM", row)


def former(who: Subject) -> str:
    """What a tea company of the cases was called before: a name nobody else has."""
    return who.name.replace("茶业", "茶行")


def cases(desk: Desk, example: Subject) -> None:
    """Everything the register of firms may say about a body; `example` is the firm that examples use."""
    entry(desk, example, number=registration(desk))
    desk.ask(LICENCE, example, "held", True, "valid", note="示例企业: 存续, 经营期限长期", demo=True)
    _licences(desk)
    _other_numbers(desk)
    _other_names(desk)


def _licences(desk: Desk) -> None:
    for until, note in (("", "空"), ("9999-12-31", "9999-12-31")):
        who = desk.firm()
        entry(desk, who, until=until)
        desk.ask(LICENCE, who, "held", True, "valid", note=f"存续, 经营期限至为{note}")
    who = desk.firm()
    entry(desk, who, until=desk.day(-700))
    desk.ask(LICENCE, who, "held", True, "valid", note="存续, 经营期限未满")
    who = desk.firm()
    entry(desk, who, until=desk.day(30))
    desk.ask(LICENCE, who, "held", False, "expired", note="存续, 经营期限已满")
    for status, note in (("2", "吊销未注销"), ("3", "吊销已注销"), ("4", "注销"), ("5", "撤销"), ("6", "迁出")):
        who = desk.firm()
        entry(desk, who, status=status)
        desk.ask(LICENCE, who, "held", False, "revoked" if status == "2" else "ended", note=f"{note}: 有登记, 执照无效")
    who = desk.firm("92430903", "赫山区{}茶庄")
    entry(desk, who, kind=INDIVIDUAL, operator="王砚青")
    desk.ask(LICENCE, who, "held", True, "valid", note="个体工商户, 经营者即负责人")
    shop = desk.firm("92430903", "赫山区{}茶庄")
    who = desk.renamed(shop, f"王{shop.name[3:-2]}")
    key = entry(desk, who, kind=INDIVIDUAL, operator=who.name, name="个体工商户")
    desk.plant("market_entity", "nameless", key)
    desk.ask(LICENCE, who, "held", True, "valid", note="个体工商户没有字号, 以经营者姓名查询")
    desk.ask(LICENCE, desk.firm(), "not_held", False, "none", note="没有登记")
    who = desk.firm()
    entry(desk, who, name=desk.firm().name)
    desk.ask(LICENCE, who, "unknown", reason="name_mismatch", note="代码登记在另一名称之下")
    who = desk.firm()
    key = entry(desk, who, code=desk.mistyped(who))
    desk.plant("market_entity", "number_mistyped", key)
    desk.ask(LICENCE, who, "unknown", reason="quarantined_candidate", note="同名企业的代码错一位, 该行在隔离区")


def _other_numbers(desk: Desk) -> None:
    """By the organisation code and by the registration number, and penalties known by that only."""
    who = desk.firm()
    entry(desk, who)
    short = replace(who, number=who.number[8:17], number_kind="organisation_code")
    desk.ask(LICENCE, short, "held", True, "valid", note="以 9 位组织机构代码查询")
    who, number = desk.firm(), registration(desk)
    entry(desk, who, number=number)
    old = replace(who, number=number, number_kind="registration_no")
    desk.ask(LICENCE, old, "held", True, "valid", note="以 15 位注册号查询")
    who, number = desk.firm(), registration(desk)
    key = entry(desk, who, code="", number=number)
    desk.plant("market_entity", "registration_only", key)
    desk.ask(
        LICENCE, replace(who, number=number, number_kind="registration_no"), "held", True, "valid",
        note="登记簿上只有 15 位注册号",
    )  # fmt: skip

    who, number = desk.firm(), registration(desk)
    entry(desk, who, number=number)
    key = penalty(desk, who, code=number)
    desk.plant("credit_penalty", "registration_no", key)
    desk.ask(CREDIT, who, "held", False, "penalised", note="处罚只记了 15 位注册号, 登记簿上同一企业")
    who, number = desk.firm(), registration(desk)
    entry(desk, who, number=number)
    penalty(desk, who)
    old = replace(who, number=number, number_kind="registration_no")
    desk.ask(CREDIT, old, "held", False, "penalised", note="以注册号查询, 处罚记的是信用代码")
    who = desk.firm()
    entry(desk, who)
    penalty(desk, who)
    short = replace(who, number=who.number[8:17], number_kind="organisation_code")
    desk.ask(CREDIT, short, "held", False, "penalised", note="以 9 位组织机构代码查询")


def _other_names(desk: Desk) -> None:
    """Firms that were called something else, and records that still call them so."""
    who = desk.firm()
    renamed(desk, entry(desk, who), former(who), who.name)
    desk.ask(LICENCE, replace(who, name=former(who)), "held", True, "valid", note="以曾用名称查询")
    who = desk.firm()
    renamed(desk, entry(desk, who), former(who), who.name)
    key = penalty(desk, who, name=former(who))
    desk.plant("credit_penalty", "old_name", key)
    desk.ask(CREDIT, who, "held", False, "penalised", note="处罚记在曾用名称之下, 代码相同")
    who = desk.firm()
    renamed(desk, entry(desk, who), former(who), who.name)
    key = penalty(desk, who, name=former(who), code="")
    desk.plant("credit_penalty", "old_name", key)
    desk.ask(CREDIT, who, "unknown", reason="ambiguous_subject", note="曾用名称的处罚没有代码")
    who = desk.firm()
    renamed(desk, entry(desk, who), former(who), who.name)
    key = employer(desk, who, name=former(who))
    desk.plant("fund_employer", "old_name", key)
    desk.ask(REGISTERED, who, "held", True, "registered", note="单位账户仍用曾用名称")
