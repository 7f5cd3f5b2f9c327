"""The certificate types in force, compiled once per published set; a broken one is absent and takes down only itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from catalog_registry import certificate_checks, departments, systems
from catalog_registry.certificate_types import SUBJECT, CertificateType
from certificates import asking, candidates
from certificates.candidates import Traits
from certificates.compiler import TODAY
from certificates.question import Question, compile_type
from certificates.statement import Statement
from connectors.system import Feed
from core.errors import DocumentRefused
from core.log import get_logger
from core.text import T
from libraries import known_as
from schemas.codes import divisions as codes
from schemas.conditions import literal
from schemas.contract import Contract
from schemas.derive import withheld
from schemas.document import read
from schemas.published import Published

log = get_logger(__name__)
_COUNTRY = ("000000", "100000")
#: whom a library is about
_WHO = {"population": "person", "legal_entity": "firm"}
_STATEMENTS = 256  # whoever asks chooses the types and their order, so what is remembered has a bound


@dataclass(frozen=True, slots=True)
class Dataset:
    """What an answer says about a dataset it read. `since` is the day from which all of its feeds hold data."""

    id: str
    title: T
    department: str
    department_name: T
    period: timedelta
    feeds: tuple[str, ...]
    divisions: tuple[str, ...]
    since: date | None
    covers_city: bool


@dataclass(frozen=True)
class Offer:
    """One type ready to be asked: its question, the datasets it reads, and where its branches find whom: (dataset, role)
    by the relation they are about."""

    question: Question
    datasets: tuple[Dataset, ...]
    roles: Mapping[str, frozenset[tuple[str, str]]]

    @property
    def id(self) -> str:
        """The type's code."""
        return self.question.type.certificate


class Part(NamedTuple):
    """One row of a statement: a type about certain persons, each a slot of the request. `who` is in the type's order."""

    key: str
    type: str
    who: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def slots(self) -> frozenset[int]:
        """Every person it is about."""
        return frozenset(slot for _, slots in self.who for slot in slots)


class Reading(NamedTuple):
    """A statement, and the persons it reads of."""

    statement: Statement
    slots: list[int]


@dataclass
class Offered:
    """All types of one published set. `statement` is cached: the same types are asked again and again."""

    published: Published
    division: str
    types: dict[str, Offer] = field(default_factory=dict)
    registers: candidates.Registers = field(init=False)
    #: by kind of subject, the datasets that say what else it is known as
    watched: Mapping[str, tuple[Dataset, ...]] = field(init=False)
    _statements: dict[tuple[tuple[Part, ...], tuple[Traits, ...], tuple[str, ...], bool], Reading] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        feeds = systems.feeds_of(self.published)
        fed_by = {name: frozenset(feed.system for feed in several) for name, several in feeds.items()}
        contracts = self.published.contracts
        self.registers = _registers(self.published)
        self.watched = {
            who: tuple(
                self._dataset(contracts[name], feeds[name])
                for name in _saying(self.published, library)
                if feeds.get(name)
            )
            for library, who in _WHO.items()
        }
        texts = self.published.texts("certificate")
        for id in texts:
            try:
                source = read(texts[id], file=f"certificate/{id}.yaml")
                made = certificate_checks.in_force(texts, id)
                certificate_checks.check(made, contracts, source)
                question = compile_type(made, contracts, source, fed_by)
            except DocumentRefused as error:
                log.warning("certificate type refused", file=error.file, path=error.path, message=str(error.message))
                continue
            datasets = [
                self._dataset(contracts[name], feeds.get(name, [])) for name in made.datasets if name in contracts
            ]
            self.types[id] = Offer(question, tuple(datasets), _roles(made, contracts))

    def statement(
        self, parts: Iterable[Part], persons: tuple[Traits, ...], types: tuple[str, ...], *, fresh: bool
    ) -> Reading:
        """The statement that says who asks a question about these persons and types, if wanted how fresh the sources are, and
        answers these parts of it."""
        key = (tuple(parts), persons, types, fresh)
        if key not in self._statements:
            if len(self._statements) >= _STATEMENTS:
                self._statements.pop(next(iter(self._statements)))
            self._statements[key] = self._reading(*key)
        return self._statements[key]

    def _reading(
        self, parts: tuple[Part, ...], persons: tuple[Traits, ...], types: tuple[str, ...], fresh: bool
    ) -> Reading:
        contracts = self.published.contracts
        offers = [self.types[part.type] for part in parts]
        names = sorted({dataset.id for offer in offers for dataset in offer.datasets})
        slots = sorted({slot for part in parts for slot in part.slots})
        together = sorted({slots for part in parts for _, slots in part.who if len(slots) > 1})
        rules = {name: withheld.shared(contracts[name], "r", TODAY) for name in names}
        shared = {name: rule for name, rule in rules.items() if rule}
        mentions, told = candidates.gathered({slot: persons[slot] for slot in slots}, together, self.registers, shared)
        told += [
            offer.question.select(part.key, {who: candidates.suffix(slots) for who, slots in part.who})
            for offer, part in zip(offers, parts, strict=True)
        ]
        rows = [*asking.told(persons, fresh=fresh), *(f"{select}\nWHERE {asking.MAY}" for select in told)]
        # constants of the statement: as parameters they would be sent, and looked at, at every question
        constants = {
            "datasets": names,
            "id_items": sorted({subject.id for name in names for subject in contracts[name].subjects}),
            "read": sorted({part.type for part in parts}),
            "types": types,
        }
        sql = "WITH " + ",\n".join([asking.ASKER, *mentions]) + "\n" + "\nUNION ALL\n".join(rows)
        for name, values in constants.items():
            sql = sql.replace(f"%({name})s", f"ARRAY[{', '.join(map(literal, values))}]::text[]")
        return Reading(Statement(sql), slots)

    def _dataset(self, contract: Contract, feeds: list[Feed]) -> Dataset:
        department = departments.named(self.published, contract.department)
        divisions = tuple(sorted({division for feed in feeds for division in feed.covers.divisions}))
        return Dataset(
            id=contract.id,
            title=T(contract.title, contract.id.replace("_", " ")),
            department=contract.department,
            department_name=T(department["name"], department["name_en"]),
            period=contract.cycle.period,
            feeds=tuple(feed.id for feed in feeds),
            divisions=divisions,
            since=max((feed.covers.since for feed in feeds if feed.covers.since), default=None),
            covers_city=covers(divisions, self.division),
        )


def _roles(made: CertificateType, contracts: Mapping[str, Contract]) -> dict[str, frozenset[tuple[str, str]]]:
    """Where a record or a waiting row is about whom: the roles a branch starts at; for a number, the items that hold it."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in (SUBJECT, *made.declared)}
    for branch in made.branches.values():
        found[branch.who] |= {(branch.dataset, role) for role in branch.role}
        subjects = contracts[branch.dataset].subjects if branch.dataset in contracts else ()
        found[branch.who] |= {(branch.dataset, s.role) for s in subjects if s.id in branch.number}
        found[branch.who] |= {(branch.dataset, f"@{item}") for item in branch.number}
    return {name: frozenset(pairs) for name, pairs in found.items()}


def _registers(published: Published) -> candidates.Registers:
    """Where contracts in force say what else a person or firm is known as."""
    records: set[tuple[str, str]] = set()
    references: set[tuple[str, str, str, str, str]] = set()
    for contract in published.contracts.values():
        for contribution in contract.contributes:
            if not known_as.says(contract, contribution, published.libraries):
                continue
            if contribution.through is None:
                records.add((contract.id, contribution.role))
                continue
            link = contract.referred(contribution.through)
            if link.dataset in published.contracts:
                records.add((link.dataset, contribution.role))
                references.add((contract.id, link.item, link.dataset, contribution.role, link.other_item))
    return candidates.Registers(tuple(sorted(records)), tuple(sorted(references)))


def _saying(published: Published, library: str) -> list[str]:
    """The datasets that say what else a library's subjects are known as."""
    return sorted(
        contract.id
        for contract in published.contracts.values()
        if any(
            contribution.library == library and known_as.says(contract, contribution, published.libraries)
            for contribution in contract.contributes
        )
    )


def covers(divisions: Iterable[str], city: str) -> bool:
    """Whether divisions (GB/T 2260) take in the whole city: the city itself, its province, the country, or every county
    the city has now, each by itself or by the city above it."""
    given = set(divisions)
    if {city, city[:2] + "0000", *_COUNTRY} & given:
        return True
    counties = _counties(city)
    return bool(counties) and all({county, county[:4] + "00"} & given for county in counties)


@cache
def _counties(city: str) -> tuple[str, ...]:
    """The counties now in use in a city or province."""
    prefix = city[:2] if city.endswith("0000") else city[:4]
    return tuple(
        code
        for code, stretches in codes.history().items()
        if code.startswith(prefix) and not code.endswith("00") and stretches[-1].until is None
    )
