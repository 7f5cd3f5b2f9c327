"""Keys and content hashes: equal for equal typed rows, however they are cut; different otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys

VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=6)),
    "date": (pa.date32(), st.dates(date(1850, 1, 1), date(9999, 12, 31))),
    "money": (pa.decimal128(18, 2), st.decimals(Decimal(-999), Decimal(999), places=2)),
    "decimal": (pa.decimal128(24, 6), st.decimals(Decimal(-999), Decimal(999), places=6)),
    "integer": (pa.int64(), st.integers(-(2**40), 2**40)),
    "boolean": (pa.bool_(), st.booleans()),
    "timestamp": (
        pa.timestamp("us", "UTC"),
        st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
    ),
}
ROW = st.tuples(*(st.none() | strategy for _, strategy in VALUES.values()))


def columns(rows: list[tuple[Any, ...]]) -> list[pa.Array]:
    return [
        pa.array(list(cells), kind) for cells, (kind, _) in zip(zip(*rows, strict=True), VALUES.values(), strict=True)
    ]


@given(st.lists(ROW, min_size=2, max_size=12), st.integers(0, 10))
def test_hashes_are_equal_exactly_for_equal_rows(rows: list[tuple[Any, ...]], cut: int) -> None:
    made = keys.row_hashes(columns(rows))
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            assert (made[i] == made[j]) == (one == other)
    cut = min(cut, len(rows) - 1)
    sliced = keys.row_hashes([column.slice(cut) for column in columns(rows)])
    assert (sliced == made[cut:]).all()


@pytest.mark.parametrize("name", [name for name in VALUES if name != "text"])
def test_whatever_lies_under_a_null_does_not_matter(name: str) -> None:
    kind, _ = VALUES[name]
    clean = pa.nulls(3, kind)
    width = max(kind.bit_width // 8, 1) * 3
    dirty = pa.Array.from_buffers(kind, 3, [pa.py_buffer(b"\x00"), pa.py_buffer(b"\xff" * width)])
    assert (keys.row_hashes([clean]) == keys.row_hashes([dirty])).all()


@given(
    st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=40),
    st.lists(st.binary(min_size=16, max_size=16), max_size=40),
)
def test_known_keys_are_found_and_no_others(held: list[bytes], asked: list[bytes]) -> None:
    known = keys.Known.of(np.array(held, dtype="V16") if held else np.zeros(0, "V16"), np.arange(len(held)))
    probes = asked + held
    found = known.find(np.frombuffer(b"".join(probes), dtype="V16"))
    assert [None if at < 0 else held[known.content[at]] for at in found] == [
        key if key in held else None for key in probes
    ]


def test_keys_that_share_a_half_are_told_apart() -> None:
    same_high = [b"\1" * 8 + bytes([n]) * 8 for n in range(5)]
    known = keys.Known.of(np.array(same_high, dtype="V16"), np.arange(5))
    assert (known.find(np.array(same_high, dtype="V16")) >= 0).all()
    assert (known.find(np.array([b"\1" * 8 + b"\x99" * 8], dtype="V16")) < 0).all()
    incoming = keys.Incoming()
    incoming.add(np.array([*same_high, same_high[2]], dtype="V16"), np.arange(6), np.arange(6), np.zeros(6, dtype=bool))
    assert [(repeat.rows, bytes(repeat.key)) for repeat in incoming.repeats()] == [([2, 5], same_high[2])]
