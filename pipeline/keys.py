"""A row's content as a hash, and the sets of keys and hashes that tell new from changed from gone.

A key is compared by 128 bits (libraries/record_key.py). The content hash, 64 bits, only decides *changed or not*. Both are
kept in the library, so that a reload ships only what differs.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from libraries.record_key import joined

Hashes = NDArray[np.uint64]
# splitmix64 (Steele, Lea, Flood 2014): increment and finaliser
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def row_hashes(columns: list[pa.Array]) -> NDArray[np.int64]:
    """The content hash of each row (signed, as PostgreSQL's bigint).

    Text goes through xxh3; fixed-width columns are mixed in as they lie in memory, which spares their way through text.
    """
    texts = [column for column in columns if pa.types.is_string(column.type)]
    if texts:
        rows = joined(texts)
        hashes = np.fromiter(map(xxhash.xxh3_64_intdigest, rows), dtype=np.uint64, count=len(rows))
    else:
        hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        if not pa.types.is_string(column.type):
            for word in _words(column):
                hashes = _mixed(hashes + _STEP + word)
    return hashes.view(np.int64)


def mark(name: str) -> np.int64:
    """What is folded into the content hash of a row that leaves the item of that name out."""
    return np.uint64(xxhash.xxh3_64_intdigest(name.encode())).view(np.int64)


def _words(column: pa.Array) -> list[Hashes]:
    """A fixed-width column as 64-bit words; nulls are zeros, and whether a value is there is a word of its own."""
    valid = pc.is_valid(column).cast(pa.uint8()).to_numpy(zero_copy_only=False).astype(np.uint64)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    width = column.type.bit_width // 8
    raw = np.frombuffer(column.buffers()[1], dtype=np.uint8)[column.offset * width :][: len(column) * width]
    if width >= 8:
        words = raw.view(np.uint64).reshape(len(column), width // 8)
        # what lies under a null is arbitrary
        return [valid, *(words[:, at] * valid for at in range(width // 8))]
    return [valid, raw.view(f"u{width}").astype(np.uint64) * valid]


def _mixed(values: Hashes) -> Hashes:
    """The finaliser, in the place of its argument."""
    values ^= values >> np.uint64(30)
    values *= _FIRST
    values ^= values >> np.uint64(27)
    values *= _SECOND
    values ^= values >> np.uint64(31)
    return values


def halves(keys: NDArray[np.void]) -> tuple[Hashes, Hashes]:
    """The high and low 64 bits of keys."""
    pairs = keys.view(np.uint64).reshape(-1, 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


@dataclass
class Known:
    """The keys and content hashes that the library holds for one feed, sorted for look-up; `seen` marks what came again."""

    high: Hashes
    low: Hashes
    content: NDArray[np.int64]
    seen: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        order = sorting(self.high, self.low)
        self.high, self.low, self.content = self.high[order], self.low[order], self.content[order]
        self.seen = np.zeros(len(self.high), dtype=bool)

    @classmethod
    def of(cls, keys: NDArray[np.void], content: NDArray[np.int64]) -> Known:
        """From the library's key bytes and content hashes."""
        return cls(*halves(keys), content)

    def find(self, keys: NDArray[np.void]) -> NDArray[np.int64]:
        """The position of each key here, −1 where it is unknown."""
        if not len(self.high):
            return np.full(len(keys), -1, dtype=np.int64)
        high, low = halves(keys)
        order = np.argsort(high)  # what is looked up in order is found in neighbouring places: five times faster
        high, low = high[order], low[order]
        at = np.searchsorted(self.high, high)
        at = np.minimum(at, len(self.high) - 1)
        # Two keys sharing their high half are vanishingly rare; step over them until the low half agrees.
        while True:
            step = (self.high[at] == high) & (self.low[at] < low) & (at + 1 < len(self.high))
            if not step.any():
                break
            at[step] += 1
        found = (self.high[at] == high) & (self.low[at] == low)
        places = np.empty(len(keys), dtype=np.int64)
        places[order] = np.where(found, at, -1)
        return places


@dataclass
class Incoming:
    """The keys of one batch as they pass, row by row: 33 bytes a row, to find what repeats across chunks."""

    keys: list[NDArray[np.void]] = field(default_factory=list)
    content: list[NDArray[np.int64]] = field(default_factory=list)
    row_no: list[NDArray[np.int64]] = field(default_factory=list)
    waits: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(
        self, keys: NDArray[np.void], content: NDArray[np.int64], row_no: NDArray[np.int64], waits: NDArray[np.bool_]
    ) -> None:
        """Remember the rows of a chunk that have a key, and which of them have an error and wait."""
        self.keys.append(keys)
        self.content.append(content)
        self.row_no.append(row_no)
        self.waits.append(waits)

    def repeats(self) -> list[Repeat]:
        """Groups of rows that claim one key."""
        if not self.keys:
            return []
        high, low = halves(np.concatenate(self.keys))
        order = sorting(high, low)
        ordered = high[order]
        near = np.flatnonzero(ordered[1:] == ordered[:-1])
        same = np.zeros(max(len(order) - 1, 0), dtype=bool)
        same[near] = low[order[near + 1]] == low[order[near]]
        if not same.any():
            return []
        keys = np.concatenate(self.keys)
        content = np.concatenate(self.content)[order]
        row_no, waits = np.concatenate(self.row_no)[order], np.concatenate(self.waits)[order]
        edges = np.flatnonzero(np.diff(np.concatenate(([0], same.view(np.int8), [0]))))
        return [
            Repeat(
                keys[order[start]],
                row_no[start : stop + 1].tolist(),
                content[start : stop + 1].tolist(),
                waits[start : stop + 1].tolist(),
            )
            for start, stop in zip(edges[::2], edges[1::2], strict=True)
        ]


class Repeat(NamedTuple):
    """Rows of one batch with one key: the key, their numbers, their content hashes, and which have an error and wait."""

    key: np.void
    rows: list[int]
    content: list[int]
    waits: list[bool]

    def without(self, rows: Container[int]) -> Repeat:
        """The group less some of its rows."""
        return self._at([at for at, row in enumerate(self.rows) if row not in rows])

    def parted(self) -> tuple[Repeat, Repeat]:
        """The rows that may merge, and those that wait."""
        return self._only(waits=False), self._only(waits=True)

    def _only(self, *, waits: bool) -> Repeat:
        return self._at([at for at, waiting in enumerate(self.waits) if waiting == waits])

    def _at(self, chosen: list[int]) -> Repeat:
        rows, content, waits = self.rows, self.content, self.waits
        return Repeat(
            self.key, [rows[at] for at in chosen], [content[at] for at in chosen], [waits[at] for at in chosen]
        )


def sorting(high: Hashes, low: Hashes) -> NDArray[np.int64]:
    """The order of 128-bit keys. Sorting by one half is four times faster and nearly always enough."""
    order = np.argsort(high)
    ordered = high[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    clash = low[order[same + 1]] != low[order[same]]
    return np.lexsort((low, high)) if clash.any() else order
