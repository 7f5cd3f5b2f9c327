"""The processes of one installation: start, find, stop. Nothing here knows what they do.

Each runs in a session of its own, logs to `HOME/log/<name>.log`, is recorded in `HOME/run/processes.json`, and carries
HUTONG_INSTANCE=<home>, which its children inherit: so `down` finds also what was never recorded, and never another
installation's.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from core.errors import NotReady
from core.text import T

MARK = "HUTONG_INSTANCE"


@dataclass(frozen=True)
class Service:
    """What to run: a name, a command, its variables beside those of this process, and its port if it has one."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None


@dataclass(frozen=True)
class Running:
    """A recorded process. `created` tells it from a later process that got the same id."""

    name: str
    pid: int
    created: float
    port: int | None
    log: str

    def process(self) -> psutil.Process | None:
        """The live process, or None."""
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
            return process if alive else None
        except psutil.Error:
            return None


class Processes:
    """The recorded processes of the installation at `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "log"
        self._file = home / "run" / "processes.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One `up`, `down` or `demo` at a time on one installation."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._file.parent / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise NotReady(
                    T(
                        f"另一个 hutong 命令正在启动或停止 {self.home}。",
                        f"Another hutong command is starting or stopping {self.home}.",
                    ),
                    remedy=T("等它结束后再试。", "Wait until it has finished, then try again."),
                    code="busy",
                ) from error
            yield

    def running(self) -> dict[str, Running]:
        """The recorded processes that are alive."""
        return {entry.name: entry for entry in self._recorded() if entry.process()}

    def died(self) -> dict[str, Running]:
        """The recorded processes that ended without being stopped."""
        return {entry.name: entry for entry in self._recorded() if not entry.process()}

    def start(self, service: Service) -> Running:
        """Start a service unless it runs already."""
        running = self.running()
        if service.name in running:
            return running[service.name]
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.logs / f"{service.name}.log"
        environment = {**os.environ, **service.environment, MARK: str(self.home)}
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as stream:
            process = subprocess.Popen(
                service.command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                cwd=self.home,
                env=environment,
            )
        entry = Running(service.name, process.pid, psutil.Process(process.pid).create_time(), service.port, str(log))
        self._write([*running.values(), entry])
        return entry

    def stop(self, *, grace: float = 10, keep: Iterable[int] = ()) -> int:
        """Stop everything of this installation but the processes in `keep`: asked first, then killed. Returns how many.

        The leaders are asked first, because a scheduler ends its own children in order.
        """
        leaders = [process for entry in self.running().values() if (process := entry.process())]
        everything = {process.pid: process for process in (*leaders, *_descendants(leaders), *self._marked())}
        spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents()), *keep}
        victims = [process for pid, process in everything.items() if pid not in spared]
        _signal(leaders, psutil.Process.terminate)
        _, left = psutil.wait_procs(leaders, timeout=grace)
        _signal(left, psutil.Process.kill)
        rest = [
            process for process in {*victims, *self._marked()} if process.pid not in spared and process.is_running()
        ]
        _signal(rest, psutil.Process.terminate)
        _, left = psutil.wait_procs(rest, timeout=3)
        _signal(left, psutil.Process.kill)
        psutil.wait_procs(left, timeout=3)
        self._write([])
        return len(victims)

    def wait(self, name: str, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until a service answers; NotReady with its log when it ends, or does not answer in time."""
        deadline = time.monotonic() + timeout
        while not ready():
            entry = self.running().get(name)
            if entry is None or time.monotonic() > deadline:
                log = self.logs / f"{name}.log"
                raise NotReady(
                    T(f"服务 {name} 未能启动,日志见 {log}。", f"Service {name} did not start; its log is {log}."),
                    remedy=T(
                        "查看日志最后几行,排除后重新运行本命令。",
                        "Read the last lines of the log, put it right, and run the command again.",
                    ),
                    code="service_down",
                )
            time.sleep(0.2)

    def _marked(self) -> list[psutil.Process]:
        """Processes of this user that carry this installation's mark, recorded or not."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.uids().real == os.getuid() and process.environ().get(MARK) == str(self.home):
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def _recorded(self) -> list[Running]:
        try:
            return [Running(**entry) for entry in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def _write(self, entries: list[Running]) -> None:
        if not entries and not self._file.parent.exists():
            return
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._file.with_suffix(".writing")
        temporary.write_text(json.dumps([asdict(entry) for entry in entries], indent=1))
        temporary.replace(self._file)


def choose_port(wanted: int, host: str, *, asked: bool, setting: str) -> int:
    """The wanted port, or a free one when it is taken. A port somebody `asked` for is never exchanged silently."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: a port in TIME_WAIT is free
        try:
            probe.bind((host, wanted))
            return int(probe.getsockname()[1])
        except OSError as error:
            if not asked:
                return choose_port(0, host, asked=True, setting=setting)
            raise NotReady(
                T(
                    f"端口 {host}:{wanted} 不可用:{error.strerror}。",
                    f"{host}:{wanted} cannot be used: {error.strerror}.",
                ),
                remedy=T(
                    f"停止占用它的程序,或把 {setting} 改为别的端口(0 = 任选空闲端口)。",
                    f"Stop whatever uses it, or set {setting} to another port (0 = any free one).",
                ),
                code="port_taken",
            ) from error


def answers(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def listens(url: str | None) -> bool:
    """Whether something listens at an address."""
    parts = urlsplit(url or "")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.hostname is not None and answers(parts.hostname, port)


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this very Python."""
    return (sys.executable, *arguments)


def _descendants(leaders: Iterable[psutil.Process]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for leader in leaders:
        try:
            found += leader.children(recursive=True)
        except psutil.Error:
            continue
    return found


def _signal(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            send(process)
        except psutil.Error:
            continue
