"""Cases that the household register decides: registered_residence, same_household and death_registered."""

from __future__ import annotations

import numpy as np

from demo import numbers
from demo.cases.desk import Desk, Subject

RESIDENCE, SAME, DEATH = "registered_residence", "same_household", "death_registered"
_EARLIER = "HJ_CZRK_earlier"


def registered(
    desk: Desk, who: Subject, *, household: str = "", kind: str = "1", relation: str = "02", status: str = "1",
    ended: str = "", name: str = "", number: str = "",
) -> str:  # fmt: skip
    """A person's record as last pushed; `ended` is a date. Returns RYBS."""
    key = f"RYA{desk.serial():011d}"
    card = number or who.number
    desk.write(
        "HJ_CZRK",
        {
            "RYBS": key, "GMSFHM": card, "XM": name or who.name, "XB": "1" if int(card[16]) % 2 else "2", "MZ": "01",
            "CSRQ": card[6:14], "HH": household or f"4309039{desk.serial() % 10**7:07d}", "HLX": kind, "YHZGX": relation,
            "HJQH": "430903", "HJDZ": "益阳市赫山区康富南路12号", "PCS": "益阳市公安局赫山分局桃花仑派出所", "HYZK": "10",
            "RYZT": status, "ZXSJ": ended.replace("-", ""), "CZBS": "I", "CZSJ": f"{desk.day(30)} 10:00:00",
        },
    )  # fmt: skip
    if kind in "34":
        desk.plant("household_person", "collective", key)
    return key


def change(desk: Desk, record: str, kind: str, ago: int, before: str = "", after: str = "") -> None:
    """Something that happened to a record some days ago."""
    day = desk.day(ago)
    row = {
        "BDBH": f"BDA{desk.serial():011d}", "RYBS": record, "BDLX": kind, "BDRQ": day.replace("-", ""), "BDQ": before,
        "BDH": after, "CZSJ": f"{day} 11:00:00",
    }  # fmt: skip
    desk.write("HJ_BD", row)


def cases(desk: Desk, example: Subject) -> None:
    """Everything the household register may say about a person; `example` is the person that examples use."""
    registered(desk, example)
    note = "示例人物: 户籍在本市, 没有死亡登记"
    desk.ask(RESIDENCE, example, "held", True, "registered", note=note, demo=True)
    desk.ask(DEATH, example, "not_held", False, "none", note=note, demo=True)
    _residence(desk)
    _same(desk)
    _death(desk)


def _residence(desk: Desk) -> None:
    for kind, note in (("1", "家庭户"), ("2", "农业家庭户"), ("3", "集体户也是本市户籍")):
        who = desk.person()
        registered(desk, who, kind=kind, relation="99" if kind == "3" else "02")
        desk.ask(RESIDENCE, who, "held", True, "registered", note=note)
    for status, ago, note in (("2", 300, "已迁出"), ("3", 90, "已死亡")):
        who = desk.person()
        change(desk, registered(desk, who, status=status, ended=desk.day(ago)), "04" if status == "2" else "02", ago)
        desk.ask(RESIDENCE, who, "held", False, "ended", note=note)
    for fields, note in (({"kind": "0"}, "未落常住户口"), ({"status": "4"}, "状态为其他")):
        who = desk.person()
        registered(desk, who, **fields)
        desk.ask(RESIDENCE, who, "unknown", None, "unclear", reason="disputed", note=note)
    desk.ask(RESIDENCE, desk.person(), "not_held", False, "none", note="没有户籍记录")
    foreigner = desk.cardholder("SILVA MARIA", "076")
    desk.ask(RESIDENCE, foreigner, "not_held", False, "none", note="外国人没有户籍")

    who, old = _corrected(desk)
    desk.ask(RESIDENCE, who, "held", True, "registered", note="号码已更正, 按新号查询")
    who, old = _corrected(desk)
    desk.ask(RESIDENCE, old, "held", True, "registered", note="号码已更正, 按原号查询")
    who = desk.person()
    key = registered(desk, who)
    _before(desk, key, "I", GMSFHM=desk.mistyped(who))
    desk.rows["HJ_CZRK"][-1]["CZBS"] = "U"
    desk.ask(RESIDENCE, who, "held", True, "registered", note="先推送的号码有误, 后一次推送已更正")
    who = desk.person()
    key = registered(desk, who)
    _before(desk, key, "I")
    del desk.rows["HJ_CZRK"][-1]
    desk.write(_EARLIER, {"RYBS": key, "CZBS": "D", "CZSJ": f"{desk.day(30)} 10:00:00"})
    desk.ask(RESIDENCE, who, "not_held", False, "none", note="录入有误, 记录已删除")
    _doubts(desk, RESIDENCE)


def _before(desk: Desk, key: str, flag: str, **cells: str) -> None:
    """What was pushed of the record written last, ten days before its last push."""
    row = desk.rows["HJ_CZRK"][-1] | cells
    desk.write(_EARLIER, row | {"RYBS": key, "CZBS": flag, "CZSJ": f"{desk.day(40)} 10:00:00"})


def _corrected(desk: Desk, status: str = "1", ended: str = "") -> tuple[Subject, Subject]:
    """A person whose number was corrected, as they are asked for by the number of now and by the old one."""
    who = desk.person()
    old = str(numbers.citizen(np.array([who.number[:14] + "986"]))[0])
    key = registered(desk, who, status=status, ended=ended)
    change(desk, key, "06", 200, old, who.number)
    return who, Subject(who.kind, old, who.name)


def _same(desk: Desk) -> None:
    who, other = _house(desk, "1", "02", "20")
    desk.ask(SAME, who, "held", True, "same", note="户主与子女同户", other=other)
    who, other = _house(desk, "2", "20", "30")
    desk.ask(SAME, who, "held", True, "same", note="同户的两人都不是户主, 两人之间的关系不予答复", other=other)
    who, other = _house(desk, "3", "99", "99")
    desk.ask(SAME, who, "held", False, "collective", note="同一集体户不是一家", other=other)
    who, other = desk.person(), desk.person()
    registered(desk, who)
    registered(desk, other)
    desk.ask(SAME, who, "held", False, "different", note="不同户号", other=other)
    who, other = _house(desk, "1", "02", "20", status="2")
    desk.ask(SAME, who, "not_held", None, "none", note="另一人已迁出", other=other)


def _house(desk: Desk, kind: str, first: str, second: str, status: str = "1") -> tuple[Subject, Subject]:
    """Two persons under one household number; `status` is the second one's."""
    who, other = desk.person(), desk.person()
    household = f"4309039{desk.serial() % 10**7:07d}"
    if first != "02" and kind in "12":
        registered(desk, desk.person(), household=household, kind=kind)
    registered(desk, who, household=household, kind=kind, relation=first)
    ended = "" if status == "1" else desk.day(100)
    registered(desk, other, household=household, kind=kind, relation=second, status=status, ended=ended)
    return who, other


def _death(desk: Desk) -> None:
    who = desk.person()
    change(desk, registered(desk, who, status="3", ended=desk.day(150)), "02", 150)
    desk.ask(DEATH, who, "held", True, "registered", note="死亡已登记")
    who = desk.person()
    registered(desk, who)
    desk.ask(DEATH, who, "not_held", False, "none", note="未查询到死亡登记, 不说“在世”")
    who = desk.person()
    registered(desk, who)
    desk.plant("household_person", "death_unregistered", desk.rows["HJ_CZRK"][-1]["RYBS"])
    desk.ask(DEATH, who, "not_held", False, "none", note="上周死亡, 尚未登记")
    who, old = _corrected(desk, "3", desk.day(60))
    desk.ask(DEATH, old, "held", True, "registered", note="号码更正过, 按原号查询")
    desk.ask(DEATH, desk.person(), "not_held", False, "none", note="没有户籍记录")
    _doubts(desk, DEATH, status="3", ended=desk.day(80))


def _doubts(desk: Desk, type_: str, status: str = "1", ended: str = "") -> None:
    """What forbids every answer."""
    who = desk.person()
    key = registered(desk, who, number=desk.mistyped(who), status=status, ended=ended)
    desk.plant("household_person", "number_mistyped", key)
    desk.ask(type_, who, "unknown", reason="quarantined_candidate", note="同名者的号码错一位, 该行在隔离区")
    who = desk.person()
    registered(desk, who, name=desk.person().name, status=status, ended=ended)
    desk.ask(type_, who, "unknown", reason="name_mismatch", note="号码登记在另一姓名之下")
