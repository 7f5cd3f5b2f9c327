"""Ends what a test process leaves behind when it is killed (a second Ctrl-C, a limit of time, no memory left): servers and
commands run in sessions of their own and would go on for ever.

    python -m tests.guardian MARK     wait for the end of standard input, then kill whatever carries the mark
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

#: in the environment of whatever a test process starts, and of what that starts
NAME = "HUTONG_TESTS_MARK"
#: where it makes folders: Linux's file system in memory (tests/memory.py), and the usual place
FOLDERS = (Path("/dev/shm"), Path(tempfile.gettempdir()))
_WATCHES: list[subprocess.Popen[bytes]] = []
_ROOT = Path(__file__).resolve().parents[1]


def start() -> subprocess.Popen[bytes]:
    """Mark what this process will start, and watch over it. Its standard input ends with this process, however that ends."""
    mark = os.environ[NAME] = uuid4().hex
    watch = subprocess.Popen(
        [sys.executable, "-m", "tests.guardian", mark], cwd=_ROOT, stdin=subprocess.PIPE, start_new_session=True
    )
    _WATCHES.append(watch)  # forgotten, it would be told that this process has ended
    return watch


def name() -> str:
    """How the folders that this process makes outside pytest's must begin to be removed with it."""
    return f"hutong-{os.environ.get(NAME, '')[:12]}-"


def sweep(mark: str) -> None:
    """Kill every process with that mark but this one, and remove their folders."""
    ended = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(NAME) == mark:
                process.kill()
                ended.append(process)
    psutil.wait_procs(ended, timeout=10)
    for place in FOLDERS:
        for left in place.glob(f"hutong-{mark[:12]}-*"):
            shutil.rmtree(left, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.read()
    sweep(sys.argv[1])
