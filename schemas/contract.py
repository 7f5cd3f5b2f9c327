"""A dataset's contract: an ODCS document compiled into the one view that everything else derives from.

`load` raises DocumentRefused with file, place and remedy; a loaded contract is therefore always usable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from core.text import T
from schemas import conditions, odcs
from schemas.derive import arrow
from schemas.document import Place, Source, Strict, model, near, read
from schemas.items import NAME, compile_item, custom_properties
from schemas.parts import Catalogue, Contribution, Cycle, Item, Relationship, RowRule, Subject, TableRule
from schemas.quality import compile_rules
from schemas.references import check_items, check_subjects, key_of, known_item, needed, relationships_of
from schemas.sla import compile_sla

__all__ = ["Catalogue", "Contract", "Contribution", "Cycle", "Item", "Relationship", "Subject", "load"]

MAX_ITEMS = 500  # PostgreSQL allows 1,600 columns; nobody reads a record of 500
CUSTOM = ("subjects", "contributes", "catalogue", "validFrom", "validTo", "withheld", "disabledExpectations")
HANDLED = {"apiVersion", "kind", "id", "name", "version", "status", "domain", "schema", "slaProperties", "description"}
FOR_PEOPLE = {"tags", "authoritativeDefinitions", "team", "support", "contractCreatedTs", "tenant", "dataProduct"}
TABLE_HANDLED = {"name", "logicalType", "properties", "quality", "relationships", "customProperties", "businessName"}
TABLE_FOR_PEOPLE = {"id", "physicalType", "physicalName", "description", "dataGranularityDescription", "tags"}
SEMVER = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Contract:
    """One dataset, as said by its department. `text` and `sha256` are the document's own. A row that meets any of `withheld`
    is shown to no consumer."""

    id: str
    title: str
    version: str
    department: str
    description: str
    items: tuple[Item, ...]
    key: tuple[str, ...]
    subjects: tuple[Subject, ...]
    contributes: tuple[Contribution, ...]
    relationships: tuple[Relationship, ...]
    table_rules: tuple[TableRule, ...]
    row_rules: tuple[RowRule, ...]
    catalogue: Catalogue
    cycle: Cycle
    retention_years: int | None
    valid_from: str | None
    valid_to: str | None
    withheld: tuple[conditions.Where, ...]
    disabled: frozenset[str]
    text: str = field(repr=False)
    sha256: str

    @cached_property
    def _by_name(self) -> Mapping[str, Item]:
        return {item.name: item for item in self.items}

    def item(self, name: str) -> Item:
        """The item of that name. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def stands_on(self) -> Mapping[str, T]:
        """Items that a row is known, found, dated, contributed or withheld by, each with what it is."""
        dates, withheld = (self.valid_from, self.valid_to), {item for where in self.withheld for item in where}
        return needed(self.items, self.subjects, self.contributes, self.relationships, dates, withheld)

    def referred(self, item: str) -> Relationship:
        """The relationship by which an item leads to another dataset's records. Raises KeyError."""
        return {link.item: link for link in self.relationships}[item]

    @cached_property
    def unkept(self) -> frozenset[str]:
        """Items whose doubtful values are left out of their rows: empty may mean unknown, so no answer may hang on them."""
        return frozenset(rule.items[0] for rule in self.row_rules if not rule.keeps_value)

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The typed values of a batch, in the contract's order."""
        return arrow.schema(self.items)


def load(document: str | Path, *, file: str = "", vouched: bool = False) -> Contract:
    """Compile a contract from a path or a text. Raises DocumentRefused(file, path, remedy).

    `vouched` skips the standard's JSON Schema, nine tenths of the time: for text that passed it when it was published.
    """
    source = read(document, file=file)
    if not vouched:
        odcs.check(source)
    tree = source.tree
    for key in tree:
        if key not in HANDLED | FOR_PEOPLE:
            raise source.refused((key,), T(f"这里不支持 {key}", f"{key} is not supported here"), near(key, HANDLED))
    for key in ("name", "domain", "schema"):
        if not tree.get(key):
            raise source.refused((key,), T(f"缺少 {key}", f"{key} is missing"), T("请补上。", "Add it."))
    _name(source, ("id",), tree["id"])
    _name(source, ("domain",), tree["domain"])
    if not tree["apiVersion"].startswith("v3."):
        raise source.refused(("apiVersion",), T("须为 ODCS v3", "must be ODCS v3"), T("请写 v3.2.0。", "Write v3.2.0."))
    if not SEMVER.fullmatch(tree["version"]):
        raise source.refused(
            ("version",),
            T(f"版本 {tree['version']} 不合规则", f"the version {tree['version']} is not allowed"),
            T("请写成 1.0.0。", "Write it as 1.0.0."),
        )
    table = _table(source, tree)
    place: Place = ("schema", 0)
    custom = custom_properties(source, place, table, CUSTOM)
    subjects = _models(source, place, custom, "subjects", Subject)
    items = tuple(
        compile_item(source, (*place, "properties", number), block, subjects)
        for number, block in enumerate(table["properties"])
    )
    names = {item.name: item for item in items}
    check_items(source, place, items, names)
    contributes = _models(source, place, custom, "contributes", Contribution)
    relationships = relationships_of(source, place, table, tree["id"], names)
    check_subjects(source, place, subjects, contributes, names, relationships)
    blocks: list[tuple[Place, str | None, Any]] = [
        ((*place, "quality", number), None, block) for number, block in enumerate(table.get("quality", ()))
    ]
    for position, prop in enumerate(table["properties"]):
        blocks += [
            ((*place, "properties", position, "quality", number), prop["name"], block)
            for number, block in enumerate(prop.get("quality", ()))
        ]
    valid_from, valid_to = (_valid(source, place, custom, word, names) for word in ("validFrom", "validTo"))
    withheld = _withheld(source, place, custom, names)
    held = needed(items, subjects, contributes, relationships, (valid_from, valid_to), {i for w in withheld for i in w})
    table_rules, row_rules = compile_rules(source, blocks, names, held)
    cycle, retention = compile_sla(source)
    if "catalogue" not in custom:
        raise source.refused(
            (*place, "catalogue"),
            T("缺少 catalogue", "catalogue is missing"),
            T("请写资源分类与共享类型。", "Say its resource class and share type."),
        )
    return Contract(
        id=tree["id"], title=tree["name"], version=tree["version"], department=tree["domain"],
        description=_description(tree), items=items, key=key_of(source, place, table), subjects=subjects,
        contributes=contributes, relationships=relationships,
        table_rules=table_rules, row_rules=row_rules,
        catalogue=model(source, Catalogue, custom["catalogue"], (*place, "catalogue")),
        cycle=cycle, retention_years=retention,
        valid_from=valid_from, valid_to=valid_to, withheld=withheld,
        disabled=_disabled(source, place, custom, tree["id"], names, row_rules),
        text=source.text, sha256=source.sha256,
    )  # fmt: skip


def _name(source: Source, place: Place, name: str) -> None:
    # `<id>_history` is the table beside `<id>`; 40 characters leave room for index names (PostgreSQL: 63 bytes).
    if not NAME.fullmatch(name) or name.endswith("_history") or "__" in name:
        raise source.refused(
            place,
            T(f"标识 {name} 不合规则", f"the identifier {name} is not allowed"),
            T(
                "请用小写英文字母、数字和单个下划线，不超过 40 个字符，不以 _history 结尾。",
                "Lower-case letters, digits and single underscores, 40 characters at most, not ending in _history.",
            ),
        )


def _table(source: Source, tree: Any) -> Any:
    if len(tree["schema"]) != 1:
        raise source.refused(
            ("schema",),
            T("一份数据契约只描述一个数据集", "a contract describes one dataset"),
            T("请拆成多份文档。", "Split it into several documents."),
        )
    table = tree["schema"][0]
    for key in table:
        if key not in TABLE_HANDLED | TABLE_FOR_PEOPLE:
            raise source.refused(
                ("schema", 0, key), T(f"不支持 {key}", f"{key} is not supported"), near(key, TABLE_HANDLED)
            )
    if table["name"] != tree["id"]:
        raise source.refused(
            ("schema", 0, "name"),
            T(
                f"表名 {table['name']} 与数据契约 id 不同",
                f"the table name {table['name']} differs from the contract's id",
            ),
            T(f"请写 {tree['id']}。", f"Write {tree['id']}."),
        )
    count = len(table.get("properties", ()))
    if not 1 <= count <= MAX_ITEMS:
        raise source.refused(
            ("schema", 0, "properties"),
            T(f"信息项数为 {count}", f"there are {count} items"),
            T(f"应为 1 至 {MAX_ITEMS} 个。", f"There must be 1 to {MAX_ITEMS}."),
        )
    return table


def _models(source: Source, place: Place, custom: Mapping[str, Any], name: str, kind: Any) -> tuple[Any, ...]:
    value = custom.get(name, [])
    if not isinstance(value, list):
        raise source.refused(
            (*place, name), T(f"{name} 应为列表", f"{name} must be a list"), T("请写成列表。", "Write a list.")
        )
    return tuple(model(source, kind, entry, (*place, name, number)) for number, entry in enumerate(value))


class _Withheld(Strict):
    any: tuple[conditions.Where, ...] = Field(min_length=1)


def _withheld(
    source: Source, place: Place, custom: Mapping[str, Any], names: Mapping[str, Item]
) -> tuple[conditions.Where, ...]:
    if "withheld" not in custom:
        return ()
    rules = model(source, _Withheld, {"any": custom["withheld"]}, (*place, "withheld")).any
    for number, where in enumerate(rules):
        here: Place = (*place, "withheld", number)
        conditions.check(source, here, where, names)
        for item, test in where.items():
            for word, parameter in test.parameters:
                raise source.refused(
                    (*here, item, word),
                    T(f"数据契约没有参数 {parameter}", f"a contract has no parameter {parameter}"),
                    T("请写字面值或 today。", "Write a literal or today."),
                )
    return rules


def _valid(source: Source, place: Place, custom: Mapping[str, Any], word: str, names: Mapping[str, Item]) -> str | None:
    name = custom.get(word)
    if name is None:
        return None
    known_item(source, (*place, word), name, names)
    if not pa.types.is_temporal(names[name].type.arrow):
        raise source.refused(
            (*place, word),
            T(f"{name} 不是日期", f"{name} is not a date"),
            T("请选日期或时间项。", "Choose a date or a timestamp."),
        )
    return str(name)


def _disabled(
    source: Source,
    place: Place,
    custom: Mapping[str, Any],
    dataset: str,
    names: Mapping[str, Item],
    rules: tuple[RowRule, ...],
) -> frozenset[str]:
    known = {f"{dataset}.{name}.conform" for name in names} | {f"{dataset}.{rule.id}" for rule in rules}
    for name in custom.get("disabledExpectations", ()):
        if name not in known:
            raise source.refused(
                (*place, "disabledExpectations"),
                T(f"没有校验 {name}", f"there is no expectation {name}"),
                near(name, known),
            )
    return frozenset(custom.get("disabledExpectations", ()))


def _description(tree: Any) -> str:
    return str((tree.get("description") or {}).get("purpose", ""))
