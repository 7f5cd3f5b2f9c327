"""A certificate type ready to be asked: its SELECT for given persons, its parameters, and what its facts show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog_registry.certificate_types import SUBJECT, CertificateType, Fact
from certificates.compiler import NO_ITEM, Compiler
from certificates.parameters import bind, slot
from schemas.conditions import Test
from schemas.contract import Contract
from schemas.document import Source
from schemas.parts import Item


@dataclass(frozen=True)
class Question:
    """One type against the contracts in force; `missing` are datasets it needs that nobody has published. `systems` are those
    that feed each dataset."""

    type: CertificateType
    contracts: Mapping[str, Contract]
    source: Source
    systems: Mapping[str, frozenset[str]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Datasets the type needs that nobody has published."""
        return tuple(dataset for dataset in self.type.datasets if dataset not in self.contracts)

    @cached_property
    def asks(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.type.branches) and not self.missing

    @cached_property
    def items(self) -> dict[str, Item]:
        """The item whose value a fact shows (min, max, sum, values); counts show none."""
        if not self.asks:
            return {}
        return {
            name: self.contracts[self.type.branches[fact.branch].dataset].item(fact.items[0])
            for name, fact in self.type.facts.items()
            if fact.aggregate not in NO_ITEM
        }

    @cached_property
    def titles(self) -> dict[str, dict[str, str]]:
        """What each answer field is called, as it is told."""
        return {name: {"title": one.zh, "title_en": one.en} for name, one in self.type.fields.items()}

    @cached_property
    def optional(self) -> dict[str, frozenset[str]]:
        """The parameters without a default that each fact compares with."""
        return {
            name: frozenset(p for test in self._tests(fact) for _, p in test.parameters
                            if self.type.parameters[p].default is None)
            for name, fact in self.type.facts.items()
        }  # fmt: skip

    def select(self, key: str, who: Mapping[str, str]) -> str:
        """The SELECT whose one row is `key`; `who` says which mentions stand for the subject and each relation."""
        return Compiler(self.type, self.contracts, self.source, who, self.systems).select(key)

    def parameters(self, given: Mapping[str, int | str]) -> dict[str, Any]:
        """The statement's parameters for this type: what was given, else the defaults."""
        return {slot(self.type, name): bind(one, given.get(name)) for name, one in self.type.parameters.items()}

    def _tests(self, fact: Fact) -> Iterable[Test]:
        yield from fact.where.values()
        ahead, seen = [fact.branch], set[str]()
        while ahead:
            branch = self.type.branches[ahead.pop()]
            yield from branch.tests
            for name in (branch.of, branch.same and branch.same.branch):
                if name and name not in seen:
                    seen.add(name)
                    ahead.append(name)


def compile_type(
    made: CertificateType, contracts: Mapping[str, Contract], source: Source, systems: Mapping[str, frozenset[str]]
) -> Question:
    """The question of a type already checked against the contracts. Raises DocumentRefused when it cannot be SQL."""
    needed = {name: contracts[name] for name in made.datasets if name in contracts}
    question = Question(made, needed, source, systems)
    if question.asks:
        question.select(made.certificate, {name: "0" for name in (SUBJECT, *made.declared)})
    return question
