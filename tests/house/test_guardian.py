"""A test run that is killed leaves nothing running, and no folder in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.house.tree import ROOT

#: what a test process does: it is watched over, starts a server in a session of its own, and says its number and folder
WATCHED = """
import subprocess, sys, time
from tests import guardian, memory
watch = guardian.start()
with memory.folder("server") as folder:
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    print(server.pid, watch.pid, folder, flush=True)
    time.sleep(300)
"""


def test_what_a_killed_test_process_started_ends_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", WATCHED], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        *numbers, folder = process.stdout.readline().split()
        server, watch = (psutil.Process(int(pid)) for pid in numbers)
        assert server.is_running()
        assert Path(folder).is_dir()
        os.kill(process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs([server, watch], timeout=30)
    assert alive == []
    assert not Path(folder).exists()
