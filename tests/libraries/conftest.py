"""Fixtures of the libraries' tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import psycopg
import pytest

from core.actor import SYSTEM
from core.embedded import Server
from core.hub import Hub
from core.settings import Settings
from schemas import published
from tests.libraries.registry import DOCUMENTS, SHIPPED, Registry


@pytest.fixture
def registry(hub: Hub) -> Registry:
    """A hub with the tests' contracts and the shipped libraries in force; no public security yet."""
    made = Registry(hub)
    made.publish("account", "title", "penalty")
    return made


@pytest.fixture
def shipped(hub: Hub) -> Registry:
    """A hub with everything shipped in force."""
    with hub.begin() as connection:
        published.publish(connection, DOCUMENTS, SYSTEM)
    return Registry(hub, SHIPPED)


@pytest.fixture(scope="module")
def new_hub(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Hub]]:
    """Makes hubs for the tests of a module to share: for what takes long to build and is only looked at."""
    with ExitStack() as after:

        def make() -> Hub:
            name = f"t_{uuid4().hex[:12]}"
            link = psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True)
            after.callback(link.close)
            link.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
            hub = Hub.set_up(Settings(home=tmp_path_factory.mktemp("home"), database_url=postgres.url(name)))
            after.callback(link.execute, f"DROP DATABASE {name} WITH (FORCE)")
            after.callback(hub.close)
            return hub

        yield make
