"""Stopped batches, scans of keys and new versions of a contract, as an operator meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from core.errors import BatchBlocked, Conflict, Stop
from core.hub import Hub
from tests.pipeline.small import COLUMNS, CONTRACT, FEED, Small, row

Call = Callable[..., Result]
ROWS = [row(f"A{n}") for n in range(60)]


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """Sixty rows held."""
    made = Small(hub, tmp_path / "pets.db")
    made.write(ROWS)
    made.publish(shrink="20%")
    return made


@pytest.fixture
def call(small: Small) -> Call:
    """`hutong ARGUMENTS`."""
    env = {"HUTONG_DATABASE_URL": small.hub.url, "HUTONG_LANG": "en"}
    done: Call = lambda *said: CliRunner().invoke(app, said, env=env)  # noqa: E731
    assert told(done("run", FEED, "--json"))["merged"] == 60
    return done


def told(done: Result) -> Any:
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_a_blocked_batch_is_shown_and_accepted_and_one_is_dropped_and_read_again(small: Small, call: Call) -> None:
    small.write(ROWS[:9])
    refused = call("run", FEED).exception
    (stopped,) = told(call("batches", "--state", "blocked", "--json"))
    assert isinstance(refused, BatchBlocked) and f"hutong batch show {stopped['id']}" in str(refused.remedy)
    shown = call("batch", "show", stopped["id"]).stdout
    assert "A sudden shrink: 60 rows held, 9 now" in shown
    assert told(call("batch", "drop", stopped["id"], "--reason", "sent again", "--json"))["state"] == "dropped"
    assert isinstance(call("run", FEED).exception, BatchBlocked), "read again, stopped again"
    (again,) = told(call("batches", "--state", "blocked", "--json"))
    accepted = told(call("batch", "accept", again["id"], "--reason", "confirmed in writing", "--json"))
    assert (accepted["state"], accepted["evidence"]["closed"]) == ("delivered", 51)
    assert accepted["evidence"]["accepted"][0]["reason"] == "confirmed in writing"
    assert "confirmed in writing" in call("batch", "show", again["id"]).stdout
    made = told(call("decision", "list", "--json"))
    assert [one["kind"] for one in made] == ["accept", "drop"]
    told(call("decision", "undo", made[0]["id"], "--reason", "a mistake", "--json"))
    said = call("batch", "show", again["id"]).stdout
    assert "accepted (undone since)" in said and "accepted undone" in said, "one acceptance, and its end"
    assert isinstance(call("batch", "accept", stopped["id"], "--reason", "late").exception, Conflict)


def test_columns_that_changed_are_printed(small: Small, call: Call) -> None:
    small.write([(*one[2:], *one[:2]) for one in ROWS], (*COLUMNS[2:], *COLUMNS[:2]))
    assert "The source's columns: reordered ND, QP" in call("run", FEED).stdout
    names = tuple("DATE_VACC" if name == "MYRQ" else name for name in COLUMNS)
    small.write(ROWS, names)
    call("run", FEED)
    (stopped,) = told(call("batches", "--state", "blocked", "--json"))
    assert "likely renamed MYRQ → DATE_VACC" in call("batch", "show", stopped["id"]).stdout


def test_keys_are_scanned_on_request(small: Small, call: Call) -> None:
    assert isinstance(call("run", FEED, "--keys").exception, Conflict), "a full feed closes by itself"
    small.publish(mode="incremental")
    small.write(ROWS[1:])
    found = told(call("run", FEED, "--keys", "--json"))["key_scan"]["evidence"]
    assert (found["scanned"], found["closed"]) == (59, 1)
    small.write(ROWS[2:])
    assert "59 records" not in (said := call("run", FEED, "--keys").stdout) and "1 records closed" in said


def test_a_breaking_version_is_rebuilt_when_asked_for(small: Small, call: Call, tmp_path: Path) -> None:
    new = tmp_path / "pet_licence.odcs.yaml"
    number = "logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 200}"
    new.write_text(CONTRACT.replace("version: 1.0.0", "version: 2.0.0").replace(number, "logicalType: string"), "utf-8")
    assert isinstance(call("contract", "publish", str(new)).exception, Stop)
    assert "pet_licence: made again from 1 batches" in call("contract", "publish", str(new), "--rebuild").stdout
    assert "nothing was published" in call("contract", "publish", str(new), "--rebuild").stdout
