"""A contract as a great_expectations suite: what is expected, as plain values. Running it is schemas/derive/judge.py,
which alone imports great_expectations (five seconds).

The standardiser leaves, per item, a bit mask of reasons a cell offends against its value type's rules. One
`ExpectItemToConform` per item judges that mask: only what an expectation returns becomes a finding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.text import T
from schemas import keys
from schemas.contract import Contract
from schemas.parts import RowRule, TableRule
from schemas.types import Rule

REASONS = "__reasons"  # the frame's column `<item>__reasons`; item names cannot contain a double underscore
CONFORM = "expect_item_to_conform"


@dataclass(frozen=True)
class ItemExpectation:
    """One expectation over rows. `rules` are those its findings may name: bit i of the reasons is `rules[i]`; a stock
    expectation has exactly one. `columns` are what the frame must hold for it."""

    id: str
    item: str
    expectation: str
    columns: tuple[str, ...]
    arguments: str  # JSON: great_expectations' keyword arguments
    rules: tuple[Rule, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Rule codes by bit."""
        return tuple(rule.code for rule in self.rules)


def suite(contract: Contract) -> list[ItemExpectation]:
    """Every expectation over rows: the key, one per item, then the contract's own custom ones."""
    found = [_conform(contract.id, keys.ITEM, keys.RULES)]
    found += [_conform(contract.id, item.name, item.type.rules) for item in contract.items]
    for rule in contract.row_rules:
        code = _code(contract, rule)
        arguments: dict[str, Any] = dict(zip(_ARGUMENTS[len(rule.items)], rule.items, strict=True)) | dict(
            rule.arguments
        )
        found.append(
            ItemExpectation(
                id=code,
                item=rule.items[0],
                expectation=rule.expectation,
                columns=rule.items,
                arguments=json.dumps(arguments, sort_keys=True),
                rules=(
                    Rule(
                        code=code,
                        severity=rule.severity,
                        dimension=rule.dimension,
                        message=rule.title,
                        remedy=_CORRECT if rule.keeps_value else _LEFT_OUT,
                    ),
                ),
            )
        )
    return found


_CORRECT = T("请在来源系统更正。", "Correct it in the source system.")
_LEFT_OUT = T(
    "该值未入库,更正后自动补上；请在来源系统更正。",
    "The value was left out and comes with its correction: correct it in the source system.",
)
_ARGUMENTS = {1: ("column",), 2: ("column_A", "column_B")}


def _conform(dataset: str, item: str, rules: tuple[Rule, ...]) -> ItemExpectation:
    column = item + REASONS
    return ItemExpectation(
        f"{dataset}.{item}.conform", item, CONFORM, (column,), json.dumps({"column": column}), tuple(rules)
    )


def rules(contract: Contract) -> Mapping[str, Rule]:
    """Every rule a finding on this dataset's rows can name, by code."""
    return {rule.code: rule for expectation in suite(contract) for rule in expectation.rules}


def leaving_out(contract: Contract) -> Mapping[str, str]:
    """The rules whose findings leave the doubtful value out of its row: code → item."""
    return {_code(contract, rule): rule.items[0] for rule in contract.row_rules if not rule.keeps_value}


def _code(contract: Contract, rule: RowRule) -> str:
    return f"{contract.id}.{rule.id}"


def typed_columns(expectations: list[ItemExpectation]) -> set[str]:
    """Items whose typed values the frame must hold beside the reasons, because a stock expectation reads them."""
    return {column for entry in expectations if entry.expectation != CONFORM for column in entry.columns}


@dataclass(frozen=True)
class TableExpectation:
    """One expectation over totals; `column` is the total it judges (`schemas.derive.sql.totals` names them)."""

    id: str
    column: str
    rule: TableRule


def table_suite(contract: Contract) -> list[TableExpectation]:
    """The contract's table rules. Whether they judge the batch or the current rows is the pipeline's to decide."""
    return [
        TableExpectation(f"{contract.id}.{rule.id}", "rows" if rule.metric == "rowCount" else rule.id, rule)
        for rule in contract.table_rules
    ]
