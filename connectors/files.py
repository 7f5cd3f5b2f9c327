"""Files dropped into a folder: CSV, workbooks and Parquet, in deliveries with a manifest.

Secret: where they lie (connectors.stores: a folder, SFTP, an object store). Source:
    pattern     names of the feed's files, with * and ? (default: every file)
    folder      below the address (default: the address itself)
    manifest    none: the sender writes no manifest.json, files count once they rest (`settle_s`, 60 s)
    encoding    of text files (default: found by decoding)
    sheet       the workbook's sheet (default: the first with the expected header)

A full feed takes the newest complete delivery, an incremental one all that came after the last. Files are copied first
and read from the copy, so that what was checked is what is read and landed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from connectors import columns, delimited, refusals, spreadsheet, stores
from connectors.delivery import MANIFEST, SETTLE, Delivery, Drop, File, blocked
from connectors.extraction import Extraction
from connectors.tabular import Sheet
from core import scratch
from core.errors import BatchBlocked, DocumentRefused
from core.text import T

if TYPE_CHECKING:
    from connectors.system import Feed, System

SOURCE_KEYS = ("pattern", "folder", "manifest", "settle_s", "encoding", "sheet")
_TEXT = frozenset({".csv", ".txt", ".tsv"})
_WORKBOOK = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".et", ".ods"})


def extract(
    system: System, feed: Feed, secret: dict[str, Any], since: str | None, *, chunk_rows: int = 200_000
) -> Extraction:
    """The rows of the deliveries after `since`; `nothing_new` when there are none."""

    encoding = feed.source.get("encoding")
    if not delimited.is_encoding(encoding or "utf-8"):
        raise DocumentRefused(
            T(f"没有编码 {encoding}。", f"There is no encoding {encoding!r}."),
            file=system.id,
            path=f"{feed.id}.source.encoding",
            remedy=T("例如 gb18030、utf-8;不写则自动识别。", "For example gb18030 or utf-8; left out, it is found."),
        )

    def read(run: Extraction) -> Iterator[pa.RecordBatch]:
        reading = _Reading(system.id, feed, run)
        below = str(feed.source.get("folder", "")).strip("/")
        copies = run.resources.enter_context(scratch.folder())
        with stores.opened(system.id, secret) as (store, base):
            place = f"{base.rstrip('/')}/{below}" if below else base
            chosen = reading.choose(Drop(store, place, feed.timezone), since, copies)
        yield from reading.batches(chosen)

    return Extraction(read, since=since, zone=feed.timezone, chunk_rows=chunk_rows)


class _Reading:
    """The files of one run, copied and checked, then read one after another."""

    def __init__(self, system: str, feed: Feed, run: Extraction) -> None:
        self._system = system
        self._feed = feed
        self._run = run
        self._known = frozenset(feed.columns) | frozenset(feed.ignore)
        run.schema = pa.schema([pa.field(name, pa.string()) for name in feed.columns])

    def choose(self, drop: Drop, since: str | None, folder: Path) -> list[tuple[Delivery, File, Path]]:
        """Copies of the new deliveries' files, made in `folder`. Raises OSError when the drop cannot be read."""
        source = self._feed.source
        fresh = drop.deliveries(
            str(source.get("pattern", "*")),
            after=since,
            newest=self._feed.mode == "full",
            manifests=source.get("manifest") != "none",
            settle=timedelta(seconds=float(source.get("settle_s", SETTLE.total_seconds()))),
        )
        copies: list[tuple[Delivery, File, Path]] = []
        for delivery in fresh:
            own = self._copied(drop, delivery, folder)
            if own is None:
                break  # still being written: it and what came later wait, so that the order holds
            copies += own
            self._run.mark.value = delivery.mark
        self._run.nothing_new = not copies
        return copies

    def _copied(self, drop: Drop, delivery: Delivery, folder: Path) -> list[tuple[Delivery, File, Path]] | None:
        copies: list[tuple[Delivery, File, Path]] = []
        for file in delivery.files:
            number = len(self._run.originals) + len(copies)
            target = folder / f"{number}{Path(file.name).suffix.lower()}"
            digest = drop.fetch(f"{delivery.folder}/{file.name}", target)
            if digest is None:
                return None
            if file.sha256 is not None and digest != file.sha256.lower():
                raise blocked(
                    T(f"{_label(delivery, file)} 的校验值不符。", f"{_label(delivery, file)} fails its checksum."),
                    code="checksum",
                )
            copies.append((delivery, file, target))
        self._run.originals += [(_label(delivery, file), path) for _, file, path in copies]
        if delivery.manifest is not None:
            self._run.originals.append((f"{delivery.name}-{MANIFEST}", delivery.manifest))
        return copies

    def batches(self, copies: list[tuple[Delivery, File, Path]]) -> Iterator[pa.RecordBatch]:
        """The rows of the copies in order, with one schema."""
        schema: pa.Schema | None = None
        for delivery, file, path in copies:
            name = _label(delivery, file)
            rows = totals = 0
            for sheet, batch in self._file(path, name):
                totals = sheet.totals if sheet else 0
                schema = schema or batch.schema
                self._run.schema = schema
                rows += batch.num_rows
                yield _aligned(batch, schema, name)
            self._count(file, name, rows, totals)

    def _file(self, path: Path, name: str) -> Iterator[tuple[Sheet | None, pa.RecordBatch]]:
        if path.suffix in _TEXT:
            yield from delimited.read(path, name, self._known, self._feed.source.get("encoding"))
        elif path.suffix in _WORKBOOK:
            yield from spreadsheet.read(path, name, self._known, self._feed.source.get("sheet"))
        elif path.suffix == ".parquet":
            yield from ((None, batch) for batch in _parquet(path, name))
        else:
            raise refusals.unreadable(
                name,
                T("不支持的文件格式", "its format is not supported"),
                T("请交换 CSV、.xlsx 或 Parquet。", "Deliver CSV, .xlsx or Parquet."),
            )

    def _count(self, file: File, name: str, rows: int, totals: int) -> None:
        """Compare with the manifest; some senders count the line of totals as a row."""
        if file.rows is None:
            return
        if file.rows not in {rows, rows + totals}:
            raise blocked(
                T(
                    f"{name} 有 {rows} 行,清单声明 {file.rows} 行。",
                    f"{name} has {rows} rows, its manifest says {file.rows}.",
                )
            )
        self._run.source_rows = (self._run.source_rows or 0) + rows


def _label(delivery: Delivery, file: File) -> str:
    return f"{delivery.name}-{file.name}" if delivery.name else file.name


def _parquet(path: Path, name: str) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, by a process of its own (connectors/columns.py): a packed bomb goes off there."""
    command = [sys.executable, "-I", columns.__file__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        assert reader.stdout is not None
        try:
            with suppress(pa.ArrowException, OSError):  # cut short: its exit status says why
                yield from pa.ipc.open_stream(reader.stdout)
            status = reader.wait()
        finally:
            reader.kill()
    if status == 1:
        raise refusals.unreadable(
            name,
            T("不是完好的 Parquet", "it is not an intact Parquet file"),
            T("请部门重新导出并交换该文件。", "Ask the department to export and deliver it again."),
        )
    if status:
        raise refusals.unreadable(
            name,
            T("展开后过大", "it is too large when unpacked"),
            T(
                "请部门核对过长的文本,分成几个文件交换。",
                "Ask the department about overlong texts, or to deliver several files.",
            ),
        )


def _aligned(batch: pa.RecordBatch, schema: pa.Schema, name: str) -> pa.RecordBatch:
    """The batch in the order and types of the first file. Raises BatchBlocked when files differ in columns."""
    if batch.schema.equals(schema):
        return batch
    for column in sorted(set(batch.schema.names) ^ set(schema.names)):
        raise BatchBlocked(
            T(f"{name} 与同批其他文件的列不同:{column}。", f"{name} differs from the other files in column {column}."),
            code="unknown_column",
            remedy=T("请部门按同一格式交换。", "Ask the department to deliver files of one layout."),
        )
    try:
        return batch.select(schema.names).cast(schema)
    except pa.ArrowException:
        raise refusals.unreadable(
            name,
            T("列类型与同批其他文件不同", "its column types differ from the other files'"),
            T("请部门按同一格式交换。", "Ask the department to deliver files of one layout."),
        ) from None
