"""A contract as a way of showing its rows: personal items are masked by their value type, the others shown."""

from __future__ import annotations

import pyarrow as pa

from schemas.contract import Contract
from schemas.types import Level


def mask(contract: Contract, rows: pa.RecordBatch, level: Level) -> pa.RecordBatch:
    """The rows with every personal item in display form. Columns that the contract does not name are dropped: what may
    be shown is an allow-list."""
    columns: dict[str, pa.Array] = {}
    for item in contract.items:
        if item.name in rows.schema.names:
            values = rows.column(item.name)
            columns[item.name] = item.type.mask(values, level) if item.personal else values
    return pa.RecordBatch.from_pydict(columns)
