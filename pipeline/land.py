"""The first commit point: a batch on the landing store, whole, with its manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from connectors import watermark
from connectors.system import Feed
from core import clock
from core.actor import Actor
from core.errors import BatchBlocked, Stop
from core.hub import Hub
from core.ids import uuid7
from core.text import T
from pipeline import batch as batches
from pipeline import drift, extract
from pipeline.batch import Batch
from pipeline.definition import Definition


class Landing:
    """One extraction on its way to the landing store. Iterate it once: every chunk is given on after it was written.

    A scan of keys (pipeline/key_scan.py) reads from the beginning and moves no watermark by what it sees.
    Afterwards `batch` is the landed batch, or None when the source had nothing new. `begun` is called when it has something.
    """

    def __init__(
        self, hub: Hub, found: Definition, actor: Actor, origin: str = "feed", begun: Callable[[], None] | None = None
    ) -> None:
        self.hub, self.actor, self.origin, self.begun = hub, actor, origin, begun
        self.contract, self.system, self.feed = found.contract, found.system, found.feed
        self.publication = found.publication
        self.batch: Batch | None = None
        self.seconds = 0.0

    def __iter__(self) -> Generator[pa.RecordBatch]:
        hub, feed = self.hub, self.feed
        with hub.read() as connection:
            last = batches.last_merged(connection, feed.id)
            fed = batches.last_merged(connection, feed.id, "feed")
        held = last.watermark if last else None
        scan = self.origin == batches.KEY_SCAN
        since = None if scan else bound(feed, held)
        self.batch = self._create(since)
        if since is None and held is not None and not scan:
            raise _unfit(feed)
        writer = hub.landing.writer(feed.system, feed.dataset, self.batch.id)
        try:
            with extract.opened(hub, self.system, feed, since) as extraction:
                if extraction.nothing_new:
                    writer.abandon()
                    self._forget()
                    return
                if self.begun is not None:
                    self.begun()
                source = drift.Source(self.contract, feed, extraction)
                before = self._before(fed)
                changes = [] if scan else drift.find(source, before, lambda: self._rows(fed))
                if any(change.needed for change in changes):
                    drift.check(changes, feed)  # nothing that could be merged, so nothing lands
                stopped = any(change.blocks for change in changes)
                described = [] if scan else source.described(before)
                started = time.perf_counter()
                for chunk in extraction:
                    kept = extract.without_ignored(feed, chunk)
                    writer.write(kept)
                    self.seconds += time.perf_counter() - started
                    if not stopped:
                        yield kept
                    started = time.perf_counter()
                if not writer.rows:
                    writer.write(_empty(extraction.schema, feed))
                for name, content in extraction.originals:
                    writer.original(name, content)
                manifest = writer.commit(
                    {
                        "batch": str(self.batch.id),
                        "feed": feed.id,
                        "origin": self.origin,
                        "mode": feed.mode,
                        "contract": {"version": self.contract.version, "sha256": self.contract.sha256},
                        "system": {"sha256": self.system.sha256},
                        "publication": self.publication,
                        "started_at": self.batch.started_at.isoformat(),
                        "since": since,
                        # what was read again is older than what is known already
                        "watermark": held if scan else watermark.later(held, extraction.watermark),
                        "source_rows": extraction.source_rows,
                        "columns": described,
                        "drift": [asdict(change) for change in changes],
                        "landed_at": clock.now().isoformat(),
                    }
                )
                self.seconds += time.perf_counter() - started
        except GeneratorExit:
            writer.abandon()  # whoever read us gave up; the batch is theirs to end
            raise
        except BaseException:
            writer.abandon()
            raise
        self.batch = landed(hub, self.batch, manifest, self.actor)
        drift.check(changes, feed)

    def _before(self, last: Batch | None) -> drift.Columns:
        """The columns of the batch that merged last, as its manifest says."""
        told = manifest(self.hub, last) if last else None
        return told.get("columns", ()) if told else ()

    def _rows(self, last: Batch | None) -> pa.RecordBatch | None:
        """The first rows of that batch, where they are still kept."""
        try:
            return next(chunks(self.hub, last), None) if last else None
        except (Stop, OSError):
            return None

    def _create(self, since: str | None) -> Batch:
        batch_id = uuid7()
        facts = {
            "feed": self.feed.id,
            "system": self.feed.system,
            "dataset": self.feed.dataset,
            "origin": self.origin,
            "mode": self.feed.mode,
            "contract_version": self.contract.version,
            "contract_sha": self.contract.sha256,
            "system_sha": self.system.sha256,
            "publication": self.publication,
            "since": since,
        }
        with self.hub.begin() as connection:
            batches.create(connection, batch_id, facts, self.actor)
            return batches.get(connection, batch_id)

    def _forget(self) -> None:
        """Nothing was delivered, so there was no batch."""
        if self.batch is not None:
            with self.hub.begin() as connection:
                batches.forget(connection, self.batch)
            self.batch = None


def bound(feed: Feed, held: str | None) -> str | None:
    """From where a run reads on: the feed's watermark, less its window for what the source commits late. None from the
    beginning, and where the window does not fit the kind of mark."""
    return held if held is None or feed.late is None else watermark.earlier(held, feed.late)


def landed(hub: Hub, batch: Batch, manifest: dict[str, Any], actor: Actor) -> Batch:
    """Record what the manifest says. Also how a batch whose process died behind its manifest is taken up again."""
    with hub.begin() as connection:
        return batches.move(
            connection,
            batch,
            "landed",
            actor,
            watermark=manifest["watermark"],
            source_rows=manifest["source_rows"],
            landed_rows=manifest["rows"],
            landed_at=manifest["landed_at"],
        )


def chunks(hub: Hub, batch: Batch) -> Iterator[pa.RecordBatch]:
    """The rows of a landed batch."""
    return hub.landing.read(batch.system, batch.dataset, batch.id, hub.settings.chunk_rows)


def rows(hub: Hub, batch: Batch, numbers: set[int]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Single landed rows by number (from 1): (number of the first, rows), chunk by chunk."""
    first = 1
    for chunk in chunks(hub, batch):
        wanted = [number - first for number in sorted(numbers) if first <= number < first + chunk.num_rows]
        for index in wanted:
            yield first + index, chunk.slice(index, 1)
        first += chunk.num_rows


def manifest(hub: Hub, batch: Batch) -> dict[str, Any] | None:
    """The manifest of a batch, or None when it never landed whole."""
    return hub.landing.manifest(batch.system, batch.dataset, batch.id)


def clear(hub: Hub, batch: Batch) -> None:
    """Clear away what an attempt without manifest left."""
    hub.landing.writer(batch.system, batch.dataset, batch.id).abandon()


def _unfit(feed: Feed) -> BatchBlocked:
    return BatchBlocked(
        T(
            f"{feed.id} 的 late 与水位字段 {feed.watermark} 的写法不符。",
            f"`late` of {feed.id} does not fit what its watermark {feed.watermark} holds.",
        ),
        code="watermark",
        remedy=T(
            "水位是日期或时间的,late 写时长(10m、2h、1d);水位是编号的,写整数。",
            "For marks that are dates or times write a duration (10m, 2h, 1d), for marks that are numbers a whole number.",
        ),
    )


def _empty(schema: pa.Schema, feed: Feed) -> pa.RecordBatch:
    kept = pa.schema([schema.field(name) for name in extract.landing_columns(feed, schema)])
    return pa.RecordBatch.from_pylist([], schema=kept)
