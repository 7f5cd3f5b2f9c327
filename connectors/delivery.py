"""Deliveries in a drop folder: which are complete, which are new, and that they are what was sent.

A delivery is a subfolder with `manifest.json`, written last:
    {"id": "…", "delivered_at": "<ISO 8601>", "files": [{"name": "…", "rows": 123, "sha256": "…"}]}
Without that convention (`manifest: none`) each matching file is a delivery, once it has been left unchanged a while.
Whatever is not complete yet is left alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from pyarrow import fs
from pydantic import BaseModel, Field, ValidationError

from connectors.query import bad_bound
from connectors.stores import Files
from core import clock
from core.errors import BatchBlocked
from core.text import T

MANIFEST = "manifest.json"
SETTLE = timedelta(seconds=60)
"""A file without a manifest, or a manifest that is not whole, may still be being written for so long."""

_PIECE = 1 << 20
_LARGEST_MANIFEST = 16 << 20


class File(BaseModel):
    """One file as its sender describes it."""

    name: str = Field(pattern=r"^[^./\\\x00][^/\\\x00]*$")
    rows: int | None = Field(None, ge=0)
    sha256: str | None = Field(None, pattern=r"^[0-9a-fA-F]{64}$")


class Manifest(BaseModel):
    """What the sender says of one delivery."""

    id: str = Field(min_length=1)
    delivered_at: datetime
    files: list[File]


@dataclass(frozen=True)
class Delivery:
    """One complete delivery: the files of it that a feed asks for."""

    id: str
    delivered_at: datetime
    folder: str
    files: tuple[File, ...]
    manifest: bytes | None
    listed: frozenset[str] = frozenset()
    """Every file its manifest names."""

    @property
    def name(self) -> str:
        """What people call it: its folder, which no other delivery has."""
        return PurePosixPath(self.folder).name if self.manifest is not None else ""

    @property
    def mark(self) -> str:
        """Its place in the order of deliveries, as a watermark."""
        return f"{self.delivered_at.astimezone(UTC).isoformat()} {self.id}"


def place(mark: str) -> tuple[datetime, str]:
    """The order of a mark. Raises BatchBlocked when it is not one."""
    moment, _, id = mark.partition(" ")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), id
    except ValueError:
        raise bad_bound() from None


class Drop:
    """One drop folder."""

    def __init__(self, files: Files, base: str, zone: str) -> None:
        self.fs = files
        self._base = base
        self._zone = ZoneInfo(zone)

    def deliveries(
        self, pattern: str, *, after: str | None, newest: bool, manifests: bool, settle: timedelta
    ) -> list[Delivery]:
        """Complete deliveries that hold a file matching the pattern and came after that mark, oldest first; or of them the
        newest only. Those that were taken before are not looked into: senders clear them away. Raises OSError."""
        found = self._described(pattern, settle) if manifests else self._settled(pattern, settle)
        fresh = [one for one in found if after is None or place(one.mark) > place(after)]
        taken: list[Delivery] = []
        for delivery in sorted(fresh, key=lambda one: place(one.mark), reverse=True):
            if delivery.manifest is not None:
                self._check(delivery, pattern)
            if delivery.files:
                taken.insert(0, delivery)
            if taken and newest:
                break
        return taken

    def _described(self, pattern: str, settle: timedelta) -> Iterator[Delivery]:
        for folder in self._in(self._base):
            if folder.type != fs.FileType.Directory:
                continue
            path = f"{folder.path}/{MANIFEST}"
            info = self.fs.get_file_info(path)
            if info.type != fs.FileType.File:
                continue  # still being delivered
            text = self._bytes(path)
            manifest = self._manifest(text, folder.base_name, fresh=_age(info) < settle)
            if manifest is None:
                continue
            wanted = tuple(file for file in manifest.files if _matches(file.name, pattern))
            moment = manifest.delivered_at
            aware = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            yield Delivery(
                manifest.id, aware, folder.path, wanted, text, frozenset(file.name for file in manifest.files)
            )

    def _settled(self, pattern: str, settle: timedelta) -> Iterator[Delivery]:
        for info in self._in(self._base, every=True):
            if info.type == fs.FileType.File and _matches(info.base_name, pattern) and _age(info) >= settle:
                named = File(name=info.base_name, rows=None, sha256=None)
                yield Delivery(info.base_name, info.mtime, self._base, (named,), None)

    def _manifest(self, text: bytes, folder: str, *, fresh: bool) -> Manifest | None:
        try:
            manifest = Manifest.model_validate(json.loads(text.decode("utf-8-sig")))
        except (ValueError, ValidationError, RecursionError) as error:
            if fresh:
                return None
            fields = ", ".join(".".join(map(str, e["loc"])) for e in _errors(error)) or "JSON"
            raise blocked(
                T(f"交换批次 {folder} 的清单有误:{fields}。", f"The manifest of delivery {folder} is wrong: {fields}.")
            ) from None
        aware = manifest.delivered_at.tzinfo and manifest.delivered_at > clock.now() + timedelta(days=1)
        if aware:
            # It would hide every later delivery.
            raise blocked(
                T(f"交换批次 {folder} 的时间在未来。", f"The manifest of delivery {folder} is dated in the future.")
            )
        return manifest

    def _check(self, delivery: Delivery, pattern: str) -> None:
        """Files and manifest must name each other."""
        name = delivery.name
        there = {info.base_name for info in self._in(delivery.folder)}
        for file in sorted(file for file in delivery.listed - there if _matches(file, pattern)):
            raise blocked(T(f"交换批次 {name} 缺少文件 {file}。", f"Delivery {name} lacks file {file}."))
        for file in sorted(file for file in there - delivery.listed if _matches(file, pattern)):
            raise blocked(
                T(
                    f"交换批次 {name} 的清单没有列出 {file}。",
                    f"The manifest of delivery {name} does not list {file}.",
                )
            )

    def _in(self, folder: str, *, every: bool = False) -> Iterator[fs.FileInfo]:
        """What is in a folder. A name that is no UTF-8 (older clients send GBK) can be nobody's that a manifest names, and is
        left alone; where there is no manifest, it is told."""
        for info in self.fs.get_file_info(fs.FileSelector(folder)):
            try:
                whole = "\ufffd" not in info.path
            except UnicodeDecodeError:
                whole = False
            if whole:
                yield info
            elif every:
                raise blocked(
                    T("有文件名不是 UTF-8 编码。", "The name of a file is not UTF-8."),
                    remedy=T("请部门以 UTF-8 重新命名。", "Ask the department to rename it in UTF-8."),
                )

    def fetch(self, path: str, target: Path) -> str | None:
        """Copy a file to a local one; its SHA-256, or None when it changed meanwhile. Raises OSError."""
        before = self.fs.get_file_info(path)
        digest = hashlib.sha256()
        with self.fs.open_input_stream(path) as source, target.open("wb") as copy:
            while piece := source.read(_PIECE):
                digest.update(piece)
                copy.write(piece)
        after = self.fs.get_file_info(path)
        same = (before.size, before.mtime_ns) == (after.size, after.mtime_ns)
        return digest.hexdigest() if same and target.stat().st_size == after.size else None

    def _bytes(self, path: str) -> bytes:
        """A whole small file; what is larger is cut, and no manifest."""
        with self.fs.open_input_stream(path) as stream:
            return bytes(stream.read(_LARGEST_MANIFEST))


def blocked(message: T, *, code: str = "manifest", remedy: T | None = None) -> BatchBlocked:
    """A delivery that is not what its manifest says."""
    usual = T("请部门更正后作为新批次重新交换。", "Ask the department to correct it and deliver it as a new delivery.")
    return BatchBlocked(message, code=code, remedy=remedy or usual)


def _matches(name: str, pattern: str) -> bool:
    """Lock files (`~$…`), hidden files and the manifest itself are nobody's data."""
    return not name.startswith(("~$", ".")) and name != MANIFEST and fnmatchcase(PurePosixPath(name).name, pattern)


def _age(info: fs.FileInfo) -> timedelta:
    age: timedelta = clock.now() - info.mtime
    return age


def _errors(error: Exception) -> list[Any]:
    return list(error.errors()) if isinstance(error, ValidationError) else []
