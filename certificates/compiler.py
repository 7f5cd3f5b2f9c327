"""A certificate type as SQL: every branch aggregated to one row, the outcome chosen by one CASE.

A type becomes one SELECT giving one row (key, body). Identifiers and literals come from published documents and are
quoted; everything from a request is a parameter. Whose rows they are comes from the mentions that `candidates` gathers
once for each person of a request: `me_0` for the subject, `me_1` … for who was declared, `me_0_1` for them together.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from catalog_registry.certificate_types import Branch, CertificateType, Fact, Reach
from certificates.parameters import slot
from libraries.mentions import ORGANISATIONS
from schemas import conditions
from schemas.conditions import OPERAND, Test, Where
from schemas.contract import Contract
from schemas.derive.sql import current, quote
from schemas.derive.withheld import shared
from schemas.document import Source
from schemas.links import relate, relate_all

VALUES_LIMIT = 20  # an answer, not a listing
NO_ITEM = ("count", "distinct", "any")  # aggregates that show no item's value
TODAY = "%(today)s::date"


class Compiler:
    """One type about given persons: `who` says which mentions stand for the subject and for each declared relation,
    `systems` which systems feed each dataset."""

    def __init__(
        self, made: CertificateType, contracts: Mapping[str, Contract], source: Source, who: Mapping[str, str],
        systems: Mapping[str, frozenset[str]],
    ) -> None:  # fmt: skip
        self.made, self.contracts, self.source, self.who, self.systems = made, contracts, source, who, systems

    def select(self, key: str) -> str:
        """The SELECT whose one row is `key`."""
        branches = ",\n".join(self._branch(name, branch) for name, branch in self.made.branches.items())
        facts = ", ".join(f"{_text(name)}, {self._shown(name, fact)}" for name, fact in self.made.facts.items())
        doubts = ", ".join(
            f"'{count}', " + " + ".join(f"{quote(name)}.{quote('_' + count)}" for name in self.made.branches)
            for count in ("loose", "namesakes", "met", "strangers")
        )
        return (
            f"SELECT {_text(key)}, jsonb_build_object('outcome', {self._outcome()}, {doubts},"
            f" 'facts', jsonb_build_object({facts}))\nFROM {branches}"
        )

    def _branch(self, name: str, branch: Branch) -> str:
        """One row: how many rows could not be joined, how many are a namesake's without a number, how many were met by
        number, with the name and without it, and each fact."""
        reach = self._reach(branch, "b")
        ok = [f"({reach})"] if reach else []
        columns = [f'{self._loose(branch)} AS "_loose"', f'{self._namesakes(branch)} AS "_namesakes"']
        # one row whatever is there: a branch that others only start at has no facts to aggregate
        met = "count(*)" if branch.number else "count(*) FILTER (WHERE false)"
        columns += [f'{met} AS "_met"', f'{self._strangers(branch)} AS "_strangers"']
        columns += [
            f"{self._aggregate(fact, [*ok, *self._tests(fact.where, 'b')])} AS {quote(fact_name)}"
            for fact_name, fact in self.made.facts.items()
            if fact.branch == name
        ]
        where = " AND ".join(self._rows(branch, "b"))
        return f"(SELECT {', '.join(columns)} FROM {current(branch.dataset)} b WHERE {where}) AS {quote(name)}"

    def _rows(self, branch: Branch, alias: str, *, named: bool = True, same: bool = True) -> list[str]:
        """Which rows of the branch's dataset are the subject's, before `exists` and `absent`."""
        found = self._start(branch, alias)
        if branch.number and named:
            found.append(self._agrees(branch, alias))
        if branch.same is not None and same:
            item, inner = quote(branch.same.item), alias + "s"
            other = self.made.branches[branch.same.branch]
            rows = self._of(other, inner)
            found.append(f"{alias}.{item} = ANY(ARRAY(SELECT {inner}.{item} FROM {rows}))")
            if len(self.systems.get(branch.dataset, ())) > 1:
                found.append(
                    f"({alias}.{item}, {alias}._system) IN (SELECT {inner}.{item}, {inner}._system FROM {rows})"
                )
        return [*found, *self._kept(branch.where, branch.dataset, alias)]

    def _start(self, branch: Branch, alias: str) -> list[str]:
        who = self.who[branch.who]
        if branch.role:
            return [_named(f"me_{who}", branch, alias)]
        if branch.number:
            told = " OR ".join(f"{alias}.{quote(item)} = ANY(%(forms_{who})s::text[])" for item in branch.number)
            return [f"({told})"]
        assert branch.of is not None
        parent, inner = self.made.branches[branch.of], alias + "p"
        rows, ends = self._of(parent, inner), []
        for mine, theirs in self._ends(branch, parent):
            end = f"{alias}.{quote(mine)} = ANY(ARRAY(SELECT {inner}.{quote(theirs)} FROM {rows}))"
            if self._apart(branch.dataset, mine, parent.dataset, theirs):
                both = f"SELECT {inner}.{quote(theirs)}, {inner}._system FROM {rows}"
                end = f"({end} AND ({alias}.{quote(mine)}, {alias}._system) IN ({both}))"
            ends.append(end)
        return [f"({' OR '.join(ends)})"]

    def _of(self, branch: Branch, alias: str) -> str:
        """FROM and WHERE of a branch's rows."""
        reach = self._reach(branch, alias)
        where = " AND ".join([*self._rows(branch, alias), *([reach] if reach else [])])
        return f"{current(branch.dataset)} {alias} WHERE {where}"

    def _agrees(self, branch: Branch, alias: str) -> str:
        """Whether the row names, in the role that must agree, somebody of the asked name."""
        return (
            f"EXISTS (SELECT FROM libraries.mention a WHERE a.dataset = {_text(branch.dataset)} AND a.key = {alias}._key"
            f" AND a.role = {_text(branch.named)} AND a.name = ANY(%(names_{self.who[branch.who]})s::text[]))"
        )

    def _reach(self, branch: Branch, alias: str) -> str:
        parts = [self._exists(branch, reach, alias) for reach in branch.exists]
        parts += ["NOT " + self._exists(branch, reach, alias) for reach in branch.absent]
        return " AND ".join(parts)

    def _exists(self, branch: Branch, reach: Reach, alias: str) -> str:
        mine, theirs = self._related(branch.dataset, reach.dataset, reach.via)
        where = [f"r.{quote(theirs)} = {alias}.{quote(mine)}", *self._kept(reach.where, reach.dataset, "r")]
        if self._apart(branch.dataset, mine, reach.dataset, theirs):
            where.append(f"r._system = {alias}._system")
        return f"EXISTS (SELECT FROM {current(reach.dataset)} r WHERE {' AND '.join(where)})"

    def _loose(self, branch: Branch) -> str:
        """How many rows cannot be joined: the subject's, when their joining item is empty (what they lead to cannot be
        said); those they lead to, when they still wait in quarantine."""
        here = current(branch.dataset)
        reached = [
            (reach, *self._related(branch.dataset, reach.dataset, reach.via)) for reach in branch.exists + branch.absent
        ]
        empty = [f"b.{quote(mine)} IS NULL" for _, mine, _ in reached]
        counts = [f"count(*) FILTER (WHERE {' OR '.join(empty)})"] if empty else ["0"]
        rows = " AND ".join(self._rows(branch, "w"))
        counts += [
            _waiting(reach.dataset, theirs, f"w.{quote(mine)}", f"{here} w WHERE {rows}")
            for reach, mine, theirs in reached
        ]
        if branch.of is not None:
            parent = self.made.branches[branch.of]
            above = f"{current(parent.dataset)} l WHERE {' AND '.join(self._rows(parent, 'l'))}"
            for mine, theirs in self._ends(branch, parent):
                counts.append(f"(SELECT count(*) FROM {above} AND l.{quote(theirs)} IS NULL)")
                counts.append(_waiting(branch.dataset, mine, f"l.{quote(theirs)}", above))
        if branch.same is not None:
            item, other = quote(branch.same.item), self.made.branches[branch.same.branch]
            for one in (self._rows(branch, "l", same=False), self._rows(other, "l")):
                counts.append(f"(SELECT count(*) FROM {here} l WHERE {' AND '.join(one)} AND l.{item} IS NULL)")
        return " + ".join(counts)

    def _namesakes(self, branch: Branch) -> str:
        """How many rows of the branch name somebody of the subject's name without saying the number."""
        if branch.role:
            start = [_named(f"namesake_{self.who[branch.who]}", branch, "n", self._identified(branch))]
        elif branch.number:
            start = [*(f"n.{quote(item)} IS NULL" for item in branch.number), self._agrees(branch, "n")]
        else:
            return "0"
        where = " AND ".join([*start, *self._kept(branch.where, branch.dataset, "n")])
        return f"(SELECT count(*) FROM {current(branch.dataset)} n WHERE {where})"

    def _identified(self, branch: Branch) -> str:
        """That the same party of the record `m` has a comparable number in another role: a person's credit code is empty, the
        identity card's is not. Roles with one name item are about one party. A firm's number says nothing of a person, nor
        its operator's of a firm."""
        names = {subject.role: subject.name for subject in self.contracts[branch.dataset].subjects}
        alike = {
            role: [other for other, name in names.items() if other != role and name and name == names[role]]
            for role in branch.role
        }
        numbered = [
            f" AND NOT (m.role = {_text(role)} AND EXISTS (SELECT FROM libraries.mention o WHERE o.dataset = m.dataset"
            f" AND o.key = m.key AND o.role IN ({', '.join(map(_text, others))}) AND strpos(o.id_value, '*') = 0"
            f" AND ({' OR '.join(_comparable(slot) for slot in self.who[branch.who].split('_'))})))"
            for role, others in alike.items()
            if others
        ]
        return "".join(numbered)

    def _strangers(self, branch: Branch) -> str:
        """How many rows have the number asked with, and name somebody else."""
        if not branch.number:
            return "0"
        where = " AND ".join([*self._rows(branch, "n", named=False), f"NOT {self._agrees(branch, 'n')}"])
        return f"(SELECT count(*) FROM {current(branch.dataset)} n WHERE {where})"

    def _apart(self, here: str, mine: str, there: str, theirs: str) -> bool:
        """Whether two records belong together only within a system: by an item of either's key, which its system assigns,
        where several systems feed one of the datasets. Numbers that are no key (a unit's) are the same everywhere."""
        own, other = self.systems.get(here, frozenset()), self.systems.get(there, frozenset())
        keyed = mine in self.contracts[here].key or theirs in self.contracts[there].key
        return keyed and bool(own & other) and len(own | other) > 1

    def _related(self, here: str, there: str, via: str | None) -> tuple[str, str]:
        return relate(self.contracts[here], self.contracts[there], via, self.source, ("branches",))

    def _ends(self, branch: Branch, parent: Branch) -> list[tuple[str, str]]:
        here, there = self.contracts[branch.dataset], self.contracts[parent.dataset]
        return relate_all(here, there, branch.via, self.source, ("branches",))

    def _aggregate(self, fact: Fact, kept: list[str]) -> str:
        told = " AND ".join(kept)
        only = f" FILTER (WHERE {told})" if told else ""
        columns = [f"b.{quote(item)}" for item in fact.items]
        if fact.aggregate == "count":
            return f"count(*){only}"
        if fact.aggregate == "any":
            if not told:
                return "count(*) > 0"
            return f"CASE WHEN bool_or({told}) THEN true WHEN NOT bool_or(({told}) IS NULL) IS TRUE THEN false END"
        if fact.aggregate == "distinct":
            value = columns[0] if len(columns) == 1 else f"coalesce({', '.join(f'{c}::text' for c in columns)})"
            return f"count(DISTINCT {value}){only}"
        if fact.aggregate == "values":
            only = f" FILTER (WHERE {' AND '.join([*kept, f'{columns[0]} IS NOT NULL'])})"
            return f"(array_agg(DISTINCT {columns[0]}){only})[1:{VALUES_LIMIT}]"
        return f"{fact.aggregate}({columns[0]}){only}"

    def _shown(self, name: str, fact: Fact) -> str:
        column = f"{quote(fact.branch)}.{quote(name)}"
        if fact.aggregate in NO_ITEM:
            return column
        item = self.contracts[self.made.branches[fact.branch].dataset].item(fact.items[0])
        exact = pa.types.is_decimal(item.type.arrow)  # JSON numbers would round money
        return f"{column}::text{'[]' if fact.aggregate == 'values' else ''}" if exact else column

    def _outcome(self) -> str:
        cases = []
        for number, outcome in enumerate(self.made.outcomes[:-1]):
            tests = [
                self._test(f"{quote(self.made.facts[name].branch)}.{quote(name)}", test)
                for name, test in outcome.when.items()
            ]
            cases.append(f"WHEN {' AND '.join(tests)} THEN {number}")
        last = len(self.made.outcomes) - 1
        return f"CASE {' '.join(cases)} ELSE {last} END" if cases else str(last)

    def _kept(self, where: Where, dataset: str, alias: str) -> list[str]:
        """The conditions on rows, with what the contract withholds left out."""
        rule = shared(self.contracts[dataset], alias, TODAY)
        return [*self._tests(where, alias), *([rule] if rule else [])]

    def _tests(self, where: Where, alias: str) -> list[str]:
        return [self._test(f"{alias}.{quote(name)}", test) for name, test in where.items()]

    def _test(self, column: str, test: Test) -> str:
        return conditions.sql(column, test, self._operand, self._given)

    def _operand(self, value: str) -> str:
        match = OPERAND.fullmatch(value)
        assert match is not None
        if not match["parameter"]:
            return conditions.day(value, TODAY, lambda amount: f"%({slot(self.made, amount[1:])})s::int")
        whole = self.made.parameters[match["parameter"]].type == "integer"
        return f"%({slot(self.made, match['parameter'])})s::{'bigint' if whole else 'text[]'}"

    def _given(self, value: str) -> str | None:
        """That a parameter which may be left out was left out."""
        name = conditions.parameter(value)
        if name is None or self.made.parameters[name].default is not None:
            return None
        return f"%({slot(self.made, name)})s::{'bigint' if self.made.parameters[name].type == 'integer' else 'text[]'} IS NULL"


def _comparable(slot: str) -> str:
    """That the mention `o` has a number of the person's kinds, a firm's or a person's."""
    return f"o.id_value ~ %(form_{slot})s AND coalesce(o.id_kind IN ({_ORGANISATIONS}), false) = %(firm_{slot})s"


def _waiting(dataset: str, item: str, values: str, rows: str) -> str:
    """How many quarantined rows of a dataset belong, by a joining item, to the given rows."""
    return (
        "(SELECT count(*) FROM hub.quarantine_subject s JOIN hub.quarantine q USING (batch_id, row_no) "
        "WHERE q.status IN ('open', 'excused')"
        f" AND s.dataset = {_text(dataset)} AND s.role = {_text('@' + item)} AND s.number = ANY(ARRAY(SELECT {values}::text FROM {rows})))"
    )


def _named(who: str, branch: Branch, alias: str, but: str = "") -> str:
    """Rows whose key is among the mentions of `me` or `namesake` in the branch's roles. An array, not a join: the plan
    then always starts at these few keys."""
    roles = ", ".join(_text(role) for role in branch.role)
    return (
        f"{alias}._key = ANY(ARRAY(SELECT m.key FROM {who} m"
        f" WHERE m.dataset = {_text(branch.dataset)} AND m.role IN ({roles}){but}))"
    )


_text = conditions.literal
_ORGANISATIONS = ", ".join(map(_text, ORGANISATIONS))
