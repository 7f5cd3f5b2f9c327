"""A department's table whose rows commit late, tie, vanish and return: on SQLite, PostgreSQL and MariaDB, and behind a service
that pages, said the same way."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, text

from core import secrets
from core.actor import SYSTEM
from core.embedded import Server
from core.hub import Hub
from pipeline import journey
from pipeline.batch import Batch
from schemas import published
from schemas.published import Document
from tests.connectors.mariadb import PASSWORD, Mariadb
from tests.connectors.service import Answer, as_json
from tests.connectors.service import Server as Service
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED

SYSTEM_TEXT = """
system: pets
title: 养犬登记
department: city_management
connector: {connector}
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
COLUMNS = ("ND", "QP", "SYR", "TZ", "GXSJ")
PAGE = 3  # records that the service gives at once
Row = tuple[str, int | None, str | None]  # tag, weight, changed at


@dataclass
class Source:
    """One table `PETS` of a department, and the hub that reads it. `put` replaces its rows."""

    hub: Hub
    secret: dict[str, Any]
    put: Callable[[list[tuple[Any, ...]]], None]
    connector: str = "sql"
    source: str = "{table: PETS}"

    def publish(self, late: str = "1h", more: str = "", source: str = "") -> None:
        """Put the documents into force."""
        text = SYSTEM_TEXT.format(late=late, more=more, source=source or self.source, connector=self.connector)
        with self.hub.begin() as connection:
            documents = [
                Document("department", "city_management", "1", DEPARTMENT, "test"),
                Document("contract", "pet_licence", "1", CONTRACT, "test"),
                Document("system", "pets", "1", text, "test"),
            ]
            published.publish(connection, documents, SYSTEM)
            secrets.put(connection, self.hub.keys, "pets", self.secret)
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)

    def write(self, rows: list[Row]) -> None:
        """Replace the table."""
        self.put([(2026, tag, "王小明", weight, changed) for tag, weight, changed in rows])

    def run(self) -> Batch:
        """One run of the feed."""
        batch = journey.run(self.hub, FEED)
        assert batch is not None
        return batch

    def scan(self, *, now: bool = True) -> Batch | None:
        """One scan of keys."""
        return journey.scan(self.hub, FEED, now=now)

    def held(self) -> dict[str, int | None]:
        """The library: weight by tag."""
        with self.hub.read() as connection:
            rows = connection.execute(text("SELECT tag, weight_kg FROM records.pet_licence ORDER BY tag")).all()
        return {tag: weight if weight is None else int(weight) for tag, weight in rows}

    def waiting(self) -> set[str]:
        """The tags of the rows that wait."""
        with self.hub.read() as connection:
            found = connection.scalars(text("SELECT source_key ->> 1 FROM hub.quarantine WHERE status = 'open'"))
            return set(found)

    def spans(self, tag: str) -> list[str]:
        """How each ended version of a record ended, in the order of time."""
        query = text("SELECT _ended FROM records.pet_licence_history WHERE tag = :tag ORDER BY _known_to, _known_from")
        with self.hub.read() as connection:
            return list(connection.scalars(query, {"tag": tag}))


@contextmanager
def opened(kind: str, hub: Hub, postgres: Server, mariadb: Callable[[], Mariadb], moment: str = "") -> Iterator[Source]:
    """An empty table behind that kind of source; `moment` is the type of its watermark, else one that holds times."""
    makers = {"sqlite": _sqlite, "postgresql": _postgresql, "mariadb": _mariadb}
    if kind == "rest":
        with _rest(hub) as made:
            yield made
        return
    server: Any = mariadb() if kind == "mariadb" else postgres
    with makers[kind](hub, server, moment) as made:
        yield made


@contextmanager
def _sqlite(hub: Hub, _: Any, moment: str) -> Iterator[Source]:
    path = hub.home.parent / "pets.db"
    with closing(sqlite3.connect(path)) as link:
        link.execute(f"CREATE TABLE PETS ({TABLE.format(moment=moment or 'text')})")

        def put(rows: list[tuple[Any, ...]]) -> None:
            with link:
                link.execute("DELETE FROM PETS")
                link.executemany("INSERT INTO PETS VALUES (?, ?, ?, ?, ?)", rows)

        yield Source(hub, {"url": f"sqlite:///{path}"}, put)


@contextmanager
def _postgresql(hub: Hub, server: Server, moment: str) -> Iterator[Source]:
    name = f"source_{hub.home.parent.name[-20:]}".lower().replace("-", "_")
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(server.url(name).replace("+psycopg", "")) as link:
            link.execute(f'CREATE TABLE "PETS" ({TABLE.format(moment=moment or "timestamp")})')
            link.commit()

            def put(rows: list[tuple[Any, ...]]) -> None:
                link.execute('DELETE FROM "PETS"')
                link.cursor().executemany('INSERT INTO "PETS" VALUES (%s, %s, %s, %s, %s)', rows)
                link.commit()

            yield Source(hub, {"url": server.url(name)}, put)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _mariadb(hub: Hub, server: Mariadb, moment: str) -> Iterator[Source]:
    name = server.database()
    url = URL.create("mysql+pymysql", "root", PASSWORD, host="127.0.0.1", port=server.port, database=name)
    with server.link() as link, link.cursor() as cursor:
        cursor.execute(f"USE {name}")
        cursor.execute(f"CREATE TABLE PETS ({TABLE.format(moment=moment or 'datetime')})".replace('"', "`"))

        def put(rows: list[tuple[Any, ...]]) -> None:
            cursor.execute("DELETE FROM PETS")
            cursor.executemany("INSERT INTO PETS VALUES (%s, %s, %s, %s, %s)", rows)

        yield Source(hub, {"url": url.render_as_string(hide_password=False)}, put)


@contextmanager
def _rest(hub: Hub) -> Iterator[Source]:
    """Records in order of change time, those without one last, and of each what is not null; the cursor says where a page begins."""
    table: list[dict[str, Any]] = []

    def answer(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        found = [one for one in table if one["GXSJ"] is None or one["GXSJ"] >= query.get("since", "")]
        found.sort(key=lambda one: (one["GXSJ"] is None, one["GXSJ"] or "", one["QP"]))
        start = int(query.get("cursor", "0"))
        following = str(start + PAGE) if start + PAGE < len(found) else None
        page = [
            {name: value for name, value in one.items() if value is not None} for one in found[start : start + PAGE]
        ]
        return as_json({"total": len(found), "data": page, "next": following})

    service = Service(answer)

    def put(rows: list[tuple[Any, ...]]) -> None:
        table[:] = [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    source = {
        "endpoint": "/pets",
        "params": {"since": "{since}"},
        "records": "data",
        "paging": "cursor",
        "next": "next",
        "total": "total",
    }
    try:
        yield Source(hub, {"base_url": service.url, "token": "t"}, put, "rest", json.dumps(source))
    finally:
        service.close()
