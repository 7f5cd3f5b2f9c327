"""A private MariaDB server on loopback: Debian's package `mariadb-server`, its own folder, no privileges."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest

_FOUND = {name: shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for name in
          ("mariadbd", "mariadb-install-db")}  # fmt: skip
_UNPRIVILEGED = "nobody"
PASSWORD = "r00t of the test/@:"  # characters a URL must escape


class Mariadb:
    """The server, in that empty folder; `database()` gives an empty database of it."""

    def __init__(self, folder: Path) -> None:
        if missing := [name for name, path in _FOUND.items() if path is None]:
            pytest.skip(f"{missing[0]} is not there: apt-get install mariadb-server")
        self._folder = folder
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else ""
        if self._user:
            shutil.chown(self._folder, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        data, own = self._folder / "data", [f"--user={self._user}"] if self._user else []
        subprocess.run(
            [str(_FOUND["mariadb-install-db"]), "--no-defaults", f"--datadir={data}", "--skip-test-db",
             "--auth-root-authentication-method=normal", *own],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._server = subprocess.Popen(
            [str(_FOUND["mariadbd"]), "--no-defaults", f"--datadir={data}", f"--socket={self._folder}/socket",
             f"--pid-file={self._folder}/pid", "--bind-address=127.0.0.1", f"--port={self.port}",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--sql-mode=",
             # what a careless server has: readers must say themselves what they rely on
             "--transaction-isolation=READ-COMMITTED", "--character-set-server=utf8mb4", "--net-write-timeout=2", *own],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._await()
        with self.link(password="") as link, link.cursor() as cursor:
            cursor.execute("ALTER USER root@localhost IDENTIFIED BY %s", (PASSWORD,))

    def link(self, password: str = PASSWORD) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection as its owner, committing at once."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", password=password, autocommit=True)

    def database(self) -> str:
        """The name of a new, empty database."""
        name = f"t_{uuid4().hex[:12]}"
        with self.link() as link, link.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return name

    def stop(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait(30)

    def _await(self) -> None:
        for _ in range(600):
            try:
                self.link(password="").close()
            except pymysql.OperationalError:
                assert self._server.poll() is None, "mariadbd ended while starting"
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError("mariadbd does not answer")
