"""Copying files of the landing store into a backup and out of it, each judged by its SHA-256 while it is copied."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import NotReady
from core.text import T

_BLOCK = 1 << 20


def write_synced(path: Path, body: bytes) -> None:
    """A small file, 0600, on the disk before it gets its name."""
    with replacing(path) as stream:
        stream.write(body)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream that becomes the file `path` (0600) when the block ends well, and nothing when it does not."""
    beside = path.with_name(f".{path.name}.writing")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        sync(path.parent)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotReady(
                T(f"磁盘空间不足({path.parent})。", f"There is no disk space left at {path.parent}."),
                remedy=T("腾出空间,或换一个目录。", "Free some, or use another folder."),
                code="disk_full",
            ) from error
        raise


def sync(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_private(folder: Path) -> None:
    """A folder, and those above it that are missing, for its owner only."""
    try:
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise NotReady(
            T(f"目录 {folder} 不可写:{error.strerror}。", f"The folder {folder} cannot be written: {error.strerror}."),
            remedy=T("检查路径与权限,或换一个目录。", "Check the path and its rights, or use another folder."),
            code="folder",
        ) from error


def copy(source: Any, sink: Any) -> tuple[int, str]:
    """Copy a stream; its size and SHA-256."""
    digest, size = sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
        sink.write(block)
    return size, digest.hexdigest()


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as stream, Path(os.devnull).open("wb") as nowhere:
        return copy(stream, nowhere)


def remove(folder: Path) -> None:
    """A folder and all in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
