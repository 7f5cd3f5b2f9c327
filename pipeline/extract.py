"""What a source gives against what its feed says: handle a column, ignore it by name, or stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

import connectors
from connectors.extraction import Extraction
from connectors.system import Feed, System
from core.errors import BatchBlocked
from core.hub import Hub
from core.text import T


@contextmanager
def opened(hub: Hub, system: System, feed: Feed, since: str | None) -> Iterator[Extraction]:
    """The source, opened; afterwards its columns are known and have been checked."""
    secret = hub.secret(system.secret)
    with connectors.extract(system, feed, secret, since, chunk_rows=hub.settings.chunk_rows) as extraction:
        if not extraction.nothing_new:
            check_columns(feed, extraction.schema)
        yield extraction


def check_columns(feed: Feed, schema: pa.Schema) -> None:
    """Every source column is mapped or ignored by name, and every mapped one is there; BatchBlocked otherwise."""
    known = {*feed.columns, *feed.ignore, *_named(feed)}
    if feed.only:
        known |= set(schema.names)  # of a source that cannot leave columns out, the others are not looked at
    if unknown := [name for name in schema.names if name not in known]:
        listed = "、".join(unknown[:10])
        raise BatchBlocked(
            T(
                f"来源多出未登记的列:{listed}。",
                f"The source has columns nobody registered: {', '.join(unknown[:10])}.",
            ),
            code="unknown_column",
            remedy=T(
                f"在 {feed.id} 的 columns 中映射这些列,或列入 ignore。",
                f"Map them under `columns` of {feed.id}, or list them under `ignore`.",
            ),
        )
    if missing := [name for name in feed.columns if name not in schema.names]:
        raise BatchBlocked(
            T(f"来源缺少列:{'、'.join(missing[:10])}。", f"The source lacks the columns {', '.join(missing[:10])}."),
            code="missing_column",
            remedy=T(
                f"向来源部门核实是否改名;若已停用,从 {feed.id} 的 columns 中删去。",
                f"Ask the department whether they were renamed; if dropped, take them out of `columns` of {feed.id}.",
            ),
        )


def without_ignored(feed: Feed, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns that may land, in the source's order."""
    return batch.select(landing_columns(feed, batch.schema))


def landing_columns(feed: Feed, schema: pa.Schema) -> list[str]:
    """Mapped columns, the watermark (it tells which of two versions in one batch is the later) and the flag."""
    return [name for name in schema.names if name in feed.columns or name in _named(feed)]


def _named(feed: Feed) -> set[str]:
    return {name for name in (feed.watermark, feed.flag.column if feed.flag else None) if name}
