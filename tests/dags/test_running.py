"""A feed through real Airflow tasks into a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from core.hub import Hub
from libraries import golden
from pipeline import journey
from tests.dags.conftest import ROOT, Child, environment
from tests.pipeline.small import FEED, SYSTEM_TEXT, Small, row

INCREMENTAL = SYSTEM_TEXT.format(
    mode="incremental", watermark="watermark: GXSJ\n  key_scan: {every: 1d}", minimum=0, shrink="90%"
)


@pytest.fixture
def small(hub: Hub, tmp_path: Path) -> Small:
    return Small(hub, tmp_path / "pets.db")


def variables(hub: Hub) -> dict[str, str]:
    return {"HUTONG_HOME": str(hub.home), "HUTONG_DATABASE_URL": hub.url}


def test_land_load_deliver_then_nothing_but_the_same(hub: Hub, small: Small, child: Child) -> None:
    small.write([row("A1"), row("A2"), row("A3", number="110105194912310021")])
    small.publish()
    ran = child("test", FEED, **variables(hub))
    assert ran["state"] == "success"
    assert ran["tasks"] == {step: ["success", 1] for step in ("land", "load", "deliver")}
    with hub.read() as connection:
        state, landed = connection.execute(text("SELECT state, landed_rows FROM hub.batch")).one()
        held = connection.execute(text("SELECT count(*) FROM records.pet_licence")).scalar_one()
        waiting = connection.execute(text("SELECT count(*) FROM hub.quarantine")).scalar_one()
    assert (state, landed, held, waiting) == ("delivered", 3, 2, 1)


def test_a_blocked_batch_fails_at_once_without_retries(hub: Hub, small: Small, child: Child) -> None:
    small.write([row("A1")])
    small.publish(minimum=100)
    ran = child("test", FEED, **variables(hub))
    assert ran["state"] == "failed"
    states = {step: state for step, (state, _) in ran["tasks"].items()}
    assert "failed" in states.values() and states["deliver"] == "upstream_failed"
    assert all(tries <= 1 for _, tries in ran["tasks"].values()), "a person must look: trying again is no use"
    with hub.read() as connection:
        assert connection.execute(text("SELECT state FROM hub.batch")).scalar_one() == "blocked"


def test_keys_are_scanned_behind_an_increment(hub: Hub, small: Small, child: Child) -> None:
    small.write([row("A1"), row("A2")])
    small.publish(mode="incremental", system=INCREMENTAL)
    ran = child("test", FEED, **variables(hub))
    assert ran["tasks"] == {step: ["success", 1] for step in ("land", "load", "deliver", "scan")}
    ran = child("test", FEED, **variables(hub))
    assert ran["tasks"]["scan"] == ["skipped", 1], "none is due"
    with hub.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM hub.batch WHERE origin = 'key_scan'")).scalar_one() == 1


def test_golden_records_are_refreshed(hub: Hub, small: Small, child: Child) -> None:
    small.publish()
    ran = child("test", "golden", **variables(hub))
    assert ran["state"] == "success" and ran["tasks"] == {"refresh": ["success", 1], "check": ["success", 1]}


def test_what_is_due_is_removed_and_an_unproven_library_keeps_its_files(hub: Hub, small: Small, child: Child) -> None:
    small.write([row("A1"), row("A2")])
    small.publish()
    journey.run(hub, FEED)
    golden.refresh(hub)
    with hub.begin() as connection:  # as if it had landed two months ago
        connection.execute(text("UPDATE hub.batch SET landed_at = landed_at - interval '60 days'"))
    parts = sorted(Path(hub.landing.root).rglob("part-*.parquet"))
    settings = variables(hub) | {"HUTONG_KEEP_LANDING_DAYS": "30"}

    def change(weight: str) -> None:
        with hub.begin() as connection:
            connection.execute(text(f"UPDATE records.pet_licence SET weight_kg = weight_kg {weight} WHERE tag = 'A1'"))

    change("+ 1")
    ran = child("test", "housekeeping", **settings)
    assert ran["state"] == "failed" and ran["tasks"] == {"retain": ["failed", 1]}, "a person must look"
    assert "hutong rebuild" in ran["log"] and all(part.exists() for part in parts)
    change("- 1")
    ran = child("test", "housekeeping", **settings)
    assert ran["state"] == "success" and ran["tasks"] == {"retain": ["success", 1]}
    assert parts and not any(part.exists() for part in parts)
    with hub.read() as connection:
        told = connection.execute(
            text("SELECT type FROM hub.event WHERE type LIKE 'retention.%' ORDER BY type")
        ).scalars()
        assert [*told] == ["retention.checkpoint", "retention.landing"]
    assert child("test", "housekeeping", **settings)["state"] == "success", "nothing is due any more"


@pytest.mark.parametrize("away", ["before", "meanwhile"])
def test_a_database_that_is_away_is_tried_again(hub: Hub, airflow_home: Path, away: str) -> None:
    body = (
        "from sqlalchemy import text\nfrom dags.steps import opened\ntry:\n  with opened() as hub, hub.begin() as connection:\n"
        "    connection.execute(text('SELECT pg_terminate_backend(pg_backend_pid())'))\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    url = {"HUTONG_DATABASE_URL": "postgresql://u@127.0.0.1:1/x"} if away == "before" else {}
    done = subprocess.run(
        [sys.executable, "-c", body],
        env=environment(airflow_home) | variables(hub) | url,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split()[-1:] == ["AirflowException"], "a failure for good would be an AirflowFailException"


def test_an_unexpected_error_fails_at_once_and_keeps_numbers_out_of_the_log(
    hub: Hub, small: Small, new_child: Child, tmp_path: Path
) -> None:
    small.write([row("A1")])
    small.publish()
    (tmp_path / "sitecustomize.py").write_text(
        "import pipeline.journey\n"
        "def broken(*_): raise ValueError('cannot parse 11010519491231002X')\n"
        "pipeline.journey.load = broken\n"
    )
    ran = new_child("test", FEED, **variables(hub), PYTHONPATH=str(tmp_path))
    assert ran["state"] == "failed" and ran["tasks"]["load"] == ["failed", 1]
    assert "ValueError" in ran["log"] and "110105****002X" in ran["log"] and "11010519491231002X" not in ran["log"]
