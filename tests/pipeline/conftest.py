"""Fixtures of the pipeline's tests."""

from pathlib import Path

import pytest

from core.hub import Hub
from tests.pipeline.small import Small


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """A hub and a small SQLite source, nothing published yet."""
    return Small(hub, tmp_path / "pets.db")
