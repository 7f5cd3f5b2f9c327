"""Cases about bodies: credit_check and employer_registered; and the firm that examples use."""

from __future__ import annotations

from demo.cases.desk import Desk, Subject
from demo.cases.money import EMPLOYER

CREDIT, REGISTERED = "credit_check", "employer_registered"


def employer(desk: Desk, who: Subject, state: str = "01", code: str = "", name: str = "", key: str = "") -> str:
    """An employer with the fund; returns dwzh."""
    key = key or f"{desk.serial()}"
    desk.write(
        "dw_zhxx",
        {
            "dwzh": key, "dwmc": name or who.name, "zzjgdm": code or who.number, "dwfrdbxm": "刘建国",
            "dwdz": "益阳市赫山区益阳大道168号", "dwjcbl": "8.00", "grjcbl": "8.00", "dwjcrs": "6", "dwfcrs": "1",
            "jzny": desk.month(1), "dwzhzt": state, "dwkhrq": "2016-01-12",
        },
    )  # fmt: skip
    return key


def penalty(
    desk: Desk, who: Subject, *, name: str = "", code: str | None = None, ended: bool = False, repaired: bool = False
) -> str:
    """A fine of two years' publication; `ended` makes its publication run out. Returns xxid."""
    serial = desk.serial()
    decided = 900 if ended else 300
    row = {
        "xxid": f"CF{serial}", "cf_xdr_mc": name or who.name, "cf_xdr_lb": "法人及非法人组织",
        "cf_wsh": f"益案罚决〔2025〕{serial}号", "cf_wfxw": "未按规定公示年度报告", "cf_cflb": "罚款",
        "cf_nr_fk": "0.500000", "cf_jdrq": desk.day(decided), "cf_gsjzq": desk.day(decided - 730),
        "cf_cfjgdm": "114309000612003562", "sxdj": "2", "xfzt": "1" if repaired else "0",
        "sjc": f"{desk.day(100 if repaired else decided)} 11:30:00",
    }  # fmt: skip
    number = who.number if code is None else code
    desk.write("xzcf", row | ({"cf_xdr_shxym": number} if number else {}))
    for kind, planted in (("expired", ended), ("repaired", repaired), ("name_only", not number)):
        if planted:
            desk.plant("credit_penalty", kind, row["xxid"])
    return row["xxid"]


def cases(desk: Desk) -> Subject:
    """Everything the credit platform and the fund may say about a body; returns the firm that examples use."""
    example = desk.firm()
    employer(desk, example, key=EMPLOYER)
    note = "示例企业: 公积金单位账户正常, 无处罚"
    desk.ask(REGISTERED, example, "held", True, "registered", note=note, demo=True)
    desk.ask(CREDIT, example, "not_held", True, "none", note=note, demo=True)
    _credit(desk)
    _employers(desk)
    return example


def _credit(desk: Desk) -> None:
    who = desk.firm()
    penalty(desk, who)
    desk.ask(CREDIT, who, "held", False, "penalised", note="公示期内的处罚")
    who = desk.firm()
    penalty(desk, who, repaired=True)
    desk.ask(CREDIT, who, "not_held", True, "none", note="处罚已修复, 不得再使用")
    who = desk.firm()
    penalty(desk, who, ended=True)
    desk.ask(CREDIT, who, "not_held", True, "none", note="处罚公示期满, 不得再使用")
    who = desk.firm()
    penalty(desk, who, repaired=True)
    penalty(desk, who)
    desk.ask(CREDIT, who, "held", False, "penalised", note="一条已修复, 一条在公示期内")
    who = desk.firm()
    penalty(desk, who, code="")
    desk.ask(CREDIT, who, "unknown", reason="ambiguous_subject", note="同名处罚没有代码")
    who = desk.firm()
    key = penalty(desk, who, code=who.number[8:17])
    desk.plant("credit_penalty", "code_9", key)
    desk.ask(CREDIT, who, "held", False, "penalised", note="处罚只记了 9 位组织机构代码")
    who = desk.firm(form="益阳{}（集团）茶业有限公司")
    key = penalty(desk, who, name=who.name.replace("（", "(").replace("）", ")"))
    desk.plant("credit_penalty", "brackets", key)
    desk.ask(CREDIT, who, "held", False, "penalised", note="名称中括号半角, 与所问全角一致")
    who = desk.firm()
    key = penalty(desk, who, code=desk.mistyped(who))
    desk.plant("credit_penalty", "number_mistyped", key)
    desk.ask(CREDIT, who, "unknown", reason="quarantined_candidate", note="同名处罚的代码错一位, 该行在隔离区")
    who = desk.firm()
    penalty(desk, who, name=desk.firm().name)
    desk.ask(CREDIT, who, "unknown", reason="name_mismatch", note="代码登记在另一名称之下")
    for head in ("N2430903", "Y1430903"):
        who = desk.firm(head, "益阳{}股份经济合作社")
        desk.ask(CREDIT, who, "not_held", True, "none", note=f"{head[0]} 开头的代码, 无处罚")


def _employers(desk: Desk) -> None:
    who = desk.firm()
    employer(desk, who)
    desk.ask(REGISTERED, who, "held", True, "registered", note="单位账户正常")
    who = desk.firm("12430903", "益阳市{}幼儿园")
    key = employer(desk, who, code=who.number[8:17])
    desk.plant("fund_employer", "code_9", key)
    desk.ask(REGISTERED, who, "held", True, "registered", note="登记的是 9 位组织机构代码")
    who = desk.firm("N2430903", "益阳{}股份经济合作社")
    key = employer(desk, who)
    desk.plant("fund_employer", "rare_registrar", key)
    desk.ask(REGISTERED, who, "held", True, "registered", note="N 开头的代码")
    for state, note in (("04", "单位账户已销户"), ("05", "单位账户封存")):
        who = desk.firm()
        employer(desk, who, state)
        desk.ask(REGISTERED, who, "held", False, "not_normal", note=note)
    desk.ask(REGISTERED, desk.firm(), "not_held", False, "none", note="没有单位账户")
    who = desk.firm()
    key = employer(desk, who, code=desk.mistyped(who))
    desk.plant("fund_employer", "number_mistyped", key)
    desk.ask(REGISTERED, who, "unknown", reason="quarantined_candidate", note="同名单位的代码错一位, 该行在隔离区")
    who = desk.firm()
    employer(desk, who, name=desk.firm().name)
    desk.ask(REGISTERED, who, "unknown", reason="name_mismatch", note="代码登记在另一名称之下")
