"""What a source gives, opened by what its feed says. Whether its columns are those registered: pipeline/drift.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

import connectors
from connectors.extraction import Extraction
from connectors.system import Feed, System
from core.hub import Hub
from pipeline import drift


@contextmanager
def opened(hub: Hub, system: System, feed: Feed, since: str | None) -> Iterator[Extraction]:
    """The source, opened; afterwards its columns and first rows are known."""
    secret = hub.secret(system.secret)
    with connectors.extract(system, feed, secret, since, chunk_rows=hub.settings.chunk_rows) as extraction:
        yield extraction


def without_ignored(feed: Feed, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns that may land, in the source's order."""
    return batch.select(landing_columns(feed, batch.schema))


def landing_columns(feed: Feed, schema: pa.Schema) -> list[str]:
    """Mapped columns, the watermark (it tells which of two versions in one batch is the later) and the flag."""
    return [name for name in schema.names if name in feed.columns or name in drift.named(feed)]
