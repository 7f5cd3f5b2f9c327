"""Our own expectations, as great_expectations wants them. Import it late, through schemas/derive/judge.py only.

Each is a metric (which cells or pairs are in order, vectorised) and the expectation that names it. In the pair
metrics `column_A` and `column_B` are typed values, Arrow-backed.
"""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)
from great_expectations.expectations.registry import get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

_COUNT, _LIST = (
    f"column_values.conforms_to_its_value_type.{part}" for part in ("unexpected_count", "unexpected_index_list")
)
_PAIR = ("batch_id", "table", "column_A", "column_B", "row_condition", "condition_parser", "ignore_row_if")
_PAIR_EXPECTATION: Any = ("batch_id", "column_A", "column_B", "row_condition", "condition_parser", "ignore_row_if")


class ItemConforms(ColumnMapMetricProvider):
    """A cell conforms when no reason bit is set. Nulls are not dropped: an unparsable cell is a null *with* a reason."""

    condition_metric_name = "column_values.conforms_to_its_value_type"
    filter_column_isnull = False

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> pd.Series:
        return column == 0


class ExpectItemToConform(ColumnMapExpectation):
    """Expect every cell of an item to conform to its value type.

    Its outcome is what the product reads: how many cells fail, and which. The base class asks for six metrics, each with its
    own dependencies; of a small batch their bookkeeping takes longer than everything else.
    """

    map_metric = "column_values.conforms_to_its_value_type"

    def get_validation_dependencies(
        self,
        execution_engine: ExecutionEngine[Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
        **_: Any,
    ) -> ValidationDependencies:
        """The two metrics."""
        needed = BatchExpectation.get_validation_dependencies(self, execution_engine, runtime_configuration)
        for name in (_COUNT, _LIST):
            of = get_metric_kwargs(name, self.configuration, runtime_configuration)
            metric = MetricConfiguration(name, of["metric_domain_kwargs"], of["metric_value_kwargs"])
            needed.set_metric_configuration(name, metric)
        return needed

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        found = {"unexpected_count": metrics[_COUNT], "unexpected_index_list": metrics[_LIST]}
        return {"success": metrics[_COUNT] == 0, "result": found}


class OneOfTwoPresent(ColumnPairMapMetricProvider):
    """A pair is in order when either value is there."""

    condition_metric_name = "column_pair_values.one_present"
    condition_domain_keys = _PAIR
    condition_value_keys = ()

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, **_: Any) -> pd.Series:
        return column_A.notna() | column_B.notna()


class ExpectOneOfTwoItemsToBePresent(ColumnPairMapExpectation):
    """Expect a row to fill at least one of two items."""

    map_metric = "column_pair_values.one_present"
    domain_keys = _PAIR_EXPECTATION
    ignore_row_if: Literal["neither"] = "neither"  # judge every row, nulls too


class PresentInCategory(ColumnPairMapMetricProvider):
    """A pair is in order when the value is there, or its category is none of those that ask for it."""

    condition_metric_name = "column_pair_values.present_in_category"
    condition_domain_keys = _PAIR
    condition_value_keys = ("categories",)

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, categories: list[str], **_: Any) -> pd.Series:
        return column_A.notna() | ~column_B.isin(categories)


class ExpectItemToBePresentInCategory(ColumnPairMapExpectation):
    """Expect an item (column_A) to be filled where another (column_B) is one of the categories."""

    map_metric = "column_pair_values.present_in_category"
    success_keys = ("categories", "mostly")
    categories: list[str]
    domain_keys = _PAIR_EXPECTATION
    ignore_row_if: Literal["neither"] = "neither"  # a missing value is what it looks for


class BirthMatchesNumber(ColumnPairMapMetricProvider):
    """A pair is in order when the first `digits` of the date (yyyymmdd) stand in the 18-digit citizen number (GB 11643: from
    the seventh). Numbers of other forms say nothing and are in order; so are permanent-residence cards (first digit 9)."""

    condition_metric_name = "column_pair_values.birth_matches_number"
    condition_domain_keys = _PAIR
    condition_value_keys = ("digits",)

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, digits: int, **_: Any) -> pd.Series:
        numbers = pa.array(column_B).cast(pa.string())
        day = pc.strftime(pa.array(column_A).cast(pa.timestamp("s")), format="%Y%m%d")
        speaks = pc.match_substring_regex(numbers, r"^[1-8]\d{16}[\dX]$")
        agrees = pc.equal(pc.utf8_slice_codeunits(numbers, 6, 6 + digits), pc.utf8_slice_codeunits(day, 0, digits))
        return _series(pc.or_(pc.invert(speaks), agrees), column_A)


class ExpectBirthToMatchCitizenNo(ColumnPairMapExpectation):
    """Expect the date of birth (column_A) to be that of the citizen number (column_B)."""

    map_metric = "column_pair_values.birth_matches_number"
    success_keys = ("digits", "mostly")
    digits: int = 8
    domain_keys = _PAIR_EXPECTATION
    ignore_row_if: Literal["either_value_is_missing"] = "either_value_is_missing"


class ExpectBirthMonthToMatchCitizenNo(ExpectBirthToMatchCitizenNo):
    """Expect the month of birth (column_A, its first day) to be that of the citizen number (column_B)."""

    digits: int = 6


class PrefixMatchesCategory(ColumnPairMapMetricProvider):
    """A pair is in order when the code starts with one of the prefixes allowed to its category; a category that is not
    listed allows every code, and so does a code of another `length` (0: every length is judged)."""

    condition_metric_name = "column_pair_values.prefix_matches_category"
    condition_domain_keys = _PAIR
    condition_value_keys = ("prefixes", "length")

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls, column_A: pd.Series, column_B: pd.Series, prefixes: dict[str, list[str]], length: int, **_: Any
    ) -> pd.Series:
        code, category = pa.array(column_A).cast(pa.string()), pa.array(column_B).cast(pa.string())
        fine = pc.invert(pc.is_in(category, pa.array(list(prefixes), pa.string())))
        if length:
            fine = pc.or_(fine, pc.not_equal(pc.utf8_length(code), length))
        for name, allowed in prefixes.items():
            for prefix in allowed:
                fine = pc.or_(fine, pc.and_(pc.equal(category, name), pc.starts_with(code, prefix)))
        return _series(fine, column_A)


class ExpectPrefixToMatchCategory(ColumnPairMapExpectation):
    """Expect a code (column_A) to start as its category (column_B) asks."""

    map_metric = "column_pair_values.prefix_matches_category"
    success_keys = ("prefixes", "length", "mostly")
    prefixes: dict[str, list[str]]
    length: int = 0
    domain_keys = _PAIR_EXPECTATION
    ignore_row_if: Literal["either_value_is_missing"] = "either_value_is_missing"


def _series(condition: pa.Array, like: pd.Series) -> pd.Series:
    return pd.Series(condition.fill_null(False).to_numpy(zero_copy_only=False), index=like.index)
