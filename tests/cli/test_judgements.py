"""Judging who is who at the command line: what is listed, judged, told and undone; no number in an argument or on the screen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core.hub import Hub
from libraries import golden
from tests.libraries.registry import Registry
from tests.libraries.test_known_as import NEW, OLD, account, resident


@pytest.fixture
def city(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A register and accounts, refreshed; `hutong` finds it by its environment."""
    monkeypatch.setenv("HUTONG_DATABASE_URL", hub.url)
    monkeypatch.setenv("HUTONG_LANG", "en")
    made = Registry(hub)
    made.publish("account", "resident", "change")
    made.put("resident", resident("r", "李砚之", OLD), resident("s", "王五", NEW))
    made.put("account", account("1", "李彦之", OLD), account("2", "李砚之", NEW))
    made.refresh()
    return made


def call(*arguments: str, typed: str = "") -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"], input=typed)
    assert done.exit_code == 0, (done.output, done.exception)
    assert OLD not in done.stdout and NEW not in done.stdout and "李砚之" not in done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def test_from_the_list_to_a_judgement_and_back(city: Registry) -> None:
    before = city.links()
    rows = call("judgement", "open")
    assert [(row["reason"], row["records"], row["verdict"]) for row in rows] == [
        ("two_names", {"account": 1}, None)
    ] * 2
    mine = next(row for row in rows if row["number"].startswith("110"))
    made = call("judgement", "add", "same", "--conflict", mine["id"], "--reason", "户籍档案")
    assert (made["verdict"], made["linked"], made["by"] != "") == ("same", 1, True)
    assert len(call("judgement", "open")) == 1
    ended = call("judgement", "undo", made["id"], "--reason", "误判")
    assert ended["ended_why"] == "误判" and city.links() == before
    assert [row["ended_why"] for row in call("judgement", "list")] == ["误判"]
    assert call("judgement", "list", "--standing") == []


def test_undone_by_the_general_command_both_are_in_the_log_and_links_follow(city: Registry) -> None:
    before = city.links()
    made = call("person", "merge", "--reason", "同一人", typed=f"{NEW}\n李砚之\n{OLD}\n李砚之\n")
    assert city.links() != before
    call("decision", "undo", made["id"], "--reason", "误判")
    assert city.links() == before
    with city.hub.read() as connection:
        entries = (
            connection.execute(text("SELECT subject FROM hub.audit WHERE kind = 'library.judged'")).scalars().all()
        )
    assert len(entries) == 4 and len(set(entries)) == 2
    assert [row["ended_why"] for row in call("judgement", "list")] == ["误判"]


def test_a_judgement_while_a_batch_merges_is_kept_and_said_so(city: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "PATIENCE", 0.1)
    with city.hub.begin() as connection:
        connection.execute(text("SELECT FROM libraries.mention FOR UPDATE"))
        made = call("person", "merge", "--reason", "同一人", typed=f"{NEW}\n李砚之\n{OLD}\n李砚之\n")
    assert made["due"] and made["id"] == call("judgement", "list", "--standing")[0]["id"]
    assert city.refresh().linked == 1


def test_persons_are_merged_split_and_undone_by_number_and_name(city: Registry) -> None:
    both = f"{NEW}\n李砚之\n{OLD}\n李砚之\n"
    merged = call("person", "merge", "--reason", "同一人", typed=both)
    assert merged["linked"] == 1 and merged["seen"] == ["same_name"]
    split = call("person", "split", "--reason", "查实为两人", typed=both)
    assert split["verdict"] == "different"
    undone = call("person", "undo", "--reason", "误判", typed=both)
    assert undone["id"] == split["id"] and undone["ended_at"]
    assert len(call("judgement", "list")) == 2
    # what the split had ended stays ended, and that is said
    assert '"different" is ended' in undone["said"] and f'"the same" ({merged["id"]}), stays ended' in undone["said"]
    assert "hutong judgement add same --library population" in undone["said"]


def test_the_end_of_a_judgement_says_what_is_judged_now(city: Registry) -> None:
    both = f"{NEW}\n李砚之\n{OLD}\n李砚之\n"
    made = call("person", "merge", "--reason", "同一人", typed=both)
    assert "nothing is judged of the two" in call("judgement", "undo", made["id"], "--reason", "误判")["said"]
    call("person", "merge", "--reason", "同一人", typed=both)
    split = call("person", "split", "--reason", "查实为两人", typed=both)
    left = call("decision", "undo", split["id"], "--reason", "误判")["left"]
    assert "stays ended" in left and "made by what is judged still" in left


def test_a_table_for_people(city: Registry) -> None:
    call("judgement", "add", "unsure", "--reason", "待查", typed=f"{NEW}\n李砚之\n{OLD}\n李砚之\n")
    for command in ("open", "list"):
        done = CliRunner().invoke(app, ["judgement", command])
        assert done.exit_code == 0 and "unsure" in done.stdout if command == "list" else "two names" in done.stdout


def test_nothing_judged_is_nothing_to_undo(city: Registry) -> None:
    done = CliRunner().invoke(app, ["person", "undo", "--reason", "x"], input=f"{NEW}\n李砚之\n{OLD}\n李砚之\n")
    assert done.exit_code != 0 and OLD not in str(done.exception)
