"""Servers that tests of connectors share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.folder import Folder
from tests.connectors.object_store import ObjectStore


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """An S3-compatible object store for this session."""
    store = ObjectStore()
    yield store
    store.close()


@pytest.fixture
def drop(tmp_path: Path) -> Folder:
    """An empty drop folder."""
    return Folder(tmp_path / "房产 交换")
