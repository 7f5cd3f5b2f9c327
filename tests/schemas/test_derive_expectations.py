"""Only great_expectations turns reasons into findings: all of them, by rule, and none that is switched off."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import HutongError
from schemas import contract, keys
from schemas.derive import expectations, judge
from tests.schemas.documents import CONTRACTS, SMALL, changed

PERMIT = contract.load(SMALL)
SUITE = expectations.suite(PERMIT)
DATE_QUALITY = (
    "  quality:\n  - {id: order, name: 次序, type: custom, engine: great-expectations, severity: warning, implementation:"
    " {type: expect_column_pair_values_a_to_be_greater_than_b, kwargs: {column_A: ends_on, column_B: starts_on, or_equal: true}}}\n"
)
ENDS = "  - {name: ends_on, logicalType: date}\n"


def clean(rows: int) -> dict[str, NDArray[np.uint32]]:
    names = [keys.ITEM, *(item.name for item in PERMIT.items)]
    return {name: np.zeros(rows, np.uint32) for name in names}


def triples(found: judge.Findings) -> set[tuple[int, str, str]]:
    return set(zip(found.row_no.tolist(), found.item.tolist(), found.rule.tolist(), strict=True))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.sampled_from(["area", "holder_no", "_key"]), st.integers(0, 1)), max_size=30
    )
)
def test_every_reason_bit_becomes_one_finding_and_nothing_else_does(planted: list[tuple[int, str, int]]) -> None:
    reasons = clean(20)
    for row, item, bit in planted:
        reasons[item][row] |= np.uint32(1 << bit)
    found = judge.validate(judge.frame(reasons), SUITE, 1000)
    rules = {entry.item: entry.codes for entry in SUITE}
    assert triples(found) == {(1000 + row, item, rules[item][bit]) for row, item, bit in planted}
    assert len(found) == len(triples(found))
    assert sum(not verdict.success for verdict in found.verdicts) == len({item for _, item, _ in planted})


def test_severity_decides_who_is_quarantined() -> None:
    rules = PERMIT.item("holder_no").type.rules
    error = next(bit for bit, rule in enumerate(rules) if rule.severity == "error")
    warning = next(bit for bit, rule in enumerate(rules) if rule.severity == "warning")
    reasons = clean(5)
    reasons["holder_no"][[1, 3]] = 1 << warning
    reasons["holder_no"][4] = 1 << error | 1 << warning
    found = judge.validate(judge.frame(reasons), SUITE, 0)
    assert found.error_rows.tolist() == [4]
    assert sorted(found.row_no.tolist()) == [1, 3, 4, 4]


def test_a_disabled_expectation_lets_its_defects_pass() -> None:
    reasons = clean(3)
    reasons["area"][1] = reasons["state"][1] = 1
    frame = judge.frame(reasons)
    assert judge.validate(frame, SUITE, 0).item.tolist() == ["area", "state"]
    found = judge.validate(frame, SUITE, 0, disabled=frozenset({"permit.area.conform"}))
    assert found.item.tolist() == ["state"]
    everything = frozenset(entry.id for entry in SUITE)
    assert len(judge.validate(frame, SUITE, 0, disabled=everything)) == 0


def test_a_contract_can_disable_an_expectation_by_its_id() -> None:
    block = "  customProperties:\n  - {property: disabledExpectations, value: [permit.area.conform]}\n"
    found = contract.load(changed("  customProperties:\n  - {property: subjects", block + "  - {property: subjects"))
    assert found.disabled == {"permit.area.conform"}


def test_skipping_the_fingerprint_changes_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    # HASH_THRESHOLD is great_expectations' private constant: this test notices when it moves or changes meaning.
    from great_expectations.execution_engine import pandas_execution_engine as engine

    assert engine.HASH_THRESHOLD == 0
    hashed = []
    original = engine.hash_pandas_dataframe
    monkeypatch.setattr(engine, "hash_pandas_dataframe", lambda frame: hashed.append(len(frame)) or original(frame))
    generator = np.random.default_rng(7)
    reasons = {item: (generator.random(500) < 0.1).astype(np.uint32) for item in clean(1)}
    fast = judge.validate(judge.frame(reasons), SUITE, 0)
    assert hashed == []
    monkeypatch.setattr(engine, "HASH_THRESHOLD", 1e9)
    slow = judge.validate(judge.frame(reasons), SUITE, 0)
    assert set(hashed) == {500}
    assert triples(fast) == triples(slow)
    assert fast.verdicts == slow.verdicts


def test_an_expectation_that_errored_fails_the_batch() -> None:
    found = contract.load(changed("  quality:\n", ENDS + DATE_QUALITY))
    suite = expectations.suite(found)
    assert expectations.typed_columns(suite) == {"starts_on", "ends_on"}
    frame = judge.frame({**clean(2), "ends_on": np.zeros(2, np.uint32)})  # without the typed values it needs
    with pytest.raises(HutongError) as failed:
        judge.validate(frame, suite, 0)
    assert failed.value.code == "expectation_errored"


def test_a_bit_without_a_rule_is_not_swallowed() -> None:
    reasons = clean(2)
    reasons["area"][0] = 1 << 31
    with pytest.raises(HutongError):
        judge.validate(judge.frame(reasons), SUITE, 0)


def run(kind: str, arguments: str, values: dict[str, pa.Array], columns: str) -> list[int]:
    quality = (
        "  quality:\n  - {id: own, type: custom, engine: great-expectations, severity: warning,"
        f" implementation: {{type: {kind}, kwargs: {{{arguments}}}}}}}\n"
    )
    found = contract.load(changed("  quality:\n", columns + quality))
    reasons = {
        name: np.zeros(len(next(iter(values.values()))), np.uint32) for name in ["_key", *(i.name for i in found.items)]
    }
    return judge.validate(judge.frame(reasons, values), expectations.suite(found), 10).row_no.tolist()


D = [date(2020, 1, 1), date(2021, 1, 1), None]


@pytest.mark.parametrize(
    ("kind", "arguments", "values", "columns", "rows"),
    [
        ("expect_column_values_to_not_be_null", "column: starts_on", {"starts_on": pa.array(D)}, "", [12]),
        ("expect_column_values_to_be_between", "column: area, max_value: 5",
         {"area": pa.array([1, 9, None], pa.decimal128(24, 6))}, "", [11]),
        ("expect_column_value_lengths_to_be_between", "column: permit_no, min_value: 2",
         {"permit_no": pa.array(["a", "ab", None])}, "", [10]),
        ("expect_column_pair_values_a_to_be_greater_than_b", "column_A: ends_on, column_B: starts_on, or_equal: true",
         {"starts_on": pa.array(D), "ends_on": pa.array([date(2019, 1, 1), date(2021, 1, 1), date(2022, 1, 1)])}, ENDS, [10]),
        ("expect_one_of_two_items_to_be_present", "column_A: permit_no, column_B: holder_no",
         {"permit_no": pa.array(["a", None, None]), "holder_no": pa.array([None, "b", None])}, "", [12]),
        ("expect_birth_month_to_match_citizen_no", "column_A: starts_on, column_B: holder_no",
         {"starts_on": pa.array([date(1949, 12, 1), date(1949, 11, 1), date(1949, 11, 1), None]),
          "holder_no": pa.array(["11010519491231002X", "11010519491231002X", "E12345678", "11010519491231002X"])}, "", [11]),
        ("expect_birth_to_match_citizen_no", "column_A: starts_on, column_B: holder_no",
         {"starts_on": pa.array([date(1949, 12, 31), date(1949, 12, 30), date(1949, 11, 1), None]),
          "holder_no": pa.array(["11010519491231002X", "11010519491231002X", "E12345678", "11010519491231002X"])}, "", [11]),
        ("expect_item_to_be_present_in_category", "column_A: starts_on, column_B: state, categories: [closed]",
         {"starts_on": pa.array([D[0], None, None, None]), "state": pa.array(["closed", "closed", "open", None])}, "", [11]),
        ("expect_prefix_to_match_category", "column_A: permit_no, column_B: state, length: 3, prefixes: {open: ['91']}",
         {"permit_no": pa.array(["91A", "92A", "92"]), "state": pa.array(["open"] * 3)}, "", [11]),
        ("expect_prefix_to_match_category", "column_A: permit_no, column_B: state, prefixes: {open: ['91', '5'], closed: []}",
         {"permit_no": pa.array(["91A", "92A", "91A", None, "7"]), "state": pa.array(["open", "open", "closed", "open", None])}, "",
         [11, 12]),
    ],
)  # fmt: skip
def test_allowed_expectations(
    kind: str, arguments: str, values: dict[str, pa.Array], columns: str, rows: list[int]
) -> None:
    assert run(kind, arguments, values, columns) == rows


@pytest.mark.parametrize(
    ("rule", "totals", "fails"),
    [
        ("metric: rowCount, mustBeGreaterOrEqualTo: 10", {"rows": 9}, True),
        ("metric: rowCount, mustBeGreaterOrEqualTo: 10", {"rows": 10}, False),
        ("metric: rowCount, mustBeGreaterThan: 10", {"rows": 10}, True),
        ("metric: rowCount, mustBeBetween: [5, 10]", {"rows": 11}, True),
        (
            "metric: nullValues, arguments: {properties: [area]}, unit: percent, mustBeLessOrEqualTo: 50",
            {"rows": 4, "rule": 2},
            False,
        ),
        (
            "metric: nullValues, arguments: {properties: [area]}, unit: percent, mustBeLessThan: 50",
            {"rows": 4, "rule": 2},
            True,
        ),
        ("metric: duplicateValues, arguments: {properties: [area]}, mustBe: 0", {"rows": 0, "rule": 0}, False),
    ],
)
def test_table_rules_judge_totals(rule: str, totals: dict[str, int], fails: bool) -> None:
    found = contract.load(
        changed(
            "id: rows, type: library, metric: rowCount, mustBeGreaterOrEqualTo: 1", f"id: rule, type: library, {rule}"
        )
    )
    failed = judge.validate_totals(totals, expectations.table_suite(found))
    assert [entry.id for entry, _ in failed] == (["permit.rule"] if fails else [])


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_shipped_suites_run_clean_on_an_empty_chunk_and_on_nulls(path: object) -> None:
    found = contract.load(path)  # type: ignore[arg-type]
    suite = expectations.suite(found)
    assert len({entry.id for entry in suite}) == len(suite)
    wanted = expectations.typed_columns(suite)
    for rows in (0, 3):
        values = {item.name: pa.nulls(rows, item.type.arrow) for item in found.items if item.name in wanted}
        reasons = {name: np.zeros(rows, np.uint32) for name in [keys.ITEM, *(item.name for item in found.items)]}
        result = judge.validate(judge.frame(reasons, values), suite, 0)
        assert {rule.rpartition(".")[0] for rule in result.rule} <= {found.id}
        assert set(result.rule) <= set(expectations.rules(found))
