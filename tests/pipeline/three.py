"""A small registry with a feed of each mode: full, incremental, flagged; people of all three are in the population library."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from catalog_registry import publication
from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from libraries import golden
from pipeline import journey
from pipeline.batch import Batch
from schemas import published
from schemas.published import Document, shipped

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: city_management
schema:
- name: {id}
  logicalType: object
  properties:
  - {{name: id, businessName: 编号, logicalType: string, primaryKey: true, required: true}}
  - {{name: name, businessName: 姓名, logicalType: string, customProperties: [{{property: valueType, value: person_name}}]}}
  - {{name: number, businessName: 号码, logicalType: string, customProperties: [{{property: valueType, value: citizen_no}}]}}
  - {{name: amount, businessName: 数, logicalType: number, logicalTypeOptions: {{minimum: 0, maximum: 100}}}}
  - {{name: day, businessName: 日, logicalType: date}}
  customProperties:
  - {{property: subjects, value: [{{role: party, id: number, name: name}}]}}
  - property: contributes
    value: [{{library: population, role: party, items: {{name: name, citizen_no: number}}}}]
  - {{property: catalogue, value: {{resourceClass: department, shareType: 1, shareMethod: interface, open: false}}}}
slaProperties: [{{property: frequency, value: 1, unit: d}}, {{property: retention, value: 10, unit: y}}]
"""
FEED = """
- contract: {id}
  source: {{table: {id}}}
  mode: {mode}
  {more}
  columns: {{A: id, B: name, C: number, D: amount, E: day}}
  expect: {{rows: {{min: 0}}, shrink: 50%}}
  covers: {{divisions: ["430900"]}}
"""
DEPARTMENT = '{id: city_management, name: 城市管理局, credit_code: "11370800MB28559184", division: "430900"}'
MODES = {
    "whole": ("full", "ignore: [T, F]"),
    "grown": ("incremental", "watermark: T\n  ignore: [F]"),
    "pushed": ("flagged", "watermark: T\n  flag: {column: F, removed: [D], kept: [I, U]}"),
}
NUMBERS = ("11010519491231002X", "440524188001010014")
WRONG = "110105194912310021"
Row = tuple[object, ...]


def row(id: str, time: int, *, name: str = "王小明", number: str | None = NUMBERS[0], amount: object = 1, day: str = "2026-03-01",
        flag: str = "I") -> Row:  # fmt: skip
    """One row of a source, in its column order."""
    return (id, name, number, amount, day, f"2026-03-01 08:00:{time:02}", flag)


@dataclass
class Three:
    """The source, and the hub that reads it."""

    hub: Hub
    path: Path

    def publish(self, **versions: str) -> None:
        """Put everything into force; a contract may be given as another text."""
        feeds = "".join(FEED.format(id=id, mode=mode, more=more) for id, (mode, more) in MODES.items())
        system = f"system: pets\ntitle: t\ndepartment: city_management\nconnector: sql\nsecret: pets\nfeeds:{feeds}"
        documents = [Document("department", "city_management", "1", DEPARTMENT, "test")]
        documents += [Document("contract", id, "1", versions.get(id) or contract(id), "test") for id in MODES]
        publication.register(self.hub, [doc for doc in shipped() if doc.kind == "library"], SYSTEM)
        with self.hub.begin() as connection:
            published.publish(connection, [*documents, Document("system", "pets", "1", system, "test")], SYSTEM)
            secrets.put(connection, self.hub.keys, "pets", {"url": f"sqlite:///{self.path}"})
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)

    def write(self, dataset: str, *rows: Row) -> None:
        """Have the source say just this."""
        with sqlite3.connect(self.path) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {dataset}")
            connection.execute(f"CREATE TABLE {dataset} (A, B, C, D, E, T, F)")
            connection.executemany(f"INSERT INTO {dataset} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def run(self, dataset: str, *rows: Row) -> Batch | None:
        """Have the source say just this, and run its feed."""
        self.write(dataset, *rows)
        return journey.run(self.hub, f"pets.{dataset}")

    def live(self) -> None:
        """Several batches of each feed: changes, deletions, returns, repeats, rows that wait, are corrected, or wait on."""
        other = {"name": "李四", "number": NUMBERS[1]}
        self.run("whole", row("A1", 1), row("A2", 1, **other), row("A3", 1, amount=999), row("A4", 1, number=WRONG))
        self.run("grown", row("G1", 1), row("G2", 2, amount=-1), row("G1", 3, amount=7))
        self.run("pushed", row("P1", 1), row("P2", 2, **other), row("P1", 4, flag="D"), row("P3", 3))
        self.run(
            "whole",
            row("A1", 1, amount=2),
            row("A3", 1),
            row("A4", 1, number=WRONG),
            row("A5", 1),
            row("A5", 1, amount=3),
        )
        self.run("grown", row("G2", 5), row("G3", 6, **other), row("G4", 7, day="2999-01-01"))
        self.run("pushed", row("P1", 9, amount=4), row("P2", 8, flag="D"), row("P9", 9, flag="?"))
        self.run("whole", row("A1", 1, amount=2), row("A2", 1, **other), row("A3", 1), row("A4", 1, number=WRONG))
        golden.refresh(self.hub)

    def count(self, query: str) -> int:
        """The one number of a query."""
        with self.hub.read() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def change(self, statement: str, **values: Any) -> None:
        """Tamper with the database; one row must be met."""
        with self.hub.begin() as connection:
            assert connection.execute(text(statement), values).rowcount == 1


def contract(id: str) -> str:
    """The text of a contract."""
    return CONTRACT.format(id=id)
