"""The whole thing as a newcomer meets it: `hutong demo`, the pasted commands, again, beside another one, and down."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli import secrecy
from tests.cli.program import Hutong, started
from tests.cli.test_processes import marked

SHIPPED = len(list((Path(__file__).parents[2] / "schemas" / "contracts").glob("*/*.odcs.yaml")))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580)]


@pytest.fixture
def hutong(home: Path) -> Hutong:
    """`hutong ARGUMENTS` from nothing: it starts everything else."""
    return partial(started, home)


@pytest.fixture
def down(hutong: Hutong, home: Path) -> Iterator[None]:
    """Whatever happens in the test, nothing of it runs on."""
    yield
    hutong("down")
    assert marked(home) == []


@pytest.fixture
def neighbour() -> Iterator[None]:
    """Somebody else has the usual port."""
    with socket.socket() as server:
        with suppress(OSError):  # it is taken already
            server.bind(("127.0.0.1", 8000))
            server.listen()
        yield


@pytest.mark.usefixtures("down", "neighbour")
def test_from_nothing_to_an_answer_and_down_again_and_no_secret_is_told(
    hutong: Hutong, home: Path, tmp_path: Path
) -> None:
    with secrecy.watching(home) as watch:
        done = hutong("demo", "--json")
        assert done.returncode == 0, done.stderr
        _answers(hutong, home, json.loads(done.stdout))
        secrecy.watched(home, json.loads(done.stdout)["api"], tmp_path, watch)

    again = hutong("demo", "--size", "medium")
    assert again.returncode == 1 and "--reset" in again.stderr
    assert marked(home), "a refusal stops nothing"
    assert json.loads(hutong("down", "--json").stdout)["stopped"] >= 6
    assert marked(home) == []


def _answers(hutong: Hutong, home: Path, found: dict[str, Any]) -> None:
    """All there is came in, the pasted command answers, everything runs, and nobody's number is in a log."""
    assert not found["api"].endswith(":8000") and found["failed"] == []
    assert len(found["resources"]) == SHIPPED
    assert all(row["current"] > 0 for row in found["resources"])
    assert {row["state"] for row in found["resources"]} == {"fresh"}
    assert sum(row["quarantined"] for row in found["resources"]) > 0 and found["golden"] > 10_000

    answer = subprocess.run(["bash", "-c", found["try"]], capture_output=True, text=True, check=True, timeout=60)
    line = json.loads(answer.stdout)["answers"][0]
    truth = json.loads((home / "demo" / "truth" / "truth.json").read_text("utf-8"))
    case = next(case for case in truth["cases"] if case["demo"] and case["subject"]["kind"] == "person")
    assert (line["state"], line["proved"]) == (case["expect"]["state"], case["expect"]["proved"])

    status = json.loads(hutong("status", "--json").stdout)
    assert {service["state"] for service in status["services"]} == {"running"}
    number = case["subject"]["number"]
    logs = [path for path in home.rglob("*.log") if path.is_file()]
    assert logs and not [path for path in logs if number in path.read_text("utf-8", errors="replace")]
