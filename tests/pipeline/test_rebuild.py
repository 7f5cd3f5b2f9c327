"""A library made again is the same, row by row; one that was tampered with is told exactly, and mended on request."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from stdnum.iso7064 import mod_11_2
from typer.testing import CliRunner

from cli.main import app
from core import clock, decisions
from core.actor import Actor
from core.embedded import Server
from core.errors import BatchBlocked, NotReady, Retry
from core.hub import Hub
from core.settings import Settings
from libraries import golden, judgements
from pipeline import batch as batches
from pipeline import journey
from pipeline.rebuild import scratch
from pipeline.rebuild import swap as swapping
from pipeline.rebuild.whole import Report, rebuild
from tests.pipeline.three import NUMBERS, Three, contract, row


@pytest.fixture
def three(hub: Hub, tmp_path: Path) -> Three:
    """A registry that has lived a little."""
    made = Three(hub, tmp_path / "pets.db")
    made.publish()
    made.live()
    return made


def told(report: Report) -> dict[str, tuple[int, int, int]]:
    """Table → missing, extra, different; only those that differ."""
    return {found.table: (found.missing, found.extra, found.different) for found in report.tables if not found.same}


def test_made_again_it_is_the_same_and_what_was_tampered_with_is_told_and_mended(three: Three) -> None:
    hub = three.hub
    # what every kind of row there is stands for: without them the comparison would prove little
    assert three.count("SELECT count(*) FROM records.whole_history") >= 2
    assert three.count("SELECT count(*) FROM hub.quarantine WHERE status = 'open'") >= 2
    assert three.count("SELECT count(*) FROM hub.quarantine WHERE status = 'closed_by_source'") >= 2
    first = rebuild(hub)
    assert (told(first), first.failed, first.batches) == ({}, {}, 7)
    rows = {found.table: found.rows for found in first.tables}
    assert rows["records.whole"] == 3 and rows["libraries.golden"] == 2 and rows["hub.batch"] == 7
    assert sum(found.equal for found in first.tables) == sum(rows.values())

    three.change("UPDATE records.whole SET amount = 99 WHERE id = 'A1'")
    three.change("DELETE FROM records.grown WHERE id = 'G2'")
    three.change("UPDATE records.whole_history SET _known_to = _known_to + interval '1 hour' WHERE id = 'A1'")
    three.change(
        "UPDATE libraries.golden SET attributes = jsonb_set(attributes, '{name,value}', '\"赵六\"') WHERE entity_id = "
        "(SELECT id FROM libraries.entity WHERE library = 'population' AND id_value = :number)",
        number=NUMBERS[0],
    )
    three.change("DELETE FROM libraries.mention WHERE key = (SELECT _key FROM records.pushed WHERE id = 'P3')")
    three.change(
        "INSERT INTO hub.quarantine_subject (batch_id, row_no, dataset, role, part) SELECT batch_id, row_no, dataset, 'x', 0 "
        "FROM hub.quarantine LIMIT 1"
    )
    corrupted = {
        "hub.quarantine_subject": (0, 1, 0),
        "libraries.golden": (0, 0, 1),
        "libraries.mention": (1, 0, 0),
        "records.grown": (1, 0, 0),
        "records.whole": (0, 0, 1),
        "records.whole_history": (0, 0, 1),
    }
    done = CliRunner().invoke(app, ["rebuild", "--json"], env={"HUTONG_DATABASE_URL": hub.url})
    second = json.loads(done.stdout)
    assert done.exit_code == 1 and not second["same"]
    counts = {one["table"]: tuple(one[how] for how in ("missing", "extra", "different")) for one in second["tables"]}
    assert {table: found for table, found in counts.items() if any(found)} == corrupted
    listed = {one["table"]: one["listed"][0] for one in second["tables"] if one["listed"]}
    assert listed["records.whole"]["columns"] == ["amount"]
    assert listed["records.whole_history"]["columns"] == ["_known_to"]
    assert listed["libraries.golden"]["columns"] == ["attributes"]
    assert re.fullmatch(r"key=[0-9a-f]{8}… batch=[0-9a-f-]{36} row_no=1", listed["records.whole"]["where"])
    assert not any(number in done.stdout for number in NUMBERS)

    third = rebuild(hub, swap=True)
    assert told(third) == corrupted and third.swapped
    assert three.count("SELECT amount FROM records.whole WHERE id = 'A1'") == 2
    assert three.count("SELECT count(*) FROM hub.event WHERE type = 'rebuild.swapped'") == 1
    assert rebuild(hub).same
    assert three.count("SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_rebuild'") == 0


def test_a_batch_is_judged_again_by_the_day_and_the_documents_it_came_with(three: Three) -> None:
    hub = three.hub
    added = "  - {name: note, businessName: 注, logicalType: string}\n"
    newer = contract("whole").replace("1.0.0", "1.1.0").replace("  customProperties:", f"{added}  customProperties:", 1)
    born = f"110105{clock.today() + timedelta(days=1):%Y%m%d}002"  # tomorrow: nobody is, until then
    three.run("whole", row("A1", 1, number=born + mod_11_2.calc_check_digit(born)), row("A3", 1))
    assert three.count("SELECT count(*) FROM hub.quarantine WHERE status = 'open' AND dataset = 'whole'") == 1
    three.publish(whole=newer)
    three.run("whole", row("A1", 1, amount=5), row("A6", 1))
    golden.refresh(hub)
    with clock.override(clock.now() + timedelta(days=400)):
        report = rebuild(hub)
    assert (told(report), report.failed) == ({}, {})
    with hub.read() as connection:
        versions = connection.execute(text("SELECT DISTINCT contract_version FROM hub.batch WHERE dataset = 'whole'"))
        assert set(versions.scalars()) == {"1.0.0", "1.1.0"}


def test_an_acceptance_a_scan_of_keys_and_what_was_decided_since(three: Three) -> None:
    hub, actor = three.hub, Actor(operator="steward")
    with pytest.raises(BatchBlocked):
        three.run("whole", row("A1", 1, amount=2))
    with hub.read() as connection:
        (blocked,) = batches.listed(connection, state="blocked")
    three.run("pushed", row("P1", 20, amount=5))
    journey.accept(hub, blocked.id, reason="来源书面确认", actor=actor)
    three.write("grown", row("G1", 3, amount=7), row("G3", 6), row("G4", 7))
    scanned = journey.scan(hub, "pets.grown", now=True)
    assert scanned is not None and scanned.evidence["closed"] == 1
    with hub.begin() as connection:
        (made,) = decisions.in_force(connection, "accept", batch_id=blocked.id)
        decisions.undo(connection, made.id, reason="误判", actor=actor)  # what it let in has merged
    three.run("whole", row("A1", 1, amount=2), row("A6", 1))
    golden.refresh(hub)
    report = rebuild(hub)
    assert (told(report), report.failed, report.batches) == ({}, {}, 11)


def test_judgements_in_force_are_part_of_what_a_library_is_made_of(three: Three) -> None:
    hub, actor = three.hub, Actor(operator="steward")
    both = [judgements.claim("population", *who) for who in zip(NUMBERS, ("王小明", "李四"), strict=True)]
    with hub.begin() as connection:
        made = judgements.add(
            connection, hub.keys, "population", judgements.Verdict.same, *both, reason="户籍档案", actor=actor
        )
    golden.refresh(hub)
    assert three.count("SELECT count(*) FROM libraries.golden") == 1
    assert told(rebuild(hub)) == {}
    with hub.begin() as connection:
        judgements.undo(connection, hub.keys, made.decision.id, reason="误判", actor=actor)
    assert told(rebuild(hub)) == {}
    assert three.count("SELECT count(*) FROM libraries.golden") == 2


def test_a_landed_file_that_is_gone_is_told_and_nothing_is_swapped(three: Three) -> None:
    hub = three.hub
    with hub.read() as connection:
        batch = connection.execute(
            text("SELECT id FROM hub.batch WHERE dataset = 'grown' ORDER BY seq LIMIT 1")
        ).scalar_one()
    (Path(hub.landing.folder("pets", "grown", batch)) / "part-00000.parquet").unlink()
    report = rebuild(hub)
    assert list(report.failed) == [batch] and not report.same


def test_feeds_run_on_meanwhile(three: Three) -> None:
    hub, seen = three.hub, []

    def tell(what: str) -> None:
        seen.append(what)
        if len(seen) == 1:  # caught up with
            three.run("whole", row("A1", 1, amount=6), row("A3", 1))
        if what == "golden":  # behind the moment that both sides are compared as of
            three.run("whole", row("A1", 1, amount=7), row("A3", 1))

    report = rebuild(hub, tell=tell)
    assert (told(report), report.failed, report.batches) == ({}, {}, 8)
    assert three.count("SELECT count(*) FROM hub.batch") == 9
    assert three.count("SELECT amount FROM records.whole WHERE id = 'A1'") == 7


def test_a_swap_that_fails_midway_changes_nothing_and_readers_never_see_half_of_it(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = three.hub
    three.change("UPDATE records.whole SET amount = 99 WHERE id = 'A1'")
    three.change("DELETE FROM records.grown WHERE id = 'G2'")
    amount = "SELECT amount FROM records.whole WHERE id = 'A1'"
    grown = "SELECT count(*) FROM records.grown WHERE id = 'G2'"
    brought: list[str] = []
    failures: list[Exception] = []
    bring = swapping._bring

    def failing(live: Any, table: Any, rebuilt: str) -> None:
        bring(live, table, rebuilt)
        brought.append(table.name)
        with pytest.raises(Retry) as busy, monkeypatch.context() as impatient:
            impatient.setattr(journey, "LOCK_TIMEOUT", "100ms")
            with journey.alone(hub, "pets.grown", wait="100ms"):
                pass
        assert busy.value.code == "feed_busy", "feeds wait"
        if table.name == "records.whole":
            # others still read what was there, whole
            assert (three.count(amount), three.count(grown)) == (99, 0)
            raise failures[-1]

    monkeypatch.setattr(swapping, "_bring", failing)
    for failure, raised in (
        (psycopg.errors.DiskFull("no space"), psycopg.errors.DiskFull),
        (psycopg.errors.UniqueViolation("came meanwhile"), Retry),
    ):
        failures.append(failure)
        brought.clear()
        with pytest.raises(raised):
            rebuild(hub, swap=True)
        assert {"records.grown", "records.whole"} <= {*brought}
        assert (three.count(amount), three.count(grown)) == (99, 0)
        assert three.count("SELECT count(*) FROM hub.event WHERE type = 'rebuild.swapped'") == 0
        assert three.count("SELECT count(*) FROM pg_database WHERE datname LIKE '%\\_rebuild'") == 0
        with journey.alone(hub, "pets.grown", wait="100ms"):
            pass
    monkeypatch.setattr(swapping, "_bring", bring)
    assert rebuild(hub, swap=True).swapped and rebuild(hub).same
    assert (three.count(amount), three.count(grown)) == (2, 1)


def test_where_databases_may_not_be_made_an_administrator_makes_one(postgres: Server, hub: Hub, tmp_path: Path) -> None:
    name = f"n_{uuid4().hex[:8]}"
    with psycopg.connect(hub.dsn, autocommit=True) as server:
        server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p'")
        server.execute(f"GRANT hutong_answer TO {name} WITH ADMIN OPTION")
        server.execute(f"CREATE DATABASE {name} OWNER {name}")
        mine = Hub.set_up(Settings(home=tmp_path / "mine", database_url=postgres.url(name, name, "p")))
        try:
            with pytest.raises(NotReady, match="CREATEDB"), scratch.opened(mine):
                pass
            server.execute(f"CREATE DATABASE {name}_rebuild OWNER {name}")
            for _ in range(2):
                with scratch.opened(mine) as second, second.begin() as connection:
                    assert connection.execute(text("SELECT count(*) FROM hub.publication")).scalar_one() == 0
                    connection.execute(text("INSERT INTO hub.publication (actor) VALUES ('{}')"))
        finally:
            mine.close()
            server.execute(f"DROP DATABASE IF EXISTS {name}_rebuild WITH (FORCE)")
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
            server.execute(f"DROP ROLE {name}")
