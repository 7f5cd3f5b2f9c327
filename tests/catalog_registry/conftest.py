"""The small catalogue, standing for tests that only ask, fresh for those that change it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from core.embedded import Server
from core.hub import Hub
from core.settings import Settings
from tests.catalog_registry import small


@pytest.fixture(scope="module")
def standing(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with the small catalogue, one for each module: nobody changes it."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        hub = Hub.set_up(Settings(home=tmp_path_factory.mktemp("home"), database_url=postgres.url(name)))
        small.fill(hub)
        yield hub
        hub.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def city(hub: Hub) -> Hub:
    """A fresh hub with the small catalogue."""
    small.fill(hub)
    return hub
