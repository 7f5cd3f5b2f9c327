"""A feed through real Airflow tasks into a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from core.hub import Hub
from tests.dags.conftest import Child
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
