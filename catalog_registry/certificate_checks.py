"""Loading a certificate type, and holding what it refers to against the contracts in force.

A dataset nobody has published yet is no mistake (the type then answers `not_collected`); a dataset that is there must
have the roles, items, codes and relationships the type names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from catalog_registry.certificate_types import OPERAND, Branch, CertificateType, Fact, Reach, Test, Where
from core.text import T
from schemas.codes import lists
from schemas.contract import Contract
from schemas.document import Place, Source, model, near, read
from schemas.parts import Item

ORDERED = ("above", "at_least", "below", "at_most")
_COUNTS = ("count", "distinct")


def load(document: str | Path, *, file: str = "") -> CertificateType:
    """Read a certificate type and check what it says about itself. Raises DocumentRefused."""
    source = read(document, file=file)
    made = model(source, CertificateType)
    for name, branch in made.branches.items():
        if branch.of is not None:
            _known(source, ("branches", name, "of"), "分支", "branch", branch.of, made.branches)
        _no_circle(source, made, name)
        for test_place, test in _tests(("branches", name), branch):
            _parameters(source, test_place, test, made)
    for name, fact in made.facts.items():
        _known(source, ("facts", name, "branch"), "分支", "branch", fact.branch, made.branches)
        for item, test in fact.where.items():
            _parameters(source, ("facts", name, "where", item), test, made)
    for number, outcome in enumerate(made.outcomes):
        last = number == len(made.outcomes) - 1
        if bool(outcome.when) == last:
            raise source.refused(
                ("outcomes", number, "when"),
                T("最后一种结果(且仅最后一种)没有条件", "the last outcome, and only the last, has no condition"),
                T("请在末尾写出其余情况的结果。", "Say at the end what holds in every other case."),
            )
        for fact_name, test in outcome.when.items():
            place: Place = ("outcomes", number, "when", fact_name)
            _known(source, place, "事实", "fact", fact_name, made.facts)
            _parameters(source, place, test, made)
    return made


def check(made: CertificateType, contracts: Mapping[str, Contract], source: Source) -> None:
    """Raise DocumentRefused when a contract in force does not have what the type names."""
    for name, branch in made.branches.items():
        contract = contracts.get(branch.dataset)
        place: Place = ("branches", name)
        if contract is None:
            continue
        for role in branch.role:
            _known(source, (*place, "role"), "角色", "role", role, [subject.role for subject in contract.subjects])
        if branch.of is not None:
            parent = contracts.get(made.branches[branch.of].dataset)
            if parent is not None:
                relate(contract, parent, branch.via, source, (*place, "via"))
        _where(source, (*place, "where"), branch.where, contract)
        for word, reaches in (("exists", branch.exists), ("absent", branch.absent)):
            for number, reach in enumerate(reaches):
                other = contracts.get(reach.dataset)
                if other is not None:
                    relate(contract, other, reach.via, source, (*place, word, number, "via"))
                    _where(source, (*place, word, number, "where"), reach.where, other)
    for name, fact in made.facts.items():
        contract = contracts.get(made.branches[fact.branch].dataset)
        if contract is None:
            continue
        names = [item.name for item in contract.items]
        for item in fact.items:
            _known(source, ("facts", name, fact.aggregate), "信息项", "item", item, names)
        _where(source, ("facts", name, "where"), fact.where, contract)
    for number, outcome in enumerate(made.outcomes):
        for fact_name, test in outcome.when.items():
            _fact_test(source, ("outcomes", number, "when", fact_name), made, made.facts[fact_name], test, contracts)


def relate(here: Contract, there: Contract, via: str | None, source: Source, place: Place) -> tuple[str, str]:
    """(item here, item there) of the one declared relationship between two datasets, declared on either side."""
    found = [(link.item, link.other_item) for link in here.relationships if link.dataset == there.id]
    found += [(link.other_item, link.item) for link in there.relationships if link.dataset == here.id]
    chosen = sorted({pair for pair in found if via in (None, pair[0])})
    if len(chosen) != 1:
        raise source.refused(
            place,
            T(
                f"{here.id} 与 {there.id} 之间有 {len(chosen)} 个关系可选",
                f"{len(chosen)} relationships fit between {here.id} and {there.id}",
            ),
            near(via or "", [pair[0] for pair in found])
            if found
            else T("请在合同中声明 relationships。", "Declare it under relationships in a contract."),
        )
    return chosen[0]


def _known(source: Source, place: Place, zh: str, en: str, word: str, words: Iterable[str]) -> None:
    known = list(words)
    if word not in known:
        raise source.refused(place, T(f"没有{zh} {word}", f"there is no {en} {word}"), near(word, known))


def _no_circle(source: Source, made: CertificateType, name: str) -> None:
    seen, here = [name], made.branches[name].of
    while here is not None and here in made.branches:
        if here in seen:
            raise source.refused(
                ("branches", name, "of"),
                T("分支互相引用", "branches refer to each other"),
                T("须有一个分支从角色出发。", "One branch starts at a role."),
            )
        seen.append(here)
        here = made.branches[here].of


def _tests(place: Place, branch: Branch) -> Iterable[tuple[Place, Test]]:
    for item, test in branch.where.items():
        yield (*place, "where", item), test
    for word, reaches in (("exists", branch.exists), ("absent", branch.absent)):
        for number, reach in enumerate[Reach](reaches):
            for item, test in reach.where.items():
                yield (*place, word, number, "where", item), test


def _parameters(source: Source, place: Place, test: Test, made: CertificateType) -> None:
    for word in ORDERED:
        value = getattr(test, word)
        match = OPERAND.fullmatch(value) if isinstance(value, str) else None
        if match:
            name = match["parameter"] or ((match["amount"] or "").removeprefix("$") if "$" in value else None)
            if name:
                _known(source, (*place, word), "参数", "parameter", name, made.parameters)


def _where(source: Source, place: Place, where: Where, contract: Contract) -> None:
    names = {item.name: item for item in contract.items}
    for name, test in where.items():
        _known(source, (*place, name), "信息项", "item", name, names)
        item = names[name]
        codes = set(item.enum) or (set(lists(item.code_list).values) if item.code_list else set())
        for word, values in (("in", test.in_), ("not_in", test.not_in)):
            for value in values or ():
                if codes:
                    _known(source, (*place, name, word), "代码", "code", str(value), codes)
                _literal(source, (*place, name, word), item.type.arrow, value)
        _ordered(source, (*place, name), item.type.arrow, test)


def _ordered(source: Source, place: Place, kind: pa.DataType, test: Test) -> None:
    for word in ORDERED:
        value = getattr(test, word)
        if value is None:
            continue
        match = OPERAND.fullmatch(value) if isinstance(value, str) else None
        if not (pa.types.is_temporal(kind) or _numeric(kind)):
            raise source.refused(
                (*place, word),
                T("该项没有先后大小", "this item has no order"),
                T("请改用 in 或 not_in。", "Use in or not_in."),
            )
        if match is None:
            _literal(source, (*place, word), kind, value)
        elif bool(match["base"]) != pa.types.is_temporal(kind):
            raise source.refused(
                (*place, word),
                T(f"{value} 不能与该项比较", f"{value} cannot be compared with this item"),
                T(
                    "日期项用 today、this_month;数值项用数字或 $参数。",
                    "Dates take today or this_month; numbers a number or a $parameter.",
                ),
            )


def _literal(source: Source, place: Place, kind: pa.DataType, value: object) -> None:
    if pa.types.is_boolean(kind):
        right = isinstance(value, bool)
    elif _numeric(kind):
        right = isinstance(value, int | float) and not isinstance(value, bool)
    elif pa.types.is_temporal(kind):
        right = isinstance(value, str) and _is_date(value)
    else:
        right = isinstance(value, str)
    if not right:
        raise source.refused(
            place,
            T(f"{value} 不是该项的值", f"{value} is no value of this item"),
            T("请按信息项的类型书写。", "Write it as the item's type is written."),
        )


def _fact_test(
    source: Source, place: Place, made: CertificateType, fact: Fact, test: Test, contracts: Mapping[str, Contract]
) -> None:
    if fact.aggregate == "values":
        raise source.refused(
            place,
            T("列表不能作为条件", "a list cannot be a condition"),
            T("请用 count 并写 where。", "Use count with a where."),
        )
    kind = pa.int64()
    if fact.aggregate not in _COUNTS:
        contract = contracts.get(made.branches[fact.branch].dataset)
        if contract is None:
            return
        item: Item = contract.item(fact.items[0])
        kind = item.type.arrow
    for word, values in (("in", test.in_), ("not_in", test.not_in)):
        for value in values or ():
            _literal(source, (*place, word), kind, value)
    _ordered(source, place, kind, test)


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
