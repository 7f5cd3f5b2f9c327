"""Processes of an installation: found again, stopped whole, never confused with another's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.processes import MARK, Processes, Service, choose_port, python
from core.errors import NotReady

SLEEP = python("-c", "import time; time.sleep(300)")
STUBBORN = python("-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)")
FAMILY = python(
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']); time.sleep(300)",
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    home = tmp_path / "home"
    home.mkdir()
    yield (made := Processes(home))
    made.stop(grace=1)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def marked(home: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_started_once_found_again_and_stopped(processes: Processes) -> None:
    first = processes.start(Service("one", SLEEP, port=4711))
    assert processes.start(Service("one", SLEEP)) == first
    again = Processes(processes.home).running()["one"]
    assert (again.pid, again.port) == (first.pid, 4711)
    assert os.getsid(first.pid) == first.pid, "a session of its own: Ctrl-C in the terminal does not reach it"
    assert processes.stop() == 1 and not alive(first.pid) and processes.running() == {}


def test_children_and_the_deaf_go_too(processes: Processes) -> None:
    processes.start(Service("family", FAMILY))
    processes.start(Service("stubborn", STUBBORN))
    time.sleep(0.7)  # until the one has its child and the other has closed its ears
    assert len(marked(processes.home)) == 3
    processes.stop(grace=0.5)
    assert marked(processes.home) == []


def test_what_was_never_recorded_is_swept_by_its_mark(processes: Processes) -> None:
    stray = subprocess.Popen(SLEEP, env={**os.environ, MARK: str(processes.home)}, start_new_session=True)
    other = subprocess.Popen(SLEEP, env={**os.environ, MARK: str(processes.home) + "-2"}, start_new_session=True)
    try:
        processes.stop(grace=1)
        assert not alive(stray.pid) and other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_number_given_to_another_process_is_not_ours(processes: Processes) -> None:
    entry = processes.start(Service("one", SLEEP))
    file = processes.home / "run" / "processes.json"
    recorded = json.loads(file.read_text())
    recorded[0] |= {"pid": os.getpid(), "created": entry.created - 1000}
    file.write_text(json.dumps(recorded))
    assert processes.running() == {}
    processes.stop(grace=1)  # and this very process still runs
    assert not alive(entry.pid), "found by its mark"


def test_a_service_that_dies_names_its_log(processes: Processes) -> None:
    processes.start(Service("brief", python("-c", "print('no luck')")))
    with pytest.raises(NotReady) as told:
        processes.wait("brief", lambda: False, timeout=20)
    assert "brief.log" in str(told.value)
    log = processes.logs / "brief.log"
    assert log.read_text().strip() == "no luck" and log.stat().st_mode & 0o077 == 0


def test_only_one_command_at_a_time(processes: Processes) -> None:
    with processes.lock(), pytest.raises(NotReady) as told, Processes(processes.home).lock():
        pass
    assert told.value.code == "busy"


def test_a_taken_port_is_exchanged_only_when_nobody_asked_for_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert choose_port(port, "127.0.0.1", asked=False, setting="HUTONG_PORT") != port
        with pytest.raises(NotReady) as told:
            choose_port(port, "127.0.0.1", asked=True, setting="HUTONG_PORT")
    assert str(port) in str(told.value) and "HUTONG_PORT" in str(told.value)


def test_interrupting_takes_down_what_was_started(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from cli.instance import Instance\n"
        "from cli.interrupt import Interrupted\n"
        "from cli.processes import Service, python\n"
        "from core.settings import load\n"
        "instance = Instance(load())\n"
        "instance.settings.home.mkdir()\n"
        "try:\n"
        "    with instance.or_down():\n"
        "        instance.processes.start(Service('one', python('-c', 'import time; time.sleep(300)')))\n"
        "        print('started', flush=True)\n"
        "        time.sleep(300)\n"
        "except Interrupted as stop:\n"
        "    sys.exit(stop.status)\n"
    )
    home = tmp_path / "home"
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        child = subprocess.Popen(
            [sys.executable, "-c", code.replace(".mkdir()", ".mkdir(exist_ok=True)")],
            env={**os.environ, "HUTONG_HOME": str(home)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == "started\n"
        child.send_signal(number)
        assert child.wait(30) == status
        assert marked(home) == []
