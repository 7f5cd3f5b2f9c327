"""What is due goes, and says so; what a rebuild or a waiting row needs stays."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from catalog_registry import publication
from cli.main import app
from core import audit, clock, decisions
from core.actor import SYSTEM, Actor
from core.backup.take import take, verify
from core.decisions import Decision
from core.errors import BatchBlocked, Invalid, Retry, Stop
from core.hub import Hub
from core.ids import uuid7
from libraries import golden
from pipeline import batch as batches
from pipeline import deciding, journey, retention, undoing
from pipeline.rebuild import scratch
from pipeline.rebuild.whole import rebuild
from pipeline.retention import Removed
from schemas import published
from schemas.published import Document
from tests.pipeline.three import Three, contract, row

YEARS = timedelta(days=366 * 11)
STEWARD = Actor(operator="steward")


@pytest.fixture
def three(hub: Hub, tmp_path: Path) -> Three:
    """A registry that has lived a little."""
    made = Three(hub, tmp_path / "pets.db")
    made.publish()
    made.live()
    return made


def files(hub: Hub) -> list[str]:
    """The landed Parquet files and checkpoints there are."""
    root = Path(hub.landing.root)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in (".parquet", ".dump"))


def counts(found: list[Removed]) -> dict[tuple[str, str, str], int]:
    return {(one.what, one.about, one.kept): one.count for one in found}


def events(hub: Hub) -> list[Any]:
    with hub.read() as connection:
        query = "SELECT type, about FROM hub.event WHERE type LIKE 'retention.%' ORDER BY type, about"
        return [tuple(line) for line in connection.execute(text(query))]


REST = [row("A1", 1, amount=2), row("A2", 1), row("A4", 1)]


def correct(three: Three, wrong: int, right: int) -> Decision:
    """Correct the row of the whole register that waits with this amount, and bring it about."""
    with three.hub.begin() as connection:
        query = "SELECT batch_id, row_no FROM hub.quarantine WHERE dataset = 'whole' AND status = 'open' AND row ->> 'D' = :d"
        (case,) = connection.execute(text(query), {"d": str(wrong)}).all()
        made = deciding.fix(
            three.hub,
            connection,
            (case.batch_id, case.row_no),
            {"amount": str(right)},
            reason="电话核实",
            actor=STEWARD,
        )
    journey.replay(three.hub, "pets.whole")
    return made


def undo(three: Three, made: Decision) -> None:
    """Undo a decision, and bring it about."""
    with three.hub.begin() as connection:
        undoing.undo(three.hub, connection, made.id, reason="误核", actor=STEWARD)
    journey.replay(three.hub, "pets.whole")


def a3(three: Three) -> Any:
    """What is held of A3: amount, and the batch that said so."""
    with three.hub.read() as connection:
        return connection.execute(text("SELECT amount, _batch FROM records.whole WHERE id = 'A3'")).one()


def test_landed_files_go_behind_a_checkpoint_that_was_proven(three: Three, tmp_path: Path) -> None:
    hub = three.hub
    hub.settings.keep_landing_days = 30
    assert retention.retain(hub) == []
    before = files(hub)
    with clock.override(clock.now() + timedelta(days=31)):
        due = {
            ("checkpoint", "≤ 7", ""): 7,
            ("landing", "pets.grown", ""): 2,
            ("landing", "pets.pushed", ""): 1,
            ("landing", "pets.pushed", "quarantine"): 1,
            ("landing", "pets.whole", ""): 2,
            ("landing", "pets.whole", "quarantine"): 1,
        }
        assert counts(retention.retain(hub, dry_run=True)) == due and files(hub) == before and events(hub) == []
        assert counts(retention.retain(hub)) == due
        left = files(hub)
        assert [name for name in left if name.endswith(".dump")] and len(left) == 2 + 1
        assert ("retention.landing", "pets.whole") in events(hub) and ("retention.checkpoint", "landing") in events(hub)

        # later batches are made anew on top of the checkpoint, and differences are told as before
        three.run("whole", row("A1", 1, amount=8), row("A3", 1))
        golden.refresh(hub)
        report = rebuild(hub)
        assert report.same and report.batches == 1 and report.since is not None and report.since.seq == 7
        three.change("UPDATE records.pushed SET amount = 99 WHERE id = 'P3'")
        assert [found.table for found in rebuild(hub).tables if not found.same] == ["records.pushed"]
        # an unproven library keeps its files
    with clock.override(clock.now() + timedelta(days=120)), pytest.raises(Stop, match="一致"):
        retention.retain(hub)
    assert files(hub) == [*left, *(set(files(hub)) - set(left))]
    # the backup has the checkpoint and the manifests, and is whole
    manifest = take(hub, tmp_path / "backup")
    assert any(file.path.endswith("library.dump") for file in manifest.landing)
    assert verify(tmp_path / "backup", manifest.name) == []


def test_history_goes_when_its_contract_says_and_a_rebuild_leaves_it_out(three: Three) -> None:
    hub = three.hub
    ended = three.count("SELECT count(*) FROM records.whole_history")
    hub.settings.keep_landing_days = 36_500
    with clock.override(clock.now() + YEARS):
        found = counts([one for one in retention.retain(hub, dry_run=True) if one.what == "history"])
        assert found["history", "whole", ""] == ended
    hub.settings.keep_landing_days = None
    with clock.override(clock.now() + YEARS):
        assert counts(retention.retain(hub))["history", "whole", ""] == ended
    assert three.count("SELECT count(*) FROM records.whole_history") == 0
    assert ("retention.history", "whole") in events(hub)
    assert rebuild(hub).same


def test_what_is_held_stays_until_the_hold_is_undone(three: Three) -> None:
    hub, actor = three.hub, Actor(operator="steward")
    hub.settings.keep_landing_days = 36_500
    before = files(hub)
    env = {"HUTONG_DATABASE_URL": hub.url}
    done = CliRunner().invoke(app, ["retention", "--hold", "whole", "--reason", "法院调查令", "--json"], env=env)
    held = json.loads(done.stdout)
    assert held["about"] == "whole"
    for about, reason in (("whole", ""), ("hole", "x")):
        with pytest.raises(Invalid):
            retention.hold(hub, about, reason=reason, actor=actor)
    ended = three.count("SELECT count(*) FROM records.whole_history")
    with clock.override(clock.now() + YEARS):
        for dry_run in (True, False):
            found = counts(retention.retain(hub, dry_run=dry_run))
            assert found["history", "whole", "hold"] == ended and found["landing", "pets.whole", "hold"] == 3
        assert three.count("SELECT count(*) FROM records.whole_history") == ended
        assert [name for name in before if "/whole/" in name] == [name for name in files(hub) if "/whole/" in name]
        with hub.begin() as connection:
            decisions.undo(connection, UUID(held["decision"]), reason="已结案", actor=actor)
        assert counts(retention.retain(hub))["history", "whole", ""] == ended
    assert three.count("SELECT count(*) FROM records.whole_history") == 0


@pytest.mark.parametrize("meanwhile", ["_ago", "_size"])
def test_what_is_held_while_others_are_removed_stays(
    three: Three, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """A removal may take as long as a rebuild; the person who says hold in the middle of it is told that it holds."""
    before, really, holds = files(three.hub), getattr(retention, meanwhile), []

    def then_held(*given: Any) -> Any:
        if not holds:
            holds.append(retention.hold(three.hub, "whole", reason="法院调查令", actor=STEWARD))
        return really(*given)

    monkeypatch.setattr(retention, meanwhile, then_held)
    with clock.override(clock.now() + YEARS):
        found = counts(retention.retain(three.hub))
    assert found["landing", "pets.grown", ""] and found["landing", "pets.whole", "hold"]
    assert [name for name in before if "/whole/" in name] == [name for name in files(three.hub) if "/whole/" in name]
    if meanwhile == "_ago":  # asked first of all
        assert found["history", "whole", "hold"] == three.count("SELECT count(*) FROM records.whole_history")


@pytest.mark.parametrize("by", ["housekeeping", "publishing"])
def test_what_a_killed_rebuild_left_goes_with_whoever_comes_next(three: Three, by: str) -> None:
    hub = three.hub
    name = scratch.named(str(hub.engine.url.database))
    with psycopg.connect(hub.dsn, autocommit=True) as another:

        def left() -> tuple[bool, bool]:
            (there,) = another.execute(
                "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name]
            ).fetchone() or (None,)
            return bool(there), (hub.home / scratch.FOLDER).exists()

        def come() -> None:
            retention.retain(hub) if by == "housekeeping" else publication.register_rebuilt(hub, [], SYSTEM)

        another.execute(f'CREATE DATABASE "{name}"')
        (hub.home / scratch.FOLDER).mkdir()
        another.execute(scratch._LOCK)
        come()
        assert left() == (True, True), "another rebuild is at work"
        another.execute("SELECT pg_advisory_unlock_all()")
        come()
        assert left() == (False, False)


def test_two_do_not_remove_at_once(three: Three) -> None:
    with retention._alone(three.hub):
        with pytest.raises(Retry, match="清理"):
            retention.retain(three.hub)
        assert retention.retain(three.hub, dry_run=True) == []


def test_a_contract_published_by_a_process_that_died_counts(three: Three) -> None:
    longer = contract("whole").replace("retention, value: 10", "retention, value: 30").replace("1.0.0", "1.1.0")
    with three.hub.begin() as connection:
        published.publish(connection, [Document("contract", "whole", "1.1.0", longer, "test")], SYSTEM)
    with clock.override(clock.now() + YEARS):
        found = counts(retention.retain(three.hub, dry_run=True))
    assert ("history", "pushed", "") in found and ("history", "whole", "") not in found


def test_a_correction_can_be_undone_whatever_retention_removed(three: Three) -> None:
    """A3 was 1, came wrong, was corrected to 5: undone, it is 1 again, from the files of the batch that said so."""
    hub, actor = three.hub, Actor(operator="steward")
    rest = [row("A1", 1, amount=2), row("A2", 1), row("A4", 1)]
    three.run("whole", row("A3", 1, amount=1), *rest)
    with hub.read() as connection:
        said = batches.listed(connection, feed="pets.whole")[0].id
    three.run("whole", row("A3", 1, amount=1), *rest)
    three.run("whole", row("A3", 1, amount=999), *rest)
    with hub.begin() as connection:
        (case,) = connection.execute(
            text("SELECT batch_id, row_no FROM hub.quarantine WHERE status = 'open' AND batch_id = (SELECT id FROM hub.batch "
                 "WHERE feed = 'pets.whole' ORDER BY seq DESC LIMIT 1)")
        ).all()  # fmt: skip
        fixed = deciding.fix(
            hub, connection, (case.batch_id, case.row_no), {"amount": "5"}, reason="电话核实", actor=actor
        )
    assert journey.replay(hub, "pets.whole") is not None
    assert three.count("SELECT amount FROM records.whole WHERE id = 'A3'") == 5
    hub.settings.keep_landing_days = 30
    with clock.override(clock.now() + timedelta(days=31)):
        golden.refresh(hub)
        assert counts(retention.retain(hub))["landing", "pets.whole", "undo"] >= 1
        assert [name for name in files(hub) if f"/{said}/" in name or name.endswith(".dump")]
        with hub.begin() as connection:
            undoing.undo(hub, connection, fixed.id, reason="误核", actor=actor)
        assert journey.replay(hub, "pets.whole") is not None
        assert three.count("SELECT amount FROM records.whole WHERE id = 'A3'") == 1
        golden.refresh(hub)
        assert rebuild(hub).same


def test_what_two_corrections_of_a_record_have_replaced_is_kept_for_either(three: Three) -> None:
    said = a3(three)._batch
    three.run("whole", row("A3", 1, amount=999), row("A3", 1, amount=998), *REST)
    first, second = correct(three, 999, 5), correct(three, 998, 6)
    undo(three, first)
    assert a3(three).amount == 6
    three.hub.settings.keep_landing_days = 30
    with clock.override(clock.now() + timedelta(days=31)):
        retention.retain(three.hub)
        assert any(f"/{said}/part" in name for name in files(three.hub))
        undo(three, second)
        assert a3(three).amount == 1
        assert rebuild(three.hub).same


def test_a_correction_that_changed_nothing_is_undone_too(three: Three) -> None:
    said = a3(three)._batch
    three.run("whole", row("A3", 1, amount=999), *REST)
    fixed = correct(three, 999, 1)
    assert a3(three) == (1, said)
    three.hub.settings.keep_landing_days = 30
    with clock.override(clock.now() + timedelta(days=31)):
        retention.retain(three.hub)
        undo(three, fixed)
    assert a3(three).amount == 1
    assert three.count("SELECT count(*) FROM hub.quarantine WHERE row ->> 'D' = '999' AND status = 'open'") == 1


def test_nor_is_it_guessed_where_the_cut_is_behind_another_correction(three: Three) -> None:
    three.run("whole", row("A3", 1, amount=999), row("A3", 1, amount=998), *REST)
    first, second = correct(three, 999, 5), correct(three, 998, 6)
    undo(three, first)
    with three.hub.begin() as connection:  # as retention does, between the two
        connection.execute(
            text(
                "INSERT INTO hub.history_cut (dataset, before) SELECT 'whole', max(_known_to) FROM records.whole_history "
                "WHERE id = 'A3'"
            )
        )
        connection.execute(
            text(
                "DELETE FROM records.whole_history h USING hub.history_cut c WHERE c.dataset = 'whole' AND h._known_to < c.before"
            )
        )
    undo(three, second)
    assert a3(three).amount == 6


def test_that_nothing_was_there_is_not_guessed_from_a_history_that_was_cut(three: Three) -> None:
    hub, actor = three.hub, Actor(operator="steward")
    rest = [row("A1", 1, amount=2), row("A2", 1), row("A4", 1)]
    three.run("whole", row("A3", 1, amount=1), *rest)
    three.run("whole", row("A3", 1, amount=999), *rest)
    with hub.begin() as connection:
        (case,) = connection.execute(
            text("SELECT q.batch_id, q.row_no FROM hub.quarantine q JOIN hub.finding f USING (batch_id, row_no) WHERE "
                 "q.status = 'open' AND f.item = 'amount' AND q.dataset = 'whole'")
        ).all()  # fmt: skip
        fixed = deciding.fix(
            hub, connection, (case.batch_id, case.row_no), {"amount": "5"}, reason="电话核实", actor=actor
        )
    journey.replay(hub, "pets.whole")
    with clock.override(clock.now() + YEARS):
        retention.retain(hub, dry_run=False)
        with hub.begin() as connection:
            undoing.undo(hub, connection, fixed.id, reason="误核", actor=actor)
        journey.replay(hub, "pets.whole")
    assert three.count("SELECT amount FROM records.whole WHERE id = 'A3'") == 5, "neither taken out nor guessed"


def test_files_of_a_dropped_batch_stay_until_what_it_brought_was_read_again(three: Three) -> None:
    hub, actor = three.hub, Actor(operator="steward")
    with pytest.raises(BatchBlocked):
        three.run("whole", row("A1", 1, amount=2))
    with hub.read() as connection:
        (blocked,) = batches.listed(connection, state="blocked")
    journey.drop(hub, blocked.id, reason="来源重传", actor=actor)
    hub.settings.keep_landing_days = 30
    place = f"/{blocked.id}/"
    with clock.override(clock.now() + timedelta(days=31)):
        retention.retain(hub)
        assert any(place in name for name in files(hub))
        three.run("whole", row("A1", 1, amount=2), row("A2", 1), row("A3", 1), row("A4", 1))
        golden.refresh(hub)
        retention.retain(hub)
        assert not any(place in name for name in files(hub))


def test_a_breaking_version_behind_a_checkpoint_is_made_again_from_its_own_files(three: Three) -> None:
    hub = three.hub
    short = contract("whole").replace("retention, value: 10", "retention, value: 1").replace("1.0.0", "1.1.0")
    three.publish(whole=short)
    with clock.override(clock.now() + timedelta(days=800)):
        removed = counts(retention.retain(hub))
        assert removed["landing", "pets.whole", ""] == 2 and ("landing", "pets.grown", "") not in removed
    texts = contract("grown").replace("1.0.0", "2.0.0").replace("logicalType: number", "logicalType: string")
    texts = texts.replace(", logicalTypeOptions: {minimum: 0, maximum: 100}", "")
    publication.register_rebuilt(hub, [Document("contract", "grown", "2.0.0", texts, "test")], SYSTEM)
    golden.refresh(hub)
    report = rebuild(hub)
    assert report.failed == {} and [found.table for found in report.tables if not found.same] == []
    assert report.since is not None
    assert three.count("SELECT count(*) FROM hub.batch WHERE dataset = 'grown' AND in_checkpoint") == 0


def test_the_audit_log_is_kept_for_three_years_whatever_is_set(hub: Hub) -> None:
    now = clock.now()
    for days in (10, 3 * 366 + 10, 5 * 366):
        entry = audit.Entry(
            id=uuid7(), at=now - timedelta(days=days), kind="certificate.answered", department="d", client="c", operator="o",
            service_item="s", case_no="1", subject="x", kid="k", body={},
        )  # fmt: skip
        with hub.begin() as connection:
            connection.exec_driver_sql(audit.INSERT, entry.parameters())
    hub.settings.keep_audit_years = 4
    assert counts(retention.retain(hub)) == {("audit", "audit", ""): 1}
    with psycopg.connect(hub.dsn) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("SET LOCAL hutong.retention = 'on'")
        connection.execute("DELETE FROM hub.audit WHERE at > now() - interval '1 year'")
    with psycopg.connect(hub.dsn) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("DELETE FROM hub.audit")
    with pytest.raises(ValueError, match="greater"):
        type(hub.settings)(keep_audit_years=2)
