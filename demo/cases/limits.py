"""Cases about titles: title_limits, asked by certificate or unit number and the holder's name."""

from __future__ import annotations

from dataclasses import replace

from demo.cases.desk import Desk, Subject
from demo.cases.property import title, unit

LIMITS = "title_limits"
MORTGAGE, SEIZURE, OBJECTION = "DY", "CF", "YY"


def numbered(who: Subject, key: str) -> tuple[Subject, Subject]:
    """The title of a right (QLID) as a subject named by its holder: by certificate number, and by unit number."""
    serial = int(key[2:])
    certificate = f"湘（2023）益阳市不动产权第{serial % 10**7:07d}号"
    return (
        replace(who, kind="title", number=certificate, number_kind="title_certificate"),
        replace(who, kind="title", number=unit(key), number_kind="real_estate_unit"),
    )


def limit(
    desk: Desk, kind: str, key: str, *, by_unit: bool = True, by_right: bool = True, seizure: str = "1", ends: str = "",
    state: str = "1", holder: tuple[str, str] | None = None,
) -> str:  # fmt: skip
    """A limit on a right (QLID); `holder` is the mortgagee's name and number. Returns XZID."""
    serial = desk.serial()
    where = ({"QLID": key} if by_right else {}) | ({"BDCDYH": unit(key)} if by_unit else {})
    named = {"XZRMC": holder[0], "XZRZJH": holder[1]} if holder else {}
    what = {MORTGAGE: {"DYFS": "1", "BDBZQSE": "420000.00"}, SEIZURE: {"CFLX": seizure}}.get(kind, {})
    desk.write(
        "BDC_XZ",
        {
            "XZID": f"XZ{serial:012d}", "XZLX": kind, "XZRMC": "益阳市赫山区人民法院" if kind == SEIZURE else "益阳农村商业银行",
            "QSSJ": desk.day(800), "QSZT": state, "GXSJ": f"{desk.day(799)} 09:00:00",
        }
        | where | what | named | ({"JSSJ": ends} if ends else {}),
    )  # fmt: skip
    return f"XZ{serial:012d}"


def cases(desk: Desk) -> None:
    """Everything the register may say about the limits on a title."""
    for by, note in ((0, "以权证号"), (1, "以不动产单元号")):
        who = desk.person()
        key = title(desk, (who.name, who.number))
        desk.ask(LIMITS, numbered(who, key)[by], "held", True, "clear", note=f"权利有效, 没有限制, {note}查询")
    who, other = desk.person(), desk.person()
    key = title(desk, (other.name, other.number), (who.name, who.number))
    limit(desk, MORTGAGE, key)
    desk.ask(LIMITS, numbered(who, key)[0], "held", False, "mortgaged", note="共有人之一查询, 已抵押")
    for by_unit, by_right in ((True, False), (False, True)):
        who = desk.person()
        key = title(desk, (who.name, who.number))
        limit(desk, MORTGAGE, key, by_unit=by_unit, by_right=by_right)
        note = "抵押只写了单元号" if by_unit else "抵押只写了权利标识"
        desk.ask(LIMITS, numbered(who, key)[0], "held", False, "mortgaged", note=note)
    who = desk.person()
    key = title(desk, (who.name, who.number))
    limit(desk, MORTGAGE, key, ends=desk.day(10), state="2")
    desk.ask(LIMITS, numbered(who, key)[0], "held", True, "clear", note="抵押已注销")
    _seizures(desk)
    who = desk.person()
    key = title(desk, (who.name, who.number))
    limit(desk, OBJECTION, key)
    desk.ask(LIMITS, numbered(who, key)[0], "held", False, "limited", note="有异议登记")
    who = desk.person()
    key = title(desk, (who.name, who.number), status="2")
    desk.ask(LIMITS, numbered(who, key)[0], "held", False, "ended", note="权利已注销或转移")
    who = desk.person()
    desk.ask(LIMITS, numbered(who, f"QL{desk.serial():012d}")[0], "not_held", None, "none", note="没有这一权证")
    who = desk.person()
    key = title(desk, (who.name, who.number))
    stranger = numbered(desk.person(), key)[0]
    desk.ask(LIMITS, stranger, "unknown", reason="name_mismatch", note="权证登记在他人名下")


def _seizures(desk: Desk) -> None:
    for kind, ends, note in (("1", -300, "查封"), ("2", -300, "轮候查封也是查封"), ("3", 0, "预查封, 今日到期")):
        who = desk.person()
        key = title(desk, (who.name, who.number))
        limit(desk, SEIZURE, key, seizure=kind, ends=desk.day(ends))
        desk.ask(LIMITS, numbered(who, key)[0], "held", False, "seized", note=note)
    for by, note in ((0, "查封期限已过而未解除"), (1, "查封期限已过而未解除, 另有抵押")):
        who = desk.person()
        key = title(desk, (who.name, who.number))
        limit(desk, SEIZURE, key, ends=desk.day(40))
        if by:
            limit(desk, MORTGAGE, key)
        subject = numbered(who, key)[by]
        desk.ask(LIMITS, subject, "unknown", None, "seizure_overdue", reason="disputed", note=note)
