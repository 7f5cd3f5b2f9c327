"""Every kind of dirt, and of what only looks like it, that the city plants: where, how often and what should notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FoundBy = Literal["item", "row", "dataset", "sources", "completeness", "nothing"]
Expect = Literal["error", "warning", "none"]


@dataclass(frozen=True)
class Kind:
    """One kind in one dataset. `rate` is a share of the dataset's rows, or of those `among` names."""

    dataset: str
    name: str
    column: str  # source column; a system document says which item it becomes
    defect: bool
    found_by: FoundBy
    expect: Expect
    rate: float | None  # None: as the world has it, not planted at a rate
    note: str
    among: str = ""


_RIGHT, _LIMIT = "real_estate_right", "real_estate_limit"
_EMPLOYER, _ACCOUNT, _MOVEMENT, _LOAN = "fund_employer", "fund_account", "fund_movement", "fund_loan"
_PENALTY, _SERIOUS = "credit_penalty", "serious_default"
_ENTITY = "market_entity"
_PERSON, _CHANGE = "household_person", "household_change"
_CONTRACT, _LEASE, _SUBSIDISED = "housing_contract", "housing_lease", "subsidised_housing"

KINDS = (
    Kind(_RIGHT, "legacy_title", "BDCQZH", False, "nothing", "none", 0.18, "老式房权证、国用证号"),
    Kind(_RIGHT, "number_empty", "ZJH", True, "item", "warning", 0.015, "权利人证件号码为空"),
    Kind(_RIGHT, "number_15", "ZJH", False, "nothing", "none", 0.04, "15 位身份证号"),
    Kind(_RIGHT, "several_in_cell", "QLRMC", False, "nothing", "none", 0.008, "两人写在一格, 以、分隔"),
    Kind(_RIGHT, "several_names_one_number", "QLRMC", True, "completeness", "none", 0.002, "两人名, 一个号码"),
    Kind(_RIGHT, "unit_twice_current", "BDCDYH", True, "dataset", "none", 0.003, "同一单元有两个现势权利"),
    Kind(_RIGHT, "unit_missing", "BDCDYH", True, "item", "warning", 0.04, "不动产单元号缺失"),
    Kind(_RIGHT, "county_ended", "QXDM", True, "item", "warning", 0.01, "已撤销的县区代码"),
    Kind(_RIGHT, "share_styles", "QLBL", False, "nothing", "none", None, "份额写法不一: 50%、1/2、0.5"),
    Kind(_RIGHT, "use_missing", "GHYT", True, "completeness", "none", None, "规划用途为空 (仅案例)"),
    Kind(_RIGHT, "date_1900", "DJSJ", True, "item", "warning", 0.005, "登记日期为占位的 1900-01-01"),
    Kind(_LIMIT, "claim_in_wan", "BDBZQSE", True, "item", "warning", 0.03, "债权数额误填万元", "mortgages"),
    Kind(_LIMIT, "mortgage_not_released", "QSZT", True, "sources", "none", 0.02, "贷款已结清, 抵押未注销", "mortgages"),
    Kind(_EMPLOYER, "code_9", "zzjgdm", False, "nothing", "none", 0.12, "9 位组织机构代码"),
    Kind(_EMPLOYER, "rare_registrar", "zzjgdm", False, "nothing", "none", None, "A、N、Y 开头的统一社会信用代码"),
    *(
        Kind(dataset, "body_check", column, False, "item", "warning", None, "主体标识码自身校验不符, 代码仍有效")
        for dataset, column in (
            (_RIGHT, "ZJH"), (_EMPLOYER, "zzjgdm"), (_PENALTY, "cf_xdr_shxym"), (_SERIOUS, "shxym"),
        )
    ),
    Kind(_ACCOUNT, "sealed", "grzhzt", False, "nothing", "none", 0.18, "封存账户"),
    Kind(_ACCOUNT, "two_live", "grzhzt", True, "dataset", "none", 0.02, "一人有两个正常账户"),
    Kind(_ACCOUNT, "birth_differs", "csny", True, "row", "warning", 0.005, "出生年月与身份证号不符"),
    Kind(_ACCOUNT, "phone_ones", "sjhm", True, "item", "warning", 0.01, "手机号 11111111111"),
    Kind(_ACCOUNT, "employer_closed", "grzhzt", True, "dataset", "none", 0.015, "单位已销户而个人账户正常"),
    Kind(_ACCOUNT, "employer_deregistered", "dwzh", True, "sources", "none", None, "单位已注销登记而个人账户正常"),
    Kind(_ACCOUNT, "test_name", "xingming", True, "item", "error", None, "姓名为“测试”"),
    Kind(_MOVEMENT, "months_on_one_day", "jzrq", False, "nothing", "none", 0.03, "数月补缴同日入账"),
    Kind(_PENALTY, "code_9", "cf_xdr_shxym", False, "nothing", "none", None, "9 位组织机构代码 (仅案例)"),
    Kind(_PENALTY, "number_masked", "cf_xdr_zjhm", True, "item", "warning", 0.20, "号码在源头已脱敏", "persons"),
    Kind(_PENALTY, "fine_in_yuan", "cf_nr_fk", True, "item", "warning", 0.03, "罚款误填元 (大于 1000 万元)", "fines"),
    Kind(_PENALTY, "reported_again", "cf_wsh", True, "dataset", "none", 0.02, "同一文书重复报送"),
    Kind(_PENALTY, "name_only", "cf_xdr_shxym", True, "item", "warning", 0.04, "只有名称, 没有代码或号码"),
    Kind(_PENALTY, "category_contradicts", "cf_xdr_lb", True, "row", "warning", 0.01, "类别与代码矛盾"),
    Kind(_PENALTY, "brackets", "cf_xdr_mc", False, "nothing", "none", 0.15, "名称中半角括号", "bracketed"),
    Kind(_PENALTY, "repaired", "xfzt", False, "nothing", "none", None, "已修复, 不再共享使用"),
    Kind(_PENALTY, "expired", "cf_gsjzq", False, "nothing", "none", None, "公示期满, 不再共享使用"),
    Kind(_SERIOUS, "number_masked", "zjhm", True, "item", "warning", 0.20, "号码在源头已脱敏", "persons"),
    Kind(_SERIOUS, "name_only", "shxym", True, "item", "warning", 0.04, "只有名称, 没有代码或号码"),
    Kind(_CONTRACT, "number_spreadsheet", "MSRZJH", True, "item", "error", 0.01, "号码被电子表格损坏"),
    Kind(_CONTRACT, "serial_date", "BASJ", False, "nothing", "none", 0.02, "日期为电子表格序列号"),
    Kind(_CONTRACT, "several_buyers", "MSRMC", False, "nothing", "none", 0.30, "一格多位买受人, 以、分隔"),
    Kind(_CONTRACT, "never_titled", "HTZT", True, "sources", "none", 0.20, "已办证而合同仍为已备案", "titled units"),
    Kind(_CONTRACT, "unit_missing", "BDCDYH", True, "completeness", "none", 0.35, "不动产单元号为空"),
    Kind(_CONTRACT, "area_predicted", "JZMJ", False, "nothing", "none", 0.10, "预测面积与实测面积不同", "titled units"),
    Kind(_LEASE, "number_spreadsheet", "CHZRZJH", True, "item", "error", 0.01, "号码被电子表格损坏"),
    Kind(_LEASE, "serial_date", "QZRQ", False, "nothing", "none", 0.02, "日期为电子表格序列号"),
    Kind(_SUBSIDISED, "number_spreadsheet", "SQRZJH", True, "item", "error", 0.01, "号码被电子表格损坏"),
    Kind(_SUBSIDISED, "serial_date", "QZRQ", False, "nothing", "none", 0.02, "日期为电子表格序列号"),
    Kind(_ENTITY, "registration_only", "UNISCID", True, "completeness", "none", 0.06, "只有 15 位注册号, 没有信用代码"),
    Kind(_ENTITY, "endless", "OPTO", False, "nothing", "none", None, "经营期限至为空、9999-12-31 或长期: 没有终止日期"),
    Kind(_ENTITY, "operator_dead", "REGSTATE", True, "sources", "none", None, "经营者已登记死亡, 个体工商户仍存续"),
    Kind(_ENTITY, "not_cancelled", "REGSTATE", True, "sources", "none", None, "应注销未注销: 已吊销, 公积金单位账户已销户"),
    Kind(_ENTITY, "nameless", "ENTNAME", True, "item", "warning", 0.03, "个体工商户没有字号", "individual businesses"),
    *(
        Kind(dataset, "old_name", column, True, "sources", "none", 0.05, "企业已更名, 他处仍用旧名", "registered firms")
        for dataset, column in (
            (_EMPLOYER, "dwmc"), (_PENALTY, "cf_xdr_mc"), (_SERIOUS, "ztmc"), (_CONTRACT, "CMRMC"),
        )
    ),
    *(
        Kind(dataset, "registration_no", column, False, "nothing", "none", None, "15 位注册号")
        for dataset, column in ((_PENALTY, "cf_xdr_shxym"), (_SERIOUS, "shxym"))
    ),
    Kind(_PERSON, "marital_stale", "HYZK", True, "nothing", "none", 0.25, "婚姻状况多年未更新 (民政才是主管)"),
    Kind(_PERSON, "collective", "HLX", False, "nothing", "none", 0.03, "集体户"),
    Kind(_PERSON, "name_lost", "XM", True, "item", "warning", 0.001, "生僻字写成私有区字符或 ?"),
    Kind(_PERSON, "name_rare", "XM", False, "nothing", "none", None, "基本平面以外的汉字"),
    Kind(_PERSON, "number_shared", "GMSFHM", True, "dataset", "none", 0.0001, "两人同号, 整表规则提示"),
    Kind(_PERSON, "number_used_elsewhere", "GMSFHM", True, "sources", "none", 0.002, "号码已更正, 他处仍用旧号"),
    Kind(_PERSON, "death_unregistered", "RYZT", True, "nothing", "none", None, "已死亡而尚未登记 (中位数 60 天)"),
    Kind(_PERSON, "removed_and_back", "CZBS", False, "nothing", "none", None, "删除后又恢复"),
    Kind(_PERSON, "born_in_ended_division", "GMSFHM", False, "nothing", "none", None, "号码开头的区划代码已撤销"),
    Kind(_CHANGE, "registered_late", "CZSJ", True, "nothing", "none", 0.03, "死亡一年以后才登记", "deaths"),
    *(
        Kind(dataset, "number_superseded", column, True, "sources", "none", None, "公安已更正的旧号码")
        for dataset, column in ((_ACCOUNT, "zjhm"), (_RIGHT, "ZJH"))
    ),
    *(
        Kind(dataset, name, column, False, "nothing", "none", None, note)
        for dataset, column in (
            (_RIGHT, "ZJH"), (_LIMIT, "XZRZJH"), (_ACCOUNT, "zjhm"), (_LOAN, "jkrzjhm"), (_PENALTY, "cf_xdr_zjhm"),
            (_SERIOUS, "zjhm"), (_ENTITY, "LECERNO"), (_CONTRACT, "MSRZJH"), (_LEASE, "CHZRZJH"), (_SUBSIDISED, "SQRZJH"),
        )
        for name, note in (
            ("residence_card", "外国人永久居留身份证"),
            ("other_document", "港澳、台湾居民通行证或护照; 多处没有证件种类列"),
            ("born_in_ended_division", "号码开头的区划代码已撤销"),
        )
    ),
    *(
        Kind(dataset, "number_mistyped", column, True, "item", "error", None, "号码错一位, 校验不符 (仅案例)")
        for dataset, column in (
            (_RIGHT, "ZJH"), (_EMPLOYER, "zzjgdm"), (_ACCOUNT, "zjhm"), (_LOAN, "jkrzjhm"), (_PENALTY, "cf_xdr_shxym"),
            (_ENTITY, "UNISCID"), (_PERSON, "GMSFHM"),
        )
    ),
)  # fmt: skip

KIND = {(kind.dataset, kind.name): kind for kind in KINDS}
