"""Source and library now: the source is read again by the same rules, and its keys and contents are held against the
library's. Nothing is written but the event that tells of it.

What differs is told apart by why. What the next run brings by itself (the source has changed since the last one), what waits
in the quarantine, and what a person's corrected row stands for, is explained; the rest is a difference that somebody must
look at. Rows pass in chunks; of each only its key, content and watermark are kept (some 60 bytes; sorting them takes three times that).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import text

from connectors import watermark
from core import clock, decisions, events
from core.actor import SYSTEM, Actor
from core.errors import Stop
from core.hub import Hub
from core.text import T
from libraries import business_key
from pipeline import batch as batches
from pipeline import definition, extract, journey, land, mapping, repeats, stage
from pipeline.batch import Batch
from pipeline.definition import Definition
from pipeline.keys import Incoming, Known, Repeat
from pipeline.overlap import Ahead
from pipeline.standardise import Standardiser
from pipeline.validate import Judge
from schemas.derive import sql

Rows = NDArray[np.bool_]
#: why a key differs; those not in DIFFERENCES are explained
WHY: Mapping[str, T] = {
    "missing": T("应在库中而不在", "should be in the library and is not"),
    "surplus": T("只在库中", "only in the library"),
    "different": T("内容不同", "the contents differ"),
    "not_read": T("来源已变,下次采集时更新", "changed at the source since the last run, which will bring it"),
    "waiting": T("在隔离区等待", "waits in the quarantine"),
    "unmapped": T(
        "代码对应已撤销,来源再次提供时转入隔离区", "came in by a code mapping undone since; waits once it is read again"
    ),
    "replayed": T("库中为人工修正后的内容", "the library holds what a person corrected"),
    "unstated": T("来源推送中已无此记录", "the source's pushes no longer tell of it"),
}
DIFFERENCES = ("missing", "surplus", "different")
SIDES: Mapping[str, T] = {
    "source": T("只在来源", "only at the source"),
    "library": T("只在库中", "only in the library"),
    "both": T("两边都有", "on both sides"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One differing key: its business key (masked where it is about a person), where it is, and why it differs."""

    key: str
    side: str
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison came to: rows read and held, rows whose key cannot be read, keys by why they differ, and some of
    them. `contract_changed`: the library was filled by another version of the contract, so contents differ by that too."""

    feed: str
    source_rows: int
    library_rows: int
    equal: int
    keyless: int
    counts: Mapping[str, int]
    keys: tuple[Key, ...]
    contract_changed: bool
    seconds: float

    @property
    def differences(self) -> int:
        """How many keys differ without an explanation."""
        return sum(self.counts.get(why, 0) for why in DIFFERENCES)


@dataclass
class _Source:
    """The source's rows with a readable key: keys, contents, which wait, watermarks by row number."""

    incoming: Incoming = field(default_factory=Incoming)
    marks: list[pa.Array] = field(default_factory=list)
    names: dict[bytes, str] = field(default_factory=dict)
    rows: int = 0
    keyless: int = 0

    def mark(self, numbers: NDArray[np.int64]) -> list[Any]:
        """The watermarks of rows, by number (from 1); None for each where the feed has none."""
        if not self.marks:
            return [None] * len(numbers)
        found: list[Any] = pa.chunked_array(self.marks).take(pa.array(numbers - 1)).to_pylist()
        return found


def compare(hub: Hub, feed_id: str, actor: Actor = SYSTEM, *, show: int = 100) -> Comparison:
    """Read the source of a feed and hold it against the library; at most `show` keys are named. No batch of the feed merges
    meanwhile. Raises what reading the source raises, and Retry while the feed runs."""
    started = time.perf_counter()
    with journey.alone(hub, feed_id):
        found = definition.current(hub, feed_id)
        with hub.read() as connection:
            last = batches.last_merged(connection, feed_id)
            mapped = mapping.decided(connection, found.feed, decisions.last(connection))
        found = replace(found, feed=mapped)
        known = stage.held(hub, found.contract, found.feed)
        source = _read(hub, found, known, show)
        sorted_out = _Sorted(hub, found, known, source, last)
        keys = _named(hub, found, source, sorted_out, show)
    made = Comparison(
        feed=feed_id, source_rows=source.rows, library_rows=len(known.high), equal=sorted_out.equal,
        keyless=source.keyless, counts=sorted_out.counts(), keys=keys, contract_changed=sorted_out.contract_changed,
        seconds=time.perf_counter() - started,
    )  # fmt: skip
    body = {
        "source_rows": made.source_rows, "library_rows": made.library_rows, "equal": made.equal, "keyless": made.keyless,
        **made.counts, "differences": made.differences, "batch": str(last.id) if last else None,
    }  # fmt: skip
    with hub.begin() as connection:
        events.record(connection, "feed.compared", feed_id, body, actor)
    return made


def _read(hub: Hub, found: Definition, known: Known, show: int) -> _Source:
    source = _Source()
    with extract.opened(hub, found.system, found.feed, None) as extraction:
        if extraction.nothing_new:
            raise Stop(
                T(f"{found.feed.id} 的来源没有可对照的数据。", f"The source of {found.feed.id} has nothing to compare."),
                remedy=T("文件来源:投递可能已被清走,请来源部门重新投递。", "Files may have been cleared away: have them sent again."),
                code="nothing_to_compare",
            )  # fmt: skip
        for raw, keys, content, row_no, waits, values in _judged(hub, found, extraction):
            source.rows += raw.num_rows
            if found.feed.watermark:
                source.marks.append(raw.column(found.feed.watermark))
            source.keyless += raw.num_rows - len(keys)
            source.incoming.add(keys, content, row_no, waits)
            at = known.find(keys)
            there = at >= 0
            known.seen[at[there]] = True
            if len(source.names) < show:
                # rows are gone when it is known which of them differ; these may
                absent = np.flatnonzero(~there)[: show - len(source.names)]
                picked = {name: column.take(pa.array(absent)) for name, column in values.items()}
                told = business_key.keys(found.contract, picked) if len(absent) else []
                source.names |= dict(zip((keys[index].tobytes() for index in absent), told, strict=True))
    return source


_Judged = tuple[pa.RecordBatch, NDArray[np.void], NDArray[np.int64], NDArray[np.int64], Rows, Mapping[str, pa.Array]]


def _judged(hub: Hub, found: Definition, chunks: Any) -> Iterator[_Judged]:
    """The rows with a readable key, as the journey would see them: raw chunk, then keys, contents, numbers, which wait, and
    the key's values. A record flagged as removed has the content `stage.GONE`."""
    judge = Judge(found.contract)
    standardiser = Standardiser(found.contract, found.feed, clock.today(hub.settings.timezone))
    with Ahead(extract.without_ignored(found.feed, chunk) for chunk in chunks) as passing:
        for raw in passing:
            chunk = standardiser(raw)
            judged = judge(chunk, standardiser)
            for item, rows in judged.left_out.items():
                chunk.leave_out(item, rows)
            chunk.content[chunk.removed & ~judged.bad] = stage.GONE
            readable = ~chunk.keyless
            mask = pa.array(readable)
            values = {name: chunk.values[name].filter(mask) for name in found.contract.key}
            yield (
                raw,
                chunk.keys[readable],
                chunk.content[readable],
                chunk.row_no[readable],
                judged.bad[readable],
                values,
            )


class _Sorted:
    """Every key of either side, by whether and why it differs."""

    def __init__(self, hub: Hub, found: Definition, known: Known, source: _Source, last: Batch | None) -> None:
        self.hub, self.found, self.known, self.source, self.last = hub, found, known, source, last
        self.contract_changed = last is not None and last.contract_sha != found.contract.sha256
        self._settle()
        there = self.at >= 0
        waits, gone = self.waits, self.content == stage.GONE
        same = np.zeros(len(waits), dtype=bool)
        same[there] = known.content[self.at[there]] == self.content[there]
        self.equal = int((there & same & ~waits).sum())
        #: why → rows of the source, and why → positions in the library, that differ
        self.only_source: dict[str, NDArray[np.int64]] = {}
        self.both: dict[str, NDArray[np.int64]] = {}
        self.only_library: dict[str, NDArray[np.int64]] = {}
        self._sort_source(np.flatnonzero(~there & (waits | ~gone)))
        self._sort_both(np.flatnonzero(there & (waits | ~same) & ~(gone & ~waits)))
        self._sort_library(np.flatnonzero(~known.seen), np.flatnonzero(there & gone & ~waits))

    def counts(self) -> dict[str, int]:
        """Why → how many keys."""
        found: dict[str, int] = {}
        for rows in (self.only_source, self.both, self.only_library):
            for why, at in rows.items():
                if len(at):
                    found[why] = found.get(why, 0) + len(at)
        return found

    def _settle(self) -> None:
        """Of rows that claim one key, those that count; rows that conflict wait."""
        incoming = self.source.incoming

        def order_of(rows: set[int]) -> dict[int, Any]:
            numbers = np.array(sorted(rows), dtype=np.int64)
            return repeats.ordered(zip(numbers.tolist(), self.source.mark(numbers), strict=True))

        groups = incoming.repeats()
        settled = repeats.decide(self.found.contract, groups, order_of)
        dropped = {*settled.repeated, *_spare(groups, {*settled.repeated}, {*settled.conflicting})}
        row_no = _all(incoming.row_no, np.int64)
        waits = _all(incoming.waits, np.bool_) | np.isin(row_no, settled.conflicting)
        kept = ~np.isin(row_no, list(dropped))
        self.keys: NDArray[np.void] = _all(incoming.keys, np.dtype("V16"))[kept]
        self.content: NDArray[np.int64] = _all(incoming.content, np.int64)[kept]
        self.row_no, self.waits = row_no[kept], waits[kept]
        self.at = self.known.find(self.keys)

    def _sort_source(self, rows: NDArray[np.int64]) -> None:
        waits, keys = self.waits[rows], self.keys[rows]
        waiting = waits & self._in_quarantine(keys)
        new = ~waiting & self._not_read(rows)
        waiting |= ~waits & ~new & self._open(keys)
        self.only_source = {"waiting": rows[waiting], "not_read": rows[new], "missing": rows[~waiting & ~new]}

    def _sort_both(self, rows: NDArray[np.int64]) -> None:
        waits, keys = self.waits[rows], self.keys[rows]
        replayed = self._replayed(keys)
        waiting = waits & ~replayed & self._in_quarantine(keys)
        # what is wrong at the source stays so until it is corrected there; what is right there comes with the next run
        new = ~waiting & ~(waits & replayed) & self._not_read(rows)
        replayed &= ~new
        waiting |= ~waits & ~new & ~replayed & self._open(keys)
        rest = ~waiting & ~replayed & ~new
        unmapped = rest & waits & self._unmapped(keys)
        self.both = {
            "waiting": rows[waiting], "replayed": rows[replayed], "not_read": rows[new], "unmapped": rows[unmapped],
            "different": rows[rest & ~unmapped],
        }  # fmt: skip

    def _sort_library(self, unseen: NDArray[np.int64], flagged: NDArray[np.int64]) -> None:
        """Keys that the source does not state (positions in the library), and those it says are removed (its rows)."""
        new = self._not_read(flagged)
        removed = self.at[flagged]
        if self.found.feed.mode == "flagged":
            # pushes are cleared away in time: that one is not there says nothing
            self.only_library = {"not_read": removed[new], "surplus": removed[~new], "unstated": unseen}
            return
        keys = _joined(self.known.high[unseen], self.known.low[unseen])
        before = (
            self._landed_keys(keys) if self.found.feed.mode == "full" and len(unseen) else np.zeros(len(unseen), bool)
        )
        self.only_library = {"not_read": unseen[before], "surplus": unseen[~before]}

    def _not_read(self, rows: NDArray[np.int64]) -> Rows:
        """Which rows of the source the next run brings: of an increment, those from its watermark on; of a full feed, those
        that its last batch did not state so."""
        if not len(rows) or self.last is None or self.contract_changed:
            return np.ones(len(rows), dtype=bool)
        if self.found.feed.mode == "full":
            return ~self._landed(rows)
        bound = land.bound(self.found.feed, self.last.watermark)
        if bound is None:
            return np.ones(len(rows), dtype=bool)
        since = watermark.order(bound)
        marks = self.source.mark(self.row_no[rows])
        return np.array([mark is not None and watermark.order(mark) >= since for mark in marks], dtype=bool)

    def _landed(self, rows: NDArray[np.int64]) -> Rows:
        """Which rows the feed's last batch stated with just this content, or as waiting."""
        keys, content = self._last_landing()
        pairs = Known.of(_paired(keys, content), content)
        return pairs.find(_paired(self.keys[rows], self.content[rows])) >= 0

    def _landed_keys(self, keys: NDArray[np.void]) -> Rows:
        """Which keys the feed's last batch stated."""
        landed, content = self._last_landing()
        return Known.of(landed, content).find(keys) >= 0

    def _last_landing(self) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """Keys and contents of the last batch as it landed, read once and only when something differs."""
        if not hasattr(self, "_landing"):
            keys: list[NDArray[np.void]] = [np.zeros(0, dtype="V16")]
            content: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
            if self.last is not None and not self.contract_changed:
                for _, key, said, *_ in _judged(self.hub, self.found, land.chunks(self.hub, self.last)):
                    keys.append(key)
                    content.append(said)
            self._landing = np.concatenate(keys), np.concatenate(content)
        return self._landing

    def _in_quarantine(self, keys: NDArray[np.void]) -> Rows:
        query = "SELECT DISTINCT key FROM hub.quarantine WHERE feed = :feed AND status <> 'closed_by_source' AND key IS NOT NULL"
        return self._among(keys, query)

    def _open(self, keys: NDArray[np.void]) -> Rows:
        """Which keys wait although the source's row is right as its codes are mapped by now: the next replay puts it in."""
        return self._among(
            keys, "SELECT DISTINCT key FROM hub.quarantine WHERE feed = :feed AND status = 'open' AND key IS NOT NULL"
        )

    def _replayed(self, keys: NDArray[np.void]) -> Rows:
        """Which records the library holds as a person corrected or accepted them. Where that was undone, the row waits again,
        taken back already or not."""
        query = (
            f"SELECT r._key FROM {sql.current(self.found.contract.id)} r JOIN hub.replayed p ON p.batch_id = r._batch "
            "AND p.key = r._key JOIN hub.batch b ON b.id = r._batch WHERE b.feed = :feed AND p.act = 'put' "
            "AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = ANY(p.decisions))"
        )
        return self._among(keys, query)

    def _unmapped(self, keys: NDArray[np.void]) -> Rows:
        """Which records a batch brought that knew a code mapping undone since: they stay until they are read again."""
        query = (
            f"SELECT r._key FROM {sql.current(self.found.contract.id)} r JOIN hub.batch b ON b.id = r._batch WHERE b.feed = :feed "
            "AND EXISTS (SELECT FROM hub.decision d JOIN hub.decision u ON u.undoes = d.id "
            f"WHERE d.kind = '{mapping.KIND}' AND starts_with(d.about, b.feed || '.') "
            "AND d.seq <= b.decided_upto AND u.seq > b.decided_upto)"
        )
        return self._among(keys, query)

    def _among(self, keys: NDArray[np.void], query: str) -> Rows:
        if not len(keys):
            return np.zeros(0, dtype=bool)
        with self.hub.read() as connection:
            rows = connection.execute(text(query), {"feed": self.found.feed.id}).scalars().all()
        among = np.frombuffer(b"".join(bytes(row) for row in rows), dtype="V16")
        return Known.of(among, np.zeros(len(among), dtype=np.int64)).find(keys) >= 0


def _named(hub: Hub, found: Definition, source: _Source, sorted_out: _Sorted, show: int) -> tuple[Key, ...]:
    """Some of the differing keys, the unexplained first."""
    told: list[tuple[str, str, bytes]] = []
    for why in WHY:
        for side, rows in (("source", sorted_out.only_source), ("both", sorted_out.both)):
            told += [(side, why, sorted_out.keys[row].tobytes()) for row in rows.get(why, ())[:show]]
        at = sorted_out.only_library.get(why, np.zeros(0, dtype=np.int64))[:show]
        high, low = sorted_out.known.high[at], sorted_out.known.low[at]
        told += [("library", why, key.tobytes()) for key in _joined(high, low)]
    told = told[:show]
    with hub.read() as connection:
        names = source.names | business_key.of(
            connection, found.contract, [key for side, _, key in told if side != "source"]
        )
    return tuple(Key(names.get(key, ""), side, why) for side, why, key in told)


def _all(parts: list[Any], kind: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def _spare(groups: list[Repeat], dropped: set[int], conflicting: set[int]) -> Iterator[int]:
    """Rows beside the one that stands for its key: those that wait beside a good one, and all but one that wait."""
    for group in groups:
        left = [row for row in group.rows if row not in dropped]
        good = [row for row, waits in zip(group.rows, group.waits, strict=True) if not waits and row in left]
        stands = next((row for row in good if row not in conflicting), left[0] if left else None)
        yield from (row for row in left if row != stands)


def _joined(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.void]:
    return np.ascontiguousarray(np.stack([high, low], axis=1)).view("V16").reshape(-1)


def _paired(keys: NDArray[np.void], content: NDArray[np.int64]) -> NDArray[np.void]:
    """Key and content folded into one value of a key's width."""
    pairs = keys.view(np.uint64).reshape(-1, 2).copy()
    pairs[:, 1] ^= content.view(np.uint64)
    return np.ascontiguousarray(pairs).view("V16").reshape(-1)
