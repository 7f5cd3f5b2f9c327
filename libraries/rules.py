"""Who may say what in a library: its document and the published contributions, compiled; and noticing when they change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from libraries import legal_entity, license, population
from libraries.kind import Kind
from libraries.mentions import RECORD
from schemas.contract import Contract, Contribution, Subject
from schemas.derive.sql import literal, quote
from schemas.derive.withheld import shared
from schemas.library import Attribute, Library
from schemas.published import Published

KINDS: Mapping[str, Kind] = {one.KIND.library: one.KIND for one in (population, legal_entity, license)}
DERIVED_RANK = 1_000  # behind every department
#: such a value is kept in its standard form beside the record (libraries/known_as.py)
_KNOWN_AS = (
    "(SELECT k.value FROM libraries.known_as k WHERE (k.dataset, k.key, k.role) = (w.dataset, w.key, w.role) "
    "AND k.attribute = '{0}')"
)


@dataclass(frozen=True)
class Claim:
    """One attribute that a dataset gives: a constant, or SQL over the mention `w` and the record `r`, cut at `cut` where a
    cell holds several; the lowest rank decides."""

    attribute: str
    sql: str
    constant: str | None
    cut: str | None
    rank: int
    status: str


@dataclass(frozen=True)
class Giver:
    """One contribution of one dataset. `type` is the licence's; `target` the dataset whose record it is about, where that
    is another; `register` says that the dataset is the library's own register: the identity's first authority. `holders`
    are the roles of a licence's holders, `succession` the item in common with those before and after it. `items` tells which
    item an attribute comes from; `refused` are claims to attributes that only others may give."""

    contract: Contract
    role: str
    when: Mapping[str, tuple[str, ...]]
    type: str | None
    target: str | None
    register: bool
    holders: tuple[str, ...]
    succession: str | None
    claims: tuple[Claim, ...]
    items: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Rules:
    """One library as it is to be made now."""

    library: Library
    kind: Kind
    givers: tuple[Giver, ...]
    ranks: Mapping[str, int]  # dataset → how much its word counts for the name
    today: date  # the city's day, by which records are withheld

    @property
    def registers(self) -> list[tuple[str, str]]:
        """(dataset, role) of those whom the library's own register is about."""
        return sorted({(giver.contract.id, giver.role) for giver in self.givers if giver.register})

    @property
    def references(self) -> list[tuple[str, str, str]]:
        """(dataset, role, dataset referred to) of contributions through a reference."""
        return sorted({(giver.contract.id, giver.role, giver.target) for giver in self.givers if giver.target})

    @property
    def many(self) -> list[str]:
        """Attributes that keep every distinct value."""
        return [name for name, attribute in self.library.attributes.items() if attribute.many]

    def collected(self, name: str) -> bool:
        """Whether anything published can give the attribute."""
        attribute = self.library.attributes[name]
        if attribute.derive and self.collected(attribute.derive.partition(".")[0]):
            return True
        return attribute.provisional or any(claim.attribute == name for giver in self.givers for claim in giver.claims)


def of(published: Published, today: date) -> list[Rules]:
    """The rules, on a day, of every published library that this version knows how to make."""
    return [_compile(published, KINDS[id], today) for id in KINDS if id in published.libraries]


def _compile(published: Published, kind: Kind, today: date) -> Rules:
    library = published.libraries[kind.library]
    found = [
        (contract, contribution)
        for _, contract in sorted(published.contracts.items())
        for contribution in contract.contributes
        if contribution.library == library.id
    ]
    givers = tuple(_giver(library, kind, contract, contribution) for contract, contribution in found)
    order = library.attributes[kind.name].authority if kind.name in library.attributes else ()
    ranks = {id: _rank(order, contract.department) for id, contract in published.contracts.items()}
    return Rules(library, kind, givers, ranks, today)


def _rank(order: tuple[str, ...], department: str) -> int:
    return order.index(department) if department in order else len(order)


def _giver(library: Library, kind: Kind, contract: Contract, contribution: Contribution) -> Giver:
    target = contract.referred(contribution.through).dataset if contribution.through else None
    subject = None
    if target is None:
        subject = next(subject for subject in contract.subjects if subject.role == contribution.role)
    type_ = contribution.values.get("type") if library.types else None
    claims: list[Claim] = []
    refused: list[Claim] = []
    for name, (said_sql, constant, cut) in _given(library, kind, contract, subject, contribution).items():
        said = library.attributes[name]
        # a licence's authority is its type's issuer, whoever else issues licences
        order = (library.types[type_].authority,) if type_ and type_ in library.types else said.authority
        rank = _rank(order, contract.department)
        not_theirs = rank == len(order) and said.only and not said.unverified
        claim = Claim(name, said_sql, constant, cut, rank, _status(said, rank, len(order)))
        (refused if not_theirs else claims).append(claim)
    identity = library.attributes[library.identity].authority
    register = target is None and library.identity in contribution.items and contract.department in identity[:1]
    return Giver(
        contract, contribution.role, contribution.when, type_, target, register, contribution.holders,
        contribution.succession, tuple(claims), _items(library, kind, subject, contribution), contribution.codes,
        tuple(refused),
    )  # fmt: skip


def _items(library: Library, kind: Kind, subject: Subject | None, contribution: Contribution) -> dict[str, str]:
    """Attribute → the item it comes from; the subject's number and name where the library takes them from the mention."""
    items = dict(contribution.items)
    if subject is not None:
        items |= {name: subject.id for name in kind.numbers if name in library.attributes and name not in items}
        if kind.named and subject.name is not None:
            items.setdefault(kind.name, subject.name)
    return items


def _given(
    library: Library, kind: Kind, contract: Contract, subject: Subject | None, contribution: Contribution
) -> dict[str, tuple[str, str | None, str | None]]:
    """Attribute → SQL, constant, separator. Number and name are those of the mention: one person's part of a cell that
    names several, and a column of organisation numbers holds codes of several lengths. A reference has neither."""
    given: dict[str, tuple[str, str | None, str | None]] = {}
    for attribute, name in contribution.items.items():
        item = contract.item(name)
        if library.attributes[attribute].known_as:
            given[attribute] = (_KNOWN_AS.format(attribute), None, None)
        elif subject and name == subject.id and attribute not in kind.numbers:
            given[attribute] = ("w.id_value", None, None)
        elif subject is None or name not in (subject.id, subject.name):
            cut = item.separator if library.attributes[attribute].many else None
            said = f"to_jsonb(r.{quote(name)}) #>> '{{}}'"
            given[attribute] = (_called(said, contribution.codes.get(attribute)), None, cut)
    own = dict(kind.numbers) | ({kind.name: "w.name"} if kind.named else {}) if subject else {}
    given |= {attribute: (sql, None, None) for attribute, sql in own.items() if attribute in library.attributes}
    return given | {attribute: ("", value, None) for attribute, value in contribution.values.items()}


def _called(said: str, codes: Mapping[str, str] | None) -> str:
    """A value as the library calls it."""
    if codes is None:
        return said
    cases = " ".join(f"WHEN {literal(before)} THEN {literal(after)}" for before, after in codes.items())
    return f"CASE {said} {cases} END"


def _status(attribute: Attribute, rank: int, authorities: int) -> str:
    """`verified` by whom the law names; numbers and names only by the first of them."""
    if attribute.declared:
        return "declared"
    return "verified" if rank < (min(1, authorities) if attribute.unverified else authorities) else "unverified"


def sync(conn: Connection, rules: Rules) -> None:
    """Note the rules in force; where they differ from those the golden records were made by, let their mentions be
    looked at again. Raises LockNotAvailable (as OperationalError) when a merge holds one."""
    rows = conn.execute(text("SELECT dataset, body FROM libraries.rules WHERE library = :l"), {"l": rules.library.id})
    before = {row.dataset: row.body for row in rows}
    now = _bodies(rules)
    changed = sorted(dataset for dataset in before.keys() | now.keys() if before.get(dataset) != now.get(dataset))
    if not changed:
        return
    everything = before.get("", {}).get("decides") != now[""]["decides"]
    conn.execute(
        text(
            "WITH held AS (SELECT ctid AS place FROM libraries.mention WHERE NOT pending AND id_kind = ANY(:kinds)"
            + ("" if everything else " AND dataset = ANY(:datasets)")
            + " FOR UPDATE NOWAIT) UPDATE libraries.mention m SET pending = true FROM held WHERE m.ctid = held.place"
        ),
        {"kinds": [*rules.kind.kinds, RECORD], "datasets": changed},
    )
    conn.execute(
        text("DELETE FROM libraries.rules WHERE library = :l AND dataset = ANY(:datasets)"),
        {"l": rules.library.id, "datasets": changed},
    )
    for dataset in now.keys() & set(changed):
        conn.execute(
            text("INSERT INTO libraries.rules (library, dataset, body) VALUES (:l, :dataset, cast(:body AS jsonb))"),
            {"l": rules.library.id, "dataset": dataset, "body": json.dumps(now[dataset])},
        )


def _bodies(rules: Rules) -> dict[str, Any]:
    bodies: dict[str, Any] = {
        "": {
            # what codes are called is looked up when they are shown, and decides nothing
            "decides": rules.library.model_dump(mode="json", exclude={"attributes": {"__all__": {"codes"}}}),
            "attributes": [
                {
                    "name": name,
                    "title": one.title,
                    "english": one.english,
                    "value_type": one.value_type,
                    "known_as": one.known_as,
                    "collected": rules.collected(name),
                }
                for name, one in rules.library.attributes.items()
            ],
        }
    }
    for giver in rules.givers:
        bodies.setdefault(giver.contract.id, []).append(
            {
                "role": giver.role,
                "when": {item: list(values) for item, values in giver.when.items()},
                "type": giver.type,
                "target": giver.target,
                "register": giver.register,
                "holders": list(giver.holders),
                "succession": giver.succession,
                "withheld": shared(giver.contract, "r", "today"),
                "rank": rules.ranks[giver.contract.id],
                "since": giver.contract.valid_from,
                "claims": [asdict(claim) for claim in giver.claims],
            }
        )
    return bodies
