"""What every test may stand on: one real PostgreSQL for the session, a fresh hub per test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from core.embedded import Embedded, Server
from core.hub import Hub
from core.text import set_language
from tests import guardian, memory
from tests.connectors.mariadb import Mariadb
from tests.databases import Databases

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# Machines are shared and slow at times: how long an example takes says nothing about it.
hypothesis.settings.register_profile("hutong", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hutong")


def pytest_configure() -> None:
    """However this process ends, what its tests started ends with it."""
    guardian.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that none is left over when the rest is done; a folder's tests together, so that what they share
    is made once. Within that, as chance has it."""
    place: dict[Path, int] = {}
    for item in items:
        place.setdefault(item.path.parent, len(place))
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, place[item.path.parent]))


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    """A test that ran a command chose a language for its process; the next one has the machine's again."""
    yield
    set_language(None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real PostgreSQL 18 for this session (each xdist worker has its own)."""
    with memory.folder("postgres") as place:
        embedded = Embedded(place, durable=False)
        yield embedded.start()
        embedded.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """A real MariaDB for this session; skipped where Debian's package is not installed."""
    with memory.folder("mariadb") as place:
        server = Mariadb(place)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def databases(postgres: Server) -> Databases:
    """Makes databases and installations on that server."""
    return Databases(postgres)


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The URL of an empty database that is gone after the test."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def hub(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A fresh installation: own home, own database, tables made."""
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path / "home"))
    with databases.hub(tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def new_hub(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Hub]]:
    """Makes installations for the tests of a module to share: for what takes long to build and is only looked at."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(databases.hub(tmp_path_factory.mktemp("home") / "home"))
