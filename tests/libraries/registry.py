"""A small exchange of the tests' own: a few contracts, and a stand-in for the merge that writes records and mentions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import text

from core.actor import SYSTEM
from core.hub import Hub
from core.ids import uuid7
from libraries import golden, known_as, mentions
from libraries.record_key import key_bytes
from schemas import published
from schemas.contract import Contract
from schemas.derive.sql import current
from schemas.published import Document, Published
from schemas.types import Options

HEAD = """
apiVersion: v3.2.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: {department}
slaProperties: [{{property: frequency, value: 1, unit: d}}]
schema:
- name: {id}
  logicalType: object
"""
NUMBER = "customProperties: [{property: valueType, value: identity_no}]"
FIRM = "customProperties: [{property: valueType, value: organisation_no}]"
PERSON_NAME = "customProperties: [{property: valueType, value: person_name}]"
FIRM_NAME = "customProperties: [{property: valueType, value: organisation_name}]"
CATALOGUE = "{property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface, open: false}}"

ACCOUNT = f"""
  properties:
  - {{name: account_no, logicalType: string, primaryKey: true, required: true}}
  - {{name: holder_name, logicalType: string, {PERSON_NAME}}}
  - {{name: holder_no, logicalType: string, {NUMBER}}}
  - {{name: phone, logicalType: string}}
  - {{name: employer_no, logicalType: string, {FIRM}}}
  - {{name: employer_name, logicalType: string, {FIRM_NAME}}}
  - {{name: status, logicalType: string, enum: [{{value: open, label: 正常}}, {{value: void, label: 作废}}]}}
  customProperties:
  - property: subjects
    value: [{{role: holder, id: holder_no, name: holder_name}}, {{role: employer, id: employer_no, name: employer_name}}]
  - property: contributes
    value:
    - {{library: population, role: holder, when: {{status: [open]}}, items: {{citizen_no: holder_no, name: holder_name, phone: phone}}}}
    - {{library: legal_entity, role: employer, items: {{credit_code: employer_no, name: employer_name}}}}
  - {CATALOGUE}
"""
TITLE = f"""
  properties:
  - {{name: right_id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}}
  - {{name: seq, logicalType: integer, primaryKey: true, primaryKeyPosition: 2, required: true}}
  - {{name: holder_name, logicalType: string, {PERSON_NAME}}}
  - {{name: holder_no, logicalType: string, {NUMBER}}}
  - {{name: phone, logicalType: string}}
  - {{name: certificate_no, logicalType: string}}
  - {{name: registered_on, logicalType: date}}
  customProperties:
  - property: subjects
    value: [{{role: holder, id: holder_no, name: holder_name, separator: 、}}, {{role: title, id: certificate_no}}]
  - property: contributes
    value:
    - {{library: population, role: holder, items: {{citizen_no: holder_no, name: holder_name, phone: phone}}}}
    - library: license
      role: title
      items: {{number: certificate_no, holder_name: holder_name, issued_on: registered_on}}
      values: {{type: title_certificate}}
  - {{property: validFrom, value: registered_on}}
  - {CATALOGUE}
"""
#: names somebody, gives nothing
PENALTY = f"""
  properties:
  - {{name: id, logicalType: string, primaryKey: true, required: true}}
  - {{name: name, logicalType: string, {PERSON_NAME}}}
  - {{name: number, logicalType: string, {NUMBER}}}
  customProperties:
  - {{property: subjects, value: [{{role: party, id: number, name: name}}]}}
  - {CATALOGUE}
"""
#: what happened to residents; names nobody itself
CHANGE = f"""
  properties:
  - {{name: change_id, logicalType: string, primaryKey: true, required: true}}
  - {{name: person_id, logicalType: string}}
  - name: kind
    logicalType: string
    enum: [{{value: renamed, label: 更名}}, {{value: corrected, label: 更正}}, {{value: other, label: 其他}}]
  - {{name: before, logicalType: string}}
  relationships:
  - {{from: change.person_id, to: resident.id}}
  customProperties:
  - property: contributes
    value:
    - {{library: population, through: person_id, role: resident, when: {{kind: [corrected]}}, items: {{former_numbers: before}}}}
    - {{library: population, through: person_id, role: resident, when: {{kind: [renamed]}}, items: {{former_names: before}}}}
  - {CATALOGUE}
"""
FIRMS = f"""
  properties:
  - {{name: id, logicalType: string, primaryKey: true, required: true}}
  - {{name: code, logicalType: string, {FIRM}}}
  - {{name: registration_no, logicalType: string, {FIRM}}}
  - {{name: name, logicalType: string, {FIRM_NAME}}}
  - {{name: status, logicalType: string}}
  customProperties:
  - {{property: subjects, value: [{{role: firm, id: code, otherwise: registration_no, name: name}}]}}
  - property: contributes
    value:
    - {{library: legal_entity, role: firm, items: {{credit_code: code, registration_no: registration_no, name: name, status: status}}}}
  - {CATALOGUE}
"""
FIRM_CHANGE = f"""
  properties:
  - {{name: change_id, logicalType: string, primaryKey: true, required: true}}
  - {{name: firm_id, logicalType: string}}
  - {{name: before, logicalType: string}}
  relationships:
  - {{from: firm_change.firm_id, to: firm.id}}
  customProperties:
  - property: contributes
    value: [{{library: legal_entity, through: firm_id, role: firm, items: {{former_names: before}}}}]
  - {CATALOGUE}
"""
POLICE = f"""
  properties:
  - {{name: id, logicalType: string, primaryKey: true, required: true}}
  - {{name: name, logicalType: string, {PERSON_NAME}}}
  - {{name: number, logicalType: string, {NUMBER}}}
  - {{name: sex, logicalType: string}}
  - {{name: ethnicity, logicalType: string}}
  customProperties:
  - {{property: subjects, value: [{{role: resident, id: number, name: name}}]}}
  - property: contributes
    value:
    - library: population
      role: resident
      items: {{citizen_no: number, name: name, sex: sex, ethnicity: ethnicity}}
  - {CATALOGUE}
"""
LAND_OFFICE = '{id: natural_resources, name: 自然资源局, credit_code: "11370800MB28559184", division: "430900"}'
CONTRACTS = {
    "account": ("provident_fund", ACCOUNT),
    "title": ("natural_resources", TITLE),
    "penalty": ("public_credit", PENALTY),
    "resident": ("public_security", POLICE),
    "change": ("public_security", CHANGE),
    "firm": ("market_supervision", FIRMS),
    "firm_change": ("market_supervision", FIRM_CHANGE),
}
DOCUMENTS = published.shipped()
#: everything that comes with the product
SHIPPED = Published(0, {(document.kind, document.id): document for document in DOCUMENTS})
SYSTEM_ID = "test"
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def contract_text(id: str) -> str:
    """The document of one of the tests' contracts."""
    department, body = CONTRACTS[id]
    return HEAD.format(id=id, department=department) + body


def shipped_libraries() -> list[Document]:
    """The library documents of the product."""
    return [document for document in DOCUMENTS if document.kind == "library"]


@dataclass
class Registry:
    """A hub with documents in force, and hands that put records into it as a merge would."""

    hub: Hub
    published: Published = field(default_factory=lambda: Published(0, {}))

    def publish(self, *ids: str, extra: Iterable[Document] = ()) -> None:
        """Put contracts (with the shipped libraries) into force."""
        documents = [Document("contract", id, "1.0.0", contract_text(id), f"{id}.yaml") for id in ids]
        documents += [
            *shipped_libraries(),
            Document("department", "natural_resources", "1", LAND_OFFICE, "test"),
            *extra,
        ]
        with self.hub.begin() as connection:
            published.publish(connection, documents, SYSTEM)
        with self.hub.read() as connection:
            folder = published.write_snapshot(connection, self.hub.home)
        self.published = published.open_snapshot(Path(folder))

    def contract(self, id: str) -> Contract:
        """A contract in force."""
        return self.published.contracts[id]

    def put(self, dataset: str, *rows: Mapping[str, Any], known: datetime = DAY) -> UUID:
        """Insert or change records; rows are typed values by item. Returns the batch."""
        contract, batch = self.contract(dataset), uuid7()
        values = {item.name: pa.array([row.get(item.name) for row in rows], item.type.arrow) for item in contract.items}
        options = {item.name: item.options for item in contract.items}
        named = pa.concat_tables(
            [mentions.of_rows(contract, values, options), mentions.references(contract, values, SYSTEM_ID)]
        )
        keys = [self.key(contract, row) for row in rows]
        said = known_as.of_rows(contract, self.published.libraries, values, pa.array(keys, pa.binary()), SYSTEM_ID)
        columns = [item.name for item in contract.items]
        listed = ", ".join(f'"{name}"' for name in columns)
        with self.hub.begin() as connection:
            connection.execute(text(f"DELETE FROM {current(dataset)} WHERE _key = ANY(:keys)"), {"keys": keys})
            connection.execute(
                text(
                    f"INSERT INTO {current(dataset)} (_key, _system, {listed}, _row_hash, _batch, _row_no, _known_from) "
                    f"VALUES (:_key, '{SYSTEM_ID}', {', '.join(f':{name}' for name in columns)}, 0, :_batch, :_row_no, :_known_from)"
                ),
                [
                    {name: values[name][n].as_py() for name in columns}
                    | {"_key": key, "_batch": batch, "_row_no": n, "_known_from": known}
                    for n, key in enumerate(keys)
                ],
            )
            self._merge_mentions(connection, dataset, keys, named, said)
        return batch

    def remove(self, dataset: str, *rows: Mapping[str, Any]) -> None:
        """End records, given by their key items."""
        keys = [self.key(self.contract(dataset), row) for row in rows]
        with self.hub.begin() as connection:
            connection.execute(text(f"DELETE FROM {current(dataset)} WHERE _key = ANY(:keys)"), {"keys": keys})
            self._merge_mentions(
                connection, dataset, keys, mentions.SCHEMA.empty_table(), known_as.SCHEMA.empty_table()
            )

    @staticmethod
    def key(contract: Contract, row: Mapping[str, Any]) -> bytes:
        """A record's key."""
        columns = [pa.array([row[name]], contract.item(name).type.arrow) for name in contract.key]
        return bytes(key_bytes(SYSTEM_ID, columns)[0].tobytes())

    @staticmethod
    def _merge_mentions(connection: Any, dataset: str, keys: list[bytes], named: pa.Table, said: pa.Table) -> None:
        connection.execute(text("CREATE TEMP TABLE touched (key bytea) ON COMMIT DROP"))
        connection.execute(text("INSERT INTO touched SELECT unnest(CAST(:keys AS bytea[]))"), {"keys": keys})
        connection.execute(
            text(
                "CREATE TEMP TABLE staged (key bytea, role text, part int, id_kind text, id_value text, name text) ON COMMIT DROP"
            )
        )
        found = [{**row, "key": keys[row["row"]]} for row in named.to_pylist()]
        if found:
            connection.execute(
                text("INSERT INTO staged VALUES (:key, :role, :part, :id_kind, :id_value, :name)"), found
            )
        connection.execute(
            text(
                "CREATE TEMP TABLE staged_known (key bytea, role text, attribute text, library text, kind text, value text, "
                "form text, of_dataset text, of_key bytea) ON COMMIT DROP"
            )
        )
        known = [{**row, "key": keys[row["row"]]} for row in said.to_pylist()]
        if known:
            columns = [name for name in known[0] if name != "row"]
            listed, given = ", ".join(columns), ", ".join(f":{name}" for name in columns)
            connection.execute(text(f"INSERT INTO staged_known ({listed}) VALUES ({given})"), known)
        mentions.merge(connection, dataset, SYSTEM_ID, "staged", "touched")
        known_as.merge(connection, dataset, "staged_known", "touched")

    def refresh(self, chunk: int = 5_000) -> golden.RefreshResult:
        """Refresh by the documents in force."""
        return golden.refresh_by(self.hub, self.published, chunk=chunk)

    def golden(self, library: str) -> list[dict[str, Any]]:
        """Every golden record's attributes → value, in order of number."""
        with self.hub.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT g.attributes FROM libraries.golden g JOIN libraries.entity e ON e.id = g.entity_id "
                    "WHERE g.library = :library ORDER BY e.id_kind, e.id_value, e.name"
                ),
                {"library": library},
            )
            return [row.attributes for row in rows]

    def links(self) -> list[tuple[Any, ...]]:
        """Who is linked to what number: dataset, role, part, number, name → entity's number."""
        with self.hub.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT m.dataset, encode(m.key, 'hex'), m.role, m.part, m.id_value, m.name, e.id_value AS entity, m.pending "
                    "FROM libraries.mention m LEFT JOIN libraries.entity e ON e.id = m.entity_id ORDER BY 1, 2, 3, 4"
                )
            )
            return [tuple(row) for row in rows]


def values(record: Mapping[str, Any]) -> dict[str, Any]:
    """Attribute → value."""
    return {name: one["value"] for name, one in record.items()}


__all__ = ["DAY", "Options", "Registry", "contract_text", "values"]
