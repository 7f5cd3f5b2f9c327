"""The work list on the command line: values from standard input only, counts before bulk acts, masks, an audited reveal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core import clock
from core.errors import Conflict, Invalid
from core.hub import Hub
from pipeline import journey
from tests.pipeline.small import FEED, Small, row

BAD, GOOD = "110105194912310021", "11010519491231002X"
Call = Callable[..., Result]


@pytest.fixture
def call(hub: Hub, tmp_path: Path) -> Call:
    """`hutong ARGUMENTS` over a registry with three rows that wait."""
    small = Small(hub, tmp_path / "pets.db")
    small.write([row("A1"), row("A2", number=BAD), row("A3", weight=999), row("A4", weight=888)])
    small.publish()
    journey.run(hub, FEED)
    return lambda *said, stdin="": CliRunner().invoke(
        app, said, input=stdin, env={"HUTONG_DATABASE_URL": hub.url, "HUTONG_LANG": "en"}
    )


def told(done: Result) -> Any:
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_from_the_list_to_a_replay_and_back(call: Call) -> None:
    assert {(one["rule"], one["rows"]) for one in told(call("quarantine", "--json"))} == {
        ("citizen_no.checksum", 1), ("range", 2),
    }  # fmt: skip
    assert "citizen_no.checksum" in call("quarantine", "--dataset", "pet_licence").stdout
    (found,) = told(call("quarantine", "list", "--rule", "citizen_no.checksum", "--json"))
    case = f"{found['batch']}/{found['row_no']}"
    shown = call("quarantine", "show", case)
    assert BAD not in shown.stdout and "110***********0021" in shown.stdout
    assert told(call("quarantine", "reveal", case, "--reason", "check", "--json"))["owner_no"] == BAD
    looked = call("audit", "--reason", "check", "--json", stdin=f"{BAD}\n")
    assert [one["kind"] for one in told(looked)] == ["quarantine.revealed"], "a wrong number is looked up as written"
    assert "check character" in looked.stderr and BAD not in looked.output
    bad = call("quarantine", "fix", case, "--reason", "seen", stdin=json.dumps({"owner_no": BAD}))
    assert isinstance(bad.exception, Invalid) and BAD not in str(bad.exception)
    assert isinstance(call("quarantine", "fix", case, "--reason", "seen", stdin="owner_no=1").exception, Invalid)
    values = json.dumps({"owner_no": GOOD})
    assert told(call("quarantine", "fix", case, "--reason", "seen", "--check", "--json", stdin=values)) == []
    (made,) = told(call("quarantine", "fix", case, "--reason", "seen", "--json", stdin=values))
    (replayed,) = told(call("quarantine", "replay", "--json"))
    assert (replayed["feed"], replayed["inserted"]) == (FEED, 1)
    assert told(call("quarantine", "replay", FEED, "--json")) == []
    assert [one["status"] for one in told(call("quarantine", "list", "--status", "fixed", "--json"))] == ["fixed"]
    assert GOOD not in call("decision", "list", "--json").stdout
    told(call("decision", "undo", made["id"], "--reason", "wrong file", "--json"))
    assert told(call("quarantine", "replay", "--json"))[0]["removed"] == 1


def test_a_bulk_act_names_its_rows_first(call: Call) -> None:
    refused = call("quarantine", "dismiss", "--rule", "range", "--reason", "test data")
    assert isinstance(refused.exception, Conflict) and "--expected 2" in str(refused.exception)
    assert isinstance(call("quarantine", "dismiss", "--reason", "x").exception, Invalid)
    until = ("--until", "2000-01-01")
    late = call("quarantine", "excuse", "--rule", "weight_kg:range", *until, "--reason", "big dogs", "--expected", "2")
    assert isinstance(late.exception, Invalid)
    (made,) = told(
        call("quarantine", "dismiss", "--rule", "range", "--reason", "test data", "--expected", "2", "--json")
    )
    assert made["rows"] == 2
    assert told(call("codes", "list", "--json")) == []


def test_a_replay_goes_on_and_a_feed_gone_holds_up_no_other(call: Call, hub: Hub) -> None:
    (found,) = told(call("quarantine", "list", "--rule", "citizen_no.checksum", "--json"))
    until = ("--until", f"{clock.today()}")
    with hub.begin() as connection:
        query = text("UPDATE hub.quarantine SET feed = 'gone.pet_licence' WHERE row_no = :row")
        connection.execute(query, {"row": found["row_no"]})
    told(call("quarantine", "excuse", "--rule", "range", *until, "--reason", "big dogs", "--expected", "2", "--json"))
    assert len(told(call("quarantine", "list", "--decided", "--json"))) == 2
    assert "decided, to be replayed" in call("quarantine", "list", "--decided").stdout
    done = call("quarantine", "replay", "--json")
    assert done.exit_code == 1 and "gone.pet_licence" in done.stderr
    assert [one["inserted"] for one in json.loads(done.stdout)] == [2]
    (listed,) = told(call("decision", "list", "--json"))
    assert listed["ended"] is False and "in force" in call("decision", "list").stdout
