"""Checks of datasets against each other: what a check document may say, and what it refers to.

    check: <id>
    version: 1.0.0
    title: {zh: …, en: …}          # what is wrong where it is found
    dimension: consistency         # of GB/T 36344
    severity: warning              # error or warning: how grave, nothing more; a check never changes a value
    remedy: {zh: …, en: …}         # what the departments do about it
    records:                       # named, each joined to one before it
      <name>:
        dataset: <dataset>
        where: {<item>: test}      # schemas/conditions.py
        once: [<items>]            # one record of those with the same values of these items
        of: <name>                 # the record it is joined to; every record but the first says it, and how:
        via: <item>                #   over a declared relationship, by this item of its own (a list: by any of them);
        subject: {role: …, is: …}  #   its role names whom that record names in another: one entity of a library;
        same: [<items>]            #   both have the same value (two records of one dataset)
        differs: <item>            #   … and another value of this one; each pair is told once
    absent: {<name>: …}            # the like, which must not be there; those joined to one another, not together
    pair: [<name>, <name>]         # the two records a finding names
    tell: [<department>]           # besides the departments of these two

Without `via`, `subject` and `same` a record is joined over the only relationship there is. Several of them must all hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from core.errors import DocumentRefused
from core.text import T
from schemas import conditions
from schemas.conditions import Name, Where
from schemas.contract import Contract
from schemas.document import Place, Source, Strict, model, near, read
from schemas.links import kept, relate_all
from schemas.parts import Dimension, Severity
from schemas.titles import Title


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Together(Strict):
    """Whom this record names in `role` is whom the record it is joined to names in `is`; any of several roles."""

    role: tuple[Name, ...] = Field(min_length=1)
    is_: tuple[Name, ...] = Field(alias="is", min_length=1)

    _lists = field_validator("role", "is_", mode="before")(_several)


class Record(Strict):
    """One record of a check; the module's docstring says what each word means."""

    dataset: Name
    where: Where = Field(default_factory=dict)
    once: tuple[Name, ...] = ()
    of: Name | None = None
    via: tuple[Name, ...] = ()
    subject: Together | None = None
    same: tuple[Name, ...] = ()
    differs: Name | None = None

    _lists = field_validator("once", "via", "same", mode="before")(_several)

    @model_validator(mode="after")
    def _joined(self) -> Record:
        if self.of is None and (self.via or self.subject or self.same or self.differs):
            raise ValueError("`via`, `subject`, `same` and `differs` say how it is joined to `of`")
        if self.differs and not self.same:
            raise ValueError("`differs` belongs to `same`")
        return self

    @property
    def related(self) -> bool:
        """Whether it is joined over a declared relationship."""
        return self.of is not None and (bool(self.via) or not (self.subject or self.same))


class Check(Strict):
    """One check of datasets against each other."""

    check: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Title
    dimension: Dimension = "consistency"
    severity: Severity = "warning"
    remedy: Title
    records: Mapping[Name, Record] = Field(min_length=2)
    absent: Mapping[Name, Record] = Field(default_factory=dict)
    pair: tuple[Name, Name]
    tell: tuple[Name, ...] = ()

    @property
    def all_records(self) -> Iterator[tuple[str, str, Record]]:
        """(`records` or `absent`, name, record), in the document's order."""
        for word in ("records", "absent"):
            yield from ((word, name, record) for name, record in getattr(self, word).items())

    def named(self, name: str) -> Record:
        """A record, there or absent, by its name. Raises KeyError."""
        return self.records[name] if name in self.records else self.absent[name]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset it reads, in the order first named."""
        return tuple(dict.fromkeys(record.dataset for _, _, record in self.all_records))

    @property
    def by_subject(self) -> bool:
        """Whether it joins by whom records name, and so depends on how mentions are linked."""
        return any(record.subject for _, _, record in self.all_records)


def load(document: str | Path, *, file: str = "") -> Check:
    """Read a check and hold what it says against itself. Raises DocumentRefused."""
    source = read(document, file=file)
    made = model(source, Check)
    before: list[str] = []
    for word, name, record in made.all_records:
        place: Place = (word, name)
        if record.of is None and before:
            raise source.refused(
                (*place, "of"),
                T(f"没有写明 {name} 与哪个记录相连", f"it does not say which record {name} is joined to"),
                near("", before),
            )
        if record.of is not None and record.of not in before:
            raise source.refused(
                (*place, "of"),
                T(f"前面没有记录 {record.of}", f"no record {record.of} comes before it"), near(record.of, before),
            )  # fmt: skip
        if name in before:
            raise source.refused(place, T(f"{name} 出现两次", f"{name} appears twice"), T("请改名。", "Rename it."))
        before.append(name)
        for item, test in record.where.items():
            for said, parameter in test.parameters:
                raise source.refused(
                    (*place, "where", item, said),
                    T(f"核对没有参数 {parameter}", f"a check has no parameter {parameter}"),
                    T("请写字面值或 today。", "Write a literal or today."),
                )
    for number, name in enumerate(made.pair):
        if name not in made.records or made.pair.count(name) > 1:
            others = set(made.records) - set(made.pair)
            raise source.refused(
                ("pair", number),
                T("须是两个不同的记录", "it names two different records"),
                near("" if name in made.records else name, others or made.records),
            )
    return made


_load = lru_cache(maxsize=1024)(lambda text, file: load(text, file=file))


def in_force(texts: Mapping[str, str]) -> tuple[dict[str, Check], dict[str, DocumentRefused]]:
    """Checks by id from their texts (`Published.texts("check")`), and the broken ones: each takes down only itself."""
    good: dict[str, Check] = {}
    broken: dict[str, DocumentRefused] = {}
    for id, text in sorted(texts.items()):
        try:
            good[id] = _load(text, f"check/{id}.yaml")
        except DocumentRefused as error:
            broken[id] = error
    return good, broken


def hold(made: Check, contracts: Mapping[str, Contract], departments: Collection[str], source: Source) -> None:
    """Raise DocumentRefused when a contract in force does not have what the check names. A dataset that nobody has published
    yet is no mistake: until it is there the check waits."""
    for number, department in enumerate(made.tell):
        _known(source, ("tell", number), "部门", "department", department, departments)
    for word, name, record in made.all_records:
        contract = contracts.get(record.dataset)
        if contract is None:
            continue
        place: Place = (word, name)
        items = {item.name: item for item in contract.items}
        conditions.check(source, (*place, "where"), record.where, items)
        kept(source, (*place, "where"), contract, record.where)
        named = [("once", record.once), ("same", record.same), ("differs", (record.differs,) if record.differs else ())]
        for key, said in named:
            for item in said:
                _known(source, (*place, key), "信息项", "item", item, items)
            kept(source, (*place, key), contract, said)
        other = made.named(record.of).dataset if record.of else ""
        if record.same and other != record.dataset:
            raise source.refused(
                (*place, "same"),
                T("两个记录须出自同一资源", "both records are of one dataset"),
                T("不同资源之间请用 via 或 subject。", "Between datasets, use via or subject."),
            )
        if other in contracts:
            _joined(source, place, record, contract, contracts[other])


def _joined(source: Source, place: Place, record: Record, here: Contract, there: Contract) -> None:
    if record.related:
        relate_all(here, there, record.via, source, (*place, "via"))
    if record.subject is None:
        return
    libraries = []
    for word, roles, contract in (("role", record.subject.role, here), ("is", record.subject.is_, there)):
        for role in roles:
            _known(source, (*place, "subject", word), "角色", "role", role, [s.role for s in contract.subjects])
        libraries.append({said.library for said in contract.contributes if said.role in roles})
    if not libraries[0] & libraries[1]:
        raise source.refused(
            (*place, "subject"),
            T("两个角色不归入同一个库,无从判断是否同一主体", "no library has both roles: nothing tells whether they are one"),
            T("请在数据契约的 contributes 中写明。", "Say so under `contributes` of the contracts."),
        )  # fmt: skip


def _known(source: Source, place: Place, zh: str, en: str, word: str, words: Any) -> None:
    known = list(words)
    if word not in known:
        raise source.refused(place, T(f"没有{zh} {word}", f"there is no {en} {word}"), near(word, known))
