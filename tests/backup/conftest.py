"""An installation that has lived a little, and empty places to restore it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from core.embedded import Server
from core.hub import Hub
from core.settings import Settings
from tests.backup.lived import live
from tests.pipeline.small import Small

Place = Callable[[], Hub]


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """A hub and a small SQLite source, nothing published yet."""
    return Small(hub, tmp_path / "pets.db")


@contextmanager
def _database(postgres: Server) -> Iterator[str]:
    name = f"r_{uuid4().hex[:12]}"
    dsn = f"host=127.0.0.1 port={postgres.port} dbname=postgres user=hutong password={postgres.password}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def alone(small: Small) -> Small:
    """An installation that has lived a little, for a test that goes on living with it."""
    live(small)
    return small


@pytest.fixture(scope="module")
def lived(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The same for tests that only look at it: every kind of row there is."""
    home = tmp_path_factory.mktemp("lived")
    with _database(postgres) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUTONG_HOME", str(home / "home"))
        small = Small(Hub.set_up(Settings(home=home / "home", database_url=url)), home / "pets.db")
        live(small)
        yield small
        small.hub.close()


@pytest.fixture
def elsewhere(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    """Makes an empty place each time it is called: a database without tables, a home that does not exist."""
    opened = []
    hubs = []

    def make() -> Hub:
        context = _database(postgres)
        url = context.__enter__()
        opened.append(context)
        hubs.append(Hub(Settings(home=tmp_path / f"elsewhere-{len(opened)}", database_url=url), url))
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.close()
    for context in opened:
        context.__exit__(None, None, None)
