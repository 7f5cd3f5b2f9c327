"""`hutong` on an installation that does not exist yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import Hutong


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an installation that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def hutong(home: Path) -> Hutong:
    """`hutong ARGUMENTS` on that home."""
    return partial(program.hutong, home)
