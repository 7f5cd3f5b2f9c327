"""One property of a contract → one Item, with every complaint at its own place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from core.text import T
from schemas.codes import lists
from schemas.codes import names as code_lists
from schemas.document import Place, Source, near
from schemas.parts import Catalogue, Item, Subject
from schemas.types import TYPES, Options, ValueType

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
ENUM_VALUE = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
CLASSIFICATIONS = ("public", "internal", "personal", "sensitive")
#: what an enum value may carry beside its label
ENUM_CUSTOM = ("english",)
CUSTOM = ("valueType", "codeList", "kindItem", "multiplier", "formats", "shareType")
# What separates persons in one cell, and a name from its number; full- and half-width forms.
SEPARATORS, PAIRS = ("、", ";", "；", ",", "，", "|", "/"), (":", "：", "=")
# Forms of dates beyond those accepted everywhere (schemas/types/date.py).
FORMATS = ("excel_serial",)
HANDLED = {
    "name", "businessName", "logicalType", "logicalTypeOptions", "primaryKey", "primaryKeyPosition", "required",
    "classification", "enum", "description", "customProperties", "quality",
}  # fmt: skip
FOR_PEOPLE = {
    "id", "physicalType", "physicalName", "examples", "tags", "synonyms", "criticalDataElement", "deprecated",
    "authoritativeDefinitions", "transformDescription", "semanticType",
}  # fmt: skip
# logicalType → (value type when none is given, the Arrow types it may stand for)
LOGICAL: Mapping[str, str] = {
    "string": "text",
    "date": "date",
    "timestamp": "timestamp",
    "number": "decimal",
    "integer": "integer",
    "boolean": "boolean",
}


def custom_properties(source: Source, place: Place, block: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """`customProperties` as a mapping; an unknown or repeated one is refused."""
    found: dict[str, Any] = {}
    for number, entry in enumerate(block.get("customProperties", ())):
        name = entry["property"]
        here = (*place, "customProperties", number, "property")
        if name not in known:
            raise source.refused(
                here, T(f"未知的 customProperty {name}", f"unknown customProperty {name}"), near(name, known)
            )
        if name in found:
            raise source.refused(
                here, T(f"{name} 重复", f"{name} appears twice"), T("请只保留一个。", "Keep only one.")
            )
        found[name] = entry["value"]
    return found


def compile_item(source: Source, place: Place, block: Any, subjects: tuple[Subject, ...]) -> Item:
    """Compile the property at `place`. Raises DocumentRefused."""
    name = block["name"]
    if not NAME.fullmatch(name) or "__" in name:
        raise source.refused(
            (*place, "name"),
            T(f"信息项名 {name} 不合规则", f"the item name {name} is not allowed"),
            T(
                "请用小写英文字母开头，只含小写字母、数字和单个下划线，不超过 40 个字符；中文写在 businessName。",
                "Start with a lower-case letter; only lower-case letters, digits and single underscores, "
                "40 characters at most; Chinese goes into businessName.",
            ),
        )
    for key in block:
        if key not in HANDLED | FOR_PEOPLE:
            raise source.refused((*place, key), T(f"不支持 {key}", f"{key} is not supported"), near(key, HANDLED))
    custom = custom_properties(source, place, block, CUSTOM)
    kind = _type(source, place, block, custom)
    code_list, enum = custom.get("codeList"), _enum(source, place, block)
    _check_codes(source, place, kind, code_list, enum)
    separator, pair = _cell(source, place, name, kind, subjects)
    classification = block.get("classification", "internal")
    if classification not in CLASSIFICATIONS:
        raise source.refused(
            (*place, "classification"),
            T(f"未知的分级 {classification}", f"unknown classification {classification}"),
            near(classification, CLASSIFICATIONS),
        )
    share_type = custom.get("shareType")
    if share_type not in (None, *Catalogue.model_fields["share_type"].annotation.__args__):  # type: ignore[union-attr]
        raise source.refused(
            (*place, "shareType"),
            T(f"未知的共享类型 {share_type}", f"unknown share type {share_type}"),
            near(share_type, "123"),
        )
    minimum, maximum = _range(source, place, block, kind)
    required = bool(block.get("required", False))
    options = Options(
        required=required,
        minimum=minimum,
        maximum=maximum,
        enum=tuple(enum),
        code_list=code_list,
        separator=separator,
        pair=pair,
        multiplier=_multiplier(source, place, kind, custom),
        formats=_formats(source, place, kind, custom),
    )
    return Item(
        name=name, title=block.get("businessName") or name, type=kind, options=options, required=required,
        key=bool(block.get("primaryKey", False)), classification=classification, enum=enum, code_list=code_list,
        kind_item=custom.get("kindItem"), separator=separator, pair=pair, share_type=share_type,
        description=block.get("description", ""),
    )  # fmt: skip


def _type(source: Source, place: Place, block: Any, custom: Mapping[str, Any]) -> ValueType:
    logical = block.get("logicalType", "string")
    if logical not in LOGICAL:
        raise source.refused(
            (*place, "logicalType"),
            T(f"不支持 logicalType {logical}", f"logicalType {logical} is not supported"),
            near(logical, LOGICAL),
        )
    name = custom.get("valueType", "code" if "enum" in block and logical == "string" else LOGICAL[logical])
    if not isinstance(name, str) or name not in TYPES:
        raise source.refused(
            (*place, "valueType"), T(f"未知的值类型 {name}", f"unknown value type {name}"), near(name, TYPES)
        )
    kind, plain = TYPES[name], TYPES[LOGICAL[logical]]
    if kind.arrow.id != plain.arrow.id:
        right = next((word for word, other in LOGICAL.items() if TYPES[other].arrow.id == kind.arrow.id), "string")
        raise source.refused(
            (*place, "logicalType"),
            T(f"值类型 {name} 与 logicalType {logical} 不符", f"the value type {name} is not a {logical}"),
            T(f"请写 logicalType: {right}。", f"Write logicalType: {right}."),
        )
    return kind


def _enum(source: Source, place: Place, block: Any) -> dict[str, T]:
    """Value → label; in English the property `english`, else the value's own words."""
    labels: dict[str, T] = {}
    for number, entry in enumerate(block.get("enum", ())):
        value, here = entry["value"], (*place, "enum", number, "value")
        if not isinstance(value, str) or not ENUM_VALUE.fullmatch(value):
            raise source.refused(
                here,
                T(f"枚举值 {value} 不合规则", f"the enum value {value} is not allowed"),
                T(
                    "请用小写英文词(如 current);数字须加引号。中文写在 label。",
                    "Use a lower-case English word such as current; quote digits; Chinese goes into label.",
                ),
            )
        if value in labels:
            raise source.refused(
                here,
                T(f"枚举值 {value} 重复", f"the enum value {value} appears twice"),
                T("请只保留一个。", "Keep only one."),
            )
        if not entry.get("label"):
            raise source.refused(
                (*place, "enum", number, "label"),
                T(f"枚举值 {value} 没有标签", f"the enum value {value} has no label"),
                T("请写中文 label。", "Give it a Chinese label."),
            )
        custom = custom_properties(source, (*place, "enum", number), entry, ENUM_CUSTOM)
        labels[value] = T(entry["label"], str(custom.get("english") or value.replace("_", " ")))
    return labels


def _check_codes(source: Source, place: Place, kind: ValueType, code_list: Any, enum: Mapping[str, T]) -> None:
    if kind.name != "code":
        if code_list is not None or enum:
            raise source.refused(
                (*place, "codeList" if code_list else "enum"),
                T(f"值类型 {kind.name} 没有代码表", f"the value type {kind.name} has no code list"),
                T("请写 valueType: code。", "Write valueType: code."),
            )
        return
    if (code_list is None) == (not enum):
        raise source.refused(
            place,
            T("代码项须恰好有一个代码表", "a code item needs exactly one list of codes"),
            T("请写 enum(本数据集自用)或 codeList(国家标准)。", "Write enum (its own) or codeList (a national one)."),
        )
    if code_list is not None:
        try:
            lists(str(code_list))
        except KeyError as error:
            raise source.refused(
                (*place, "codeList"),
                T(f"未知的代码表 {code_list}", f"unknown code list {code_list}"),
                near(code_list, code_lists()),
            ) from error


def _cell(
    source: Source, place: Place, name: str, kind: ValueType, subjects: tuple[Subject, ...]
) -> tuple[str | None, str | None]:
    for number, subject in enumerate(subjects):
        if name not in (subject.id, subject.name) or (subject.separator is None and subject.pair is None):
            continue
        here: Place = (*place[:2], "subjects", number)
        for word, value, known in (("separator", subject.separator, SEPARATORS), ("pair", subject.pair, PAIRS)):
            if value is not None and value not in known:
                raise source.refused(
                    (*here, word), T(f"未知的分隔符 {value}", f"unknown {word} {value}"), near(value, known)
                )
        if not pa.types.is_string(kind.arrow):
            raise source.refused(
                (*here, "id"),
                T(f"{name} 不是文字，不能拆分", f"{name} is not text and cannot be cut"),
                T("请去掉 separator。", "Remove separator."),
            )
        return subject.separator, subject.pair if name == subject.id else None
    return None, None


def _range(source: Source, place: Place, block: Any, kind: ValueType) -> tuple[Any, Any]:
    limits: list[Any] = []
    options = block.get("logicalTypeOptions", {})
    for key in options:
        here = (*place, "logicalTypeOptions", key)
        if key not in ("minimum", "maximum"):
            raise source.refused(here, T(f"不支持 {key}", f"{key} is not supported"), near(key, ["minimum", "maximum"]))
    for key in ("minimum", "maximum"):
        value, here = options.get(key), (*place, "logicalTypeOptions", key)
        try:
            limits.append(_limit(value, kind.arrow))
        except (ValueError, TypeError) as error:
            raise source.refused(
                here,
                T(f"{value} 不是 {kind.name} 的界限", f"{value} is no limit for {kind.name}"),
                T("请按该类型书写，日期如 1949-10-01。", "Write it as the type is written; a date as 1949-10-01."),
            ) from error
    if None not in limits and limits[0] > limits[1]:
        raise source.refused(
            (*place, "logicalTypeOptions"),
            T("最小值大于最大值", "the minimum exceeds the maximum"),
            T("请更正。", "Correct it."),
        )
    return limits[0], limits[1]


def _limit(value: Any, arrow: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_integer(arrow):
        if value != int(value):
            raise ValueError("not an integer")
        return int(value)
    if pa.types.is_decimal(arrow):
        return Decimal(str(value))
    if pa.types.is_date(arrow):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(arrow):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a timestamp limit needs its offset")
        return moment
    raise TypeError("this type has no order")


def _multiplier(source: Source, place: Place, kind: ValueType, custom: Mapping[str, Any]) -> Decimal | None:
    value = custom.get("multiplier")
    if value is None:
        return None
    if kind.name != "money" or isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise source.refused(
            (*place, "multiplier"),
            T("multiplier 只用于金额，且须为正数", "multiplier is for money only, and positive"),
            T("例如来源以万元计，写 10000。", "A source that counts in ten thousand yuan: 10000."),
        )
    return Decimal(str(value))


def _formats(source: Source, place: Place, kind: ValueType, custom: Mapping[str, Any]) -> tuple[str, ...]:
    value = custom.get("formats", [])
    for number, entry in enumerate(value if isinstance(value, list) else [value]):
        if entry not in FORMATS:
            raise source.refused(
                (*place, "formats", number), T(f"未知的写法 {entry}", f"unknown format {entry}"), near(entry, FORMATS)
            )
    if value and not pa.types.is_date(kind.arrow):
        raise source.refused(
            (*place, "formats"),
            T(f"{kind.name} 没有日期写法", f"{kind.name} has no date format"),
            T("请删除。", "Remove it."),
        )
    return tuple(value)
