"""A contract as an Arrow schema: the typed values of a standardised batch, in the contract's order."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from schemas.parts import Item


def schema(items: Iterable[Item]) -> pa.Schema:
    """One nullable field per item: requiredness is judged, never constrained (DESIGN: no row vanishes)."""
    return pa.schema([pa.field(item.name, item.type.arrow, nullable=True) for item in items])
