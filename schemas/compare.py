"""Two versions of a contract: what changed, and whether data already stored survives it.

Additive: applied at publication. Breaking: the tables in force cannot hold the new meaning, so publication refuses it
until the dataset is rebuilt into new tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from core.text import T
from schemas.contract import Contract
from schemas.parts import Item

_ADD = T("发布时自动生效。", "Takes effect at publication.")
_REBUILD = T(
    "以 hutong contract publish --rebuild 由落地文件重建该数据集的表，或以新的数据集标识登记。",
    "Rebuild the dataset's tables from the landing with `hutong contract publish --rebuild`, or register it under a new id.",
)
_RECHECK = T(
    "已入库的数据不受影响，之后的批次按新规则判断。", "Stored rows stay; later batches are judged by the new rule."
)


@dataclass(frozen=True)
class Change:
    """One difference: a sentence and what to do."""

    kind: Literal["additive", "breaking"]
    item: str
    message: T
    remedy: T


def compare(old: Contract, new: Contract) -> list[Change]:
    """Every difference that matters to stored data or to judgement; breaking ones first."""
    changes: list[Change] = []

    def add(kind: Literal["additive", "breaking"], item: str, zh: str, en: str, remedy: T) -> None:
        changes.append(Change(kind, item, T(zh, en), remedy))

    if old.id != new.id:
        add("breaking", "", f"标识由 {old.id} 改为 {new.id}", f"the id changed from {old.id} to {new.id}", _REBUILD)
    if old.department != new.department:
        add(
            "breaking",
            "",
            f"所属部门由 {old.department} 改为 {new.department}",
            f"the department changed from {old.department} to {new.department}",
            _REBUILD,
        )
    if old.key != new.key:
        add(
            "breaking",
            "",
            f"主键由 {'、'.join(old.key)} 改为 {'、'.join(new.key)}",
            f"the key changed from {', '.join(old.key)} to {', '.join(new.key)}",
            _REBUILD,
        )
    before = {item.name: item for item in old.items}
    after = {item.name: item for item in new.items}
    for name in before.keys() - after.keys():
        add(
            "breaking",
            name,
            f"删除了信息项 {name}",
            f"the item {name} was removed",
            T("请保留该项；不再采集的可停止映射。", "Keep the item; a system may stop filling it."),
        )
    for name, item in after.items():
        if name not in before:
            add("additive", name, f"新增信息项 {name}", f"the item {name} is new", _ADD)
        else:
            _item(before[name], item, add)
    if old.title != new.title:
        add("additive", "", "名称有变", "the title changed", _ADD)
    for what, zh, en in (
        ("subjects", "主体", "subjects"), ("contributes", "入库映射", "contributions"), ("relationships", "关系", "relationships"),
        ("table_rules", "表级规则", "table rules"), ("row_rules", "行级规则", "row rules"), ("cycle", "更新周期", "update cycle"),
        ("disabled", "停用的校验", "disabled expectations"), ("catalogue", "目录信息", "catalogue block"),
        ("withheld", "不共享的条件", "rule of what is withheld"),
    ):  # fmt: skip
        if getattr(old, what) != getattr(new, what):
            add("additive", "", f"{zh}有变", f"the {en} changed", _RECHECK)
    if (old.valid_from, old.valid_to) != (new.valid_from, new.valid_to):
        add("breaking", "", "有效时间所依据的信息项有变", "valid time comes from other items", _REBUILD)
    return sorted(changes, key=lambda change: (change.kind != "breaking", change.item))


def breaking(old: Contract, new: Contract) -> list[Change]:
    """Only the changes that stored data would not survive."""
    return [change for change in compare(old, new) if change.kind == "breaking"]


def _item(old: Item, new: Item, add: Callable[..., None]) -> None:
    name = new.name
    if old.type.name != new.type.name and not old.type.arrow.equals(new.type.arrow):
        add(
            "breaking",
            name,
            f"{name} 的类型由 {old.type.name} 改为 {new.type.name}",
            f"the type of {name} changed from {old.type.name} to {new.type.name}",
            _REBUILD,
        )
    elif old.type.name != new.type.name:
        # The column can hold it, yet stored values were standardised by other rules.
        add(
            "breaking",
            name,
            f"{name} 的值类型由 {old.type.name} 改为 {new.type.name}",
            f"the value type of {name} changed from {old.type.name} to {new.type.name}",
            _REBUILD,
        )
    if old.title != new.title:
        add("additive", name, f"{name} 的名称有变", f"the title of {name} changed", _ADD)
    if not old.required and new.required:
        add("additive", name, f"{name} 改为必填", f"{name} is now required", _RECHECK)
    if old.code_list != new.code_list or (old.enum and not new.enum) or (new.enum and not old.enum):
        add("breaking", name, f"{name} 改用了另一个代码表", f"{name} takes its codes from another list", _REBUILD)
    elif removed := old.enum.keys() - new.enum.keys():
        words = sorted(removed)
        add(
            "breaking",
            name,
            f"{name} 删去了代码 {'、'.join(words)}",
            f"{name} lost the codes {', '.join(words)}",
            T(
                "请保留代码，在说明中注明停用。",
                "Keep the codes, and say in the description that they are no longer given.",
            ),
        )
    elif old.enum != new.enum:
        add("additive", name, f"{name} 的代码或标签有增改", f"{name} has new codes or labels", _ADD)
    if _narrower(old, new):
        add("additive", name, f"{name} 的取值范围收窄", f"the range of {name} is narrower", _RECHECK)
    elif (old.options.minimum, old.options.maximum) != (new.options.minimum, new.options.maximum):
        add("additive", name, f"{name} 的取值范围放宽", f"the range of {name} is wider", _ADD)
    if (old.separator, old.pair) != (new.separator, new.pair):
        add("breaking", name, f"{name} 的分隔方式有变", f"{name} is cut differently", _REBUILD)
    if old.options.multiplier != new.options.multiplier:
        add("breaking", name, f"{name} 的计量单位有变", f"the unit of {name} changed", _REBUILD)
    if old.classification != new.classification or old.share_type != new.share_type:
        add(
            "additive",
            name,
            f"{name} 的分级或共享类型有变",
            f"the classification or share type of {name} changed",
            _ADD,
        )


def _narrower(old: Item, new: Item) -> bool:
    def tighter(before: Any, after: Any, sign: int) -> bool:
        return after is not None and (before is None or (after > before if sign > 0 else after < before))

    return tighter(old.options.minimum, new.options.minimum, 1) or tighter(old.options.maximum, new.options.maximum, -1)
