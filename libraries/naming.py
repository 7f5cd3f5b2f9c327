"""Whom a record names, for reading by number and name: every form and other number of one subject, and whether a row is theirs.

A number alone opens nothing: the name must be one that a record, or a register, knows with the number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, String, cast, false, func, or_, text

from libraries import mentions
from libraries.kind import standard as standard_of
from libraries.records import Columns
from libraries.rules import KINDS
from schemas.contract import Contract
from schemas.types import get


@dataclass(frozen=True)
class Named:
    """One subject: its numbers in every form known, and its names; `others` are those of the numbers with those of the names
    that are not theirs, as judgements have it. A row with a number of `alone` and no name is theirs: everybody who is named with
    it is them."""

    numbers: frozenset[str]
    names: frozenset[str]
    alone: frozenset[str] = frozenset()
    others: frozenset[tuple[str, str]] = frozenset()

    def owns(self, number: str | None, name: str | None) -> bool:
        """Whether a mention with this number and name is of the subject."""
        if number not in self.numbers:
            return False
        return number in self.alone if name is None else name in self.names and (number, name) not in self.others


def standard(number: str) -> str:
    """A number as most records hold it: the form that the audit log's pseudonym is made of."""
    return next((found for kind in KINDS.values() if (found := kind.standard(number)) is not None), number)


def resolve(conn: Connection, number: str, name: str) -> Named | None:
    """Who is meant by this number and name; None when the number cannot be one."""
    numbers: set[str] = set()
    names = {name, *(one for type_ in ("person_name", "organisation_name") if (one := standard_of(get(type_), name)))}
    for kind in KINDS.values():
        wanted = kind.standard(number)
        if wanted is None:
            continue
        numbers |= {wanted, kind.form(wanted)}
        for condition in kind.joins:
            found = text(
                "SELECT DISTINCT m.id_value FROM (VALUES (CAST(:form AS text))) AS n (number) CROSS JOIN LATERAL ("
                f"SELECT * FROM libraries.mention m WHERE {condition} AND m.id_kind = ANY(:kinds)) m"
            )
            numbers |= set(conn.scalars(found, {"form": kind.form(wanted), "kinds": list(kind.kinds)}))
    if not numbers:
        return None
    given = {"numbers": sorted(numbers), "names": sorted(names)}
    also = conn.execute(
        text("SELECT kind, value, name FROM libraries.also_known(CAST(:numbers AS text[]), CAST(:names AS text[]))"),
        given,
    ).all()
    numbers |= {row.value for row in also if row.kind == "number"}
    names |= {row.value for row in also if row.kind == "name"}
    others = frozenset((row.value, row.name) for row in also if row.kind in ("apart", "stranger"))
    subject = Named(frozenset(numbers), frozenset(names), others=others)
    mentioned = conn.execute(
        text(
            "SELECT DISTINCT id_value, name FROM libraries.mention WHERE id_value = ANY(:numbers) AND name IS NOT NULL"
        ),
        {"numbers": sorted(numbers)},
    ).all()
    theirs = {row.id_value: True for row in mentioned}
    for row in mentioned:
        theirs[row.id_value] &= subject.owns(row.id_value, row.name)
    return replace(subject, alone=frozenset(number for number, alone in theirs.items() if alone))


def keys(conn: Connection, contract: Contract, named: Named, limit: int) -> list[bytes]:
    """The keys of current records of a dataset with one of the numbers, at most `limit`."""
    rows = conn.scalars(
        text(
            "SELECT DISTINCT key FROM libraries.mention WHERE dataset = :dataset AND (name IS NULL AND id_value = ANY(:alone) "
            "OR id_value = ANY(:numbers) AND name = ANY(:names) AND id_value || chr(31) || name <> ALL(:others)) LIMIT :limit"
        ),
        {
            "dataset": contract.id, "numbers": sorted(named.numbers), "names": sorted(named.names), "limit": limit,
            "alone": sorted(named.alone), "others": [f"{number}\x1f{name}" for number, name in sorted(named.others)],
        },
    )  # fmt: skip
    return [bytes(key) for key in rows]


def mentioned(contract: Contract, row: Columns, numbers: Collection[str], *, former: bool) -> ColumnElement[bool]:
    """A condition on rows that every row with one of the numbers meets, and few others. Cells that name several have no index
    to go by and are looked through only among `former` rows: who is named in those that stand is known by `keys`."""
    found: list[ColumnElement[bool]] = []
    for subject in contract.subjects:
        for name in filter(None, (subject.id, subject.otherwise)):
            if subject.separator is None:
                found.append(row[name].in_(sorted(numbers)))
            elif former:
                # such a cell is kept as it was written
                cell = func.upper(cast(row[name], String))
                written = {form for number in numbers for form in (number, *_short(number))}
                found += [func.strpos(cell, number) > 0 for number in sorted(written)]
    return or_(false(), *found)


def _short(number: str) -> Iterable[str]:
    """The 15 digits that a citizen's number of somebody born before 2000 may be written in."""
    return (number[:6] + number[8:17],) if len(number) == 18 and number[6:8] == "19" else ()


def naming(contract: Contract, rows: Sequence[Mapping[str, Any]], named: Named) -> list[Any]:
    """Those of the rows that name the subject by number and name."""
    said = _said(contract, rows)
    theirs = {one["row"] for one in said if named.owns(one["id_value"], one["name"])}
    return [row for number, row in enumerate(rows) if number in theirs]


def numbers(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Every number in the rows' roles, as the audit log knows them."""
    return {standard(one["id_value"]) for one in _said(contract, rows) if one["id_value"]}


def _said(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    values = {item.name: pa.array([row[item.name] for row in rows], item.type.arrow) for item in contract.items}
    options = {item.name: item.options for item in contract.items}
    said: list[dict[str, Any]] = mentions.of_rows(contract, values, options).to_pylist()
    return said
