"""What people read in tables is words; ids stay beside them where commands take them, and in --json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.commands import demo
from cli.main import app
from core.errors import BatchBlocked
from core.hub import Hub
from core.settings import PROJECT
from pipeline import evidence, guards, journey
from tests.pipeline.small import FEED, Small, row
from tests.pipeline.test_codes import FILLED, ITEM, WITH_SIZE, sized

BAD = "110105194912310021"
LONG = "20260001234567"  # a key with digits enough for somebody's number, and nobody's
Call = Callable[..., Result]


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    """The small source, nothing published yet."""
    return Small(hub, tmp_path / "pets.db")


@pytest.fixture
def call(hub: Hub) -> Call:
    """`hutong ARGUMENTS` in Chinese."""
    env = {"HUTONG_DATABASE_URL": hub.url, "HUTONG_LANG": "zh"}
    return lambda *said, stdin="": CliRunner().invoke(app, said, input=stdin, env=env)


def shown(done: Result) -> str:
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def told(done: Result) -> Any:
    return json.loads(shown(done))


def test_the_work_list_and_its_decisions_are_in_words(small: Small, call: Call) -> None:
    small.write([row("A1"), row("A2", number=BAD), row("A3", weight=999), row("A4", weight=888)])
    small.publish()
    journey.run(small.hub, FEED)
    overview = shown(call("quarantine"))
    assert "养犬登记 pet_licence" in overview and "体重 weight_kg" in overview and "错误" in overview
    assert "error" not in overview
    listed = shown(call("quarantine", "list"))
    assert "养犬登记" in listed and "pet_licence" not in listed and "error" not in listed
    (found,) = told(call("quarantine", "list", "--rule", "citizen_no.checksum", "--json"))
    assert (found["dataset"], found["findings"][0]["severity"]) == ("pet_licence", "error")
    case = f"{found['batch']}/{found['row_no']}"
    assert "证件号码 owner_no" in shown(call("quarantine", "reveal", case, "--reason", "核对"))
    made = shown(call("quarantine", "dismiss", "--rule", "range", "--reason", "测试数据", "--expected", "2"))
    assert "忽略" in made and "dismiss" not in made
    (decision,) = told(call("decision", "list", "--json"))
    assert (decision["kind"], decision["rows"]) == ("dismiss", 2)
    listed = shown(call("decision", "list"))
    assert "忽略" in listed and "养犬登记 pet_licence" in listed and "dismiss" not in listed
    shown(call("decision", "undo", decision["id"], "--reason", "看错了"))
    assert [one["rows"] for one in told(call("decision", "list", "--json"))] == [2, 2], "an undo touches the same rows"
    (entry,) = told(call("audit", "--reason", "信访 7", "--json", stdin=f"{BAD}\n"))
    assert (entry["kind"], entry["reason"]) == ("quarantine.revealed", "核对")
    looked = shown(call("audit", "--reason", "信访 8", stdin=f"{BAD}\n"))
    assert (
        "查看隔离行原值" in looked and "核对" in looked and "信访 7" in looked and "quarantine.revealed" not in looked
    )


def test_a_business_key_reads_the_same_wherever_it_is_listed(small: Small, call: Call) -> None:
    small.write([row("A1"), row(LONG, weight=999), row(BAD, weight=999), row(f"王小明 {BAD}", weight=999)])
    small.publish()
    journey.run(small.hub, FEED)
    keys = sorted(" ".join(one["key"]) for one in told(call("quarantine", "list", "--json")))
    assert keys == ["2026 ***", "2026 110105****0021", f"2026 {LONG}"], (
        "somebody's number is hidden where it should not be, too"
    )
    found = told(call("reconcile", FEED, "--json"))
    assert sorted(one["key"] for one in found["keys"]) == keys


def test_a_batch_and_its_guard_are_in_words(small: Small, call: Call) -> None:
    rows = [row(f"A{n}") for n in range(60)]
    small.write(rows)
    small.publish(shrink="20%")
    assert journey.run(small.hub, FEED) is not None
    small.write(rows[:9])
    with pytest.raises(BatchBlocked):
        journey.run(small.hub, FEED)
    listed = shown(call("batches"))
    assert "行数骤降" in listed and "shrink" not in listed
    stopped, merged = told(call("batches", "--json"))
    assert stopped["why"] == "shrink"
    assert "行数骤降 shrink" in shown(call("batch", "show", stopped["id"]))
    counted = shown(call("batch", "show", merged["id"]))
    assert "新增 60" in counted and "inserted" not in counted
    shown(call("batch", "accept", stopped["id"], "--reason", "来函确认"))
    decided = shown(call("decision", "list"))
    assert "接受批次" in decided and f"养犬登记 {FEED}" in decided
    assert [one["rows"] for one in told(call("decision", "list", "--json"))] == [9]


def test_every_count_of_evidence_has_words(small: Small) -> None:
    small.write([row("A1", changed="2026-03-01 08:00:00"), row("A2", weight=999)])
    small.publish(mode="incremental")
    batch = journey.run(small.hub, FEED)
    scan = journey.scan(small.hub, FEED, now=True)
    assert batch is not None and scan is not None
    counts = {
        name for one in (batch, scan) for name, value in one.evidence.items() if isinstance(value, int | type(None))
    }
    assert counts <= {*evidence.COUNTS, *evidence.SCANNED} and set(guards.NAMES) == guards.ACCEPTABLE


def test_codes_are_listed_with_what_they_may_be_mapped_to(small: Small, call: Call) -> None:
    small.write([sized("A1", "1"), sized("A2", "3"), sized("A3", "3")])
    small.publish(contract=WITH_SIZE, system=FILLED)
    journey.run(small.hub, FEED)
    listed = shown(call("codes", "list"))
    assert "养犬登记 体型" in listed and "big 大型, small 小型" in listed and ITEM in listed
    (waiting,) = told(call("codes", "list", "--json"))
    assert [one["code"] for one in waiting["codes"]] == ["big", "small"] and waiting["known"] == 2
    never = call("codes", "map", ITEM, "7", "big", "--reason", "来函", "--json")
    assert told(never)["rows"] == 0 and "没有待核行带有“7”" in never.stderr and "decision undo" in never.stderr
    seen = call("codes", "map", ITEM, "3", "small", "--reason", "来函", "--json")
    assert told(seen)["rows"] == 2 and seen.stderr == ""
    decided = shown(call("decision", "list"))
    assert "代码对应" in decided and f"养犬登记 体型 {ITEM}" in decided
    assert [one["rows"] for one in told(call("decision", "list", "--json"))] == [2, 0]


def test_what_is_held_is_listed_before_anything_is_removed(small: Small, call: Call) -> None:
    small.publish()
    assert "保全中" not in shown(call("retention", "--dry-run"))
    told(call("retention", "--hold", "pet_licence", "--reason", "诉讼保全", "--json"))
    told(call("retention", "--hold", "audit", "--reason", "检查", "--json"))
    listed = shown(call("retention", "--dry-run"))
    assert (
        "保全中" in listed and "养犬登记 pet_licence" in listed and "诉讼保全" in listed and "审计日志 audit" in listed
    )
    assert told(call("retention", "--dry-run", "--json")) == []


def test_how_to_stop_names_the_installation_that_was_started(tmp_path: Path) -> None:
    assert "HUTONG_HOME" not in demo._stopping(PROJECT / ".hutong").en
    elsewhere = tmp_path / "my home"
    assert f"`HUTONG_HOME='{elsewhere}' make down`" in demo._stopping(elsewhere).en
