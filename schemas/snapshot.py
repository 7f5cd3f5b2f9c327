"""A folder of files that changes as a whole: written beside, synced, renamed, and a link swapped over."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FOLDER, CURRENT, KEEP = "published", "current", 5


def store(home: Path, state: Callable[[], tuple[int, Mapping[str, str]]]) -> Path:
    """Make `home/published/<n>` hold exactly the files of `state()` (number, relative path → text) and point `current`
    at it. `state` is read under the lock, so the last writer holds the newest state and `current` never goes back."""
    root = home / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        number, files = state()
        folder = root / str(number)
        if _content(folder) != files:
            beside = root / f".{number}.writing"
            shutil.rmtree(beside, ignore_errors=True)
            for name, body in files.items():
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("w", encoding="utf-8", newline="") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
            beside.mkdir(parents=True, exist_ok=True)
            for inner in [*beside.iterdir(), beside]:
                _sync(inner)
            if folder.exists():  # altered or half lost: the database wins
                shutil.rmtree(folder)
            beside.rename(folder)
            _sync(root)
        link = root / f".{CURRENT}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
        link.replace(root / CURRENT)
        _sync(root)
        numbers = sorted((int(path.name) for path in root.iterdir() if path.name.isdigit()), reverse=True)
        for old in numbers[KEEP:]:
            if old != number:
                shutil.rmtree(root / str(old), ignore_errors=True)
    return folder


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    with (root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _content(folder: Path) -> dict[str, str] | None:
    if not folder.is_dir():
        return None
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
