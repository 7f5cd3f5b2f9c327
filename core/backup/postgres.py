"""pg_dump and pg_restore: the product's schemas out of a snapshot, and into a database that does not have them.

How to reach the server is told in a file of mode 0600 (a libpq connection service), never in an argument or a variable.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from core.database import SCHEMAS, TRANSIENT
from core.embedded import programs
from core.errors import NotReady, Stop
from core.text import T

_SERVICE = "hutong"
# what a message quotes can be a person's data: "…" and (…)=(…)
_QUOTED = re.compile(r'"[^"]*"|\([^)]*\)')


def dump(dsn: str, snapshot: str, target: Path) -> None:
    """Write the product's schemas as one exported snapshot sees them (custom format, compressed)."""
    tool = _tool("pg_dump", dsn)
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    with _service(dsn) as environment:
        _run(
            [tool, f"--dbname=service={_SERVICE}", "--format=custom", "--compress=gzip:1", f"--snapshot={snapshot}", *schemas,
             f"--exclude-table={TRANSIENT}.*", f"--file={target}", "--no-password"],
            environment,
        )  # fmt: skip


def restore(dsn: str, source: Path) -> None:
    """Make the schemas of a dump, owned by the user of `dsn`, in one transaction: all or nothing.

    Default privileges are named for the user who dumped and are left out (core.database.grant_by_default).
    """
    tool = _tool("pg_restore", dsn)
    with _service(dsn) as environment, tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        listed = _run([tool, "--list", str(source)], environment)
        wanted.writelines(line for line in listed.splitlines(keepends=True) if " DEFAULT ACL " not in line)
        wanted.flush()
        _run(
            [tool, f"--dbname=service={_SERVICE}", "--no-owner", "--exit-on-error", "--single-transaction",
             f"--use-list={wanted.name}", "--no-password", str(source)],
            environment,
        )  # fmt: skip


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, umask=0o077
    )
    if done.returncode != 0:
        name = Path(command[0]).name
        said = next((line for line in done.stderr.splitlines() if "error:" in line), "").partition("error:")[2].strip()
        said = _QUOTED.sub("…", said)
        raise Stop(
            T(f"{name} 未完成:{said}", f"{name} did not finish: {said}"),
            remedy=T(
                "检查数据库的状态、权限与磁盘后重试。", "Check the database's state, rights and disk, then try again."
            ),
            code=name,
        )
    return done.stdout


@contextmanager
def _service(dsn: str) -> Iterator[dict[str, str]]:
    """The environment of a tool that shall reach the database: nothing of the installation's own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pg_service.conf"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(f"[{_SERVICE}]\n")
            stream.writelines(f"{name}={value}\n" for name, value in conninfo_to_dict(dsn).items())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUTONG_", "AIRFLOW_"))}
        yield {**kept, "PGSERVICEFILE": str(file), "LC_ALL": "C"}


def _tool(name: str, dsn: str) -> str:
    """The program from the wheel; for a newer server the one on the path, which must be as new."""
    with psycopg.connect(dsn) as connection:
        server = connection.info.server_version // 10000
    found = [str(programs() / name), shutil.which(name)]
    for program in filter(None, found):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        number = re.search(r"(\d+)", said)
        if number and int(number[1]) >= server:
            return program
    raise NotReady(
        T(f"没有与 PostgreSQL {server} 相配的 {name}。", f"There is no {name} for PostgreSQL {server}."),
        remedy=T(
            f"安装 PostgreSQL {server} 的客户端程序,并使其在 PATH 中。",
            f"Install the client programs of PostgreSQL {server}, on the PATH.",
        ),
        code="no_client",
    )
