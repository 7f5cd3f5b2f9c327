"""The landing store: every batch as immutable Parquet with a manifest, before anyone touches it.

`<root>/<system>/<dataset>/<batch>/part-00000.parquet …` and, last and atomically, `manifest.json`. No manifest, no batch.
On a folder files are made 0600; in an object store an object appears whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from core.errors import NotReady, Stop
from core.store import Store
from core.text import T

MANIFEST = "manifest.json"
#: beside the systems' folders: what stands for files that retention has removed (pipeline/rebuild/checkpoint.py)
CHECKPOINTS, CHECKPOINT = "_checkpoint", "library.dump"


class Landing(Store):
    """Batches on a folder or an object store."""

    def writer(self, system: str, dataset: str, batch: UUID) -> BatchWriter:
        """A writer for a new batch; whatever an earlier attempt left there is removed first."""
        folder = self.folder(system, dataset, batch)
        with self.answering():
            if self.fs.get_file_info(folder).type == pafs.FileType.Directory:
                if self.fs.get_file_info(f"{folder}/{MANIFEST}").type == pafs.FileType.File:
                    raise Stop(T("批次已落地,不能改写。", "The batch has landed and cannot be rewritten."))
                self.fs.delete_dir(folder)
        try:
            if self.local:
                Path(self.root).mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.answering():
                self.fs.create_dir(folder, recursive=True)
        except OSError as error:
            raise NotReady(
                T(
                    f"落地区不可写:{error.strerror or error}。",
                    f"The landing store cannot be written: {error.strerror or error}.",
                ),
                remedy=T(
                    "检查磁盘空间与目录权限(landing_url)。", "Check the disk and the folder's rights (landing_url)."
                ),
            ) from error
        return BatchWriter(self, folder)

    def folder(self, system: str, dataset: str, batch: UUID) -> str:
        """Where a batch lies."""
        return f"{self.root}/{system}/{dataset}/{batch}"

    def manifest(self, system: str, dataset: str, batch: UUID) -> dict[str, Any] | None:
        """The manifest of a landed batch, or None when it never landed whole."""
        path = f"{self.folder(system, dataset, batch)}/{MANIFEST}"
        with self.answering():
            if self.fs.get_file_info(path).type != pafs.FileType.File:
                return None
            with self.fs.open_input_stream(path) as stream:
                return dict(json.loads(stream.read()))

    def read(self, system: str, dataset: str, batch: UUID, chunk_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a landed batch in chunks; each file's SHA-256 is checked before its first row is given out."""
        manifest = self.manifest(system, dataset, batch)
        if manifest is None:
            raise Stop(T("批次没有清单,视为未落地。", "The batch has no manifest, so it never landed."))
        folder = self.folder(system, dataset, batch)
        for part in manifest["files"]:
            path = f"{folder}/{part['name']}"
            if self._sha256(path) != part["sha256"]:
                raise Stop(
                    T(
                        f"落地文件 {part['name']} 缺失或校验和不符。",
                        f"Landed file {part['name']} is missing or does not match its checksum.",
                    ),
                    remedy=T(
                        "从备份恢复该文件,或放弃批次后重新抽取。",
                        "Restore the file, or drop the batch and extract again.",
                    ),
                    code="landing_checksum",
                )
            if not part["name"].startswith("part-"):
                continue  # an original may be Parquet too
            with self.answering(), self.fs.open_input_file(path) as source:
                file = pq.ParquetFile(source)
                for group in range(file.num_row_groups):  # as they were written: heavy rows in small chunks
                    yield from file.iter_batches(batch_size=chunk_rows, row_groups=[group])

    def thin(self, system: str, dataset: str, batch: UUID) -> None:
        """Remove a batch's files; its manifest stays."""
        manifest = self.manifest(system, dataset, batch)
        for part in manifest["files"] if manifest else ():
            with self.answering(), suppress(FileNotFoundError):
                self.fs.delete_file(f"{self.folder(system, dataset, batch)}/{part['name']}")

    def _sha256(self, path: str) -> str:
        """The digest of a file; empty when it is not there."""
        digest = hashlib.sha256()
        try:
            with self.answering(), self.fs.open_input_stream(path) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except FileNotFoundError:
            return ""
        return digest.hexdigest()


@dataclass
class BatchWriter:
    """Writes one batch: chunks as Parquet parts, originals as they came, then the manifest."""

    landing: Landing
    folder: str
    rows: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)
    _sink: _HashingSink | None = None
    _parquet: pq.ParquetWriter | None = None
    _name: str = ""
    _part_rows: int = 0

    #: rows a part; a part is one file, so that a large batch can be read back file by file
    PART_ROWS = 2_000_000

    def write(self, chunk: pa.RecordBatch) -> None:
        """Append a chunk."""
        if self._parquet is None:
            self._name = f"part-{len(self.files):05d}.parquet"
            with self.landing.answering():
                self._sink = _HashingSink(self._open(self._name), durable=self.landing.local)
            # Dictionaries pay for codes only; a number or a name never repeats enough (measured, PARTS)
            self._parquet = pq.ParquetWriter(
                self._sink, chunk.schema, compression="zstd", compression_level=1, use_dictionary=False
            )
        try:
            with self.landing.answering():
                self._parquet.write_batch(chunk, row_group_size=max(chunk.num_rows, 1))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NotReady(
                T("落地区磁盘空间不足。", "The landing store has no disk space left."),
                remedy=T("腾出空间后重新运行该采集任务。", "Free some space, then run the feed again."),
                code="no_disk",
            ) from error
        self.rows += chunk.num_rows
        self._part_rows += chunk.num_rows
        if self._part_rows >= self.PART_ROWS:
            self._close_part()

    def original(self, name: str, content: bytes | Path) -> None:
        """Keep a file as it was delivered."""
        safe = f"original-{len(self.files):05d}-{Path(name).name}"
        with self.landing.answering(), closing(_HashingSink(self._open(safe), durable=self.landing.local)) as sink:
            if isinstance(content, Path):
                with content.open("rb") as source:
                    while block := source.read(1 << 20):
                        sink.write(block)
            else:
                sink.write(content)
        self.files.append({"name": safe, "bytes": sink.size, "sha256": sink.hexdigest()})

    def commit(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Close the parts and write the manifest: from here on the batch exists. Returns the manifest."""
        self._close_part()
        manifest = {**facts, "rows": self.rows, "files": self.files}
        body = json.dumps(manifest, ensure_ascii=False, indent=1, default=str).encode()
        path = f"{self.folder}/{MANIFEST}"
        if self.landing.local:
            temporary = Path(f"{path}.writing")
            with _private(str(temporary)) as stream:
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
            _sync_folder(Path(self.folder))
        else:
            # an object appears when it is closed, whole
            with self.landing.answering(), self.landing.fs.open_output_stream(path) as stream:
                stream.write(body)
        return manifest

    def abandon(self) -> None:
        """Remove what was written; nothing landed."""
        if self._parquet is not None and self._sink is not None:
            with suppress(OSError):  # a full disk refuses the footer too
                self._parquet.close()
            with suppress(OSError):  # an object that is left open would appear after its folder was removed
                self._sink.close()
            self._parquet = self._sink = None
        with self.landing.answering():
            self.landing.fs.delete_dir(self.folder)

    def _close_part(self) -> None:
        if self._parquet is None or self._sink is None:
            return
        with self.landing.answering():
            self._parquet.close()
            self._sink.close()
        self.files.append({"name": self._name, "bytes": self._sink.size, "sha256": self._sink.hexdigest()})
        self._parquet, self._sink, self._part_rows = None, None, 0

    def _open(self, name: str) -> Any:
        path = f"{self.folder}/{name}"
        return _private(path) if self.landing.local else self.landing.fs.open_output_stream(path)


class _HashingSink:
    """A file object that hashes what it writes; on a folder it reaches the disk before the manifest names it."""

    def __init__(self, stream: Any, *, durable: bool) -> None:
        self._stream = stream
        self._durable = durable
        self._digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        if self.closed:
            return
        self._stream.flush()
        if self._durable:
            os.fsync(self._stream.fileno())
        self._stream.close()
        self.closed = True

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _private(path: str) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
