"""One town for each module: a subject is used by one test only, so tests do not meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.certificates.town import Town
from tests.databases import Databases


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A hub with the shipped documents in force."""
    with databases.hub(tmp_path_factory.mktemp("home")) as hub:
        yield Town(hub).open()
