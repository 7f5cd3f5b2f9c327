"""The six dimensions of GB/T 36344 as fractions of what was assessed: the formulas, and a batch's own figures.

An *element* is one cell, or one row, for each dimension that something expects of it. Of 规范性, 完整性, 准确性 and 一致性:
elements assessed less findings of that dimension, of all assessed. 时效性: how far the promised cycle was kept.
可访问性: the runs that brought data, of all runs. docs/how-to/quality.md says it in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from core.text import T
from pipeline.batch import Batch
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.derive import expectations
from schemas.types import COMMON

DIMENSIONS: Mapping[str, T] = {
    "conformity": T("规范性", "conformity"),
    "completeness": T("完整性", "completeness"),
    "accuracy": T("准确性", "accuracy"),
    "consistency": T("一致性", "consistency"),
    "timeliness": T("时效性", "timeliness"),
    "accessibility": T("可访问性", "accessibility"),
}
#: those that the content of the rows decides
OF_CONTENT = ("conformity", "completeness", "accuracy", "consistency")
REQUIRED, RANGE, ENUM = (rule.code for rule in COMMON)


@dataclass(frozen=True, slots=True)
class Measure:
    """One dimension: elements that are as they should be, of those assessed."""

    good: int
    assessed: int

    @property
    def score(self) -> float | None:
        """In percent, rounded down, so that 100 is said only when nothing is amiss; None when nothing was assessed."""
        return 1000 * self.good // self.assessed / 10 if self.assessed else None

    def as_json(self) -> dict[str, Any]:
        """Score, numerator and denominator."""
        return {"score": self.score, "good": self.good, "assessed": self.assessed}


def overall(measures: Mapping[str, Measure]) -> float | None:
    """The mean of the dimensions that were assessed, in percent, rounded down to a tenth."""
    scores = [measure.good / measure.assessed for measure in measures.values() if measure.assessed]
    return int(1000 * (sum(scores) / len(scores)) + 1e-9) / 10 if scores else None


def elements(contract: Contract) -> Counter[str]:
    """How many elements one row has in each dimension: of each expectation, the dimensions its rules can find fault in."""
    found: Counter[str] = Counter()
    items = {item.name: item for item in contract.items}
    for expectation in expectations.suite(contract):
        if expectation.id in contract.disabled:
            continue
        rules = expectation.rules
        if expectation.item != key_rules.ITEM and expectation.expectation == expectations.CONFORM:
            item = items[expectation.item]
            # what every type could find is only assessed where the contract asks for it
            asked = {
                REQUIRED: item.required,
                RANGE: item.options.minimum is not None or item.options.maximum is not None,
                ENUM: bool(item.enum),
            }
            rules = tuple(rule for rule in rules if asked.get(rule.code, True))
        found.update({rule.dimension for rule in rules} & set(OF_CONTENT))
    return found


def of_content(contract: Contract, rows: int, faults: Mapping[str, int]) -> dict[str, Measure]:
    """The dimensions of content, of so many rows with so many findings in each dimension."""
    every = elements(contract)
    found = {}
    for dimension in OF_CONTENT:
        assessed = rows * every[dimension]
        found[dimension] = Measure(max(assessed - faults.get(dimension, 0), 0), assessed)
    return found


def kept(promised: timedelta, age: timedelta) -> Measure:
    """How far a cycle was kept: the promise as a part of the time that passed, in seconds."""
    allowed, passed = max(int(promised.total_seconds()), 1), int(age.total_seconds())
    return Measure(allowed, max(allowed, passed))


def of_batch(connection: Connection, contract: Contract, batch: Batch, findings: Mapping[str, int]) -> dict[str, Any]:
    """A batch's figures, for its evidence, inside its merge: `findings` by rule. A replay says nothing of its source."""
    rules = expectations.rules(contract)
    faults: Counter[str] = Counter()
    for code, count in findings.items():
        if code in rules:
            faults[rules[code].dimension] += count
    measures = of_content(contract, batch.landed_rows or 0, faults)
    if batch.origin == "feed":
        row = connection.execute(
            text(
                "SELECT max(seq) AS seq, max(landed_at) AS landed_at FROM hub.batch WHERE feed = :feed AND origin = 'feed' "
                "AND state IN ('merged', 'delivered')"
            ),
            {"feed": batch.feed},
        ).one()
        tries = connection.execute(
            text(
                "SELECT count(*) FROM hub.batch WHERE feed = :feed AND origin = 'feed' AND seq > :last AND seq < :seq "
                "AND state IN ('failed', 'blocked', 'dropped')"
            ),
            {"feed": batch.feed, "last": row.seq or 0, "seq": batch.seq},
        ).scalar_one()
        gap = batch.landed_at - row.landed_at if batch.landed_at and row.landed_at else timedelta()
        measures |= {"timeliness": kept(contract.cycle.period, gap), "accessibility": Measure(1, 1 + tries)}
    return {name: [measure.good, measure.assessed] for name, measure in measures.items()}


def in_evidence(evidence: Mapping[str, Any]) -> dict[str, Measure]:
    """The figures that a batch's evidence keeps; none of batches merged before they were kept."""
    return {name: Measure(*pair) for name, pair in evidence.get("quality", {}).items()}
