"""An installation that has lived a little, and empty places to restore it to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from core.hub import Hub
from core.settings import Settings
from tests.backup.lived import live
from tests.databases import Databases
from tests.pipeline.small import Small

Place = Callable[[], Hub]


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """A hub and a small SQLite source, nothing published yet."""
    return Small(hub, tmp_path / "pets.db")


@pytest.fixture
def alone(small: Small) -> Small:
    """An installation that has lived a little, for a test that goes on living with it."""
    live(small)
    return small


@pytest.fixture(scope="module")
def lived(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The same for tests that only look at it: every kind of row there is."""
    folder = tmp_path_factory.mktemp("lived")
    with databases.hub(folder / "home") as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUTONG_HOME", str(hub.home))
        small = Small(hub, folder / "pets.db")
        live(small)
        yield small


@pytest.fixture
def elsewhere(databases: Databases, tmp_path: Path) -> Iterator[Place]:
    """Makes an empty place each time it is called: a database without tables, a home that does not exist."""
    with ExitStack() as opened:

        def make() -> Hub:
            url = opened.enter_context(databases.empty())
            home = tmp_path / f"elsewhere-{url.rpartition('/')[2]}"
            return opened.enter_context(closing(Hub(Settings(home=home, database_url=url), url)))

        yield make
