"""The tests' contracts fed from SQLite tables through the real journey, at moments of the tests' choosing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from core import clock, secrets
from core.actor import SYSTEM
from core.hub import Hub
from libraries import golden
from pipeline import journey
from schemas import contract, published
from schemas.published import Document
from tests.libraries.registry import CONTRACTS, LAND_OFFICE, contract_text, shipped_libraries


def document(id: str) -> str:
    """One of the tests' contracts, in which whose something is is personal."""
    plain = "name: holder_no, logicalType: string,"
    return contract_text(id).replace(plain, f"{plain} classification: personal,")


SYSTEM_TEXT = """
system: {dataset}_system
title: {dataset}
department: {department}
connector: sql
secret: {dataset}_system
feeds:
- contract: {dataset}
  source: {{table: rows}}
  mode: full
  columns: {{{columns}}}
  expect: {{rows: {{min: 0}}, shrink: 100%}}
  covers: {{divisions: ["430900"]}}
"""
START = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)


@dataclass
class Sources:
    """Some of the tests' contracts, a system each, and a clock that goes on by a day with every reading."""

    hub: Hub
    folder: Path
    now: datetime = START
    items: dict[str, list[str]] = field(default_factory=dict)

    def publish(self, *ids: str) -> None:
        """Put contracts, with their systems and the shipped libraries, into force."""
        documents = [*shipped_libraries(), Document("department", "natural_resources", "1", LAND_OFFICE, "test")]
        for id in ids:
            department = CONTRACTS[id][0]
            self.items[id] = [item.name for item in contract.load(document(id)).items]
            columns = ", ".join(f"{name.upper()}: {name}" for name in self.items[id])
            body = SYSTEM_TEXT.format(dataset=id, department=department, columns=columns)
            documents += [
                Document("contract", id, "1.0.0", document(id), f"{id}.yaml"),
                Document("system", f"{id}_system", "1", body, "test"),
            ]
        with self.hub.begin() as connection:
            published.publish(connection, documents, SYSTEM)
            for id in ids:
                secrets.put(connection, self.hub.keys, f"{id}_system", {"url": f"sqlite:///{self.folder / id}.db"})
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)

    def read(self, dataset: str, *rows: Mapping[str, Any]) -> UUID:
        """A day later the source holds these rows, and is read. Returns the batch."""
        names = self.items[dataset]
        with sqlite3.connect(self.folder / f"{dataset}.db") as link:
            link.execute("DROP TABLE IF EXISTS rows")
            link.execute(f"CREATE TABLE rows ({', '.join(name.upper() for name in names)})")
            cells = [tuple(row.get(name) for name in names) for row in rows]
            link.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(names))})", cells)
        self.now += timedelta(days=1)
        with clock.override(self.now):
            batch = journey.run(self.hub, f"{dataset}_system.{dataset}")
        assert batch is not None and batch.evidence["quarantined"] == 0
        return batch.id

    def refresh(self) -> golden.RefreshResult:
        """Bring the golden records up to date."""
        with clock.override(self.now):
            return golden.refresh(self.hub)
