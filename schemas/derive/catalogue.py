"""A contract as the catalogue of government resources describes it: 《政务信息资源目录编制指南(试行)》 (发改高技〔2017〕1272号).

Only the resource code is not derived: the registry assigns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from core.text import T
from schemas.contract import Contract
from schemas.parts import Cycle, Item
from schemas.types import ValueType

# The guideline's item types; B (双精度), F (浮点), G (通用) and M (备注) have no value type here: nothing is stored so.
ITEM_TYPES: Mapping[str, T] = {
    "C": T("字符型", "character"),
    "N": T("数值型", "number"),
    "Y": T("货币型", "money"),
    "D": T("日期型", "date"),
    "T": T("日期时间型", "date and time"),
    "L": T("逻辑型", "logical"),
    "M": T("备注型", "memo"),
    "G": T("通用型", "general"),
    "B": T("双精度型", "double"),
    "I": T("整型", "integer"),
    "F": T("浮点型", "float"),
}
SHARE_TYPES: Mapping[int, T] = {
    1: T("无条件共享", "shared unconditionally"),
    2: T("有条件共享", "shared on conditions"),
    3: T("不予共享", "not shared"),
}
# The guideline's codes 1–6; 7 is what practice adds for a cycle between quarter and year.
CYCLES: tuple[tuple[timedelta, int, T], ...] = (
    (timedelta(hours=23), 1, T("实时", "real time")),
    (timedelta(days=1), 2, T("每日", "daily")),
    (timedelta(weeks=1), 3, T("每周", "weekly")),
    (timedelta(days=31), 4, T("每月", "monthly")),
    (timedelta(days=92), 5, T("每季度", "quarterly")),
    (timedelta(days=184), 7, T("每半年", "half-yearly")),
)
YEARLY = (6, T("每年", "yearly"))
IRREGULAR = (8, T("不定期", "irregular"))  # practice adds it; a contract promises a cycle and never says so
CYCLE_LABELS: Mapping[int, T] = dict(sorted([*((code, label) for _, code, label in CYCLES), YEARLY, IRREGULAR]))
RESOURCE_CLASSES: Mapping[str, T] = {
    "base": T("基础信息资源", "base resource"),
    "theme": T("主题信息资源", "thematic resource"),
    "department": T("部门信息资源", "departmental resource"),
}
# The guideline's classes of format; practice adds the service interface.
FORMATS: Mapping[str, T] = {
    "electronic_file": T("电子文件", "electronic file"),
    "spreadsheet": T("电子表格", "spreadsheet"),
    "database": T("数据库", "database"),
    "image": T("图形图像", "image"),
    "media": T("流媒体", "streaming media"),
    "self_describing": T("自描述格式", "self-describing format"),
    "interface": T("服务接口", "service interface"),
}
#: sharing method → the classes of format it can hand over; a contract has the first
FORMATS_OF: Mapping[str, tuple[str, ...]] = {
    "database": ("database",),
    "file": ("spreadsheet", "electronic_file", "image", "media", "self_describing"),
    "interface": ("interface", "self_describing"),
}


@dataclass(frozen=True)
class InformationItem:
    """One information item (信息项). `share_type` is the item's own or, by default, the resource's."""

    name: str
    title: str
    type: str
    share_type: int
    classification: str
    masked: bool
    key: bool
    required: bool
    code_list: str | None
    enum: Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """The core metadata of one resource."""

    dataset: str
    title: str
    summary: str
    department: str
    version: str
    resource_class: str
    format: str
    items: tuple[InformationItem, ...]
    share_type: int
    share_condition: str
    share_basis: str
    share_method: str
    open: bool
    open_condition: str
    cycle: int


def resource(contract: Contract) -> Resource:
    """The catalogue's view of a contract."""
    block = contract.catalogue
    code, _ = update_cycle(contract.cycle)
    return Resource(
        dataset=contract.id, title=contract.title, summary=contract.description or contract.title,
        department=contract.department, version=contract.version, resource_class=block.resource_class,
        format=FORMATS_OF[block.share_method][0], items=tuple(_item(item, block.share_type) for item in contract.items),
        share_type=block.share_type, share_condition=block.share_condition, share_basis=block.share_basis,
        share_method=block.share_method, open=block.open, open_condition=block.open_condition,
        cycle=code,
    )  # fmt: skip


def update_cycle(cycle: Cycle) -> tuple[int, T]:
    """The guideline's code of a promised cycle: the most frequent one that does not promise more."""
    for limit, code, label in CYCLES:
        if cycle.period <= limit:
            return code, label
    return YEARLY


def item_type(kind: ValueType) -> str:
    """The guideline's letter for a value type."""
    if kind.name == "money":
        return "Y"
    for test, letter in (
        (pa.types.is_timestamp, "T"),
        (pa.types.is_date, "D"),
        (pa.types.is_boolean, "L"),
        (pa.types.is_integer, "I"),
        (pa.types.is_decimal, "N"),
    ):
        if test(kind.arrow):
            return letter
    return "C"


def _item(item: Item, share_type: int) -> InformationItem:
    return InformationItem(
        name=item.name, title=item.title, type=item_type(item.type), share_type=item.share_type or share_type,
        classification=item.classification, masked=item.personal, key=item.key, required=item.required,
        code_list=item.code_list, enum={code: label.zh for code, label in item.enum.items()},
    )  # fmt: skip
