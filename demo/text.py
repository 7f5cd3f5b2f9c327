"""Vectorised text building blocks: fixed-width numpy strings made of digits, joined parts and weighted draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Text = NDArray[np.str_]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Days = NDArray[np.datetime64]
Rng = np.random.Generator

_FOUR_DIGITS = ((np.arange(10_000)[:, None] // [1000, 100, 10, 1]) % 10 + ord("0")).astype(np.uint32)
_BLOCK = 1 << 17  # rows a code-point matrix is made for at a time: keeps a million keys from needing gigabytes


def digits(values: ArrayLike, width: int) -> Text:
    """Non-negative integers as decimal text of exactly `width` digits, zero-padded, higher digits cut."""
    numbers = np.asarray(values, dtype=np.int64)
    out = np.empty((numbers.size, width), dtype=np.uint32)
    for start in range(0, numbers.size, _BLOCK):
        left = numbers[start : start + _BLOCK]
        for end in range(width, 0, -4):
            begin = max(end - 4, 0)
            out[start : start + _BLOCK, begin:end] = _FOUR_DIGITS[left % 10_000][:, 4 - (end - begin) :]
            left = left // 10_000
    return out.view(f"<U{width}").ravel()


def plain(values: ArrayLike) -> Text:
    """Integers as decimal text no wider than the widest of them."""
    numbers = np.asarray(values, dtype=np.int64)
    widest = max((len(str(int(end))) for end in (numbers.min(), numbers.max())), default=1) if numbers.size else 1
    return numbers.astype(f"<U{widest}")


def points(text: Text, width: int) -> NDArray[np.uint32]:
    """Text of at most `width` characters as a (rows, width) matrix of code points; 0 where it ends."""
    return np.ascontiguousarray(text.astype(f"<U{width}")).view(np.uint32).reshape(-1, width)


def join(*parts: Text | str) -> Text:
    """Element-wise concatenation; plain strings are broadcast."""
    return reduce(np.strings.add, [np.asarray(part, dtype=np.str_) for part in parts])


def draw(rng: Rng, words: Sequence[str], size: int, weights: Sequence[float] | None = None) -> Text:
    """`size` words drawn with replacement, by weight where given."""
    share = None if weights is None else np.asarray(weights, dtype=float) / sum(weights)
    return np.asarray(words, dtype=np.str_)[rng.choice(len(words), size=size, p=share)]


def numbers_as_text(values: ArrayLike, places: int) -> Text:
    """Integers counting units of 10^-places as decimal text: (12345, 2) → "123.45"."""
    whole = np.asarray(values, dtype=np.int64)
    if places == 0:
        return plain(whole)
    return join(plain(whole // 10**places), ".", digits(whole % 10**places, places))


def iso(days: Days) -> Text:
    """Dates as yyyy-mm-dd; missing ones as the empty text."""
    return _spelt(days, "D")


def compact(days: Days) -> Text:
    """Dates as yyyymmdd."""
    return _spelt(days, "D", hyphens=False)


def yyyymm(months: Days) -> Text:
    """Months (datetime64[M]) as yyyymm."""
    return _spelt(months, "M", hyphens=False)


def _spelt(times: Days, unit: Literal["D", "M"], *, hyphens: bool = True) -> Text:
    """Each day or month between the first and the last is spelt once; a million rows have some ten thousand of them."""
    moments = times.astype(f"datetime64[{unit}]").astype(np.int64)
    known = ~np.isnat(times)
    if not known.any():
        return np.full(times.size, "", dtype="<U1")
    first, last = moments[known].min(), moments[known].max()
    every = np.datetime_as_string(np.arange(first, last + 1).astype(f"datetime64[{unit}]"), unit=unit)
    spelt = every if hyphens else np.strings.replace(every, "-", "")
    return np.append(spelt, "")[np.where(known, moments - first, spelt.size)]


def some(rng: Rng, among: Mask, count: float) -> Ints:
    """`count` different row numbers of a mask, ascending: rounded, at least one where any qualifies."""
    candidates = np.flatnonzero(among)
    size = min(candidates.size, max(round(count), 1))
    return np.sort(rng.choice(candidates, size=size, replace=False)).astype(np.int64)


def turns(values: Text) -> Ints:
    """For each value how many rows before it hold the same one."""
    _, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ordered = inverse[order]
    out = np.empty(values.size, dtype=np.int64)
    out[order] = np.arange(values.size) - np.searchsorted(ordered, ordered)
    return out


def put(array: NDArray[Any], rows: Ints, values: ArrayLike) -> NDArray[Any]:
    """The array with some rows replaced, widened first where text would not fit."""
    new = np.asarray(values)
    out = array.astype(np.promote_types(array.dtype, new.dtype)) if array.dtype.kind == "U" else array.copy()
    out[rows] = new
    return out


def translate(values: Text, mapping: Mapping[str, str], default: str = "") -> Text:
    """Each value replaced by what the mapping says."""
    return np.select(
        [values == key for key in mapping], [np.asarray(text) for text in mapping.values()], np.asarray(default)
    )
