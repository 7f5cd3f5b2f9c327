"""Scratch folders for copies of deliveries: private, gone after use, and after a process that was killed as well.

A folder is locked (flock) for as long as its process lives; whoever needs the next one removes those that nobody holds.
They lie in the system's temporary folder (`TMPDIR`), which must have room for the largest delivery.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import NotReady
from core.text import T

PREFIX = "hutong-scratch-"


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder of mode 0700, removed at the end."""
    sweep()
    path, lock = _made()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Remove the folders of processes that are gone."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if path.lstat().st_uid != os.getuid():
                continue
            lock = _open(path)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: somebody works in it
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def _made() -> tuple[Path, int]:
    while True:
        try:
            path = Path(tempfile.mkdtemp(prefix=PREFIX))
        except OSError as error:
            raise NotReady(
                T(f"临时目录不可写:{error.strerror}。", f"The temporary folder cannot be written: {error.strerror}."),
                remedy=T(
                    "检查 TMPDIR 所指目录的空间与权限。", "Check the space and the rights of the folder TMPDIR names."
                ),
            ) from error
        with suppress(FileNotFoundError):
            lock = _open(path)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)  # swept between its making and its locking


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
