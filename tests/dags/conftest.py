"""A real Airflow of the tests' own, on SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
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


@pytest.fixture(scope="session")
def servers(airflow_home: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Makes, for each verb, a process that has imported what it takes and forks for every call."""

    @cache
    def made(verb: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.dags.airflow_child", "serve", verb],
            env=environment(airflow_home), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ending.enter_context(process)
        ending.callback(process.kill)  # before it is waited for
        return process

    with ExitStack() as ending:
        yield made


@pytest.fixture
def child(servers: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> Child:
    """Call airflow_child with arguments, under an installation's home; returns what it printed last."""

    def call(*arguments: str, **variables: str) -> dict[str, Any]:
        server = servers(arguments[0])
        assert server.stdin and server.stdout
        streams = [tmp_path / "printed", tmp_path / "errors"]
        print(json.dumps([arguments, variables, [str(file) for file in streams]]), file=server.stdin, flush=True)
        status = server.stdout.readline().strip()
        return _told(status, *(file.read_text("utf-8") for file in streams))

    return call


@pytest.fixture
def new_child(airflow_home: Path) -> Child:
    """The same in a process that nothing was imported into: what Python's own start is told matters."""

    def call(*arguments: str, **variables: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.dags.airflow_child", *arguments],
            env=environment(airflow_home) | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return _told(str(done.returncode), done.stdout, done.stderr)

    return call


def _told(status: str, printed: str, errors: str) -> dict[str, Any]:
    assert status == "0", printed[-3000:] + errors[-3000:]
    return dict(json.loads(printed.strip().splitlines()[-1])) | {"log": printed + errors}
