"""The certificate types in force, compiled once per published set; a broken one is absent and takes down only itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from catalog_registry import certificate_checks, departments, systems
from certificates.question import Question, compile_type, statement
from connectors.system import Feed
from core.errors import DocumentRefused
from core.log import get_logger
from schemas.codes import divisions as codes
from schemas.contract import Contract
from schemas.document import read
from schemas.published import Published

log = get_logger(__name__)
_COUNTRY = ("000000", "100000")
_STATEMENTS = 256  # whoever asks chooses the types and their order, so what is remembered has a bound


@dataclass(frozen=True, slots=True)
class Dataset:
    """What an answer says about a dataset it read. `since` is the day from which all of its feeds hold data."""

    id: str
    title: str
    department: str
    department_name: str
    period: timedelta
    feeds: tuple[str, ...]
    divisions: tuple[str, ...]
    since: date | None
    covers_city: bool


@dataclass(frozen=True)
class Offer:
    """One type ready to be asked: its question, the datasets it reads, and whom its branches start at."""

    question: Question
    datasets: tuple[Dataset, ...]
    roles: frozenset[tuple[str, str]]

    @property
    def id(self) -> str:
        """The type's code."""
        return self.question.type.certificate


@dataclass
class Offered:
    """All types of one published set. `statement` is cached: the same types are asked again and again."""

    published: Published
    division: str
    types: dict[str, Offer] = field(default_factory=dict)
    _statements: dict[tuple[str, ...], tuple[str, list[str], list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        feeds = systems.feeds_of(self.published)
        contracts = self.published.contracts
        for id, text in self.published.texts("certificate").items():
            try:
                source = read(text, file=f"certificate/{id}.yaml")
                made = certificate_checks.load(text, file=source.file)
                certificate_checks.check(made, contracts, source)
                question = compile_type(made, contracts, source)
            except DocumentRefused as error:
                log.warning("certificate type refused", file=error.file, path=error.path, message=str(error.message))
                continue
            datasets = [
                self._dataset(contracts[name], feeds.get(name, [])) for name in made.datasets if name in contracts
            ]
            roles = {(branch.dataset, role) for branch in made.branches.values() for role in branch.role}
            self.types[id] = Offer(question, tuple(datasets), frozenset(roles))

    def statement(self, types: Iterable[str]) -> tuple[str, list[str], list[str]]:
        """(SQL, datasets read, their items that hold a subject's number) for these types together."""
        key = tuple(types)
        if key not in self._statements:
            offers = [self.types[id] for id in key]
            names = sorted({dataset.id for offer in offers for dataset in offer.datasets})
            items = sorted({s.id for name in names for s in self.published.contracts[name].subjects})
            if len(self._statements) >= _STATEMENTS:
                self._statements.pop(next(iter(self._statements)))
            self._statements[key] = (statement(offer.question for offer in offers), names, items)
        return self._statements[key]

    def _dataset(self, contract: Contract, feeds: list[Feed]) -> Dataset:
        divisions = tuple(sorted({division for feed in feeds for division in feed.covers.divisions}))
        return Dataset(
            id=contract.id,
            title=contract.title,
            department=contract.department,
            department_name=departments.name(self.published, contract.department),
            period=contract.cycle.period,
            feeds=tuple(feed.id for feed in feeds),
            divisions=divisions,
            since=max((feed.covers.since for feed in feeds if feed.covers.since), default=None),
            covers_city=covers(divisions, self.division),
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
