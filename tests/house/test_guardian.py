"""A test run that is killed leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil

from tests.house.tree import ROOT

#: what a test process does: it is watched over, starts a server in a session of its own, and says its number
WATCHED = """
import subprocess, sys, time
from tests import guardian
watch = guardian.start()
server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
print(server.pid, watch.pid, flush=True)
time.sleep(300)
"""


def test_what_a_killed_test_process_started_ends_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", WATCHED], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server, watch = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
        assert server.is_running()
        os.kill(process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs([server, watch], timeout=30)
    assert alive == []
