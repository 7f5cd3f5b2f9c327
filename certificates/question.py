"""A certificate type as SQL: every branch aggregated to one row, the outcome chosen by one CASE.

A type becomes one SELECT giving one row (type, body). Identifiers and literals come from published documents and are
quoted; everything from a request is a parameter. The subject's rows are found through `me`, the mentions with the
subject's number that `statement` gathers once for all types of a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from psycopg import sql as pgsql

from catalog_registry.certificate_checks import relate
from catalog_registry.certificate_types import OPERAND, Branch, CertificateType, Fact, Reach, Test, Where
from certificates import candidates
from schemas.contract import Contract
from schemas.derive.sql import current, quote
from schemas.document import Source
from schemas.parts import Item

VALUES_LIMIT = 20  # an answer, not a listing
_COMPARE = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}


@dataclass(frozen=True)
class Question:
    """One compiled type: `select` is its SELECT; `missing` are datasets it needs that nobody has published."""

    type: CertificateType
    select: str
    missing: tuple[str, ...]
    #: the item whose value a fact shows (min, max, sum, values); counts show none
    items: Mapping[str, Item]

    def parameters(self, given: Mapping[str, int]) -> dict[str, int]:
        """The statement's parameters for this type: what was given, else the defaults."""
        return {
            _parameter(self.type, name): given.get(name, parameter.default)
            for name, parameter in self.type.parameters.items()
        }


def compile_type(made: CertificateType, contracts: Mapping[str, Contract], source: Source) -> Question:
    """The SELECT of a type already checked against the contracts."""
    missing = tuple(dataset for dataset in made.datasets if contracts.get(dataset) is None)
    if missing:
        return Question(made, "", missing, {})
    compiler = _Compiler(made, contracts, source)
    items = {
        name: contracts[made.branches[fact.branch].dataset].item(fact.items[0])
        for name, fact in made.facts.items()
        if fact.aggregate not in ("count", "distinct")
    }
    return Question(made, compiler.select(), (), items)


def statement(questions: Iterable[Question]) -> str:
    """One statement for a request: who is named with the number, who waits without one, and each type's row.

    Parameters: those of certificates.candidates, `today`, and each question's own.
    """
    return "\nUNION ALL\n".join([candidates.SUBJECT, *(question.select for question in questions)])


class _Compiler:
    def __init__(self, made: CertificateType, contracts: Mapping[str, Contract], source: Source) -> None:
        self.made, self.contracts, self.source = made, contracts, source

    def select(self) -> str:
        branches = ",\n".join(self._branch(name, branch) for name, branch in self.made.branches.items())
        facts = ", ".join(f"{_text(name)}, {self._shown(name, fact)}" for name, fact in self.made.facts.items())
        loose, namesakes = (
            " + ".join(f"{quote(name)}.{quote(count)}" for name in self.made.branches)
            for count in ("_loose", "_namesakes")
        )
        return (
            f"SELECT {_text(self.made.certificate)}, jsonb_build_object('outcome', {self._outcome()}, 'loose', {loose},"
            f" 'namesakes', {namesakes}, 'facts', jsonb_build_object({facts}))\nFROM {branches}"
        )

    def _branch(self, name: str, branch: Branch) -> str:
        """One row: how many rows could not be joined, how many are a namesake's without a number, and each fact."""
        reach = self._reach(branch, "b")
        ok = [f"({reach})"] if reach else []
        columns = [f'{self._loose(branch)} AS "_loose"', f'{self._namesakes(branch)} AS "_namesakes"']
        columns += [
            f"{self._aggregate(fact, [*ok, *self._tests(fact.where, branch.dataset, 'b')])} AS {quote(fact_name)}"
            for fact_name, fact in self.made.facts.items()
            if fact.branch == name
        ]
        where = " AND ".join(self._rows(branch, "b"))
        return f"(SELECT {', '.join(columns)} FROM {current(branch.dataset)} b WHERE {where}) AS {quote(name)}"

    def _rows(self, branch: Branch, alias: str) -> list[str]:
        """Which rows of the branch's dataset are the subject's, before `exists` and `absent`."""
        tests = self._tests(branch.where, branch.dataset, alias)
        if branch.of is None:
            start = _named("me", branch, alias)
        else:
            parent, inner = self.made.branches[branch.of], alias + "p"
            mine, theirs = self._related(branch.dataset, parent.dataset, branch.via)
            reach = self._reach(parent, inner)
            where = " AND ".join([*self._rows(parent, inner), *([reach] if reach else [])])
            start = (
                f"{alias}.{quote(mine)} = ANY(ARRAY(SELECT {inner}.{quote(theirs)}"
                f" FROM {current(parent.dataset)} {inner} WHERE {where}))"
            )
        return [start, *tests]

    def _reach(self, branch: Branch, alias: str) -> str:
        parts = [self._exists(branch, reach, alias) for reach in branch.exists]
        parts += ["NOT " + self._exists(branch, reach, alias) for reach in branch.absent]
        return " AND ".join(parts)

    def _exists(self, branch: Branch, reach: Reach, alias: str) -> str:
        mine, theirs = self._related(branch.dataset, reach.dataset, reach.via)
        where = [f"r.{quote(theirs)} = {alias}.{quote(mine)}", *self._tests(reach.where, reach.dataset, "r")]
        return f"EXISTS (SELECT FROM {current(reach.dataset)} r WHERE {' AND '.join(where)})"

    def _loose(self, branch: Branch) -> str:
        """How many rows cannot be joined: the subject's, when their joining item is empty (what they lead to cannot be
        said); those they lead to, when they still wait in quarantine."""
        here = current(branch.dataset)
        ends = [
            (reach, *self._related(branch.dataset, reach.dataset, reach.via)) for reach in branch.exists + branch.absent
        ]
        empty = [f"b.{quote(mine)} IS NULL" for _, mine, _ in ends]
        counts = [f"count(*) FILTER (WHERE {' OR '.join(empty)})"] if empty else ["0"]
        rows = " AND ".join(self._rows(branch, "w"))
        counts += [
            _waiting(reach.dataset, theirs, f"w.{quote(mine)}", f"{here} w WHERE {rows}")
            for reach, mine, theirs in ends
        ]
        if branch.of is not None:
            parent = self.made.branches[branch.of]
            mine, theirs = self._related(branch.dataset, parent.dataset, branch.via)
            above = f"{current(parent.dataset)} l WHERE {' AND '.join(self._rows(parent, 'l'))}"
            counts.append(f"(SELECT count(*) FROM {above} AND l.{quote(theirs)} IS NULL)")
            counts.append(_waiting(branch.dataset, mine, f"l.{quote(theirs)}", above))
        return " + ".join(counts)

    def _namesakes(self, branch: Branch) -> str:
        """How many rows of the branch name somebody of the subject's name without saying the number."""
        if branch.of is not None:
            return "0"
        where = " AND ".join([_named("namesake", branch, "n"), *self._tests(branch.where, branch.dataset, "n")])
        return f"(SELECT count(*) FROM {current(branch.dataset)} n WHERE {where})"

    def _related(self, here: str, there: str, via: str | None) -> tuple[str, str]:
        return relate(self.contracts[here], self.contracts[there], via, self.source, ("branches",))

    def _aggregate(self, fact: Fact, conditions: list[str]) -> str:
        kept = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
        columns = [f"b.{quote(item)}" for item in fact.items]
        if fact.aggregate == "count":
            return f"count(*){kept}"
        if fact.aggregate == "distinct":
            value = columns[0] if len(columns) == 1 else f"coalesce({', '.join(f'{c}::text' for c in columns)})"
            return f"count(DISTINCT {value}){kept}"
        if fact.aggregate == "values":
            kept = f" FILTER (WHERE {' AND '.join([*conditions, f'{columns[0]} IS NOT NULL'])})"
            return f"(array_agg(DISTINCT {columns[0]}){kept})[1:{VALUES_LIMIT}]"
        return f"{fact.aggregate}({columns[0]}){kept}"

    def _shown(self, name: str, fact: Fact) -> str:
        column = f"{quote(fact.branch)}.{quote(name)}"
        item = self._item(fact)
        exact = item is not None and pa.types.is_decimal(item.type.arrow)  # JSON numbers would round money
        return f"{column}::text{'[]' if fact.aggregate == 'values' else ''}" if exact else column

    def _item(self, fact: Fact) -> Item | None:
        if fact.aggregate in ("count", "distinct"):
            return None
        return self.contracts[self.made.branches[fact.branch].dataset].item(fact.items[0])

    def _outcome(self) -> str:
        cases = []
        for number, outcome in enumerate(self.made.outcomes[:-1]):
            tests = [
                self._test(
                    f"{quote(self.made.facts[name].branch)}.{quote(name)}", self._kind(self.made.facts[name]), test
                )
                for name, test in outcome.when.items()
            ]
            cases.append(f"WHEN {' AND '.join(tests)} THEN {number}")
        last = len(self.made.outcomes) - 1
        return f"CASE {' '.join(cases)} ELSE {last} END" if cases else str(last)

    def _kind(self, fact: Fact) -> pa.DataType:
        item = self._item(fact)
        return item.type.arrow if item else pa.int64()

    def _tests(self, where: Where, dataset: str, alias: str) -> list[str]:
        contract = self.contracts[dataset]
        return [
            self._test(f"{alias}.{quote(name)}", contract.item(name).type.arrow, test) for name, test in where.items()
        ]

    def _test(self, column: str, kind: pa.DataType, test: Test) -> str:
        parts = []
        if test.in_ is not None:
            parts.append(f"{column} IN ({', '.join(_text(value) for value in test.in_)})")
        if test.not_in is not None:
            parts.append(f"{column} NOT IN ({', '.join(_text(value) for value in test.not_in)})")
        if test.empty is not None:
            parts.append(f"{column} IS {'' if test.empty else 'NOT '}NULL")
        for word, sign in _COMPARE.items():
            value = getattr(test, word)
            if value is not None:
                parts.append(f"{column} {sign} {self._operand(value, kind)}")
        told = " AND ".join(parts)
        return f"({column} IS NULL OR ({told}))" if test.or_null else f"({told})"

    def _operand(self, value: Any, kind: pa.DataType) -> str:
        match = OPERAND.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return _text(value)
        if match["parameter"]:
            return f"%({_parameter(self.made, match['parameter'])})s::bigint"
        base = "%(today)s::date" if match["base"] == "today" else "date_trunc('month', %(today)s::date)::date"
        if not match["amount"]:
            return base
        amount = match["amount"]
        count = f"%({_parameter(self.made, amount[1:])})s::int" if amount.startswith("$") else amount
        return f"({base} - make_interval({match['unit']} => {count}))::date"


def _waiting(dataset: str, item: str, values: str, rows: str) -> str:
    """How many quarantined rows of a dataset belong, by a joining item, to the given rows."""
    return (
        f"(SELECT count(*) FROM hub.quarantine_subject s JOIN hub.quarantine q USING (batch_id, row_no) WHERE q.status = 'open'"
        f" AND s.dataset = {_text(dataset)} AND s.role = {_text('@' + item)} AND s.number = ANY(ARRAY(SELECT {values}::text FROM {rows})))"
    )


def _named(who: str, branch: Branch, alias: str) -> str:
    """Rows whose key is among the mentions of `me` or `namesake` in the branch's roles. An array, not a join: the plan
    then always starts at these few keys."""
    roles = ", ".join(_text(role) for role in branch.role)
    return (
        f"{alias}._key = ANY(ARRAY(SELECT m.key FROM {who} m"
        f" WHERE m.dataset = {_text(branch.dataset)} AND m.role IN ({roles})))"
    )


def _parameter(made: CertificateType, name: str) -> str:
    return f"{made.certificate}.{name}"


def _text(value: Any) -> str:
    """A literal of a published document; percent signs are doubled because the statement takes parameters."""
    return pgsql.Literal(value).as_string(None).replace("%", "%%")
