"""Cells that name several persons or things: split, standardised and judged part by part.

The record keeps the cell; the parts serve the findings and the mentions.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.types import columns

if TYPE_CHECKING:
    from schemas.types.base import Options, Reasons, ValueType


class Parts(NamedTuple):
    """The parts of a column: the row each came from, its text, and with a pair sign the name and number in it."""

    parent: npt.NDArray[np.int64]
    names: pa.Array | None
    numbers: pa.Array | None
    text: pa.Array


def split(raw: pa.Array, separator: str, pair: str | None) -> Parts:
    """Split cells at `separator` (any of its characters, in either width), each part at the first `pair` sign.

    Empty parts vanish. A part without the pair sign is a name without a number.
    """
    column = _cell_text(raw)
    lists = pc.split_pattern_regex(column, _either_width(separator))
    parent: npt.NDArray[np.int64] = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    texts = columns.cells(pc.list_flatten(lists))
    there = pc.is_valid(texts)
    parent, texts = parent[columns.mask(there)], texts.filter(there)
    if not pair:
        return Parts(parent, None, None, texts)
    sides = pc.extract_regex(texts, f"(?s)^(?P<name>.*?)(?:{_either_width(pair)}(?P<number>.*))?$")
    names = columns.cells(pc.struct_field(sides, "name"))
    return Parts(parent, names, columns.cells(pc.struct_field(sides, "number")), texts)


def standardise(kind: ValueType, raw: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
    """The trimmed half-width cells, and per row all reasons of its parts, parsed and judged."""
    values = _cell_text(raw)
    found = split(values, options.separator or "", options.pair)
    parts = {"names": found.names, "numbers": found.numbers, "text": found.text}[kind.judges]
    parts = found.text if parts is None else parts
    kinds = None if options.kinds is None else options.kinds.take(pa.array(found.parent))
    alone = replace(options, separator=None, pair=None, required=False, kinds=kinds)
    standard, reasons = kind.standardise(parts, alone)
    reasons |= kind.judge(standard, alone)
    per_row = np.zeros(len(values), np.uint32)
    np.bitwise_or.at(per_row, found.parent, reasons)
    if options.required:
        empty = np.ones(len(values), bool)
        empty[found.parent] = False
        per_row[empty] |= kind.bit("required")
    return values, per_row


def _cell_text(raw: pa.Array) -> pa.Array:
    return columns.cells(columns.half_width(columns.text(columns.cells(raw))))


def _either_width(signs: str) -> str:
    """A regular expression for any of the signs, in full or half width."""
    wide = {narrow: full for full, narrow in columns.FULL_WIDTH.items()}
    either = {
        alternative for sign in map(ord, signs) for alternative in (sign, wide.get(sign), columns.FULL_WIDTH.get(sign))
    }
    return "[" + "".join(re.escape(chr(sign)) for sign in sorted(filter(None, either))) + "]"
