"""Quality blocks of a contract → rules. Library metrics speak of totals; custom checks are stock expectations from
an allow-list, never expressions: a contract is data and may not bring code.

A custom rule's `name` is what its findings say, in Chinese; in English the customProperty `english` (ODCS v3.2 §Data quality).
A warning may say `keepValue: false` there: the row is merged without the doubtful value. What a row is known, found, dated or
withheld by cannot be left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from core.text import T
from schemas.document import Place, Source, near
from schemas.items import custom_properties
from schemas.parts import DIMENSIONS, Dimension, Item, RowRule, Severity, TableRule

RULE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,62}")
METRICS = ("rowCount", "nullValues", "duplicateValues")
# expectation → (arguments that name items, other arguments with their types)
ALLOWED: Mapping[str, tuple[tuple[str, ...], Mapping[str, type]]] = {
    "expect_column_values_to_not_be_null": (("column",), {}),
    "expect_column_values_to_be_between": (("column",), {"min_value": int, "max_value": int}),
    "expect_column_value_lengths_to_be_between": (("column",), {"min_value": int, "max_value": int}),
    "expect_column_pair_values_a_to_be_greater_than_b": (("column_A", "column_B"), {"or_equal": bool}),
    # Ours (schemas/derive/gx.py):
    "expect_one_of_two_items_to_be_present": (("column_A", "column_B"), {}),
    "expect_birth_month_to_match_citizen_no": (("column_A", "column_B"), {}),
    "expect_birth_to_match_citizen_no": (("column_A", "column_B"), {}),
    "expect_item_to_be_present_in_category": (("column_A", "column_B"), {"categories": list}),
    "expect_prefix_to_match_category": (("column_A", "column_B"), {"prefixes": dict, "length": int}),
}
_LOW = {"mustBe": False, "mustBeGreaterThan": True, "mustBeGreaterOrEqualTo": False}
_HIGH = {"mustBe": False, "mustBeLessThan": True, "mustBeLessOrEqualTo": False}


def compile_rules(
    source: Source, blocks: list[tuple[Place, str | None, Any]], items: Mapping[str, Item], needed: Mapping[str, T]
) -> tuple[tuple[TableRule, ...], tuple[RowRule, ...]]:
    """Compile `(place, item or None for the table, block)`; `needed` says of items what they are needed as, so that no rule
    may leave their values out. Raises DocumentRefused for what is not supported."""
    tables: list[TableRule] = []
    rows: list[RowRule] = []
    seen: set[str] = set()
    for place, item, block in blocks:
        kind = block.get("type", "library" if "metric" in block else "text")
        if kind == "text":
            continue  # a sentence for people
        name = block.get("id") or block.get("metric") or "check"
        name = f"{item}_{name}" if item else name
        if not RULE.fullmatch(name):
            raise source.refused(
                (*place, "id"),
                T(f"质量规则名 {name} 不合规则", f"the rule id {name} is not allowed"),
                T("请用小写英文字母、数字和下划线。", "Use lower-case letters, digits and underscores."),
            )
        if name in seen:
            raise source.refused(
                (*place, "id"),
                T(f"质量规则 {name} 重复", f"the quality rule {name} appears twice"),
                T("请改用不同的 id。", "Give it another id."),
            )
        seen.add(name)
        severity = block.get("severity", "error")
        if severity not in get_args(Severity):
            raise source.refused(
                (*place, "severity"),
                T(f"未知的严重程度 {severity}", f"unknown severity {severity}"),
                near(severity, get_args(Severity)),
            )
        title, dimension = (
            block.get("name") or block.get("description") or name,
            DIMENSIONS[block.get("dimension", "completeness")],
        )
        if kind == "library":
            tables.append(_table_rule(source, place, item, block, items, name, title, severity, dimension))
            _keeps_value(source, place, custom_properties(source, place, block, ("keepValue",)), item, None, needed)
        elif kind == "custom":
            custom = custom_properties(source, place, block, ("english", "keepValue"))
            said = T(title, str(custom.get("english") or f"The rule {name} is not met"))
            rule = _row_rule(source, place, item, block, items, name, said, severity, dimension)
            rows.append(replace(rule, keeps_value=_keeps_value(source, place, custom, item, rule, needed)))
        else:
            raise source.refused(
                (*place, "type"),
                T(f"不支持 {kind} 类质量规则", f"quality rules of type {kind} are not supported"),
                T("请用 library 或 custom。", "Use library or custom."),
            )
    return tuple(tables), tuple(rows)


def _table_rule(
    source: Source, place: Place, item: str | None, block: Any, items: Mapping[str, Item], name: str, title: str,
    severity: Severity, dimension: Dimension,
) -> TableRule:  # fmt: skip
    metric = block["metric"]
    if metric not in METRICS:
        raise source.refused(
            (*place, "metric"),
            T(f"不支持指标 {metric}", f"the metric {metric} is not supported"),
            T(
                f"可用：{'、'.join(METRICS)};单个值是否合格由信息项的值类型逐行判断。",
                f"Known: {', '.join(METRICS)}. Whether one value is valid is judged row by row by its value type.",
            ),
        )
    arguments = block.get("arguments", {})
    named = tuple(arguments.get("properties", ())) or ((item,) if item else ())
    for other in named:
        _known_item(source, (*place, "arguments", "properties"), other, items)
    if (metric == "nullValues" and len(named) != 1) or (metric == "duplicateValues" and not named):
        raise source.refused(
            place,
            T(f"{metric} 需指明信息项", f"{metric} needs an item"),
            T("请写在信息项上，或用 arguments.properties 列出。", "Put it on the item, or list arguments.properties."),
        )
    unit = block.get("unit", "rows")
    if unit not in ("rows", "percent") or (unit == "percent" and metric == "rowCount"):
        raise source.refused(
            (*place, "unit"), T(f"不支持单位 {unit}", f"unit {unit} is not supported here"), near(unit, ["rows"])
        )
    low = high = None
    strict_low = strict_high = False
    for word, strict in _LOW.items():
        if word in block:
            low, strict_low = block[word], strict
    for word, strict in _HIGH.items():
        if word in block:
            high, strict_high = block[word], strict
    if "mustBeBetween" in block:
        low, high = block["mustBeBetween"]
    if (low is None and high is None) or isinstance(low, str):
        raise source.refused(place, T("没有可用的界限", "no usable bound"), near("", [*_LOW, *_HIGH, "mustBeBetween"]))
    return TableRule(
        name, title, metric, named, low, high, strict_low, strict_high, unit == "percent", severity, dimension
    )


def _row_rule(
    source: Source, place: Place, item: str | None, block: Any, items: Mapping[str, Item], name: str, title: T,
    severity: Severity, dimension: Dimension,
) -> RowRule:  # fmt: skip
    body = block.get("implementation")
    if block.get("engine") != "great-expectations" or not isinstance(body, dict):
        raise source.refused(
            (*place, "engine"),
            T("自定义规则只能由 great-expectations 执行", "custom rules run on great-expectations only"),
            T(
                "请写 engine: great-expectations 与 implementation: {type, kwargs}。",
                "Write engine: great-expectations and implementation: {type, kwargs}.",
            ),
        )
    kind = str(body.get("type"))
    if kind not in ALLOWED:
        raise source.refused(
            (*place, "implementation", "type"),
            T(f"不允许的校验 {kind}", f"the expectation {kind} is not allowed"),
            near(kind, ALLOWED),
        )
    columns, others = ALLOWED[kind]
    given = body.get("kwargs") or {}
    if not isinstance(given, dict):
        raise source.refused(
            (*place, "implementation", "kwargs"),
            T("应为参数与值的对应", "it must be a mapping of arguments"),
            T("请更正。", "Correct it."),
        )
    arguments = dict(given)
    if item is not None and columns == ("column",):
        arguments.setdefault("column", item)
    for key, value in arguments.items():
        here = (*place, "implementation", "kwargs", key)
        if key not in columns and key not in others:
            raise source.refused(
                here, T(f"未知的参数 {key}", f"unknown argument {key}"), near(key, [*columns, *others])
            )
        if key in others and type(value) is not others[key]:
            raise source.refused(
                here,
                T(f"参数 {key} 应为 {others[key].__name__}", f"the argument {key} must be {others[key].__name__}"),
                T("请更正。", "Correct it."),
            )
    named = tuple(str(arguments.pop(column, "")) for column in columns)
    for column, other in zip(columns, named, strict=True):
        _known_item(source, (*place, "implementation", "kwargs", column), other, items)
    if "greater" in kind and len({items[other].type.arrow for other in named}) > 1:
        raise source.refused(
            (*place, "implementation"),
            T("比较的信息项类型不同", "the items compared have different types"),
            T("请比较同类型的信息项。", "Compare items of one type."),
        )
    return RowRule(name, title, kind, named, arguments, severity, dimension)


def _keeps_value(
    source: Source,
    place: Place,
    custom: Mapping[str, Any],
    item: str | None,
    rule: RowRule | None,
    needed: Mapping[str, T],
) -> bool:
    here = (*place, "keepValue")
    value = custom.get("keepValue", True)
    if not isinstance(value, bool):
        raise source.refused(
            here,
            T("keepValue 应为 true 或 false", "keepValue must be true or false"),
            T("请写 keepValue: false,或删除。", "Write keepValue: false, or remove it."),
        )
    if value:
        return True
    if rule is None or rule.items != (item,):
        raise source.refused(
            here,
            T(
                "只有写在信息项上、只判断该项的规则才能不保留其值",
                "only a rule on one item's own values can leave them out",
            ),
            T("请把规则写在该信息项的 quality 下。", "Put the rule under that item's own quality."),
        )
    if rule.severity != "warning":
        raise source.refused(
            (*place, "severity"),
            T("error 使整行待处理,没有可不保留的值", "with error the whole row waits: no value is left out"),
            T("请写 severity: warning,或去掉 keepValue。", "Write severity: warning, or drop keepValue."),
        )
    if rule.items[0] in needed:
        why = needed[rule.items[0]]
        raise source.refused(
            here,
            T(f"{item} 是{why.zh},其值不能不保留", f"{item} is {why.en}: its value cannot be left out"),
            T("请去掉 keepValue,或写 severity: error 使整行待处理。",
              "Drop keepValue, or write severity: error, so that the row waits."),
        )  # fmt: skip
    return False


def _known_item(source: Source, place: Place, name: object, items: Mapping[str, Item]) -> None:
    if name not in items:
        raise source.refused(place, T(f"没有信息项 {name}", f"there is no item {name}"), near(name, items))
