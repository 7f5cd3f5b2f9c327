"""Cases about filed contracts and leases, and about the serious-default list: contract_filed, lease_filed, serious_default."""

from __future__ import annotations

from demo.cases.desk import Desk, Subject
from demo.cases.property import contract

CONTRACT, LEASE, SERIOUS = "contract_filed", "lease_filed", "serious_default"


def lease(desk: Desk, who: Subject, *, starts: int = 200, ends: int = -165, state: str = "1", number: str = "") -> str:
    """A lease from and to some days ago; returns BAZMH."""
    key = f"益租备{desk.serial()}"
    desk.write(
        "ZLBA",
        {
            "BAZMH": key, "CZRMC": desk.developer.name, "CZRZJH": desk.developer.number, "CHZRMC": who.name,
            "CHZRZJH": number or who.number, "FWZL": "益阳市赫山区金山路19号", "QZRQ": desk.day(starts), "ZZRQ": desk.day(ends),
            "YZJ": "1500.00", "ZT": state,
        },
    )  # fmt: skip
    return key


def entry(
    desk: Desk, who: Subject, *, number: str | None = None, kind: str = "失信被执行人", removed: bool = False
) -> str:
    """An entry on a serious-default list; returns mdid."""
    key = f"MD{desk.serial()}"
    said = who.number if number is None else number
    row = {
        "mdid": key, "ztmc": who.name, "mdlx": kind, "lrrq": desk.day(300), "zt": "2" if removed else "1",
        "rddw": "益阳市赫山区人民法院", "sjc": f"{desk.day(290)} 10:00:00",
    }  # fmt: skip
    if said:
        row["shxym" if who.kind == "firm" else "zjhm"] = said
    desk.write("yzsx", row | ({"ycrq": desk.day(20)} if removed else {}))
    return key


def cases(desk: Desk) -> None:
    """Everything the bureau may say of a person's filings, and the credit platform of lists."""
    _contracts(desk)
    _leases(desk)
    _serious(desk)


def _contracts(desk: Desk) -> None:
    who, other = desk.person(), desk.person()
    key = contract(desk, f"{other.name}、{who.name}", f"{other.number}、{who.number}")
    desk.plant("housing_contract", "several_buyers", key)
    desk.ask(CONTRACT, who, "held", True, "filed", note="同一格中的第二买受人, 合同已备案")
    for state, outcome, note in (("1", "signed", "已签订, 未备案"), ("4", "titled", "合同已办证")):
        who = desk.person()
        contract(desk, who.name, who.number, state)
        desk.ask(CONTRACT, who, "held", False, outcome, note=note)
    for state, note in (("3", "合同已撤销"), ("0", "合同仍是草稿")):
        who = desk.person()
        contract(desk, who.name, who.number, state)
        desk.ask(CONTRACT, who, "not_held", False, "none", note=note)
    who = desk.person()
    key = contract(desk, who.name, f"{who.number[0]}.{who.number[1:6]}E+17")
    desk.plant("housing_contract", "number_spreadsheet", key)
    desk.ask(
        CONTRACT, who, "unknown", reason="quarantined_candidate", note="同名买受人的号码被电子表格损坏, 该行在隔离区"
    )


def _leases(desk: Desk) -> None:
    who = desk.person()
    lease(desk, who)
    desk.ask(LEASE, who, "held", True, "valid", note="在租期内的有效备案")
    who = desk.person()
    lease(desk, who, ends=0)
    desk.ask(LEASE, who, "held", True, "valid", note="租期今日届满")
    for starts, ends, note in ((600, 1, "租期昨日届满, 备案未注销"), (-30, -300, "租期尚未开始")):
        who = desk.person()
        lease(desk, who, starts=starts, ends=ends)
        desk.ask(LEASE, who, "held", False, "not_in_term", note=note)
    for state, note in (("2", "备案已终止"), ("3", "备案已注销")):
        who = desk.person()
        lease(desk, who, state=state)
        desk.ask(LEASE, who, "not_held", False, "none", note=note)
    who = desk.person()
    key = lease(desk, who, number=f"{who.number[0]}.{who.number[1:6]}E+17")
    desk.plant("housing_lease", "number_spreadsheet", key)
    desk.ask(LEASE, who, "unknown", reason="quarantined_candidate", note="同名承租人的号码被电子表格损坏, 该行在隔离区")


def _serious(desk: Desk) -> None:
    who = desk.person()
    entry(desk, who)
    desk.ask(SERIOUS, who, "held", False, "listed", note="在列的失信被执行人")
    firm = desk.firm()
    entry(desk, firm, kind="拖欠农民工工资")
    desk.ask(SERIOUS, firm, "held", False, "listed", note="在列的拖欠工资单位")
    firm = desk.firm()
    key = entry(desk, firm, number=firm.number[8:17])
    desk.ask(SERIOUS, firm, "held", False, "listed", note="名单只记了 9 位组织机构代码")
    for subject in (desk.person(), desk.firm()):
        entry(desk, subject, removed=True)
        desk.ask(SERIOUS, subject, "not_held", True, "none", note="已移出, 不得再使用")
    who = desk.person()
    key = entry(desk, who, number=f"{who.number[:6]}********{who.number[14:]}")
    desk.plant("serious_default", "number_masked", key)
    desk.ask(SERIOUS, who, "unknown", reason="ambiguous_subject", note="名单上的号码已脱敏, 可能是本人")
    for subject in (desk.person(), desk.firm()):
        key = entry(desk, subject, number="")
        desk.plant("serious_default", "name_only", key)
        desk.ask(SERIOUS, subject, "unknown", reason="ambiguous_subject", note="名单上只有姓名或名称")
    firm = desk.firm()
    entry(desk, Subject("firm", desk.firm().number, firm.name, "credit_code"))
    desk.ask(SERIOUS, firm, "not_held", True, "none", note="同名的另一单位在列")
    desk.ask(SERIOUS, desk.person(), "not_held", True, "none", note="不在任何名单")
