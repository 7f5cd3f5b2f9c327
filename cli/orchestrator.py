"""Airflow as this installation runs it: its settings, all given by environment, its database, and its three services.

No airflow.cfg is read or kept: what is not said here is Airflow's default. Airflow's own database has its own role.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from cli.processes import Service, python
from core.embedded import Embedded
from core.errors import NotReady
from core.settings import PROJECT, Settings, without_password
from core.text import T

API, SCHEDULER, PROCESSOR = "airflow-api", "airflow-scheduler", "airflow-dag-processor"
NAMES = (API, SCHEDULER, PROCESSOR)
ADMIN = "admin"
_DATABASE = "airflow"


class Orchestrator:
    """Airflow of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home / "airflow"
        self._passwords = self.home / "passwords.json"
        self._secrets = self.home / "secrets.json"
        self._migrated = self.home / "migrated.json"

    @property
    def password(self) -> str:
        """The administrator's generated password."""
        return str(json.loads(self._passwords.read_text())[ADMIN])

    def database(self, server: Embedded | None) -> str:
        """Airflow's database, made when it is missing: on the embedded server, or on the one that was set."""
        if self.settings.airflow_database_url:
            return self.settings.airflow_database_url
        if server is not None:
            password = self._kept("database")
            server.create(_DATABASE, _DATABASE, password)
            return server.start().url(_DATABASE, _DATABASE, password)
        return _beside(str(self.settings.database_url))

    def environment(self, database: str, port: int) -> dict[str, str]:
        """Everything Airflow is told, and what our code inside its tasks needs."""
        host = self.settings.host
        self._ensure_password()
        return {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": self.settings.timezone,
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # no look-up in a DNS that may not answer
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "10",
            "AIRFLOW__CORE__FERNET_KEY": self._kept("fernet"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{host}:{port}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database,  # psycopg does both; Airflow would guess asyncpg
            "AIRFLOW__API__HOST": host,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": f"http://{host}:{port}",
            "AIRFLOW__API__SECRET_KEY": self._kept("session"),
            "AIRFLOW__API_AUTH__JWT_SECRET": self._kept("jwt"),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",  # five tasks in a row: 0.7 s instead of 4 s
            # a published feed shall have its DAG within 60 s, at 2 s of parsing for 2,000 feeds
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "20",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "SPT_NOENV": "1",  # setproctitle would overwrite the environment block, and with it the installation's mark
            "GX_ANALYTICS_ENABLED": "false",
            "SCARF_ANALYTICS": "false",
            "HUTONG_HOME": str(self.settings.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost", host])),
        }

    def migrate(self, environment: Mapping[str, str]) -> None:
        """Bring Airflow's tables up to date; done once for each version of Airflow (it takes some 5 s)."""
        database = environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        found = [version("apache-airflow-core"), without_password(database), _revision(database)]
        if self._migrated.exists() and json.loads(self._migrated.read_text()) == found:
            return
        done = subprocess.run(
            python("-m", "airflow", "db", "migrate"),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log = self.settings.home / "log" / "airflow-migrate.log"
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.write_text(done.stdout)
        if done.returncode != 0:
            raise NotReady(
                T(
                    f"Airflow 的数据库未能初始化,日志见 {log}。",
                    f"Airflow's database could not be set up; the log is {log}.",
                ),
                remedy=T(
                    "检查 HUTONG_AIRFLOW_DATABASE_URL 与其用户的权限。",
                    "Check HUTONG_AIRFLOW_DATABASE_URL and the rights of its user.",
                ),
            )
        self._migrated.write_text(json.dumps([*found[:2], _revision(database)]))

    def services(self, environment: Mapping[str, str], port: int) -> dict[str, Service]:
        """API server (pages, REST, the tasks' interface), scheduler with its executor, DAG processor."""

        airflow = python("-m", "airflow")
        return {
            API: Service(API, (*airflow, "api-server"), environment, port),
            SCHEDULER: Service(SCHEDULER, python("-m", "cli.scheduler"), environment),
            PROCESSOR: Service(PROCESSOR, (*airflow, "dag-processor"), environment),
        }

    def _ensure_password(self) -> None:
        if not self._passwords.exists():
            _keep(self._passwords, {ADMIN: secrets.token_urlsafe(12)})

    def _kept(self, name: str) -> str:
        """A secret made once for this installation."""
        known = json.loads(self._secrets.read_text()) if self._secrets.exists() else {}
        if name not in known:
            if name == "fernet":
                from cryptography.fernet import Fernet

                known[name] = Fernet.generate_key().decode()
            else:
                known[name] = secrets.token_urlsafe(32)
            _keep(self._secrets, known)
        return str(known[name])


def _keep(path: Path, content: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        json.dump(content, stream)


def _revision(database: str) -> str:
    """The migration Airflow's database is at; empty when it has no tables yet."""
    try:
        with psycopg.connect(_libpq(database), connect_timeout=5) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else ""
    except psycopg.Error:
        return ""


def _beside(url: str) -> str:
    """A database for Airflow beside the hub's on the same server; NotReady when the user may not make one."""
    parsed = make_url(url)
    name = f"{parsed.database}_airflow"
    target = parsed.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    try:
        with psycopg.connect(_libpq(url), autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise NotReady(
            T(f"没有供 Airflow 使用的数据库 {name}。", f"There is no database {name} for Airflow."),
            remedy=T(
                "建立该库,或设置 HUTONG_AIRFLOW_DATABASE_URL 指向已有的空库。",
                "Create it, or point HUTONG_AIRFLOW_DATABASE_URL at an empty database.",
            ),
            code="airflow_database",
        ) from error
    return target


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
