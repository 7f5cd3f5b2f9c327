"""Undoing a decision of any kind does what that kind's own undo does, once."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from core.errors import Conflict
from core.hub import Hub
from libraries import golden, judgements
from pipeline import deciding, deliver, journey, undoing
from pipeline.worklist import Filter
from tests.pipeline.small import Small, row
from tests.pipeline.test_work_list import BAD, GOOD, SOON, STEWARD, acting, fix, held, load, replay, statuses
from tests.pipeline.three import WRONG, Three
from tests.pipeline.three import row as people

OTHER, THIRD = "440524188001010014", "110105197001010011"


def end(hub: Hub, id: UUID) -> str:
    with hub.begin() as connection:
        ended = undoing.undo(hub, connection, id, reason="看错了", actor=STEWARD)
    return undoing.follow(hub, ended).en


def test_a_judgement_leaves_its_audit_entries_and_the_libraries_follow(hub: Hub, tmp_path: Path) -> None:
    three = Three(hub, tmp_path / "pets.db")
    three.publish()
    three.run("whole", people("A1", 1), people("A2", 2, name="李四", number=OTHER), people("A3", 3, number=WRONG))
    golden.refresh(hub)
    both = [judgements.claim("population", *who) for who in ((GOOD, "王小明"), (OTHER, "李四"))]
    with hub.begin() as connection:
        same = judgements.Verdict.same
        made = judgements.add(connection, hub.keys, "population", same, *both, reason="户籍档案", actor=STEWARD)
    golden.refresh(hub)
    persons, entries = (
        "SELECT count(*) FROM libraries.golden",
        "SELECT count(*) FROM hub.audit WHERE kind = 'library.judged'",
    )
    assert (three.count(entries), three.count(persons)) == (2, 1)
    assert "made by what is judged" in end(hub, made.decision.id)
    assert (three.count(entries), three.count(persons)) == (4, 2)
    with pytest.raises(Conflict):
        end(hub, made.decision.id)
    # and a row corrected by hand answers at once, without any feed's DAG
    with hub.begin() as connection:
        which = connection.execute(text("SELECT batch_id, row_no FROM hub.quarantine")).one()
        row = (which.batch_id, which.row_no)
        deciding.fix(hub, connection, row, {"number": THIRD}, reason="核对原件", actor=STEWARD)
    journey.replay(hub, "pets.whole")
    assert deliver.refreshed(hub) and three.count(persons) == 3


def test_a_bulk_act_put_in_is_taken_back_whole(small: Small) -> None:
    load(small, row("A1", weight=5), row("A2", weight=6), publish=True)
    load(small, row("A1", weight=901), row("A2", weight=902), *(row(f"B{n}", weight=999) for n in range(5)))
    with acting(small) as (hub, connection):
        (made,) = deciding.excuse(
            hub, connection, Filter(rule="range"), ["range"], SOON, reason="确有", actor=STEWARD, expected=7
        )
    replay(small)
    assert len(held(small)) == 7 and held(small)["A2"] == (GOOD, 902.0)
    assert "taken back" in end(small.hub, made.id)
    assert replay(small) is not None and replay(small) is None
    assert held(small) == {"A1": (GOOD, 5.0), "A2": (GOOD, 6.0)}, "those before are restored, the others go out"
    assert statuses(small) == ["open"] * 7


def test_what_was_decided_on_already_is_no_part_of_a_bulk_act(small: Small) -> None:
    load(small, row("A1", number=BAD), row("A2", number=BAD), publish=True)
    with small.hub.read() as connection:
        first = connection.execute(text("SELECT batch_id, row_no FROM hub.quarantine WHERE row_no = 1")).one()
    fix(small, {"owner_no": GOOD}, (first.batch_id, 1))
    which = Filter(rule="citizen_no.checksum")
    with acting(small) as (hub, connection), pytest.raises(Conflict, match="已作决定"):
        deciding.dismiss(hub, connection, which, reason="测试数据", actor=STEWARD, expected=2)
    with acting(small) as (hub, connection):
        deciding.dismiss(hub, connection, which, reason="测试数据", actor=STEWARD, expected=1)
    replay(small)
    assert sorted(statuses(small)) == ["dismissed", "fixed"] and held(small).keys() == {"A1"}
