"""What every test may stand on: one real PostgreSQL for the session, a fresh hub per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from core.embedded import Embedded, Server
from core.hub import Hub
from core.settings import Settings
from core.text import set_language
from tests.connectors.mariadb import Mariadb

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# Machines are shared and slow at times: how long an example takes says nothing about it.
hypothesis.settings.register_profile("hutong", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hutong")


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    """A test that ran a command chose a language for its process; the next one has the machine's again."""
    yield
    set_language(None)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real PostgreSQL 18 for this session (each xdist worker has its own)."""
    embedded = Embedded(tmp_path_factory.mktemp("postgres"), durable=False)
    yield embedded.start()
    embedded.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """A real MariaDB for this session; skipped where Debian's package is not installed."""
    server = Mariadb()
    yield server
    server.stop()


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The URL of an empty database that is gone after the test."""
    name = f"t_{uuid4().hex[:12]}"
    dsn = f"host=127.0.0.1 port={postgres.port} dbname=postgres user=hutong password={postgres.password}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name)))
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def hub(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A fresh installation: own home, own database, tables made."""
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path / "home"))
    made = Hub.set_up(Settings(home=tmp_path / "home", database_url=database))
    yield made
    made.close()
