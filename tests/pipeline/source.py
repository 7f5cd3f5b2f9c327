"""A department's table whose rows commit late, tie, vanish and return: on SQLite and on PostgreSQL, said the same way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import text

from core import secrets
from core.actor import SYSTEM
from core.embedded import Server
from core.hub import Hub
from pipeline import journey
from pipeline.batch import Batch
from schemas import published
from schemas.published import Document
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED

SYSTEM_TEXT = """
system: pets
title: 养犬登记
department: city_management
connector: sql
secret: pets
feeds:
- contract: pet_licence
  source: {source}
  mode: incremental
  watermark: GXSJ
  late: {late}
  key_scan: {{every: 1d}}
  columns: {{ND: year, QP: tag, SYR: owner_name, TZ: weight_kg}}
  {more}
"""
TABLE = '"ND" integer, "QP" varchar(8), "SYR" varchar(50), "TZ" numeric(9,2), "GXSJ" {moment}'


@dataclass
class Source:
    """One table `PETS` of a department, and the hub that reads it."""

    hub: Hub
    url: str
    link: Any

    def publish(self, late: str = "1h", more: str = "", source: str = "{table: PETS}") -> None:
        """Put the documents into force."""
        with self.hub.begin() as connection:
            documents = [
                Document("department", "city_management", "1", DEPARTMENT, "test"),
                Document("contract", "pet_licence", "1", CONTRACT, "test"),
                Document("system", "pets", "1", SYSTEM_TEXT.format(late=late, more=more, source=source), "test"),
            ]
            published.publish(connection, documents, SYSTEM)
            secrets.put(connection, self.hub.keys, "pets", {"url": self.url})
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)

    def write(self, rows: list[tuple[str, int, str | None]]) -> None:
        """Replace the table: (tag, weight, changed at)."""
        self._run('DELETE FROM "PETS"')
        for tag, weight, changed in rows:
            self._run('INSERT INTO "PETS" VALUES (2026, ?, ?, ?, ?)', (tag, "王小明", weight, changed))
        if isinstance(self.link, sqlite3.Connection):
            self.link.commit()

    def run(self) -> Batch:
        """One run of the feed."""
        batch = journey.run(self.hub, FEED)
        assert batch is not None
        return batch

    def scan(self, *, now: bool = True) -> Batch | None:
        """One scan of keys."""
        return journey.scan(self.hub, FEED, now=now)

    def held(self) -> dict[str, int]:
        """The library: weight by tag."""
        with self.hub.read() as connection:
            rows = connection.execute(text("SELECT tag, weight_kg FROM records.pet_licence ORDER BY tag")).all()
        return {tag: int(weight) for tag, weight in rows}

    def spans(self, tag: str) -> list[str]:
        """How each ended version of a record ended, in the order of time."""
        query = text("SELECT _ended FROM records.pet_licence_history WHERE tag = :tag ORDER BY _known_to, _known_from")
        with self.hub.read() as connection:
            return list(connection.scalars(query, {"tag": tag}))

    def _run(self, statement: str, values: tuple[object, ...] = ()) -> None:
        marks = statement if isinstance(self.link, sqlite3.Connection) else statement.replace("?", "%s")
        self.link.execute(marks, values)


@contextmanager
def opened(kind: str, hub: Hub, postgres: Server) -> Iterator[Source]:
    """An empty table on a database of that kind."""
    if kind == "sqlite":
        path = hub.home.parent / "pets.db"
        with sqlite3.connect(path) as link:
            link.execute(f"CREATE TABLE PETS ({TABLE.format(moment='text')})")
            yield Source(hub, f"sqlite:///{path}", link)
        return
    name = f"source_{hub.home.parent.name[-20:]}".lower().replace("-", "_")
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(postgres.url(name).replace("+psycopg", ""), autocommit=True) as link:
            link.execute(f'CREATE TABLE "PETS" ({TABLE.format(moment="timestamp")})')
            yield Source(hub, postgres.url(name), link)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
