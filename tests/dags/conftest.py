"""A real Airflow of the tests' own, on SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Child = Callable[..., dict[str, Any]]


def environment(airflow_home: Path) -> dict[str, str]:
    """The variables of a process of this Airflow."""
    return {
        **os.environ,
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Airflow's tables made."""
    home = tmp_path_factory.mktemp("airflow")
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], env=environment(home), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return home


@pytest.fixture
def child(airflow_home: Path) -> Child:
    """Call airflow_child with arguments, under an installation's home; returns what it printed last."""

    def call(*arguments: str, **variables: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.dags.airflow_child", *arguments],
            env=environment(airflow_home) | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return dict(json.loads(done.stdout.strip().splitlines()[-1])) | {"log": done.stdout + done.stderr}

    return call
