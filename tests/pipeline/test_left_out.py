"""A doubtful value that its rule does not keep: the row is merged and answers go on, the cell is empty until it is corrected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pipeline import journey
from pipeline.batch import Batch
from tests.pipeline.small import CONTRACT, FEED, Row, Small, row

DOUBT = "pet_licence.weight_kg_in_kg"
RANGE = "logicalTypeOptions: {minimum: 0, maximum: 200}}"
RULE = (
    RANGE[:-1]
    + ", quality: [{id: in_kg, name: 疑似按克填写, type: custom, engine: great-expectations, severity: warning, "
    "implementation: {type: expect_column_values_to_be_between, kwargs: {max_value: 100}}"
)
KEPT = CONTRACT.replace(RANGE, RULE + "}]}")
LEFT_OUT = CONTRACT.replace(RANGE, RULE + ", customProperties: [{property: keepValue, value: false}]}]}")
assert len({CONTRACT, KEPT, LEFT_OUT}) == 3


def run(small: Small) -> dict[str, Any]:
    batch: Batch | None = journey.run(small.hub, FEED)
    assert batch is not None
    assert batch.state == "delivered"
    return batch.evidence


def lines(small: Small, query: str) -> list[tuple[Any, ...]]:
    with small.hub.read() as connection:
        return [tuple(line) for line in connection.execute(text(query))]


def held(small: Small) -> dict[str, float | None]:
    found = lines(small, "SELECT tag, weight_kg FROM records.pet_licence")
    return {tag: None if weight is None else float(weight) for tag, weight in found}


def doubts(small: Small) -> list[tuple[Any, ...]]:
    """The raw values found doubtful, of rows that are held, as they came in."""
    return lines(
        small,
        "SELECT r.tag, f.raw, f.severity FROM records.pet_licence r JOIN hub.finding f ON f.batch_id = r._batch "
        f"AND f.row_no = r._row_no WHERE f.rule = '{DOUBT}' ORDER BY r.tag",
    )


@pytest.mark.parametrize("mode", ["full", "incremental"])
def test_the_row_is_merged_without_the_value_until_it_is_corrected(small: Small, mode: str) -> None:
    small.write([row("A1", weight=150), row("A2"), row("A3", weight=None)])
    small.publish(mode=mode, contract=LEFT_OUT)
    first = run(small)
    assert (first["inserted"], first["quarantined"], first["findings"]) == (3, 0, {DOUBT: 1})
    assert held(small) == {"A1": None, "A2": 12.5, "A3": None}
    assert doubts(small) == [("A1", "150", "warning")]
    assert len(lines(small, "SELECT FROM libraries.mention WHERE role = 'owner'")) == 3

    again = run(small)
    assert (again["inserted"], again["changed"]) == (0, 0)
    assert doubts(small) == [("A1", "150", "warning")]
    assert lines(small, "SELECT FROM records.pet_licence_history") == []

    later = "2026-03-09 08:00:00"
    small.write([row("A1", weight=15, changed=later), row("A2"), row("A3", weight=None)])
    assert run(small)["changed"] == 1
    assert held(small) == {"A1": 15.0, "A2": 12.5, "A3": None}
    assert doubts(small) == []
    assert lines(small, "SELECT tag, weight_kg FROM records.pet_licence_history") == [("A1", None)]


@pytest.mark.parametrize(("before", "after"), [(None, 150), (150, None), (150, 160)])
def test_what_the_source_says_anew_is_a_change_though_the_cell_stays_empty(
    small: Small, before: object, after: object
) -> None:
    small.publish(contract=LEFT_OUT)
    small.write([row("A1", weight=before)])
    run(small)
    small.write([row("A1", weight=after)])
    assert run(small)["changed"] == 1
    assert held(small) == {"A1": None}
    assert doubts(small) == ([] if after is None else [("A1", str(after), "warning")])


def test_a_rule_that_comes_takes_the_value_held_and_one_that_goes_gives_it_back(small: Small) -> None:
    small.write([row("A1", weight=150), row("A2")])
    for contract, weight, changed in ((KEPT, 150.0, 0), (LEFT_OUT, None, 1), (KEPT, 150.0, 1), (LEFT_OUT, None, 1)):
        small.publish(contract=contract)
        assert run(small)["changed"] == changed
        assert held(small) == {"A1": weight, "A2": 12.5}


def test_a_disabled_rule_leaves_nothing_out(small: Small) -> None:
    off = f"  - {{property: disabledExpectations, value: [{DOUBT}]}}\n"
    small.write([row("A1", weight=150)])
    small.publish(contract=LEFT_OUT.replace("slaProperties", off + "slaProperties"))
    run(small)
    assert held(small) == {"A1": 150.0}


def test_rows_of_one_key_are_told_apart_by_what_the_source_says(small: Small) -> None:
    doubled: list[Row] = [row("A1", weight=150), row("A1", weight=150), row("B1", weight=150), row("B1", weight=None)]
    small.write(doubled)
    small.publish(contract=LEFT_OUT)
    evidence = run(small)
    assert (evidence["inserted"], evidence["repeated"], evidence["quarantined"]) == (1, 1, 2)
    assert held(small) == {"A1": None}


WEIGHT = st.sampled_from([None, 12, 99, 150, 160])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(WEIGHT, min_size=1, max_size=4), min_size=1, max_size=4))
def test_whatever_came_before_the_library_holds_what_is_not_in_doubt(
    small: Small, history: list[list[int | None]]
) -> None:
    small.publish(contract=LEFT_OUT)
    for weights in history:
        small.write([row(f"A{n}", weight=weight) for n, weight in enumerate(weights)])
        run(small)
        assert held(small) == {f"A{n}": w if w is None or w <= 100 else None for n, w in enumerate(weights)}
        assert [line[:2] for line in doubts(small)] == [
            (f"A{n}", str(w)) for n, w in enumerate(weights) if w is not None and w > 100
        ]
