"""What every connector hands over: record batches of bounded size, a watermark, and the source's own count.

A connector is a generator that reads a source and reports on the `Extraction` it is given; this file does what is the
same for all of them. What a source is, how a feed maps it and what to do with the rows is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from connectors.watermark import Watermark
from core.errors import BatchBlocked
from core.text import T

MOST_BYTES = 128 << 20
"""A batch of several rows is no larger: a row is a few hundred bytes, and 100 kB in a cell are too many for any."""

Reader = Callable[["Extraction"], Iterator[pa.RecordBatch]]


class Extraction(AbstractContextManager["Extraction"]):
    """One run over a source. Enter it, iterate it once, then read `watermark` and `source_rows`.

    `schema` is known as soon as it is entered, also for a source without rows.
    Entering and iterating raise SourceDown (try later) or BatchBlocked (a person must look).
    """

    def __init__(self, read: Reader, *, since: str | None, zone: str, chunk_rows: int) -> None:
        self.schema: pa.Schema = pa.schema([])
        self.rows = 0
        self.source_rows: int | None = None
        """What the source itself says it has for this run; None when it does not say."""
        self.originals: list[tuple[str, Path | bytes]] = []
        """Files as delivered, for the landing; their paths are good until the extraction is left."""
        self.nothing_new = False
        self.mark = Watermark(since, zone)
        self.resources = ExitStack()
        """What must outlive the reading itself, such as copies of files; released when the extraction is left."""
        self._chunk_rows = chunk_rows
        self._batches = read(self)
        self._first: pa.RecordBatch | None = None
        self._begun = False

    @property
    def watermark(self) -> str | None:
        """The lower bound of the next run; final once the batches are exhausted."""
        return self.mark.value

    @property
    def first(self) -> pa.RecordBatch | None:
        """The first rows, once entered and until iterated; None of a source without rows."""
        return self._first

    def __enter__(self) -> Extraction:
        """Open the source: afterwards `schema` and `nothing_new` are known."""
        if not self._begun:
            self._begun = True
            try:
                self._first = next(self._batches, None)
            except BaseException:
                self.resources.close()  # what was never entered is never left
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
        self.resources.close()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self.__enter__()
        for batch in regroup(self._rest(), self._chunk_rows):
            self.rows += batch.num_rows
            yield batch
        if self.source_rows is not None and self.rows < self.source_rows:
            raise BatchBlocked(
                T(
                    f"来源声明 {self.source_rows} 行,只读到 {self.rows} 行。",
                    f"The source announces {self.source_rows} rows, but only {self.rows} were read.",
                ),
                code="incomplete",
                remedy=T("请重新运行;仍不一致时请联系来源部门。", "Run it again; if it persists, ask the department."),
            )

    def _rest(self) -> Iterator[pa.RecordBatch]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._batches


def regroup(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order, in batches of exactly `rows` (the last one may be shorter), or of fewer where they
    would take more than MOST_BYTES; none is empty."""
    held: list[pa.RecordBatch] = []
    count = size = 0
    for incoming in batches:
        for batch in _bounded(incoming):
            if held and size + batch.nbytes > MOST_BYTES:
                yield _joined(held)
                held, count, size = [], 0, 0
            while count + batch.num_rows >= rows:
                held.append(batch.slice(0, rows - count))
                batch = batch.slice(rows - count)
                yield _joined(held)
                held, count, size = [], 0, 0
            if batch.num_rows:
                held.append(batch)
                count, size = count + batch.num_rows, size + batch.nbytes
    if held:
        yield _joined(held)


def _bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch, halved until no part of several rows is too large."""
    if batch.nbytes <= MOST_BYTES or batch.num_rows < 2:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _bounded(batch.slice(0, half))
    yield from _bounded(batch.slice(half))


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)
