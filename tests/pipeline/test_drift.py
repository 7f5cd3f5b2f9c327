"""A source whose columns change: each change is told in the run that meets it, and what would lose data stops the batch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.actor import Actor
from core.errors import BatchBlocked, Conflict
from pipeline import batch as batches
from pipeline import drift, journey, land, shapes
from pipeline.batch import Batch
from tests.pipeline.small import COLUMNS, FEED, Row, Small, row

CLERK = Actor(operator="李审", client="test")
NAMES = ["王小明", "张伟", "赵敏", "陈建国", "刘洋", "欧阳娜"]
ROWS: list[Row] = [
    row(f"A{n}", owner=NAMES[n % 6], weight=5 + n % 30, on=f"2026-03-{n % 28 + 1:02d}") for n in range(60)
]


@pytest.fixture
def loaded(small: Small) -> Small:
    """Sixty rows held."""
    small.write(ROWS)
    small.publish()
    run(small)
    return small


def run(small: Small) -> Batch:
    batch = journey.run(small.hub, FEED)
    assert batch is not None
    return batch


def changed(column: str, write: Any) -> list[Row]:
    at = COLUMNS.index(column)
    return [(*one[:at], write(one[at]), *one[at + 1 :]) for one in ROWS]


def stopped(small: Small, code: str) -> tuple[UUID, list[dict[str, Any]]]:
    """The batch that the next run has stopped, and the difference it keeps."""
    with pytest.raises(BatchBlocked) as caught:
        journey.run(small.hub, FEED)
    assert caught.value.code == code
    with small.hub.read() as connection:
        batch = batches.listed(connection, state="blocked")[0]
    assert batch.reason is not None
    return batch.id, batch.reason["facts"]["drift"]


def told(changes: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["change"], one["column"], one["to"]) for one in changes]


def count(small: Small, where: str) -> int:
    with small.hub.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM records.pet_licence WHERE {where}")).scalar_one())


def test_a_column_under_another_name_is_recognised_and_may_be_accepted_empty(loaded: Small) -> None:
    names = tuple("DATE_VACC" if name == "MYRQ" else name for name in COLUMNS)
    loaded.write(ROWS, names)
    id, changes = stopped(loaded, "missing_column")
    assert told(changes) == [("renamed", "MYRQ", "DATE_VACC")] and changes[0]["likeness"] > 0.6
    assert count(loaded, "vaccinated_on IS NOT NULL") == 60
    batch = journey.accept(loaded.hub, id, reason="确认停用", actor=CLERK)
    assert batch.evidence["changed"] == 60 and told(batch.evidence["drift"]) == told(changes)
    assert count(loaded, "vaccinated_on IS NOT NULL") == 0


def test_two_columns_under_other_names_are_not_confused(loaded: Small) -> None:
    names = tuple({"JG": "COL_1", "TZ": "COL_2"}.get(name, name) for name in COLUMNS)
    loaded.write(ROWS, names)
    with pytest.raises(BatchBlocked) as caught:
        journey.run(loaded.hub, FEED)
    found = {(one["column"], one["to"]) for one in caught.value.facts["drift"]}
    assert found == {("JG", "COL_1"), ("TZ", "COL_2")}


def test_a_new_column_stays_out_when_its_batch_is_accepted(loaded: Small) -> None:
    loaded.write([(*one, "新") for one in ROWS[:-1]], (*COLUMNS, "XIN"))
    id, changes = stopped(loaded, "unknown_column")
    assert told(changes) == [("added", "XIN", "")]
    batch = journey.accept(loaded.hub, id, reason="与我方无关", actor=CLERK)
    assert (batch.evidence["unchanged"], batch.evidence["closed"]) == (59, 1)
    assert "XIN" not in next(land.chunks(loaded.hub, batch)).schema.names, "what nobody registered never lands"


def test_a_column_that_rows_hang_on_cannot_be_accepted_away(loaded: Small) -> None:
    at = COLUMNS.index("ZJH")
    loaded.write([one[:at] + one[at + 1 :] for one in ROWS], tuple(name for name in COLUMNS if name != "ZJH"))
    id, changes = stopped(loaded, "missing_column")
    assert changes[0]["needed"] is not None
    with pytest.raises(Conflict):
        journey.accept(loaded.hub, id, reason="放行", actor=CLERK)


def test_another_order_is_told_and_stops_nothing(loaded: Small) -> None:
    order = (*COLUMNS[3:], *COLUMNS[:3])
    loaded.write([(*one[3:], *one[:3]) for one in ROWS], order)
    batch = run(loaded)
    assert batch.evidence["unchanged"] == 60
    assert [one["change"] for one in batch.evidence["drift"]] == ["reordered"]
    assert "drift" not in run(loaded).evidence, "told once: the next is compared with this one"


def test_values_of_another_type_are_told_and_judged_row_by_row(loaded: Small) -> None:
    loaded.write(changed("TZ", lambda weight: "轻" if weight < 20 else "重"))
    with pytest.raises(BatchBlocked) as caught:
        journey.run(loaded.hub, FEED)
    assert caught.value.code == "failing"
    loaded.write(changed("MYRQ", lambda day: day.replace("-", "")))
    batch = run(loaded)
    assert batch.evidence["unchanged"] == 60
    assert [(one["change"], one["column"], one["before"], one["after"]) for one in batch.evidence["drift"]] == [
        ("reencoded", "MYRQ", "9-9-9", "9")
    ]


def test_a_key_that_is_written_otherwise_stops_the_batch(loaded: Small) -> None:
    loaded.write(changed("QP", lambda tag: tag[1:]))
    id, changes = stopped(loaded, "column_rewritten")
    assert [(one["change"], one["column"], one["before"], one["after"]) for one in changes] == [
        ("retyped", "QP", "text", "number")
    ]
    assert journey.accept(loaded.hub, id, reason="全市换发新牌", actor=CLERK).evidence["inserted"] == 60


def test_text_decoded_by_the_wrong_table_stops_the_batch(loaded: Small) -> None:
    loaded.write(changed("SYR", lambda name: name.encode().decode("gb18030", "replace")))
    _, changes = stopped(loaded, "column_rewritten")
    assert [(one["change"], one["column"]) for one in changes] == [("reencoded", "SYR")]
    assert count(loaded, "owner_name = '王小明'") == 10


def test_a_process_that_dies_behind_the_manifest_lets_nothing_in(
    loaded: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.write([(*one, "新") for one in ROWS[:30]], (*COLUMNS, "XIN"))
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(drift, "check", interrupted)
        journey.run(loaded.hub, FEED)
    stopped(loaded, "unknown_column")
    assert count(loaded, "true") == 60


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_difference_names_columns_and_no_values(loaded: Small) -> None:
    loaded.write(changed("SYR", lambda name: name.encode().decode("gb18030", "replace")))
    stopped(loaded, "column_rewritten")
    with loaded.hub.read() as connection:
        batch = batches.listed(connection, limit=1)[0]
    said = str(batch.reason) + str((land.manifest(loaded.hub, batch) or {})["columns"])
    assert "王小明" not in said and "11010519491231002X" not in said


@pytest.mark.parametrize(
    ("cell", "shape"),
    [("2026-03-01", "9-9-9"), ("王小明", "汉"), ("ABc12", "Aa9"), ("Ã©", "?"), ("𠮷野", "汉"), ("", "")],
)
def test_a_shape_says_nothing_of_the_value(cell: str, shape: str) -> None:
    assert shapes.shape(cell) == shape
