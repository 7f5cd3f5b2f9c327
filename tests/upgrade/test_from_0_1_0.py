"""A database of release 0.1.0 comes to this release with every row, and the product works on it.

The test grows by itself: each migration that is added is one more step. Migration 0001 is the schema of 0.1.0 and frozen.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from catalog_registry import publication
from certificates import pool
from certificates.answer import Answerer
from certificates.request import Basis, Line, Query, Subject
from core import database as databases
from core import events, secrets
from core.actor import SYSTEM
from core.backup import restore, take
from core.backup.manifest import read
from core.errors import NotReady
from core.hub import Hub
from core.settings import Settings
from libraries import golden
from pipeline import journey
from tests.backup.conftest import Place, elsewhere

__all__ = ["elsewhere"]
FIRST = "0001"
FROZEN = "155d41c70267a39d"
LEFT = (Path(__file__).parent / "0.1.0.sql").read_text("utf-8")
FEED = "dogs.dog_licence"
#: columns that a migration took away because they are made anew from the documents
DERIVED = {("hub.resource", "search")}


def upgrade(engine: Engine, revision: str) -> None:
    """To one migration, as `migrate` does to the last."""
    config = databases._config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture
def old(database: str) -> Iterator[Engine]:
    """A database as 0.1.0 left it."""
    engine = databases.connect(database)
    upgrade(engine, FIRST)
    with psycopg.connect(databases.libpq(engine.url)) as connection:
        connection.execute(LEFT)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(old: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path / "home"))
    return Settings(home=tmp_path / "home", database_url=old.url.render_as_string(hide_password=False))


def content(engine: Engine, columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """Every row of these tables, in these columns."""
    with engine.connect() as connection:
        return {
            table: sorted(
                str(tuple(row)) for row in connection.execute(text(f"SELECT {', '.join(names)} FROM {table}"))
            )
            for table, names in columns.items()
        }


def columns(engine: Engine) -> dict[str, list[str]]:
    """The product's tables and their columns."""
    query = (
        "SELECT table_schema || '.' || table_name, array_agg(quote_ident(column_name) ORDER BY ordinal_position) "
        "FROM information_schema.columns WHERE table_schema IN ('hub', 'records', 'libraries') GROUP BY 1"
    )
    with engine.connect() as connection:
        return {table: names for table, names in connection.execute(text(query))}


def test_the_first_migration_is_that_of_0_1_0() -> None:
    body = (Path(str(resources.files("core") / "migrations")) / "versions" / "0001_first.sql").read_bytes()
    assert hashlib.sha256(body).hexdigest().startswith(FROZEN), (
        "released: whatever is new goes into a migration of its own"
    )


def test_every_table_of_0_1_0_has_a_row(old: Engine) -> None:
    held = content(old, columns(old))
    assert [table for table, rows in held.items() if not rows] == []


@pytest.mark.parametrize("revision", databases.revisions()[1:])
def test_each_migration_keeps_every_row(old: Engine, revision: str) -> None:
    known = {table: [name for name in names if (table, name) not in DERIVED] for table, names in columns(old).items()}
    before = content(old, known)
    upgrade(old, revision)
    assert content(old, known) == before


def test_migrations_are_one_line_and_lead_to_the_same_schema(old: Engine, elsewhere: Place) -> None:
    chain = [one.revision for one in ScriptDirectory.from_config(databases._config()).walk_revisions()]
    assert databases.revisions() == chain[::-1], "a file is named by its revision, and they follow each other"
    databases.migrate(old)
    new = elsewhere().engine
    databases.migrate(new)
    of_product = {table: names for table, names in columns(old).items() if not table.startswith("records.")}
    assert of_product == columns(new), "an upgraded database has what a new one has"


def test_pending_migrations_are_said_and_applied_by_starting(old: Engine, settings: Settings) -> None:
    assert databases.pending(old) == databases.revisions()[1:]
    with pytest.raises(NotReady) as refused:
        Hub.open(settings)
    assert refused.value.code == "not_migrated" and "hutong migrate" in str(refused.value.remedy)
    Hub.set_up(settings).close()
    assert databases.pending(old) == []
    Hub.open(settings).close()


def test_a_newer_database_is_refused(old: Engine, settings: Settings) -> None:
    databases.migrate(old)
    with old.begin() as connection:
        connection.execute(text("UPDATE hutong_version SET version_num = '9999'"))
    for way in (Hub.open, Hub.set_up):
        with pytest.raises(NotReady) as refused:
            way(settings)
        assert refused.value.code == "database_newer" and "9999" in str(refused.value) and refused.value.remedy


def dogs(path: Path) -> None:
    """The source a day later: one row as it was, one heavier, one new."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE dogs (ND, QP, SYR, SYRZJH, JG, JGDM, TZ, MYRQ, ZT, BZ)")
        clinic = ("第一动物医院", "91350100M000100Y43")
        connection.executemany(
            "INSERT INTO dogs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (2026, "A001", "王小明", "11010519491231002X", *clinic, 14.0, "2026-03-01", "1", ""),
                (2026, "A002", "张伟", "430903800101123", *clinic, 7, "20260302", "9", ""),
                (2026, "A005", "孙丽", "440524188001010014", *clinic, 5, "2026-05-01", "1", ""),
            ],
        )


def works(hub: Hub, source: Path) -> None:
    """A second batch, the libraries, and a look-up."""
    publication.ensure_shipped(hub)
    dogs(source)
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "dogs", {"url": f"sqlite:///{source}"})
    batch = journey.run(hub, FEED)
    assert batch is not None and batch.state == "delivered"
    assert (batch.evidence["unchanged"], batch.evidence["changed"], batch.evidence["inserted"]) == (1, 1, 1)
    golden.refresh(hub)
    with hub.read() as connection:
        names = connection.execute(
            text("SELECT attributes::text FROM libraries.golden WHERE library = 'population'")
        ).scalars()
        assert any("孙丽" in body for body in names)
        told, _ = events.read_since(connection, events.Cursor(0, 0, 0), limit=10_000)
        assert told[0]["type"] == "documents.published" and told[-1]["seq"] > 14

    async def ask() -> Any:
        connections = pool.make(hub)
        await connections.open()
        try:
            query = Query(
                service_item="dog_walk", case_no="2", operator="w", basis=Basis(kind="statutory", reference="养犬管理条例"),
                subject=Subject(kind="identity_card", number="11010519491231002X", name="王小明"),
                certificates=[Line(type="dog_registered")],
            )  # fmt: skip
            return json.loads((await Answerer(hub, connections).ask(query, "park")).body)
        finally:
            await connections.close()

    line = asyncio.run(ask())["answers"][0]
    assert (line["state"], line["proved"], line["fields"]["dogs"]["value"]) == ("held", True, 1)


def test_the_product_works_on_what_0_1_0_left(settings: Settings, tmp_path: Path) -> None:
    hub = Hub.set_up(settings)
    works(hub, tmp_path / "dogs.db")
    hub.close()


def test_a_backup_of_0_1_0_is_upgraded_when_it_is_restored(
    old: Engine, settings: Settings, elsewhere: Place, tmp_path: Path
) -> None:
    before = Hub(settings, str(settings.database_url))
    before.keys.ensure()
    for system, dataset, id in before_batches(old):
        writer = before.landing.writer(system, dataset, id)
        writer.commit({})
    take.take(before, tmp_path / "backup")
    before.close()
    manifest = read(tmp_path / "backup")
    assert manifest.revision == FIRST
    target = elsewhere()
    compared = restore.restore(target, tmp_path / "backup", manifest, None, SYSTEM)
    assert all(one.same for one in compared) and len(compared) > 15
    works(Hub.open(target.settings), tmp_path / "dogs.db")


def before_batches(engine: Engine) -> list[tuple[str, str, Any]]:
    """The batches of a database, which landed somewhere else."""
    with engine.connect() as connection:
        return [(row.system, row.dataset, row.id) for row in connection.execute(text("SELECT * FROM hub.batch"))]
