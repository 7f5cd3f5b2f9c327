"""Codes that fit none: queued with suggestions, mapped once, held for every later batch and the rows that wait; undone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from core import decisions
from core.errors import Conflict, Invalid, NotFound
from pipeline import comparison, mapping
from schemas.published import current
from schemas.types import Options, get
from tests.pipeline.small import CONTRACT, SYSTEM_TEXT, Row, Small, row
from tests.pipeline.test_work_list import STEWARD, load, replay, statuses, undo

ITEM = "pets.pet_licence.size"
WITH_SIZE = CONTRACT.replace(
    "  - {name: vaccinated_on",
    "  - {name: size, businessName: 体型, logicalType: string, enum: [{value: big, label: 大型}, {value: small, label: 小型}]}\n"
    "  - {name: vaccinated_on",
)
FILLED = SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%").replace(
    "ignore: [BZ]", "ignore: [GXSJ]"
)
FILLED = FILLED.replace("MYRQ: vaccinated_on}", "MYRQ: vaccinated_on, BZ: size}\n  codes: {size: {'1': big}}")


def sized(tag: str, size: str | None) -> Row:
    one = list(row(tag))
    one[8] = size
    return tuple(one)


def sizes(small: Small) -> dict[str, str]:
    with small.hub.read() as connection:
        return {line.tag: line.size for line in connection.execute(text("SELECT tag, size FROM records.pet_licence"))}


def queue(small: Small) -> list[mapping.Unmapped]:
    with small.hub.read() as connection:
        return mapping.queue(connection, current(small.hub.home))


def mapped(small: Small, raw: str, code: str, about: str = ITEM) -> decisions.Decision:
    with small.hub.begin() as connection:
        return mapping.map_code(
            connection, current(small.hub.home), about, raw, code, reason="与来源部门确认", actor=STEWARD
        )


def test_mapped_once_replayed_for_all_and_undone(small: Small) -> None:
    small.write(
        [sized("A1", "1"), sized("A2", "3"), sized("A3", " 3"), sized("A4", "小"), sized("A5", "110105194912310021")]
    )
    small.publish(contract=WITH_SIZE, system=FILLED)
    load(
        small,
        sized("A1", "1"),
        sized("A2", "3"),
        sized("A3", " 3"),
        sized("A4", "小"),
        sized("A5", "110105194912310021"),
    )
    found = {one.raw: one for one in queue(small)}
    assert {raw: one.rows for raw, one in found.items()} == {"3": 1, " 3": 1, "小": 1, None: 1}
    assert [(code, label.zh) for code, label in found["小"].suggestions] == [("small", "小型")] and found[
        "小"
    ].about == ITEM
    for raw, code, about, error in (
        ("3", "huge", ITEM, Invalid),
        ("110105194912310021", "big", ITEM, Invalid),
        ("3", "big", "pets.pet_licence.tag", NotFound),
        ("3", "big", "dogs.pet_licence.size", NotFound),
    ):
        with pytest.raises(error):
            mapped(small, raw, code, about)
    made = mapped(small, "３", "small")
    with pytest.raises(Conflict):
        mapped(small, "3", "big")
    replay(small)
    assert sizes(small) == {"A1": "big", "A2": "small", "A3": "small"}
    assert sorted(statuses(small)) == ["fixed", "fixed", "open", "open"]
    rows = [sized("A1", "1"), sized("A2", "3"), sized("A3", " 3"), sized("A6", "3")]
    load(small, *rows)
    assert sizes(small)["A6"] == "small" and {"fixed"}.isdisjoint(statuses(small)), (
        "the source's rows are right as they are"
    )
    undo(small, made)
    load(small, *rows, sized("A7", "3"))
    assert sizes(small).keys() == {"A1", "A2", "A3", "A6"}, "versions held stay while the new ones wait"
    assert statuses(small).count("open") == 4


def test_undone_before_the_source_states_them_again_the_rows_go_out(small: Small) -> None:
    small.write([sized("A1", "1")])
    small.publish(contract=WITH_SIZE, system=FILLED)
    load(small, sized("A1", "1"), sized("A2", "3"))
    made = mapped(small, "3", "small")
    replay(small)
    assert sizes(small) == {"A1": "big", "A2": "small"}
    undo(small, made)
    replay(small)
    assert sizes(small) == {"A1": "big"} and statuses(small) == ["open"]


@pytest.mark.parametrize("by_run", [False, True])
def test_a_comparison_says_what_an_undone_mapping_leaves(small: Small, by_run: bool) -> None:
    def whys() -> list[tuple[str, str]]:
        return [(key.key, key.why) for key in comparison.compare(small.hub, "pets.pet_licence").keys]

    small.write([sized("A1", "1")])
    small.publish(contract=WITH_SIZE, system=FILLED)
    load(small, sized("A1", "1"), sized("A2", "1"))
    rows = [sized("A1", "1"), sized("A2", "3"), sized("A3", "3")]
    load(small, *rows)
    waiting = [("2026 A2", "waiting"), ("2026 A3", "waiting")]
    assert sorted(whys()) == waiting
    made = mapped(small, "3", "small")
    assert sorted(whys()) == waiting, "decided, and not yet put in"
    load(small, *rows) if by_run else replay(small)
    if by_run:
        load(small, *rows, sized("A4", "3"))  # brought by an ordinary batch, by the mapping
    assert whys() == [] and len(sizes(small)) == 3 + by_run
    undo(small, made)
    if by_run:
        assert {why for _, why in whys()} == {"unmapped"} and len(whys()) == 3
        load(small, *rows, sized("A4", "3"))
        assert sorted(whys()) == [*waiting, ("2026 A4", "waiting")]
    else:
        assert sorted(whys()) == waiting, "undone, and not yet taken back"
        replay(small)
        assert sizes(small) == {"A1": "big", "A2": "big"} and sorted(whys()) == waiting


def test_an_undone_mapping_explains_only_what_it_brought(small: Small) -> None:
    """A record of before it whose row has got lost from the quarantine is a difference."""
    small.write([sized("A1", "1")])
    small.publish(contract=WITH_SIZE, system=FILLED)
    load(small, sized("A1", "1"), sized("A2", "3"))
    undo(small, mapped(small, "3", "small"))
    load(small, sized("A1", "7"), sized("A2", "3"))
    with small.hub.begin() as connection:
        lost = "UPDATE hub.quarantine SET status = 'closed_by_source', closed_at = now() WHERE source_key ->> 1 = 'A1'"
        connection.execute(text(lost))
    found = comparison.compare(small.hub, "pets.pet_licence").keys
    assert sorted((one.key, one.why) for one in found) == [("2026 A1", "different"), ("2026 A2", "waiting")]


@pytest.mark.parametrize(
    ("mapping_", "given", "code"),
    [(None, "x", "big"), (None, "big", "big"), ({"1": "small"}, "1", "small"), (None, "y", "y")],
)
def test_what_was_decided_adds_to_a_list(mapping_: Any, given: str, code: str) -> None:
    options = Options(enum=("big", "small"), mapping=mapping_, decided={"x": "big"})
    assert get("code").one(given, options, "list").standard == code
