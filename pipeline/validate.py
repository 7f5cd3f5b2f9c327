"""Judging typed rows by great_expectations. Only what an expectation returns becomes a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.standardise import Chunk, Standardiser
from schemas import keys as key_rules
from schemas.contract import Contract
from schemas.derive import expectations


@dataclass(frozen=True)
class Judged:
    """The findings of a chunk as a table (row_no, item, rule, severity, dimension, raw), which rows have errors, and by item
    the rows whose doubtful value is left out."""

    findings: pa.Table
    bad: NDArray[np.bool_]
    left_out: Mapping[str, NDArray[np.bool_]]


class Judge:
    """The contract's suite, run chunk by chunk."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.suite = expectations.suite(contract)
        self.rules = expectations.rules(contract)
        self.leaving_out = expectations.leaving_out(contract)
        self.typed = expectations.typed_columns(self.suite)

    def __call__(self, chunk: Chunk, standardiser: Standardiser) -> Judged:
        """Every failing cell of the chunk. Raises HutongError when an expectation errored."""
        from schemas.derive import judge

        first = int(chunk.row_no[0]) if len(chunk.row_no) else 1
        frame = judge.frame(chunk.reasons, {item: chunk.values[item] for item in self.typed})
        found = judge.validate(frame, self.suite, first, self.contract.disabled)
        bad = np.zeros(chunk.raw.num_rows, dtype=bool)
        bad[found.error_rows - first] = True
        left_out: dict[str, NDArray[np.bool_]] = {}
        for rule, item in self.leaving_out.items():
            rows = found.row_no[found.rule == rule]
            if len(rows):
                left_out.setdefault(item, np.zeros_like(bad))[rows - first] = True
        return Judged(self._table(found.row_no, found.item, found.rule, chunk, standardiser), bad, left_out)

    def conflicts(self, first_rows: NDArray[np.int64], raw_keys: list[str]) -> pa.Table:
        """Findings for rows whose key another row of the batch claims with other contents."""
        from schemas.derive import judge

        bit = np.uint32(1 << key_rules.RULES.index(key_rules.CONFLICT))
        frame = judge.frame({key_rules.ITEM: np.full(len(first_rows), bit, dtype=np.uint32)})
        found = judge.validate(frame, self.suite[:1], 0, self.contract.disabled)
        rule = self.rules[key_rules.CONFLICT.code]
        return pa.table(
            {
                "row_no": pa.array(first_rows[found.row_no]),
                "item": pa.repeat(key_rules.ITEM, len(found)),
                "rule": pa.repeat(rule.code, len(found)),
                "severity": pa.repeat(rule.severity, len(found)),
                "dimension": pa.repeat(rule.dimension, len(found)),
                "raw": pa.array([raw_keys[index] for index in found.row_no], pa.string()),
            }
        )

    def _table(
        self,
        row_no: NDArray[np.int64],
        items: NDArray[np.object_],
        rules: NDArray[np.object_],
        chunk: Chunk,
        raw: Standardiser,
    ) -> pa.Table:
        parts = []
        for item in dict.fromkeys(items.tolist()):
            here = items == item
            numbers = row_no[here]
            codes = rules[here].tolist()
            if item == key_rules.ITEM:
                cells = pa.nulls(len(numbers), pa.string())
            else:
                cells = as_text(raw.raw(chunk.raw, item).take(pa.array(numbers - chunk.row_no[0])))
            parts.append(
                pa.table(
                    {
                        "row_no": pa.array(numbers),
                        "item": pa.repeat(item, len(numbers)),
                        "rule": pa.array(codes, pa.string()),
                        "severity": pa.array([self.rules[code].severity for code in codes], pa.string()),
                        "dimension": pa.array([self.rules[code].dimension for code in codes], pa.string()),
                        "raw": cells,
                    }
                )
            )
        return pa.concat_tables(parts) if parts else FINDINGS.empty_table()


FINDINGS = pa.schema(
    [
        ("row_no", pa.int64()),
        ("item", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("dimension", pa.string()),
        ("raw", pa.string()),
    ]
)


def as_text(cells: pa.Array) -> pa.Array:
    """Raw cells as text; what PostgreSQL cannot hold (NUL) is shown as U+FFFD."""
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        return pc.binary_join_element_wise(
            pa.scalar("0x"), pa.array([c.hex() if c else None for c in cells.to_pylist()]), ""
        )
    text = cells.cast(pa.string())
    return pc.replace_substring(text, "\x00", "\ufffd")
