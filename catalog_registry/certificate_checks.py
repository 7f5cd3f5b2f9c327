"""Loading a certificate type, and holding what it refers to against the contracts and types in force.

A dataset nobody has published yet is no mistake (the type then answers `not_collected`); a dataset that is there must
have the roles, items, codes and relationships the type names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from catalog_registry.certificate_types import SUBJECT, Branch, CertificateType, Fact, Parameter
from core.text import T
from schemas import conditions
from schemas.conditions import Test
from schemas.contract import Contract
from schemas.document import Place, Source, model, near, read
from schemas.links import kept, relate, relate_all
from schemas.types import TYPES

_COUNTS = ("count", "distinct")


def load(document: str | Path, *, file: str = "") -> CertificateType:
    """Read a certificate type and check what it says about itself. Raises DocumentRefused."""
    source = read(document, file=file)
    made = model(source, CertificateType)
    for name, parameter in made.parameters.items():
        if parameter.type == "text":
            _known(source, ("parameters", name, "value_type"), "值类型", "value type", parameter.value_type, TYPES)
    for name, branch in made.branches.items():
        if branch.of is not None:
            _known(source, ("branches", name, "of"), "分支", "branch", branch.of, made.branches)
        if branch.same is not None:
            _known(source, ("branches", name, "same", "branch"), "分支", "branch", branch.same.branch, made.branches)
        if branch.who != SUBJECT:
            _known(source, ("branches", name, "who"), "申报关系", "declared relation", branch.who, made.declared)
            if not made.declared[branch.who].least:
                raise source.refused(
                    ("declared", branch.who, "least"),
                    T("分支所查的人须至少申报一位", "somebody whom a branch is about must be declared"),
                    T("请写 least: 1。", "Write `least: 1`."),
                )
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


def in_force(texts: Mapping[str, str], id: str) -> CertificateType:
    """A published type as it is answered: one that is answered by another has that type's facts and outcomes.

    Raises DocumentRefused when the other is not published or cannot be the answer; KeyError for an unknown id.
    """
    file = f"certificate/{id}.yaml"
    made = load(texts[id], file=file)
    return made if made.each is None else _answered(made, texts, read(texts[id], file=file))


def check(made: CertificateType, contracts: Mapping[str, Contract], source: Source) -> None:
    """Raise DocumentRefused when a contract in force does not have what the type names."""
    for name, branch in made.branches.items():
        contract = contracts.get(branch.dataset)
        if contract is not None:
            _branch(made, ("branches", name), branch, contract, contracts, source)
    for name, fact in made.facts.items():
        contract = contracts.get(made.branches[fact.branch].dataset)
        if contract is None:
            continue
        items = {item.name: item for item in contract.items}
        for item in fact.items:
            _known(source, ("facts", name, fact.aggregate), "信息项", "item", item, items)
        conditions.check(source, ("facts", name, "where"), fact.where, items)
        kept(source, ("facts", name, fact.aggregate), contract, fact.items)
        kept(source, ("facts", name, "where"), contract, fact.where)
    for number, outcome in enumerate(made.outcomes):
        for fact_name, test in outcome.when.items():
            _fact_test(source, ("outcomes", number, "when", fact_name), made, made.facts[fact_name], test, contracts)


def _answered(made: CertificateType, texts: Mapping[str, str], source: Source) -> CertificateType:
    assert made.each is not None
    if made.each not in texts:
        raise source.refused(
            ("each",),
            T(f"没有证明类型 {made.each}", f"there is no certificate type {made.each}"),
            near(made.each, texts),
        )
    other = load(texts[made.each], file=f"certificate/{made.each}.yaml")
    if other.subject != made.subject or not other.outcomes or other.declared:
        raise source.refused(
            ("each",),
            T(f"{made.each} 不能逐人作答", f"{made.each} cannot be asked of each person"),
            T("须是主体相同、自身有结果且不需申报的类型。", "It has the same subject, outcomes of its own and needs nobody declared."),
        )  # fmt: skip
    return made.answered_by(other)


def _branch(
    made: CertificateType, place: Place, branch: Branch, contract: Contract, contracts: Mapping[str, Contract],
    source: Source,
) -> None:  # fmt: skip
    items = {item.name: item for item in contract.items}
    roles = [subject.role for subject in contract.subjects]
    for word, named in (("role", branch.role), ("named", (branch.named,) if branch.named else ())):
        for role in named:
            _known(source, (*place, word), "角色", "role", role, roles)
    for item in branch.number:
        _known(source, (*place, "number"), "信息项", "item", item, items)
    kept(source, (*place, "number"), contract, branch.number)
    if branch.same is not None:
        _known(source, (*place, "same", "item"), "信息项", "item", branch.same.item, items)
        kept(source, (*place, "same", "item"), contract, (branch.same.item,))
        if made.branches[branch.same.branch].dataset != branch.dataset:
            raise source.refused(
                (*place, "same", "branch"),
                T("两个分支须出自同一资源", "both branches are of one dataset"),
                T("不同资源之间请用 of。", "Between datasets, use `of`."),
            )
    if branch.of is not None:
        parent = contracts.get(made.branches[branch.of].dataset)
        if parent is not None:
            relate_all(contract, parent, branch.via, source, (*place, "via"))
    conditions.check(source, (*place, "where"), branch.where, items)
    kept(source, (*place, "where"), contract, branch.where)
    for word, reaches in (("exists", branch.exists), ("absent", branch.absent)):
        for number, reach in enumerate(reaches):
            other = contracts.get(reach.dataset)
            if other is not None:
                relate(contract, other, reach.via, source, (*place, word, number, "via"))
                there = {item.name: item for item in other.items}
                conditions.check(source, (*place, word, number, "where"), reach.where, there)
                kept(source, (*place, word, number, "where"), other, reach.where)


def _known(source: Source, place: Place, zh: str, en: str, word: str, words: Iterable[str]) -> None:
    known = list(words)
    if word not in known:
        raise source.refused(place, T(f"没有{zh} {word}", f"there is no {en} {word}"), near(word, known))


def _no_circle(source: Source, made: CertificateType, name: str) -> None:
    seen: list[str] = []
    ahead = [name]
    while ahead:
        here = ahead.pop()
        if here in seen and here == name:
            raise source.refused(
                ("branches", name, "of"),
                T("分支互相引用", "branches refer to each other"),
                T("须有一个分支从角色出发。", "One branch starts at a role."),
            )
        if here in made.branches and here not in seen:
            branch = made.branches[here]
            ahead += [next for next in (branch.of, branch.same and branch.same.branch) if next]
            seen.append(here)


def _tests(place: Place, branch: Branch) -> Iterator[tuple[Place, Test]]:
    for item, test in branch.where.items():
        yield (*place, "where", item), test
    for word, reaches in (("exists", branch.exists), ("absent", branch.absent)):
        for number, reach in enumerate(reaches):
            for item, test in reach.where.items():
                yield (*place, word, number, "where", item), test


def _parameters(source: Source, place: Place, test: Test, made: CertificateType) -> None:
    for word, name in test.parameters:
        _known(source, (*place, word), "参数", "parameter", name, made.parameters)
        parameter: Parameter = made.parameters[name]
        if (parameter.type == "integer") == (word == "matches"):
            raise source.refused(
                (*place, word),
                T(f"参数 {name} 不能这样比较", f"the parameter {name} is not compared like this"),
                T("整数用 at_least 等;文字与选项用 matches。", "Numbers take at_least and the like; texts and choices `matches`."),
            )  # fmt: skip


def _fact_test(
    source: Source, place: Place, made: CertificateType, fact: Fact, test: Test, contracts: Mapping[str, Contract]
) -> None:
    if fact.aggregate == "values":
        raise source.refused(
            place,
            T("列表不能作为条件", "a list cannot be a condition"),
            T("请用 count 并写 where。", "Use count with a where."),
        )
    kind = pa.bool_() if fact.aggregate == "any" else pa.int64()
    if fact.aggregate not in (*_COUNTS, "any"):
        contract = contracts.get(made.branches[fact.branch].dataset)
        if contract is None:
            return
        kind = contract.item(fact.items[0]).type.arrow
    for word, values in (("in", test.in_), ("not_in", test.not_in)):
        for value in values or ():
            conditions.check_literal(source, (*place, word), kind, value)
    conditions.check_order(source, place, kind, test)
