"""One town for each module: a subject is used by one test only, so tests do not meet."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from core.embedded import Server
from core.hub import Hub
from core.settings import Settings
from tests.certificates.town import Town


@pytest.fixture(scope="module")
def town(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A hub with the shipped documents in force."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        hub = Hub.set_up(Settings(home=tmp_path_factory.mktemp("home"), database_url=postgres.url(name)))
        yield Town(hub).open()
        hub.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
