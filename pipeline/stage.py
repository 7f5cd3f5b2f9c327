"""From landed rows to staging tables: standardised, judged, hashed; only what differs from the library is shipped.

Four threads overlap: the landing (or the source itself) is read ahead, one standardises, this one judges and finds what
differs, and one ships to PostgreSQL. What the library holds is read meanwhile. Memory holds a few chunks and some 50 bytes
a row of keys and hashes.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.system import Feed
from core import decisions
from core.hub import Hub
from libraries import known_as, mentions
from pipeline import batch as batches
from pipeline import definition, mapping, pushes, quarantine, reconcile, replayed, staging
from pipeline.batch import Batch
from pipeline.keys import Incoming, Known, halves
from pipeline.overlap import Ahead, Aside, Behind
from pipeline.standardise import Chunk, Standardiser
from pipeline.validate import Judge
from schemas import links
from schemas.contract import Contract
from schemas.derive import sql
from schemas.library import Library

MENTIONS = pa.schema(
    [("row_no", pa.int64()), ("key", pa.binary()), *[column for column in mentions.SCHEMA if column.name != "row"]]
)
KNOWN_AS = pa.schema(
    [("row_no", pa.int64()), ("key", pa.binary()), *[column for column in known_as.SCHEMA if column.name != "row"]]
)
#: the content of a record flagged as removed, among the versions of its key
GONE = np.int64(0)


@dataclass
class Staged:
    """What a batch came to before its merge: staging tables in PostgreSQL and what is known of its rows."""

    contract: Contract
    feed: Feed
    libraries: Mapping[str, Library]
    tables: dict[str, str]
    known: Known
    incoming: Incoming = field(default_factory=Incoming)
    landed: int = 0
    quarantined: int = 0
    removed: int = 0
    unreadable_keys: int = 0
    confirmed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    content: int = 0
    #: another version of the contract than the last batch's: who is named is said again for every row
    renamed: bool = False
    #: the last decision it is made with: codes are mapped as they stood then
    decided_upto: int = 0
    #: of a replay: what its rows do
    acts: list[replayed.Done] = field(default_factory=list)
    #: rows shipped, by staging table
    shipped: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def before(self) -> reconcile.Held:
        """What the library held when the batch began, for a feed that restates everything."""
        return reconcile.Held(len(self.known.content), int(np.bitwise_xor.reduce(self.known.content)))

    def retained(self, conflicting: list[np.void]) -> int:
        """The fold of the contents that stay as they are: rows whose new version waits, and all unseen rows of a batch
        that may close nothing."""
        confirmed = self.confirmed.copy()
        if conflicting:
            at = self.known.find(np.array(conflicting, dtype="V16"))
            confirmed[at[at >= 0]] = False
        stays = ~confirmed & (self.known.seen if not self.unreadable_keys else True)
        return int(np.bitwise_xor.reduce(self.known.content[stays])) if stays.any() else 0


def stage(
    hub: Hub, contract: Contract, feed: Feed, batch: Batch, chunks: Iterable[pa.RecordBatch], holds: Aside[Known]
) -> Staged:
    """Run the chunks of a batch through standardising and judging into its staging tables. Codes are mapped as decided
    until now; a batch that is made again, as decided when it was made (`Batch.decided_upto`). `holds` gives what the library
    holds for the feed (`known`)."""
    holds.start()
    with hub.read() as reading:
        upto = decisions.last(reading) if batch.decided_upto is None else batch.decided_upto
        feed = mapping.decided(reading, feed, upto)
        last = batches.last_merged(reading, feed.id)
    judge = Judge(contract)
    published = definition.published_with(hub, batch)
    ends = links.ends(contract, published.pointing_at(contract.id))
    standardiser = Standardiser(contract, feed, batch.day(hub.settings.timezone), ends, batch.started_at)
    seconds: defaultdict[str, float] = defaultdict(float)
    with (
        Ahead(chunks) as raws,
        Ahead(_standardised(raws, standardiser, seconds), depth=1) as passing,
        hub.adbc() as connection,
        connection.cursor() as cursor,
    ):
        staged = Staged(
            contract, feed, published.libraries, staging.create(hub, contract, batch), holds(), seconds=seconds
        )
        staged.confirmed = np.zeros(len(staged.known.high), dtype=bool)
        staged.decided_upto = upto
        staged.renamed = last is not None and last.contract_sha != contract.sha256

        def ship(parcel: tuple[str, pa.Table]) -> None:
            started = time.perf_counter()
            name, table = parcel
            cursor.adbc_ingest(staged.tables[name], table, mode="append", db_schema_name="staging")
            staged.shipped[name] += table.num_rows
            staged.seconds["ship"] += time.perf_counter() - started

        with Behind(ship) as loader:
            for chunk in passing:
                for parcel in _take(staged, chunk, standardiser, judge, replaying=batch.origin == "replay"):
                    if parcel[1].num_rows:
                        loader.put(parcel)
        gone = _gone(staged, batch)
        if len(gone):
            ship(("gone", pa.table({"_key": gone, "_row_no": pa.nulls(len(gone), pa.int64())})))
    return staged


def known(hub: Hub, contract: Contract, feed: Feed) -> Known:
    """What the library holds for a feed that restates everything. Others ship all they bring: an increment is small."""
    if feed.mode != "full":
        return Known.of(np.zeros(0, dtype="V16"), np.zeros(0, dtype=np.int64))
    return held(hub, contract, feed)


def held(hub: Hub, contract: Contract, feed: Feed) -> Known:
    """The keys and contents that the library holds for a feed."""
    query = f"SELECT _key, _row_hash FROM {sql.current(contract.id)} WHERE _system = $1"
    parts: list[tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]] = []
    with hub.adbc() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SET max_parallel_workers_per_gather = 0"
        )  # passing rows between processes costs more than it wins
        cursor.execute(query, parameters=(feed.system,))
        for (
            rows
        ) in cursor.fetch_record_batch():  # taken apart as they come: all of them as Arrow would be twice as much
            keys = rows.column(0).cast(pa.binary(16))
            raw = np.frombuffer(keys.buffers()[1], dtype="V16")[keys.offset :][: len(keys)]
            parts.append((*halves(raw), rows.column(1).to_numpy().copy()))
    high, low, content = ([part[at] for part in parts] for at in range(3))
    none = np.zeros(0, dtype=np.uint64)
    return Known(
        np.concatenate([none, *high]), np.concatenate([none, *low]), np.concatenate([none.view(np.int64), *content])
    )


def _standardised(
    raws: Iterable[pa.RecordBatch], standardiser: Standardiser, seconds: defaultdict[str, float]
) -> Iterator[Chunk]:
    for raw in raws:
        started = time.perf_counter()
        chunk = standardiser(raw)
        seconds["standardise"] += time.perf_counter() - started
        yield chunk


def _take(
    staged: Staged, chunk: Chunk, standardiser: Standardiser, judge: Judge, *, replaying: bool
) -> list[tuple[str, pa.Table]]:
    """One chunk: what to ship of it. Everything that must be known across chunks is kept on `staged`."""
    at = time.perf_counter()
    raw = chunk.raw
    judged = judge(chunk, standardiser)
    if replaying:
        judged = replayed.excuse(judged, int(chunk.row_no[0]) if len(chunk.row_no) else 1, replayed.excused_of(raw))
        staged.acts += replayed.acts(chunk, judged.bad)
    for item, rows in judged.left_out.items():
        chunk.leave_out(item, rows)
    staged.seconds["validate"] += (then := time.perf_counter()) - at
    bad = judged.bad
    removed = chunk.removed & ~bad
    good = ~bad & ~removed
    readable = ~chunk.keyless
    staged.landed += raw.num_rows
    staged.quarantined += int(bad.sum())
    staged.removed += int(removed.sum())
    staged.unreadable_keys += int((~readable).sum())
    staged.findings.update(judged.findings["rule"].to_pylist())
    at_known = staged.known.find(chunk.keys)
    # a waiting row's key counts as present: it was not deleted at the source
    staged.known.seen[at_known[at_known >= 0]] = True
    staged.confirmed[at_known[good & (at_known >= 0)]] = True
    staged.content ^= int(np.bitwise_xor.reduce(chunk.content[good])) if good.any() else 0
    chunk.content[removed] = GONE
    staged.incoming.add(chunk.keys[readable], chunk.content[readable], chunk.row_no[readable], bad[readable])
    same = np.zeros(len(bad), dtype=bool)
    there = at_known >= 0
    same[there] = staged.known.content[at_known[there]] == chunk.content[there]
    parcels = [("findings", _new(judged.findings, same & good, chunk))]
    parcels += _rows(chunk, good & ~same, standardiser, staged.libraries)
    if staged.renamed and (good & same).any():
        said = dict(_rows(chunk, good & same, standardiser, staged.libraries))
        parcels += [(name, said[name]) for name in ("mentions", "known_as")]
        parcels.append(("touched", pa.table({"key": said["rows"]["_key"]})))
    if staged.feed.mode == "flagged":
        parcels.append(("marks", pushes.marks(chunk, standardiser)))
    if removed.any():
        keys = _binary(chunk.keys[removed])
        parcels.append(("gone", pa.table({"_key": keys, "_row_no": pa.array(chunk.row_no[removed])})))
    if bad.any():
        waiting, subjects = quarantine.rows(chunk, bad, standardiser)
        parcels += [("waiting", waiting), ("subjects", subjects)]
    staged.seconds["hash and split"] += time.perf_counter() - then
    return parcels


def _new(findings: pa.Table, unchanged: NDArray[np.bool_], chunk: Chunk) -> pa.Table:
    """Findings without those of rows that the library holds already: they were stored when the row came."""
    if not unchanged.any() or not findings.num_rows:
        return findings
    return findings.filter(pa.array(~unchanged[findings["row_no"].to_numpy() - chunk.row_no[0]]))


def _rows(
    chunk: Chunk, take: NDArray[np.bool_], standardiser: Standardiser, libraries: Mapping[str, Library]
) -> list[tuple[str, pa.Table]]:
    """The rows to ship, their mentions, and what else they know their subjects as."""
    if not take.any():
        return []
    whole = bool(take.all())
    mask = pa.array(take)
    values = {name: column if whole else column.filter(mask) for name, column in chunk.values.items()}
    keys = _binary(chunk.keys if whole else chunk.keys[take])
    numbers = pa.array(chunk.row_no if whole else chunk.row_no[take])
    rows = pa.table(
        {
            "_key": keys,
            "_row_hash": pa.array(chunk.content if whole else chunk.content[take]),
            "_row_no": numbers,
            **values,
        }
    )
    contract, system = standardiser.contract, standardiser.system
    named = pa.concat_tables(
        [mentions.of_rows(contract, values, standardiser.options), mentions.references(contract, values, system)]
    )
    said = known_as.of_rows(contract, libraries, values, keys, system)
    return [
        ("rows", rows),
        ("mentions", _placed(named, numbers, keys, MENTIONS)),
        ("known_as", _placed(said, numbers, keys, KNOWN_AS)),
    ]


def _placed(found: pa.Table, numbers: pa.Array, keys: pa.Array, schema: pa.Schema) -> pa.Table:
    """What was found in rows, by number and key of the row instead of its index."""
    row = found["row"].combine_chunks()
    return pa.table([numbers.take(row), keys.take(row), *(found[name] for name in schema.names[2:])], schema=schema)


def _gone(staged: Staged, batch: Batch) -> pa.Array:
    """The keys that a full batch no longer states. A batch with unreadable keys closes nothing: any could be one of them."""
    if batch.mode != "full" or staged.unreadable_keys:
        return pa.array([], pa.binary())
    return unseen(staged.known)


def unseen(known: Known) -> pa.Array:
    """The keys that the library holds and that did not come again."""
    missing = ~known.seen
    pairs = np.stack([known.high[missing], known.low[missing]], axis=1)
    return _binary(np.ascontiguousarray(pairs).view("V16").reshape(-1))


def _binary(keys: NDArray[np.void]) -> pa.Array:
    fixed: Any = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(keys), [None, pa.py_buffer(keys.tobytes())])
    return fixed.cast(pa.binary())
