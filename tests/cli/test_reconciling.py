"""Evidence, comparison, quality and checks at the command line: exit statuses, exports, nothing of a person."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core.hub import Hub
from pipeline import journey
from tests.libraries.registry import Registry
from tests.pipeline.small import FEED, Small, row
from tests.pipeline.test_checks import registry

__all__ = ["registry"]


@pytest.fixture
def set_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """`hutong` finds the hub by its environment, and speaks English."""
    monkeypatch.setenv("HUTONG_DATABASE_URL", hub.url)
    monkeypatch.setenv("HUTONG_LANG", "en")


def call(*arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == status, (done.output, done.exception)
    return json.loads(done.stdout.splitlines()[-1]) if "--json" in arguments else done.stdout


def test_evidence_comparison_and_quality(hub: Hub, set_up: None, tmp_path: Path) -> None:
    small = Small(hub, tmp_path / "pets.db")
    small.publish()
    for rows in ([row("A1"), row("A2", weight=-1)], [row("A1"), row("A2")]):
        small.write(rows)
        assert journey.run(hub, FEED) is not None
    ledger = call(
        "evidence", "--feed", FEED, "--csv", str(tmp_path / "l.csv"), "--xlsx", str(tmp_path / "l.xlsx"), "--json"
    )
    assert [(one["after"], one["problems"]) for one in ledger] == [(1, ""), (2, "")]
    with (tmp_path / "l.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [line["batch"] for line in csv.DictReader(stream)] == [one["batch"] for one in ledger]
    assert (tmp_path / "l.xlsx").stat().st_size > 1000
    assert "landed" in call("evidence", ledger[0]["batch"])
    assert "announced" in call("evidence", "--feed", FEED)
    assert call("reconcile", FEED, "--json")["differences"] == 0
    with hub.begin() as connection:
        connection.execute(text("DELETE FROM records.pet_licence WHERE tag = 'A2'"))
    told = call("reconcile", FEED, "--json", status=1)
    assert (told["counts"], told["keys"]) == ({"missing": 1}, [{"key": "2026 A2", "side": "source", "why": "missing"}])
    assert "should be in the library and is not" in call("reconcile", FEED, status=1)
    small.write([row("A1")])
    assert journey.run(hub, FEED) is not None
    assert "rows after the batch before: 2, before this one: 1" in call("evidence", "--feed", FEED, status=1)
    (scored,) = call("quality", "--json")
    assert scored["score"] == 100.0 and len(scored["dimensions"]) == 6
    assert "accessibility" in call("quality") and "assessed" in call("quality", "pet_licence", "--measure")


def test_checks_from_the_list_to_a_dismissal(registry: Registry, set_up: None) -> None:
    assert {one["check"] for one in call("checks", "list", "--json")} == {"employer_gone", "twice", "changed"}
    ran = {one["check"]: one for one in call("checks", "run", "--json")}
    assert (ran["employer_gone"]["opened"], ran["twice"]["open"]) == (1, 0)
    assert "nothing changed" in call("checks", "run", "twice") and "F1" in call("checks", "findings")
    (finding,) = call("checks", "findings", "--department", "provident_fund", "--json")
    assert (finding["first_key"], finding["second_key"], finding["title_en"]) == ("1", "F1", "The employer is gone")
    assert call("checks", "findings", "--check", "twice", "--json") == []
    made = call("checks", "dismiss", finding["id"], "--reason", "分公司承接", "--json")
    assert call("checks", "findings", "--json") == []
    assert len(call("checks", "findings", "--status", "dismissed", "--json")) == 1
    call("decision", "undo", made["decision"], "--reason", "核实有误")
    assert len(call("checks", "findings", "--json")) == 1
    assert "employer_gone" in call("checks", "list")


def test_findings_come_page_by_page_to_the_last(registry: Registry, set_up: None) -> None:
    call("checks", "run")
    with registry.hub.begin() as connection:  # two more of the same sort
        columns = "check_id, first_dataset, second_dataset, second_key, departments, dimension, severity, opened_at, first_seen, last_seen"
        connection.execute(
            text(
                f"INSERT INTO hub.check_finding (first_key, {columns}) SELECT decode(n, 'hex'), {columns} "
                "FROM hub.check_finding, unnest(ARRAY['0a', '0b']) n"
            )
        )
    every = [one["id"] for one in call("checks", "findings", "--json")]
    assert len(every) == 3
    assert f"2 of 3; next page: --after {every[1]}" in call("checks", "findings", "--limit", "2")
    assert [one["id"] for one in call("checks", "findings", "--after", every[1], "--limit", "1", "--json")] == every[2:]
    assert "next page" not in call("checks", "findings", "--after", every[1], "--limit", "1")
