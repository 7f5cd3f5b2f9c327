"""Runs `hutong` as a process of its own, as an operator does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Hutong = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an installation that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def hutong(home: Path) -> Hutong:
    """`hutong ARGUMENTS`, without a terminal, in English; more variables by name."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            input=stdin,
            env={**os.environ, "HUTONG_HOME": str(home), "HUTONG_LANG": "en", **variables},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
        )

    return call
