"""Where a test's server keeps its files: in memory where there is room, since making a database there takes a tenth of the
time; else where temporary files lie."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests import guardian

_MEMORY = guardian.FOLDERS[0]
_ROOM = 4 * 2**30  # bytes; a session's server takes a few hundred MB


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """An empty folder that is gone after the block. Others may enter it: as root, PostgreSQL runs as another user."""
    with tempfile.TemporaryDirectory(
        prefix=f"{guardian.name()}{prefix}-", dir=_MEMORY if has_room() else None, ignore_cleanup_errors=True
    ) as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def has_room() -> bool:
    """Whether this machine has memory to spare, and a file system in it."""
    if not os.access(_MEMORY, os.W_OK):
        return False
    return min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available / 2) >= _ROOM
