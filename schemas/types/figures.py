"""Figures as exact decimals: strings with separators, currency signs and units, and native numbers. Never float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from schemas.types import columns

_SIGNS = dict.fromkeys(map(ord, ",，'’ \t\u00a0￥¥$"))
_FIGURE = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)(?:/(\d{1,12}))?", re.A)
_READABLE = 38  # characters; beyond 38 digits Arrow's cast gives another figure, without a word
UNITS = {"万亿": 10**12, "亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "千": 10**3}


class Figures(NamedTuple):
    """Decimals, and which rows could not be read, did not fit, or lost digits by rounding (half up)."""

    values: pa.Array
    unreadable: columns.Bools
    too_large: columns.Bools
    rounded: columns.Bools


def exact(cells: pa.Array, kind: pa.DataType, factor: Decimal = Decimal(1), *, money: bool = False) -> Figures:
    """Cells × `factor` as decimals of `kind`. With `money`, a unit in the cell (1.2万元) replaces the factor; without,
    percentages and fractions (50%, 1/2) are read too.
    """
    n = len(cells)
    floating = pa.types.is_floating(cells.type)
    if floating:  # as they print: the shortest figure that means this float
        cells = columns.text(cells)
    clean = Figures(cells, np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool))
    shift = _power_of_ten(factor)
    written = pa.types.is_string(cells.type)
    if shift is not None:  # read with that many more decimals, then only the point moves
        finer = pa.decimal128(kind.precision, kind.scale + shift)
        try:
            if written and (columns.lengths(cells) > _READABLE).any():
                raise pa.ArrowInvalid("too long")
            return clean._replace(values=_as(cells.cast(finer), kind))
        except pa.ArrowInvalid:
            pass
    text = columns.half_width(columns.text(cells))
    easy = np.zeros(n, bool)
    values = pa.nulls(n, kind)
    if shift is not None:
        easy = columns.mask(text.is_valid())
        easy[columns.rows_where(text, _no_figure_bytes)] = False
        easy[columns.lengths(text) > _READABLE] = False
        try:
            values = _as(columns.null_where(text, ~easy).cast(finer), kind)
        except pa.ArrowInvalid:  # too many decimals or digits somewhere: look at every row
            room = kind.precision - finer.scale
            fraction = rf"(?:\.\d{{1,{finer.scale}}})?" if finer.scale else ""
            easy = columns.matches(text, rf"^-?\d{{1,{room}}}{fraction}$")
            values = _as(columns.null_where(text, ~easy).cast(finer), kind)
    hard = np.flatnonzero(~easy & columns.mask(text.is_valid()))
    if not hard.size:
        return clean._replace(values=values)
    some = text.take(pa.array(hard)).dictionary_encode()
    read = [_read(value, kind, factor, money) for value in some.dictionary.to_pylist()]
    values = columns.put(values, hard, pa.array([figure for figure, _ in read], kind).take(some.indices))
    index = some.indices.to_numpy()
    flags = np.zeros((3, n), bool)
    for row, flag in zip(flags, ("unreadable", "too_large", "rounded"), strict=True):
        row[hard] = np.array([word == flag for _, word in read])[index]
    if floating and kind.scale:  # a binary fraction is never exact: that is how floats are, not a finding
        flags[2] = False
    return Figures(values, *flags)


def _no_figure_bytes(data: columns.Bytes) -> columns.Bools:
    """Bytes other than digits, point and minus."""
    odd: columns.Bools = ((data - np.uint8(0x2D)) > 0x0C) | (data == 0x2F)
    return odd


def _power_of_ten(factor: Decimal) -> int | None:
    shift = factor.adjusted()
    return shift if shift >= 0 and factor == Decimal(10) ** shift else None


def _as(finer: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same digits with the decimal point of `kind`."""
    return pa.Array.from_buffers(kind, len(finer), finer.buffers(), offset=finer.offset)


def _read(value: str, kind: pa.DataType, factor: Decimal, money: bool) -> tuple[Decimal | None, str | None]:
    text = value.translate(_SIGNS).removeprefix("人民币").removeprefix("CNY").removeprefix("RMB")
    if money:
        text = text.removesuffix("整").removesuffix("人民币").removesuffix("元")
        for unit, size in UNITS.items():
            if text.endswith(unit):
                text, factor = text.removesuffix(unit), Decimal(size)
                break
    elif text.endswith("%"):
        text, factor = text.removesuffix("%"), factor / 100
    if text.startswith("(") and text.endswith(")"):  # accountants' minus
        text = "-" + text[1:-1]
    match = _FIGURE.fullmatch(text)
    if not match:
        return None, "unreadable"
    share = match[2]
    if share and (money or not int(share)):
        return None, "unreadable"
    with localcontext() as context:
        context.prec = 80
        try:
            figure = Decimal(match[1]) * factor / (int(share) if share else 1)
            result = figure.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
        except InvalidOperation:
            return None, "too_large"
    if result.adjusted() >= kind.precision - kind.scale:
        return None, "too_large"
    return result, None if result == figure or share else "rounded"
