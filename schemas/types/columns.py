"""Arrow columns seen as bytes: trimming, widths, repair of the few odd rows. Nothing here knows a rule.

Clean rows never reach Python: they are recognised by whole-column byte tests; only odd rows are repaired, once per
distinct value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}
_BLANKS = dict.fromkeys(map(ord, " \t\r\n\v\f\u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"))
_BLOCK = 16_384  # rows whose transposed bytes stay in the second-level cache
_BYTES = 262_144  # bytes likewise


class Strings(NamedTuple):
    """The buffers of a string column: bytes, n + 1 offsets into them, and which rows are not null."""

    data: Bytes
    offsets: npt.NDArray[np.int32]
    valid: Bools


def mask(condition: pa.Array) -> Bools:
    """A boolean column as numpy; null counts as false."""
    filled: Bools = condition.fill_null(False).to_numpy(zero_copy_only=False)
    return filled


def strings(column: pa.Array) -> Strings:
    """The buffers of a string column; `data` is cut to what the rows use, offsets start at 0."""
    n = len(column)
    if n == 0 or column.null_count == n:
        return Strings(np.empty(0, np.uint8), np.zeros(n + 1, np.int32), np.zeros(n, bool))
    _, positions, content = column.buffers()
    offsets = np.frombuffer(positions, np.int32, n + 1, column.offset * 4)
    data = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
    valid = np.ones(n, bool) if column.null_count == 0 else mask(column.is_valid())
    return Strings(data, offsets - offsets[0] if offsets[0] else offsets, valid)


def lengths(column: pa.Array) -> npt.NDArray[np.int32]:
    """Bytes per row; -1 for null."""
    view = strings(column)
    widths: npt.NDArray[np.int32] = np.diff(view.offsets)
    if not view.valid.all():
        widths = np.where(view.valid, widths, np.int32(-1))
    return widths


def cells(raw: pa.Array) -> pa.Array:
    """One flat column; strings are trimmed and blank ones become null; other types stay as they are."""
    if isinstance(raw, pa.ChunkedArray):
        raw = raw.combine_chunks()
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_null(raw.type):
        return raw.cast(pa.string())
    if not _is_text(raw.type):
        return raw
    column = raw if pa.types.is_string(raw.type) else raw.cast(pa.string())
    data = strings(column).data
    if data.size and (data.min() <= 0x20 or data.max() >= 0x80):
        column = pc.utf8_trim_whitespace(column)
    blank = lengths(column) == 0
    return null_where(column, blank) if blank.any() else column


def text(column: pa.Array) -> pa.Array:
    """Any native column as strings: whole numbers without a fraction, other floats as they print."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        # 2^53: a larger whole number has already lost digits; printed with an exponent it is recognised as mangled
        exact = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), 2.0**53))
        whole = pc.cast(pc.if_else(exact, column, 0.0), pa.int64())
        return pc.if_else(exact, pc.cast(whole, pa.string()), pc.cast(column, pa.string()))
    if pa.types.is_decimal(kind):
        plain = pc.cast(column, pa.string())
        return pc.utf8_rtrim(pc.utf8_rtrim(plain, "0"), ".") if kind.scale > 0 else plain
    return pc.cast(column, pa.string())


def identifier(column: pa.Array) -> pa.Array:
    """An identifier in one spelling: half-width, upper case, no blanks, no spreadsheet `.0` and no leading quote."""
    column = text(column)
    return repair(column, rows_where(column, _not_alphanumeric), one_spelling)


def _not_alphanumeric(data: Bytes) -> Bools:
    if data.size and data.min() >= 0x30 and data.max() <= 0x39:
        return np.zeros(0, bool)
    return ~(is_digit(data) | is_capital(data))


def blank_bytes(data: Bytes) -> Bools:
    """ASCII blanks and control characters."""
    none: Bools = np.zeros(0, bool)
    return none if data.size == 0 or data.min() > 0x20 else data <= 0x20


def one_spelling(value: str) -> str | None:
    """One identifier as `identifier` writes it; None when nothing is left."""
    value = value.translate(FULL_WIDTH).translate(_BLANKS).upper().lstrip("'")
    whole, point, fraction = value.partition(".")
    if point and whole.isdigit() and fraction and not fraction.strip("0"):
        value = whole
    return value or None


def half_width(column: pa.Array, *, letters_only: bool = False) -> pa.Array:
    """Full-width ASCII and the ideographic space as half-width; hanzi and everything else untouched.

    `letters_only` keeps full-width punctuation, which is how Chinese prose is written.
    """
    view = strings(column)
    data = view.data
    if data.size < 3 or data.max() < 0xE3:
        return column
    lead = np.flatnonzero((data[:-2] == 0xEF) | (data[:-2] == 0xE3))
    first, second, third = data[lead], data[lead + 1], data[lead + 2]
    low = (first == 0xEF) & (second == 0xBC) & (third >= 0x81)
    high = (first == 0xEF) & (second == 0xBD) & (third <= 0x9E)
    ascii_ = np.where(low, third - np.uint8(0x60), third - np.uint8(0x20)).astype(np.uint8)
    space = (first == 0xE3) & (second == 0x80) & (third == 0x80)
    ascii_[space] = 0x20
    hit = low | high | space
    if letters_only:
        upper = ascii_ & np.uint8(0xDF)
        hit &= space | ((ascii_ - np.uint8(0x30)) <= 9) | ((upper >= 0x41) & (upper <= 0x5A))
    if not hit.any():
        return column
    at = lead[hit]
    bytes_ = data.copy()
    bytes_[at] = ascii_[hit]
    keep = np.ones(len(data), bool)
    keep[at + 1] = keep[at + 2] = False
    offsets = (view.offsets - 2 * np.searchsorted(at, view.offsets)).astype(np.int32)
    return from_bytes(bytes_[keep], offsets, view.valid)


def from_bytes(data: Bytes, offsets: npt.NDArray[np.int32], valid: Bools | None = None) -> pa.Array:
    """A string column from its buffers."""
    validity = None if valid is None or valid.all() else pa.array(valid).buffers()[1]
    buffers = [validity, pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def from_matrix(rows: Bytes) -> pa.Array:
    """A string column from an (n, width) matrix of bytes."""
    n, width = rows.shape
    return from_bytes(rows.reshape(-1), np.arange(0, (n + 1) * width, width, dtype=np.int32))


def fixed(column: pa.Array, width: int) -> tuple[Rows, Bytes]:
    """The rows that are `width` bytes long, and those bytes as a (rows, width) matrix."""
    view = strings(column)
    long = view.valid & (np.diff(view.offsets) == width)
    rows = np.flatnonzero(long)
    if len(rows) * width == len(view.data):  # nothing else lies in the buffer
        return rows, view.data.reshape(-1, width)
    return rows, strings(column.filter(pa.array(long))).data.reshape(-1, width)


def by_block(
    matrix: Bytes, judge: Callable[[Bytes], npt.NDArray[Any]], dtype: npt.DTypeLike = bool
) -> npt.NDArray[Any]:
    """One result per row of a byte matrix; `judge` sees blocks of it transposed, one array per character place."""
    result = np.zeros(len(matrix), dtype)
    for begin in range(0, len(matrix), _BLOCK):
        result[begin : begin + _BLOCK] = judge(np.ascontiguousarray(matrix[begin : begin + _BLOCK].T))
    return result


def is_digit(codes: Bytes) -> Bools:
    """Which bytes are ASCII digits."""
    digits: Bools = np.less_equal(codes - np.uint8(0x30), 9)
    return digits


def is_capital(codes: Bytes) -> Bools:
    """Which bytes are ASCII capitals."""
    capitals: Bools = np.less_equal(codes - np.uint8(0x41), 25)
    return capitals


def all_digits(places: Bytes) -> Bools:
    """Rows of a transposed block that hold digits only."""
    digits: Bools = np.logical_and.reduce(is_digit(places))
    return digits


def rows_where(column: pa.Array, odd: Callable[[Bytes], Bools]) -> Rows:
    """The rows that hold a byte for which `odd` is true."""
    view = strings(column)
    blocks = range(0, len(view.data), _BYTES)
    found = [np.flatnonzero(odd(view.data[begin : begin + _BYTES])) + begin for begin in blocks]
    at = np.concatenate(found) if found else np.empty(0, np.int64)
    if not at.size:
        return at
    rows = np.searchsorted(view.offsets, at, side="right") - 1
    return rows[np.concatenate(([True], np.diff(rows) > 0))]


def repair(column: pa.Array, rows: Rows, mend: Callable[[str], str | None]) -> pa.Array:
    """The column with `mend` applied to some rows, once per distinct value."""
    if not rows.size:
        return column
    some = column.take(pa.array(rows)).dictionary_encode()
    mended = pa.array([mend(value) for value in some.dictionary.to_pylist()], pa.string())
    return put(column, rows, mended.take(some.indices))


def put(column: pa.Array, rows: Rows, values: pa.Array) -> pa.Array:
    """The column with some rows replaced."""
    if len(rows) == len(column):
        return values
    if not len(rows):
        return column
    origin = np.arange(len(column))  # concat and take: half the time of replace_with_mask
    origin[rows] = np.arange(len(column), len(column) + len(rows))
    return pa.concat_arrays([column, values]).take(pa.array(origin))


def null_where(column: pa.Array, where: Bools) -> pa.Array:
    """The column with some rows made null."""
    return pc.if_else(pa.array(where), pa.scalar(None, column.type), column) if where.any() else column


def matches(column: pa.Array, pattern: str) -> Bools:
    """Rows in which the regular expression (RE2) is found."""
    return mask(pc.match_substring_regex(column, pattern))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
