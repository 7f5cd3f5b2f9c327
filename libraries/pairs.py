"""A check of datasets against each other as SQL: the pairs of current records that do not fit together.

Records are joined over declared relationships, or by whom they name: two mentions linked to one entity, so a corrected
number, a former name or a person's judgement count here as they do in the golden records. Identifiers and literals come
from published documents and are quoted; the only parameter is the day, `%(today)s`.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas import conditions
from schemas.check import Check, Record
from schemas.conditions import Where
from schemas.contract import Contract
from schemas.derive.sql import current, quote
from schemas.derive.withheld import shared
from schemas.document import Source
from schemas.links import relate_all

TODAY = "%(today)s::date"
_literal = conditions.literal


def select(
    check: Check, contracts: Mapping[str, Contract], systems: Mapping[str, frozenset[str]], source: Source
) -> str:
    """The SELECT of (first_key, second_key), each pair once. `systems` says which systems feed each dataset. Raises
    DocumentRefused when a contract in force does not fit the check."""
    return _Pairs(check, contracts, systems, source).select()


class _Pairs:
    def __init__(
        self, check: Check, contracts: Mapping[str, Contract], systems: Mapping[str, frozenset[str]], source: Source
    ) -> None:
        self.check, self.contracts, self.systems, self.source = check, contracts, systems, source

    def select(self) -> str:
        tables, where = [], []
        for name, record in self.check.records.items():
            joined, told = self._joined(name, record)
            tables += joined
            where += told
        for group in self._groups():
            joined_, told_ = [], []
            for name in group:
                joined, told = self._joined(name, self.check.absent[name])
                joined_ += joined
                told_ += told
            where.append(f"NOT EXISTS (SELECT FROM {', '.join(joined_)} WHERE {' AND '.join(told_)})")
        first, second = (f"{quote(name)}._key" for name in self.check.pair)
        conditions_ = f" WHERE {' AND '.join(where)}" if where else ""
        return f"SELECT DISTINCT {first} AS first_key, {second} AS second_key FROM {', '.join(tables)}{conditions_}"

    def _groups(self) -> list[list[str]]:
        """The absent records, those joined to one another together."""
        groups: dict[str, list[str]] = {}
        of: dict[str, str] = {}
        for name, record in self.check.absent.items():
            of[name] = of.get(str(record.of), name)
            groups.setdefault(of[name], []).append(name)
        return list(groups.values())

    def _joined(self, name: str, record: Record) -> tuple[list[str], list[str]]:
        """The tables that a record brings, and what must hold of them."""
        tables, where = [f"{self._rows(record)} {quote(name)}"], []
        if not record.once:
            where += self._tests(record, quote(name))
        if record.of is None:
            return tables, where
        other = self.check.named(record.of)
        if record.related:
            where.append(self._related(name, record, record.of, other))
        if record.subject is not None:
            mine, theirs = quote(f"{name} names"), quote(f"{name} is")
            tables += [f"libraries.mention {mine}", f"libraries.mention {theirs}"]
            where += [
                f"{theirs}.dataset = {_literal(other.dataset)} AND {theirs}.key = {quote(record.of)}._key",
                f"{theirs}.role IN ({', '.join(map(_literal, record.subject.is_))})",
                f"{mine}.entity_id = {theirs}.entity_id AND {mine}.dataset = {_literal(record.dataset)}",
                f"{mine}.role IN ({', '.join(map(_literal, record.subject.role))}) AND {mine}.key = {quote(name)}._key",
            ]
        for item in record.same:
            where.append(self._equal(name, item, record.of, item, record.dataset, record.dataset))
        if record.differs:
            # each pair once: the two can always be told apart by the item, and have an order in it
            where.append(f"{quote(record.of)}.{quote(record.differs)} < {quote(name)}.{quote(record.differs)}")
        return tables, where

    def _rows(self, record: Record) -> str:
        """The table of a record; with `once`, one row of those with the same values, always the same one."""
        table = current(record.dataset)
        if not record.once:
            return table
        items = ", ".join(["r._system", *(f"r.{quote(item)}" for item in record.once)])
        tests = " AND ".join(self._tests(record, "r")) or "true"
        return f"(SELECT DISTINCT ON ({items}) r.* FROM {table} r WHERE {tests} ORDER BY {items}, r._key)"

    def _related(self, name: str, record: Record, of: str, other: Record) -> str:
        here, there = self.contracts[record.dataset], self.contracts[other.dataset]
        ends = relate_all(here, there, record.via, self.source, ("records", name))
        told = [self._equal(name, mine, of, theirs, record.dataset, other.dataset) for mine, theirs in ends]
        return f"({' OR '.join(told)})"

    def _equal(self, name: str, mine: str, of: str, theirs: str, here: str, there: str) -> str:
        equal = f"{quote(name)}.{quote(mine)} = {quote(of)}.{quote(theirs)}"
        if self._apart(here, mine, there, theirs):
            return f"({equal} AND {quote(name)}._system = {quote(of)}._system)"
        return equal

    def _apart(self, here: str, mine: str, there: str, theirs: str) -> bool:
        """Whether two records belong together only within a system: by an item of either's key, which its system assigns,
        where several systems feed one of the datasets."""
        own, other = self.systems.get(here, frozenset()), self.systems.get(there, frozenset())
        keyed = mine in self.contracts[here].key or theirs in self.contracts[there].key
        return keyed and bool(own & other) and len(own | other) > 1

    def _tests(self, record: Record, alias: str) -> list[str]:
        """The record's conditions, and that it may be shared at all."""
        rule = shared(self.contracts[record.dataset], alias, TODAY)
        return [*_told(record.where, alias), *([rule] if rule else [])]


def _told(where: Where, alias: str) -> list[str]:
    return [
        conditions.sql(
            f"{alias}.{quote(name)}", test, lambda operand: conditions.day(operand, TODAY, str), lambda _: None
        )
        for name, test in where.items()
    ]
