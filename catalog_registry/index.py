"""Writing the catalogue's tables from what documents say: a row for each resource, a term for each distinct text, an
entry for each place where one stands. One way for contracts and listings, set by set in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection, text

from catalog_registry import lexemes
from catalog_registry.lexemes import Place
from catalog_registry.numbering import Numbering, Numbers
from schemas.derive.catalogue import Resource

#: what `lexemes` and `entries` make of a document; raised when they change, so that every installation is indexed anew
VERSION = 1
_MANY = 100
_LONGEST = 600  # of a term: a B-tree key holds 2,700 bytes


@dataclass(frozen=True)
class Described:
    """A resource with what stands beside its document: where it is from, its department's and its systems' names, and
    the interval its contract promises."""

    resource: Resource
    origin: Literal["contract", "listing"]
    department_name: str
    systems: tuple[str, ...]
    period: timedelta | None = None


def put(connection: Connection, numbering: Numbering, described: Sequence[Described]) -> None:
    """Make the catalogue say this of these resources; codes are given once and kept, others stay as they are."""
    if not described:
        return
    _rows(connection, numbering, described)
    made = [entry for one in described for entry in _entries(one)]
    terms = _terms(connection, {entry["text"] for entry in made})
    datasets = [one.resource.dataset for one in described]
    connection.execute(text("DELETE FROM hub.catalogue_entry WHERE dataset = ANY(:datasets)"), {"datasets": datasets})
    _insert(
        connection,
        "INSERT INTO hub.catalogue_entry (dataset, place, position, name, label, share_type, term) "
        "SELECT dataset, place, position, name, label, share_type, term FROM jsonb_to_recordset(:rows) AS given "
        "(dataset text, place smallint, position smallint, name text, label text, share_type smallint, term bigint)",
        ({**entry, "term": terms[entry.pop("text")]} for entry in made),
    )
    connection.execute(
        text(
            "DELETE FROM hub.catalogue_term t WHERE NOT EXISTS (SELECT FROM hub.catalogue_entry e WHERE e.term = t.id)"
        )
    )

    if len(described) > _MANY:  # until the server looks by itself, it would plan for an empty catalogue
        connection.execute(text("ANALYZE hub.resource, hub.catalogue_term, hub.catalogue_entry"))


def retire(connection: Connection, datasets: Sequence[str]) -> None:
    """Take resources out of the catalogue; their codes are never given again."""
    values = {"datasets": list(datasets)}
    connection.execute(
        text("UPDATE hub.resource SET status = 'retired', updated_at = now() WHERE dataset = ANY(:datasets)"), values
    )
    connection.execute(text("DELETE FROM hub.catalogue_entry WHERE dataset = ANY(:datasets)"), values)


def clear(connection: Connection) -> None:
    """Forget every term and entry, to be made anew by other rules."""
    connection.execute(text("DELETE FROM hub.catalogue_entry"))
    connection.execute(text("DELETE FROM hub.catalogue_term"))


def _rows(connection: Connection, numbering: Numbering, described: Sequence[Described]) -> None:
    wanted = [one.resource.dataset for one in described]
    known = set(
        connection.scalars(text("SELECT dataset FROM hub.resource WHERE dataset = ANY(:wanted)"), {"wanted": wanted})
    )
    numbers = Numbers(connection, numbering) if not known.issuperset(wanted) else None
    new, old = [], []
    for one in described:
        resource = one.resource
        row: dict[str, Any] = {
            "dataset": resource.dataset, "department": resource.department, "title": resource.title,
            "origin": one.origin, "resource_class": resource.resource_class, "format": resource.format,
            "share_type": resource.share_type, "cycle": resource.cycle,
            "period": one.period and f"{one.period.total_seconds()} s", "described": _described(resource),
            "sort_name": "".join(syllable for _, syllable in lexemes.spelling(lexemes.normal(resource.title))),
            "indexed": VERSION,
        }  # fmt: skip
        if resource.dataset in known:
            old.append(row)
        elif numbers is not None:
            code = numbers.give(resource.resource_class, resource.department)
            new.append(row | {"code": str(code), "class_path": code.class_path, "sequence": code.sequence})
    _insert(
        connection,
        f"INSERT INTO hub.resource (code, class_path, sequence, {', '.join(_SAID)}) "
        f"SELECT code, class_path, sequence, {', '.join(_SAID)} FROM jsonb_to_recordset(:rows) AS given "
        f"(code text, class_path text, sequence bigint, {_TYPED})",
        new,
    )
    # the moment it was updated is the moment it said something else, not that of the next publication
    _insert(
        connection,
        f"UPDATE hub.resource r SET status = 'published', {', '.join(f'{name} = given.{name}' for name in _SAID)}, "
        "updated_at = CASE WHEN (r.described, r.origin, r.status) IS DISTINCT FROM "
        "(given.described, given.origin, 'published') THEN now() ELSE r.updated_at END "
        f"FROM jsonb_to_recordset(:rows) AS given ({_TYPED}) WHERE r.dataset = given.dataset",
        old,
    )


def _described(resource: Resource) -> dict[str, Any]:
    """What `asdict` gives, in a tenth of its time: a city has 30,000 items."""
    return {**vars(resource), "items": [vars(item) for item in resource.items]}


_SAID: Mapping[str, str] = {
    "dataset": "text", "department": "text", "title": "text", "origin": "text", "resource_class": "text",
    "format": "text", "share_type": "smallint", "cycle": "smallint", "period": "interval", "described": "jsonb", "sort_name": "text",
    "indexed": "smallint",
}  # fmt: skip
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _SAID.items())


def _entries(one: Described) -> Iterable[dict[str, Any]]:
    resource = one.resource

    def entry(place: Place, label: str, position: int = 0, name: str = "", share_type: int | None = None) -> Any:
        return {
            "dataset": resource.dataset, "place": place, "position": position, "name": name, "label": label,
            "share_type": share_type, "text": lexemes.normal(label)[:_LONGEST],
        }  # fmt: skip

    yield entry(Place.TITLE, resource.title)
    yield entry(Place.DATASET, resource.dataset)
    yield entry(Place.DEPARTMENT, one.department_name)
    if resource.summary != resource.title:
        yield entry(Place.SUMMARY, resource.summary)
    for position, title in enumerate(one.systems):
        yield entry(Place.SYSTEM, title, position)
    for position, item in enumerate(resource.items, 1):
        yield entry(Place.ITEM, item.title, position, item.name, item.share_type)


def _terms(connection: Connection, texts: set[str]) -> dict[str, int]:
    """The ids of terms, made where they are missing or of older rules."""
    known = {
        row.text: row.id
        for row in connection.execute(
            text("SELECT id, text FROM hub.catalogue_term WHERE text = ANY(:texts)"), {"texts": sorted(texts)}
        )
    }
    missing = [lexemes.term(each)._asdict() for each in sorted(texts - known.keys())]
    if not missing:
        return known
    rows = connection.execute(
        text(
            "INSERT INTO hub.catalogue_term (text, initials, pinyin, lexemes) "
            "SELECT text, initials, pinyin, array_to_tsvector(lexemes) FROM jsonb_to_recordset(CAST(:rows AS jsonb)) "
            "AS given (text text, initials text, pinyin text, lexemes text[]) RETURNING id, text"
        ),
        {"rows": json.dumps(missing)},
    )
    return known | {row.text: row.id for row in rows}


def _insert(connection: Connection, statement: str, rows: Iterable[Mapping[str, Any]]) -> None:
    given = list(rows)
    if given:
        connection.execute(text(statement.replace(":rows", "CAST(:rows AS jsonb)")), {"rows": json.dumps(given)})
