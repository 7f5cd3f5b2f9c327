"""Who is named in a record: (dataset, key, role, part) → an identity claim (kind, number, name).

A number is evidence, not identity: numbers get corrected, and two people can share one. A mention therefore says only
what the record says; which entity it is about is a link that `golden.refresh` sets and a judgement may change.

A record that contributes through a reference names nobody: its mention says which record it refers to instead (kind
`record`, number `<dataset>:<key in hexadecimal>`, the role being one of that record's). It is linked to whoever that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from libraries import filling
from libraries.record_key import key_bytes
from schemas.contract import Contract, Item, Subject
from schemas.types import TYPES, Options, ValueType
from schemas.types.parts import split

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("role", pa.string()),
        ("part", pa.int32()),
        ("id_kind", pa.string()),
        ("id_value", pa.string()),
        ("name", pa.string()),
    ]
)
#: kind of a number whose item type says it by itself
KIND_OF_TYPE: Mapping[str, str] = {"citizen_no": "identity_card", "credit_code": "uscc"}
#: kind of an organisation's number by its length (DOMAIN §4: 18 uscc, 15 registration, 9 organisation code)
KIND_OF_LENGTH: Mapping[int, str] = {18: "uscc", 15: "registration_no", 9: "organisation_code"}
#: kinds that only organisations' numbers are of
ORGANISATIONS = ("uscc", "organisation_code", "registration_no", "business_licence")
LICENSE = "license"
RECORD = "record"
#: a number in a cell whose names and numbers are not equally many: somebody's, but nobody is linked by it
UNPAIRED = "unpaired"
LONGEST = 500  # characters of a claim; both are indexed, and PostgreSQL refuses index entries beyond 2,704 bytes


def of_rows(contract: Contract, values: Mapping[str, pa.Array], options: Mapping[str, Options]) -> pa.Table:
    """The mentions in typed rows, one table of `SCHEMA`; `row` is the row's index. Rows that name nobody yield none."""
    found = [_of_subject(contract, subject, values, options) for subject in contract.subjects]
    return pa.concat_tables(found) if found else SCHEMA.empty_table()


def references(contract: Contract, values: Mapping[str, pa.Array], system: str) -> pa.Table:
    """The mentions, as those of `of_rows`, of whoever typed rows of a system refer to."""
    found = []
    for role, item in sorted({(one.role, one.through) for one in contract.contributes if one.through}):
        target = contract.referred(item).dataset
        there = np.flatnonzero(pc.is_valid(values[item]).to_numpy(zero_copy_only=False))
        keys = referred(values[item].take(pa.array(there)), system)
        rows = len(there)
        columns = [
            pa.array(there, pa.int64()), pa.repeat(role, rows), pa.array(np.zeros(rows, dtype=np.int32)),
            pa.repeat(RECORD, rows), pa.array([f"{target}:{key.hex()}" for key in keys], pa.string()),
            pa.nulls(rows, pa.string()),
        ]  # fmt: skip
        found.append(pa.table(columns, schema=SCHEMA))
    return pa.concat_tables(found) if found else SCHEMA.empty_table()


def referred(values: pa.Array, system: str) -> list[bytes]:
    """The keys of the records that the values of a referring item lead to: a system refers to its own."""
    return [key.tobytes() for key in key_bytes(system, [values])]


def _of_subject(
    contract: Contract, subject: Subject, values: Mapping[str, pa.Array], options: Mapping[str, Options]
) -> pa.Table:
    item = contract.item(subject.id)
    rows = len(values[subject.id])
    if subject.separator is None:
        parent = np.arange(rows)
        part = np.zeros(rows, dtype=np.int32)
        numbers = values[subject.id]
        names = values[subject.name] if subject.name else pa.nulls(rows, pa.string())
        apart = np.zeros(rows, dtype=bool)
    else:
        parent, part, numbers, names, apart = _parts(contract, subject, values, options)
    kinds = _kinds(item, values, numbers, parent, subject.kind)
    if apart.any():
        kinds = pc.if_else(pa.array(apart), UNPAIRED, kinds)
    if subject.otherwise is not None:
        others = values[subject.otherwise]
        kinds = pc.coalesce(kinds, _kinds(contract.item(subject.otherwise), values, others, parent, subject.kind))
        numbers = pc.coalesce(numbers.cast(pa.string()), others.cast(pa.string()))
    if subject.name is not None and contract.item(subject.name).type.name == "text":
        names = _by_kind(names, kinds)
    table = pa.table(
        [
            pa.array(parent, pa.int64()),
            pa.repeat(subject.role, len(parent)),
            pa.array(part, pa.int32()),
            kinds,
            pc.utf8_slice_codeunits(numbers.cast(pa.string()), 0, LONGEST),
            pc.utf8_slice_codeunits(names.cast(pa.string()), 0, LONGEST),
        ],
        schema=SCHEMA,
    )
    return table.filter(pc.or_(pc.is_valid(table["id_value"]), pc.is_valid(table["name"])))


def _kinds(
    item: Item, values: Mapping[str, pa.Array], numbers: pa.Array, parent: NDArray[np.int64], said: str | None
) -> pa.Array:
    if said is not None:
        kinds = pa.repeat(said, len(parent))
    elif item.kind_item:
        kinds = values[item.kind_item].take(pa.array(parent))
    elif item.type.name in KIND_OF_TYPE:
        kinds = pa.repeat(KIND_OF_TYPE[item.type.name], len(parent))
    elif item.type.name == "organisation_no":
        lengths = pc.utf8_length(numbers)
        kinds = pa.nulls(len(parent), pa.string())
        for length, kind in KIND_OF_LENGTH.items():
            kinds = pc.if_else(pc.equal(lengths, length), kind, kinds)
    elif item.type.name == "identity_no":
        # no kind beside the number: what judges as a citizen's number is one, anything else keeps its kind open
        kinds = pc.if_else(pc.match_substring_regex(numbers, r"^[1-8]\d{16}[0-9X]$"), "identity_card", "other")
    else:
        kinds = pa.repeat(LICENSE, len(parent))
    return pc.if_else(pc.is_valid(numbers), kinds, pa.scalar(None, pa.string()))


def _parts(
    contract: Contract, subject: Subject, values: Mapping[str, pa.Array], options: Mapping[str, Options]
) -> tuple[NDArray[np.int64], NDArray[np.int32], pa.Array, pa.Array, NDArray[np.bool_]]:
    """The persons named in cells that hold several: parent row, part number, number, name, and whether that is a number
    apart: where numbers and names are not equally many, who has which number is not known."""
    item = contract.item(subject.id)
    separator = str(subject.separator)
    plain = replace(options[subject.id], separator=None, pair=None, kinds=None, required=False)
    cells = split(values[subject.id].cast(pa.string()), separator, subject.pair)
    written = cells.numbers if subject.pair else cells.text
    # what does not parse is kept as written: such a row is in quarantine, where a best guess is better than none
    numbers = pc.coalesce(item.type.standardise(written, plain)[0], written)
    if subject.pair:
        names = _names(TYPES["person_name"], cells.names)
        return cells.parent, _count_up(cells.parent), numbers, names, np.zeros(len(names), dtype=bool)
    if subject.name is None:
        none = pa.nulls(len(numbers), pa.string())
        return cells.parent, _count_up(cells.parent), numbers, none, np.zeros(len(none), dtype=bool)
    named = split(values[subject.name].cast(pa.string()), separator, None)
    rows = len(values[subject.id])
    agree = np.bincount(cells.parent, minlength=rows) == np.bincount(named.parent, minlength=rows)
    paired = agree[named.parent]
    aligned = np.full(len(named.parent), -1, dtype=np.int64)
    aligned[paired] = np.flatnonzero(agree[cells.parent])
    picked = numbers.take(pa.array(aligned, mask=~paired))
    names = _names(contract.item(subject.name).type, named.text)
    alone = np.flatnonzero(~agree[cells.parent])
    nameless = np.bincount(named.parent, minlength=rows)[cells.parent[alone]] == 0
    apart = np.concatenate([np.zeros(len(names), dtype=bool), ~nameless])
    parents = np.concatenate([named.parent, cells.parent[alone]])
    order = np.argsort(parents, kind="stable")
    at = pa.array(order)
    return (
        parents[order],
        _count_up(parents[order]),
        pa.concat_arrays([picked, numbers.take(pa.array(alone))]).take(at),
        pa.concat_arrays([names, pa.nulls(len(alone), pa.string())]).take(at),
        apart[order],
    )


def _names(kind: ValueType, written: pa.Array) -> pa.Array:
    return pc.coalesce(kind.standardise(written, Options())[0], written)


def _by_kind(names: pa.Array, kinds: pa.Array) -> pa.Array:
    """Names of an item that holds persons' and organisations' alike, written as each kind's are: an organisation's brackets,
    a person's blanks. Of whom no number tells the kind, the name stays as written."""
    organisations = pc.is_in(kinds, pa.array(ORGANISATIONS))
    persons = pc.and_(pc.is_valid(kinds), pc.invert(pc.or_(organisations, pc.is_in(kinds, pa.array([LICENSE])))))
    plain = names.cast(pa.string())
    for chosen, kind in ((organisations, "organisation_name"), (persons, "person_name")):
        plain = pc.if_else(pc.fill_null(chosen, False), _names(TYPES[kind], plain), plain)
    return plain


def _count_up(parent: NDArray[np.int64]) -> NDArray[np.int32]:
    """0, 1, 2 … within each run of one parent."""
    if not len(parent):
        return np.zeros(0, dtype=np.int32)
    starts = np.flatnonzero(np.concatenate(([True], parent[1:] != parent[:-1])))
    lengths = np.diff(np.concatenate((starts, [len(parent)])))
    return (np.arange(len(parent)) - np.repeat(starts, lengths)).astype(np.int32)


def merge(connection: Connection, dataset: str, system: str, staged: str, touched: str) -> None:
    """Bring the mentions of a batch in, inside the merge's transaction.

    `staged` is the table of the batch's mentions; `touched` holds the keys whose record changed or ended. A mention that is
    new, claims something else or is linked to nobody is pending anew. One that claims what it did keeps its link: that its
    record says something else about its entity is told by the entity being dirty. Whoever a mention was linked to is to be
    refreshed: no chunk of a refresh runs from here to the commit, so none can come between; entities are marked under row
    locks taken in one order, for other merges' sake.
    """
    names = {"dataset": dataset, "system": system}
    rows = connection.execute(text(f"SELECT count(*) FROM {staged}")).scalar_one()
    if not connection.execute(text(f"SELECT EXISTS ({_OF_DATASET})"), names).scalar_one():
        if rows:
            _fill(connection, staged, rows, names)
        return
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('hutong.golden'))"))
    for name in (staged, touched):
        connection.execute(text(f"ANALYZE {name}"))
    place = "m.dataset = :dataset AND m.key = s.key AND m.role = s.role AND m.part = s.part"
    claim = "(m.id_kind, m.id_value, m.name) IS NOT DISTINCT FROM (s.id_kind, s.id_value, s.name)"
    connection.execute(
        text(
            f"WITH gone AS (DELETE FROM libraries.mention m USING {touched} t WHERE m.dataset = :dataset AND m.key = t.key "
            f"AND NOT EXISTS (SELECT FROM {staged} s WHERE s.key = m.key AND s.role = m.role AND s.part = m.part) "
            "RETURNING m.entity_id, m.id_value), "
            # rewriting a mention writes all its indexes, so one that stays as it is is left alone
            f"standing AS MATERIALIZED (SELECT s.key, s.role, s.part, m.entity_id, m.id_value FROM {staged} s "
            f"JOIN libraries.mention m ON {place} WHERE {claim} AND (m.entity_id IS NOT NULL OR m.pending)), "
            "stated AS (INSERT INTO libraries.mention AS m (dataset, key, role, part, system, id_kind, id_value, name) "
            f"SELECT :dataset, key, role, part, :system, id_kind, id_value, name FROM {staged} s WHERE NOT EXISTS (SELECT FROM "
            "standing k WHERE k.key = s.key AND k.role = s.role AND k.part = s.part) ORDER BY key "
            "ON CONFLICT (dataset, key, role, part) DO UPDATE SET id_kind = excluded.id_kind, id_value = excluded.id_value, "
            "name = excluded.name, pending = true, entity_id = CASE WHEN (m.id_kind, m.id_value, m.name) IS NOT DISTINCT FROM "
            "(excluded.id_kind, excluded.id_value, excluded.name) THEN m.entity_id END "
            "RETURNING old.entity_id, old.id_value), "
            "before AS (SELECT * FROM gone UNION SELECT * FROM stated UNION SELECT entity_id, id_value FROM standing) "
            "UPDATE libraries.entity SET dirty = true WHERE id IN (SELECT e.id FROM libraries.entity e WHERE "
            "e.id IN (SELECT entity_id FROM before WHERE entity_id IS NOT NULL) "
            # a mention that was linked to nobody may have been what kept others of its number apart
            "OR e.id_value IN (SELECT id_value FROM before WHERE entity_id IS NULL AND id_value IS NOT NULL) "
            "ORDER BY e.id FOR UPDATE)"
        ),
        names,
    )


_OF_DATASET = "SELECT FROM libraries.mention WHERE dataset = :dataset"
#: a load that brings so many times the mentions there are builds their indexes last
TIMES = 10


def _fill(connection: Connection, staged: str, rows: int, names: dict[str, str]) -> None:
    """The first mentions of a dataset: nothing stands in their place, and nobody was linked by one (ADR 24)."""
    insert = text(
        "INSERT INTO libraries.mention (dataset, key, role, part, system, id_kind, id_value, name) "
        f"SELECT :dataset, key, role, part, :system, id_kind, id_value, name FROM {staged}"
    )
    if filling.alone(connection, "libraries.mention", rows // TIMES):
        with filling.indexed_after(connection, "libraries.mention"):
            connection.execute(insert, names)
    else:
        # three of the indexes are by the number: in its order they are filled side by side
        connection.execute(text(f"{insert.text} ORDER BY id_value"), names)
