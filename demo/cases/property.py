"""Cases about homes: residential_registration and no_home_in_city."""

from __future__ import annotations

import numpy as np

from demo import numbers
from demo.cases.desk import Desk, Subject

HOME, NO_HOME = "residential_registration", "no_home_in_city"


def unit(key: str) -> str:
    """The real-estate unit of a right of the cases (QLID)."""
    return f"430903088001GB{int(key[2:]) % 100_000:05d}F00010001"


def title(
    desk: Desk,
    *holders: tuple[str, str],
    status: str = "1",
    use: str = "10",
    shares: tuple[str, ...] = (),
    of: str = "",
) -> str:
    """A right with its holders (name, number), in a unit of its own or in that of another right; returns QLID."""
    serial = desk.serial()
    key = f"QL{serial:012d}"
    changed = f"{desk.day(40)} 10:20:00"
    desk.write(
        "BDC_FDCQ",
        {
            "QLID": key, "BDCDYH": unit(of or key),
            "BDCQZH": f"湘（2023）益阳市不动产权第{serial % 10**7:07d}号", "YWH": f"202305-{serial % 10**8:08d}",
            "QLLX": "4", "DJLX": "200", "FDZL": "益阳市赫山区康富南路88号", "JZMJ": "101.50", "GHYT": use, "FWXZ": "0",
            "QSZT": status, "DJSJ": "2023-05-18", "QXDM": "430903", "GXSJ": changed,
        },
    )  # fmt: skip
    for seq, (name, number) in enumerate(holders, start=1):
        foreign = number.startswith("9")
        co = "2" if shares else "0" if len(holders) == 1 else "1"
        row = {
            "QLID": key, "SXH": str(seq), "QLRMC": name, "ZJZL": "99" if foreign else "1", "ZJH": number, "QLRLX": "1",
            "GYFS": co, "GXSJ": changed,
        }  # fmt: skip
        desk.write("BDC_QLR", row | ({"QLBL": shares[seq - 1]} if shares else {}))
    return key


def contract(desk: Desk, names: str, numbers_: str, state: str = "2", *, unit: str = "", kind: str = "1") -> str:
    """A sales contract of a dwelling without a title, unless `unit` is one with; returns HTBH."""
    serial = desk.serial()
    key = f"HT{serial:012d}"
    desk.write(
        "SPFHT",
        {
            "HTBH": key, "BAH": f"益备{serial}", "BASJ": desk.day(60), "HTLX": kind, "HTZT": state, "MSRMC": names,
            "MSRZJH": numbers_, "CMRMC": desk.developer.name, "CMRSHXYM": desk.developer.number,
            "YSXKZH": "益房预售字（2025）第0088号", "LDFH": "3栋1502号",
            "BDCDYH": unit or f"430903089001GB{serial % 100_000:05d}F00020002", "JZMJ": "118.20", "HTZJ": "697380.00",
        },
    )  # fmt: skip
    return key


def notice(desk: Desk, who: Subject) -> None:
    """A live advance notice of a presale."""
    serial = desk.serial()
    desk.write(
        "BDC_XZ",
        {
            "XZID": f"XZ{serial:012d}", "XZLX": "YG", "BDCDYH": f"430903089002GB{serial % 100_000:05d}F00020003",
            "YGDJZL": "1", "XZRMC": who.name, "XZRZJH": who.number, "QSSJ": desk.day(300), "QSZT": "1",
            "GXSJ": f"{desk.day(299)} 09:00:00",
        },
    )  # fmt: skip


def subsidised(desk: Desk, who: Subject, way: str) -> None:
    """A supported family."""
    desk.write(
        "BZF",
        {
            "BZBH": f"BZ{desk.serial()}", "SQRXM": who.name, "SQRZJH": who.number, "JTRKS": "1", "BZFS": way,
            "ZFZL": "益阳市资阳区清溪里6栋2单元301室", "QZRQ": desk.day(700), "ZT": "2",
        },
    )  # fmt: skip


def _both(desk: Desk, who: Subject, home: bool, note: str) -> None:
    """The two types answer the same records the other way round."""
    state = "held" if home else "not_held"
    desk.ask(HOME, who, state, home, "registered" if home else "none", note=note)
    desk.ask(NO_HOME, who, state, not home, "home" if home else "none", note=note)


def _neither(desk: Desk, who: Subject, reason: str, note: str) -> None:
    for type_ in (HOME, NO_HOME):
        desk.ask(type_, who, "unknown", reason=reason, note=note)


def cases(desk: Desk) -> None:
    """Everything the registers may say about a person's home."""
    who, other = desk.person(), desk.person()
    title(desk, (who.name, who.number))
    _both(desk, who, True, "单独所有的住宅")
    who = desk.person()
    title(desk, (other.name, other.number), (who.name, who.number), shares=("99%", "1/100"))
    _both(desk, who, True, "任何份额都算: 按份共有百分之一")
    who, other = desk.person(), desk.person()
    key = title(desk, (f"{other.name}、{who.name}", f"{other.number}、{who.number}"))
    desk.plant("real_estate_right", "several_in_cell", key, "1")
    _both(desk, who, True, "与他人写在同一格中的权利人")
    who = desk.person()
    short = str(numbers.short(np.array([who.number]))[0])
    key = title(desk, (who.name, short))
    desk.plant("real_estate_right", "number_15", key, "1")
    _both(desk, who, True, "登记簿上是 15 位号码")
    who = desk.cardholder()
    key = title(desk, (who.name, who.number))
    desk.plant("real_estate_right", "residence_card", key, "1")
    _both(desk, who, True, "持外国人永久居留身份证的权利人")

    who = desk.renamed(desk.person(), "阿依努尔·图尔荪")
    title(desk, (who.name.replace("·", "•"), who.number))
    _both(desk, who, True, "姓名间隔号与登记簿写法不同")

    who = desk.person()
    title(desk, (who.name, who.number), status="2")
    _both(desk, who, False, "只有历史权利")
    who = desk.person()
    title(desk, (who.name, who.number), use="60")
    _both(desk, who, False, "只有办公用房")
    _both(desk, desk.person(), False, "各登记簿均无记录")
    who = desk.person()
    key = title(desk, (who.name, who.number), use="")
    desk.plant("real_estate_right", "use_missing", key, "1")
    for type_ in (HOME, NO_HOME):
        desk.ask(type_, who, "unknown", None, "unclear", reason="not_collected", note="现势权利没有规划用途")

    who = desk.person()
    key = title(desk, (who.name, desk.mistyped(who)))
    desk.plant("real_estate_right", "number_mistyped", key, "1")
    _neither(desk, who, "quarantined_candidate", "同名权利人的号码错一位, 该行在隔离区")
    who = desk.person()
    key = title(desk, (who.name, ""))
    desk.plant("real_estate_right", "number_empty", key, "1")
    _neither(desk, who, "ambiguous_subject", "同名权利人没有号码")
    who = desk.person()
    title(desk, (desk.person().name, who.number))
    _neither(desk, who, "name_mismatch", "号码登记在另一姓名之下")

    who = desk.person()
    contract(desk, who.name, who.number)
    desk.ask(HOME, who, "not_held", False, "none", note="合同已备案, 尚未办证")
    desk.ask(NO_HOME, who, "held", False, "contract", note="合同已备案, 尚未办证")
    who, other = desk.person(), desk.person()
    key = contract(desk, f"{other.name}、{who.name}", f"{other.number}、{who.number}", "1")
    desk.plant("housing_contract", "several_buyers", key)
    desk.ask(NO_HOME, who, "held", False, "contract", note="合同第二买受人, 已签未备案")
    who = desk.person()
    contract(desk, who.name, who.number, "3")
    desk.ask(NO_HOME, who, "not_held", True, "none", note="合同已撤销")
    who = desk.person()
    key = contract(desk, who.name, f"{who.number[0]}.{who.number[1:6]}E+17")
    desk.plant("housing_contract", "number_spreadsheet", key)
    desk.ask(
        NO_HOME, who, "unknown", reason="quarantined_candidate", note="同名买受人的号码被电子表格损坏, 该行在隔离区"
    )
    who = desk.person()
    notice(desk, who)
    desk.ask(NO_HOME, who, "held", False, "advance_notice", note="现势的预售预告登记")
    for way, home in (("3", True), ("1", False)):
        who = desk.person()
        subsidised(desk, who, way)
        outcome = "subsidised" if home else "none"
        desk.ask(NO_HOME, who, "held" if home else "not_held", not home, outcome, note=f"保障方式 {way}")
