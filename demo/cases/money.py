"""Cases about savings: fund_contributions and fund_loan_settled; and the person that examples use."""

from __future__ import annotations

from demo.cases.desk import Desk, Subject
from demo.cases.property import HOME, NO_HOME, title

CONTRIBUTIONS, SETTLED = "fund_contributions", "fund_loan_settled"
EMPLOYER = "439999999"  # the cases' accounts belong to it; it is written with the firms


def account(
    desk: Desk, who: Subject, state: str = "01", paid_to: int = 1, months: int = 14, name: str = "", number: str = "",
    employer: str = EMPLOYER,
) -> str:  # fmt: skip
    """An account with its last contributions; `paid_to` counts months before this one. Returns grzh."""
    key = f"439{desk.serial():09d}"
    card = number or who.number
    desk.write(
        "gr_zhxx",
        {
            "grzh": key, "dwzh": employer, "xingming": name or who.name, "zjlx": "01", "zjhm": card,
            "csny": who.number[6:12], "sjhm": "13873700000", "hyzk": "20", "grjcjs": "6800.00", "gryjce": "544.00", "dwyjce": "544.00",
            "grzhye": "0.00" if state == "05" else "31416.00", "jzny": desk.month(paid_to), "grzhzt": state,
            "khrq": "2017-03-01",
        }
        | ({"xhrq": desk.day(paid_to * 30)} if state == "05" else {}),
    )  # fmt: skip
    for ago in range(paid_to, paid_to + months):
        month = desk.month(ago)
        desk.write(
            "gr_mx",
            {
                "ywlsh": f"{month}15{desk.serial():010d}", "grzh": key, "jzrq": f"{month[:4]}-{month[4:]}-15",
                "gjhtqywlx": "01", "hbjny": month, "fse": "1088.00",
            },
        )  # fmt: skip
    return key


def loan(
    desk: Desk, who: Subject, state: str, balance: str = "0.00", partner: Subject | None = None, number: str = ""
) -> str:
    """A loan of twenty years; returns dkzh."""
    key = f"4395{desk.serial() % 10**8:08d}"
    row = {
        "dkzh": key, "jkhtbh": f"益公贷{key}", "jkrxm": who.name, "jkrzjhm": number or who.number, "dkffe": "420000.00",
        "dkffrq": "2016-06-20", "dkqs": "240", "dkye": balance, "dkzt": state,
    }  # fmt: skip
    settled = {"dkjqrq": desk.day(200)} if state == "3" else {}
    co = {"gtjkrxm": partner.name, "gtjkrzjhm": partner.number} if partner else {}
    desk.write("dk_zhxx", row | settled | co)
    return key


def cases(desk: Desk) -> Subject:
    """Everything the fund may say about a person. Returns the person that examples use."""
    example = _example(desk)
    _contributions(desk)
    _loans(desk)
    return example


def _example(desk: Desk) -> Subject:
    who = desk.person()
    title(desk, (who.name, who.number))
    account(desk, who)
    loan(desk, who, "3")
    note = "示例人物: 有一套住宅, 公积金缴存正常, 贷款已结清"
    desk.ask(HOME, who, "held", True, "registered", note=note, demo=True)
    desk.ask(NO_HOME, who, "held", False, "home", note=note, demo=True)
    desk.ask(CONTRIBUTIONS, who, "held", True, "paid", note=note, demo=True)
    desk.ask(SETTLED, who, "held", True, "settled", note=note, demo=True)
    return who


def _contributions(desk: Desk) -> None:
    who = desk.person()
    account(desk, who)
    desk.ask(CONTRIBUTIONS, who, "held", True, "paid", note="最近十四个月连续缴存")
    who = desk.person()
    key = account(desk, who, "02", paid_to=20, months=0)
    desk.plant("fund_account", "sealed", key)
    account(desk, who)
    desk.ask(CONTRIBUTIONS, who, "held", True, "paid", note="旧单位账户封存, 新账户正常缴存, 合并计算")
    who = desk.person()
    key = account(desk, who, "02", paid_to=9, months=5)
    desk.plant("fund_account", "sealed", key)
    desk.ask(CONTRIBUTIONS, who, "held", False, "sealed", note="账户封存")
    who = desk.person()
    account(desk, who, "05", paid_to=8, months=6)
    desk.ask(CONTRIBUTIONS, who, "held", False, "closed", note="账户已销户提取")
    who = desk.person()
    account(desk, who, paid_to=6, months=8)
    desk.ask(CONTRIBUTIONS, who, "held", False, "not_every_month", note="账户正常, 最近五个月未缴")
    who = desk.person()
    key = account(desk, who, months=3)
    month = desk.month(4)
    desk.write(
        "gr_mx",
        {
            "ywlsh": f"{month}20{desk.serial():010d}", "grzh": key, "jzrq": f"{month[:4]}-{month[4:]}-20",
            "gjhtqywlx": "08", "fse": "18200.00",
        },
    )  # fmt: skip
    desk.ask(CONTRIBUTIONS, who, "unknown", None, "transferred", reason="not_collected", note="四个月前由外地转入")
    desk.ask(CONTRIBUTIONS, desk.person(), "not_held", False, "none", note="本市无任何状态的账户")
    who = desk.person()
    key = account(desk, who, number=desk.mistyped(who))
    desk.plant("fund_account", "number_mistyped", key)
    desk.plant("fund_account", "birth_differs", key)
    desk.ask(CONTRIBUTIONS, who, "unknown", reason="quarantined_candidate", note="同名账户的号码错一位, 该行在隔离区")
    who = desk.person()
    account(desk, who, name=desk.person().name)
    desk.ask(CONTRIBUTIONS, who, "unknown", reason="name_mismatch", note="号码登记在另一姓名之下")


def _loans(desk: Desk) -> None:
    who = desk.person()
    loan(desk, who, "3")
    desk.ask(SETTLED, who, "held", True, "settled", note="贷款已结清")
    who, partner = desk.person(), desk.person()
    loan(desk, who, "3", partner=partner)
    desk.ask(SETTLED, partner, "held", True, "settled", note="共同借款人, 贷款已结清")
    who, partner = desk.person(), desk.person()
    loan(desk, who, "2", "183000.00", partner)
    desk.ask(SETTLED, who, "held", False, "open", note="贷款正常还款中")
    desk.ask(SETTLED, partner, "held", False, "open", note="共同借款人, 贷款未结清")
    who = desk.person()
    loan(desk, who, "3")
    loan(desk, who, "5", "91000.00")
    desk.ask(SETTLED, who, "held", False, "open", note="一笔结清, 一笔逾期")
    who = desk.person()
    loan(desk, who, "3", "0.50")
    desk.ask(SETTLED, who, "unknown", None, "doubtful", reason="disputed", note="标为结清而余额不为零")
    who = desk.person()
    loan(desk, who, "8")
    desk.ask(SETTLED, who, "not_held", False, "none", note="只有作废的贷款")
    desk.ask(SETTLED, desk.person(), "not_held", False, "none", note="没有贷款")
    who = desk.person()
    key = loan(desk, who, "2", "77000.00", number=desk.mistyped(who))
    desk.plant("fund_loan", "number_mistyped", key)
    desk.ask(SETTLED, who, "unknown", reason="quarantined_candidate", note="同名借款人的号码错一位, 该行在隔离区")
    who, other = desk.person(), desk.person()
    loan(desk, other, "2", "65000.00", number=who.number)
    desk.ask(SETTLED, who, "unknown", reason="name_mismatch", note="号码登记在另一姓名之下")
