"""Runs great_expectations. Import it late: the package takes five seconds.

Three measures keep it fast (docs/adr/0004): its fingerprint of every frame is switched off (HASH_THRESHOLD, a private
constant; a test holds that findings stay the same); a row is named by the frame's index, for naming it by a column
(`unexpected_index_column_names`) makes it look up each failing row in Python: ten times slower at 1 % of rows; and an item's
expectation asks for the two metrics that are read here (schemas/derive/gx.py).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: it reads the environment once

import great_expectations as gx
import numpy as np
import pandas as pd
import pyarrow as pa
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.execution_engine import pandas_execution_engine
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from numpy.typing import NDArray

from core.errors import HutongError
from core.text import T
from schemas.derive import gx as ours
from schemas.derive.expectations import CONFORM, REASONS, ItemExpectation, TableExpectation

pandas_execution_engine.HASH_THRESHOLD = 0

_ROWS = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "return_unexpected_index_query": False}
_TOTALS = {"result_format": "BASIC"}
_lock = threading.Lock()  # one ephemeral context for the process; great_expectations does not promise thread safety


@dataclass(frozen=True)
class Verdict:
    """What one expectation said of one chunk."""

    id: str
    success: bool
    unexpected: int


@dataclass(frozen=True)
class Findings:
    """Every failing cell and the rule it breaks, as parallel arrays, ordered by expectation; and each verdict."""

    row_no: NDArray[np.int64]
    item: NDArray[np.object_]
    rule: NDArray[np.object_]
    severity: NDArray[np.object_]
    verdicts: tuple[Verdict, ...]

    def __len__(self) -> int:
        return len(self.row_no)

    @property
    def error_rows(self) -> NDArray[np.int64]:
        """Rows with at least one error, ascending: they go to quarantine. A warning lets its row pass."""
        return np.unique(self.row_no[self.severity == "error"])


def frame(reasons: Mapping[str, NDArray[np.uint32]], values: Mapping[str, pa.Array] | None = None) -> pd.DataFrame:
    """The frame to judge: item → reason bits, and item → typed values where `typed_columns` asks for them."""
    columns: dict[str, Any] = {item + REASONS: bits for item, bits in reasons.items()}
    for item, array in (values or {}).items():
        columns[item] = pd.Series(array, dtype=pd.ArrowDtype(array.type))
    return pd.DataFrame(columns, copy=False)


def validate(
    frame: pd.DataFrame,
    suite: Sequence[ItemExpectation],
    first_row_no: int,
    disabled: frozenset[str] = frozenset(),
) -> Findings:
    """Judge one chunk whose rows are numbered from `first_row_no`. Raises HutongError when an expectation errored."""
    active = tuple(entry for entry in suite if entry.id not in disabled)
    numbered = frame.set_axis(pd.RangeIndex(first_row_no, first_row_no + len(frame)), axis=0)
    rows: list[NDArray[np.int64]] = []
    texts: list[tuple[int, str, str, str]] = []
    verdicts: list[Verdict] = []
    if len(frame) and active:
        result = _run(numbered, active, _ROWS)
        for entry, outcome in zip(active, _in_order(active, result), strict=True):
            failing = np.asarray(outcome.result.get("unexpected_index_list") or (), dtype=np.int64)
            if len(failing) != outcome.result["unexpected_count"]:  # every failing row, never a sample
                raise _not_run(entry.id, "incomplete list of failing rows")
            verdicts.append(Verdict(entry.id, bool(outcome.success), len(failing)))
            if not len(failing):
                continue
            if entry.expectation != CONFORM:
                rows.append(failing)
                texts.append((len(failing), entry.item, entry.rules[0].code, entry.rules[0].severity))
                continue
            bits = frame[entry.columns[0]].to_numpy()[failing - first_row_no]
            for bit, rule in enumerate(entry.rules):
                hit = failing[(bits >> np.uint32(bit)) & np.uint32(1) == 1]
                if len(hit):
                    rows.append(hit)
                    texts.append((len(hit), entry.item, rule.code, rule.severity))
            if int(np.bitwise_or.reduce(bits)) >> len(entry.rules):
                raise HutongError(
                    T(f"{entry.id}:原因位超出规则表", f"{entry.id}: a reason bit has no rule"), code="unknown_reason"
                )
    item, rule_code, severity = (_spread([(text[0], str(text[k])) for text in texts]) for k in (1, 2, 3))
    row_no = np.concatenate(rows) if rows else np.empty(0, np.int64)
    return Findings(row_no, item, rule_code, severity, tuple(verdicts))


def _spread(runs: list[tuple[int, str]]) -> NDArray[np.object_]:
    out = np.empty(sum(length for length, _ in runs), dtype=object)
    start = 0
    for length, word in runs:
        out[start : start + length] = word
        start += length
    return out


def validate_totals(totals: Mapping[str, int], suite: Sequence[TableExpectation]) -> list[tuple[TableExpectation, int]]:
    """The table expectations that fail, each with the total that failed it. `totals` as `schemas.derive.sql.totals`
    names them. Raises HutongError when an expectation errored."""
    if not suite:
        return []
    rows = totals["rows"]
    one = pd.DataFrame(
        {
            entry.id: [
                totals[entry.column] * 100 / rows if entry.rule.percent and rows else float(totals[entry.column])
            ]
            for entry in suite
        }
    )
    result = _run(one, tuple(suite), _TOTALS)
    outcomes = _in_order(suite, result)
    return [(e, totals[e.column]) for e, outcome in zip(suite, outcomes, strict=True) if not outcome.success]


@cache
def _batch_definition() -> BatchDefinition[Any]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    source = context.data_sources.add_pandas("chunks")
    return source.add_dataframe_asset("chunk").add_batch_definition_whole_dataframe("all")


@lru_cache(maxsize=256)
def _suite(entries: tuple[ItemExpectation | TableExpectation, ...]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(name="contract", expectations=[_expectation(entry) for entry in entries])


def _expectation(entry: ItemExpectation | TableExpectation) -> Any:
    meta = {"hutong": entry.id}
    if isinstance(entry, TableExpectation):
        rule = entry.rule
        return ExpectColumnValuesToBeBetween(
            column=entry.id,
            min_value=rule.minimum,
            max_value=rule.maximum,
            strict_min=rule.strict_minimum,
            strict_max=rule.strict_maximum,
            meta=meta,
        )
    name = "".join(part.capitalize() for part in entry.expectation.split("_"))
    arguments = json.loads(entry.arguments)
    if hasattr(ours, name):
        return getattr(ours, name)(meta=meta, **arguments)
    if "column_A" in arguments:
        arguments["ignore_row_if"] = "either_value_is_missing"  # a missing value has its own rule
    return getattr(gx.expectations, name)(meta=meta, **arguments)


def _run(
    data: pd.DataFrame, entries: tuple[ItemExpectation | TableExpectation, ...], result_format: dict[str, Any]
) -> ExpectationSuiteValidationResult:
    with _lock:
        batch = _batch_definition().get_batch(batch_parameters={"dataframe": data})
        return batch.validate(_suite(entries), result_format=result_format)


def _in_order(entries: Sequence[ItemExpectation | TableExpectation], result: Any) -> list[Any]:
    """Results by expectation id, each present and none errored: an errored one looks like an empty success."""
    by_id = {outcome.expectation_config.meta["hutong"]: outcome for outcome in result.results}
    for entry in entries:
        outcome = by_id.get(entry.id)
        information = outcome.exception_info if outcome is not None else {"missing": True}
        # Either one record, or one per failing metric.
        records = [information] if "raised_exception" in information else list(information.values())
        if outcome is None or any(r is True or r.get("raised_exception") for r in records):
            # only the kind of error: its message may quote a cell
            kinds = {str(r.get("exception_message", "")).partition(":")[0][:60] for r in records if isinstance(r, dict)}
            raise _not_run(entry.id, "; ".join(sorted(kinds)))
    return [by_id[entry.id] for entry in entries]


def _not_run(id: str, why: str) -> HutongError:
    return HutongError(
        T(f"校验 {id} 未能执行：{why}", f"the expectation {id} could not run: {why}"),
        remedy=T("请检查数据契约中的校验参数。", "Check the expectation's arguments in the contract."),
        code="expectation_errored",
    )
