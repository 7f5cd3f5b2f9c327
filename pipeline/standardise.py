"""Raw cells become typed values, with the reasons found on the way. Nothing is judged fit or unfit here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.system import Feed, Flag
from connectors.watermark import Horizon
from libraries.record_key import key_bytes
from pipeline.keys import mark, row_hashes
from schemas import keys as key_rules
from schemas.contract import Contract, Item
from schemas.derive import sql
from schemas.types import Options, Rule, columns
from schemas.types.base import COMMON, RANGE

AHEAD = timedelta(minutes=10)  # by which a source's clock may run ahead of ours
LONGEST = 100_000  # bytes of any text: more is a file in a cell, not a value
LONGEST_INDEXED = 2_000  # bytes; PostgreSQL refuses the whole batch for one index entry beyond 2,704


@dataclass
class Chunk:
    """Some rows of a batch: their numbers, raw columns by source name, values and reasons by item, hashes, and which the
    source flags as removed."""

    row_no: NDArray[np.int64]
    raw: pa.RecordBatch
    values: dict[str, pa.Array]
    reasons: dict[str, NDArray[np.uint32]]
    keys: NDArray[np.void]
    content: NDArray[np.int64]
    removed: NDArray[np.bool_]

    @property
    def keyless(self) -> NDArray[np.bool_]:
        """Rows whose key has a part that is missing or cannot be read."""
        return np.asarray(self.reasons[key_rules.ITEM] & _bit(key_rules.MISSING) != 0)

    def leave_out(self, item: str, rows: NDArray[np.bool_]) -> None:
        """Empty an item in some rows. Their content stays that of what the source says, marked: it is neither the row with
        the value, nor the row that never had one, so a rule that comes or goes changes what is held."""
        self.values[item] = columns.null_where(self.values[item], rows)
        self.content[rows] ^= mark(item)


class Standardiser:
    """How the rows of one feed become rows of its dataset: fixed for a batch, applied chunk by chunk."""

    def __init__(
        self, contract: Contract, feed: Feed, today: date, links: tuple[str, ...] = (), begun: datetime | None = None
    ) -> None:
        self.contract = contract
        #: items that lead to other datasets (schemas.links.ends)
        self.links = links
        self.system = feed.system
        self.source = {item: column for column, item in feed.columns.items()}
        self.flag, self.watermark = feed.flag, feed.watermark
        #: what a push may be dated at most: when its batch was begun, and what clocks differ by
        self.horizon = Horizon(begun + AHEAD, feed.timezone) if begun else None
        self.indexed = frozenset(sql.indexed(contract)) | {far for far in links}
        self.options = {item.name: _options(item, feed, today) for item in contract.items}
        # a number is judged together with its kind, so kinds come first
        self.order = sorted(contract.items, key=lambda item: item.kind_item is not None)
        self._next_row = 1

    def __call__(self, raw: pa.RecordBatch, row_no: NDArray[np.int64] | None = None) -> Chunk:
        """Standardise the next chunk, or the rows of the numbers given. Rows are numbered from 1 in a batch."""
        if row_no is None:
            row_no = np.arange(self._next_row, self._next_row + raw.num_rows, dtype=np.int64)
            self._next_row += raw.num_rows
        values: dict[str, pa.Array] = {}
        reasons: dict[str, NDArray[np.uint32]] = {}
        for item in self.order:
            options = self.options[item.name]
            if item.kind_item:
                options = replace(options, kinds=values[item.kind_item])
            typed, found = item.type.standardise(self.raw(raw, item.name), options)
            found |= item.type.judge(typed, options)
            if pa.types.is_string(typed.type):
                long = columns.lengths(typed) > (LONGEST_INDEXED if item.name in self.indexed else LONGEST)
                if long.any():
                    typed = columns.null_where(typed, long)
                    found[long] |= np.uint32(1 << COMMON.index(RANGE))
            values[item.name], reasons[item.name] = typed, found
        values = {item.name: values[item.name] for item in self.contract.items}
        key_columns = [values[name] for name in self.contract.key]
        removed = self._removed(raw)
        chunk = Chunk(
            row_no=row_no,
            raw=raw,
            values=values,
            reasons=reasons,
            keys=key_bytes(self.system, key_columns),
            content=row_hashes(list(values.values())),
            removed=removed,
        )
        if removed.any():
            # of a record that is gone only the key matters
            for found in reasons.values():
                found[removed] = 0
        missing = np.zeros(raw.num_rows, dtype=bool)
        for column in key_columns:
            if column.null_count:
                missing |= pc.is_null(column).to_numpy(zero_copy_only=False)
        reasons[key_rules.ITEM] = missing * _bit(key_rules.MISSING) | self._doubtful(raw)
        return chunk

    def raw(self, rows: pa.RecordBatch, item: str) -> pa.Array:
        """The raw cells of an item: its source column, or nothing; an accepted batch may lack a column."""
        if item in self.source and self.source[item] in rows.schema.names:
            return _without_nul(rows.column(self.source[item]))
        return pa.nulls(rows.num_rows, pa.string())

    def _removed(self, rows: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows the source flags as removed."""
        if self.flag is None:
            return np.zeros(rows.num_rows, dtype=bool)
        return self._flagged(rows, self.flag, self.flag.removed)

    def _doubtful(self, rows: pa.RecordBatch) -> NDArray[np.uint32]:
        """Reasons why it cannot be said what a flagged row means, or which of two came later: without a time it would be read
        in every increment and undo what was pushed since."""
        if self.flag is None or self.watermark is None:
            return np.zeros(rows.num_rows, dtype=np.uint32)
        untimed = columns.cells(rows.column(self.watermark)).is_null()
        reasons = columns.mask(untimed) * _bit(key_rules.UNTIMED)
        if self.horizon is not None:
            # merged, it would hold off every push until then
            reasons |= self.horizon.past(rows.column(self.watermark)) * _bit(key_rules.FUTURE)
        if self.flag.kept:
            known = self._flagged(rows, self.flag, (*self.flag.removed, *self.flag.kept))
            reasons |= ~known * _bit(key_rules.FLAG)
        return reasons

    @staticmethod
    def _flagged(rows: pa.RecordBatch, flag: Flag, among: tuple[str, ...]) -> NDArray[np.bool_]:
        cells = columns.cells(columns.text(rows.column(flag.column)))  # CHAR columns are padded
        found = pc.is_in(cells, value_set=pa.array(among, pa.string()))
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _bit(rule: Rule) -> np.uint32:
    return np.uint32(1 << key_rules.RULES.index(rule))


def _without_nul(cells: pa.Array) -> pa.Array:
    """PostgreSQL cannot hold NUL: shown as U+FFFD, which the value types know as unreadable."""
    if not pa.types.is_string(cells.type) or not len(data := columns.strings(cells).data) or data.min():
        return cells
    return pc.replace_substring(cells, "\x00", "\ufffd")


def _options(item: Item, feed: Feed, today: date) -> Options:
    return replace(
        item.options,
        mapping=feed.codes.get(item.name),
        decided=feed.decided.get(item.name, {}),
        timezone=feed.timezone,
        today=today,
    )
