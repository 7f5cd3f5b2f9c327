"""Airflow as this installation runs it: its settings, all given by environment, its database, and its services.

No airflow.cfg is read or kept: what is not said here is Airflow's default. Airflow's own database has its own role.
Secrets are not in the environment, which `ps e` shows: Airflow reads each from a file of mode 0600 (its `_CMD` options).
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from cli.probe import SCHEDULER_PORT
from cli.processes import Service, python
from core.database import libpq
from core.embedded import Embedded
from core.errors import NotReady
from core.settings import PROJECT, Settings, with_password, without_password
from core.text import T

API, SCHEDULER, PROCESSOR = "airflow-api", "airflow-scheduler", "airflow-dag-processor"
TRIGGERER, WORKER = "airflow-triggerer", "airflow-worker"
#: what one machine needs; a triggerer serves deferrable operators of DAGs that others add, workers serve a broker
NAMES = (API, SCHEDULER, PROCESSOR)
ADMIN = "admin"
_DATABASE = "airflow"
#: simultaneous tasks on one departmental system
_POOL_SLOTS = 2


class Orchestrator:
    """Airflow of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home / "airflow"
        self._passwords = self.home / "passwords.json"
        self._secrets = self.home / "secrets"
        self._migrated = self.home / "migrated.json"
        self._pools = self.home / "pools.json"

    @property
    def password(self) -> str:
        """The administrator's generated password; empty where it was not given."""
        return str(json.loads(self._passwords.read_text())[ADMIN]) if self._passwords.exists() else ""

    @property
    def url(self) -> str:
        """Where Airflow listens when it was not started here and says so (`airflow_url`)."""
        return (self.settings.airflow_url or "").rstrip("/")

    def database(self, server: Embedded | None) -> str:
        """Airflow's database, made when it is missing: on the embedded server, or on the one that was set."""
        if self.settings.airflow_database_url:
            return with_password(self.settings.airflow_database_url, self.settings.airflow_database_password)
        if server is not None:
            return server.create(_DATABASE, _DATABASE, self._kept("database"))
        return _beside(with_password(str(self.settings.database_url), self.settings.database_password))

    def environment(self, database: str, port: int) -> dict[str, str]:
        """Everything Airflow's own services are told, and what our code inside tasks needs."""
        self._ensure_password()
        told = self._file("database.url", database)
        return self.worker_environment(port) | {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "10",
            "AIRFLOW__CORE__FERNET_KEY_CMD": self._file("fernet", self._kept("fernet")),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": told,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC_CMD": told,  # psycopg does both; Airflow would guess asyncpg
            "AIRFLOW__API__HOST": self.settings.host,
            "AIRFLOW__API__PORT": str(port),
            # behind a name of its own the pages must not lead back to the name that workers use
            "AIRFLOW__API__BASE_URL": "/" if self.url else f"http://{self.settings.host}:{port}",
            "AIRFLOW__API__SECRET_KEY_CMD": self._file("session", self._kept("session")),
            "AIRFLOW__API_AUTH__JWT_SECRET_CMD": self._file("jwt", self._kept("jwt")),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",  # five tasks in a row: 0.7 s instead of 4 s
            # a task whose machine died is tried again after two minutes, not five
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": str(bool(self.url)),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(SCHEDULER_PORT),
            # a published feed shall have its DAG within 60 s, at 2 s of parsing for 2,000 feeds
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "20",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        }

    def worker_environment(self, port: int) -> dict[str, str]:
        """What a process that runs tasks is told: neither Airflow's database nor its keys."""
        here = self.url or f"http://{self.settings.host}:{port}"
        return {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": self.settings.timezone,
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # no look-up in a DNS that may not answer
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{here}/execution/",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            **self._executor(),
            "SPT_NOENV": "1",  # setproctitle would overwrite the environment block, and with it the installation's mark
            "GX_ANALYTICS_ENABLED": "false",
            "SCARF_ANALYTICS": "false",
            "HUTONG_HOME": str(self.settings.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "NO_PROXY": ",".join(
                filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost", urlsplit(here).hostname])
            ),
        }

    def _executor(self) -> dict[str, str]:
        tasks = str(self.settings.tasks)
        if not self.settings.broker_url:
            return {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", "AIRFLOW__CORE__PARALLELISM": tasks}
        broker = self._file("broker.url", with_password(self.settings.broker_url, self.settings.broker_password))
        return {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL_CMD": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND_CMD": broker,  # by default Airflow's database, which no worker needs
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": tasks,
            # later the broker gives an unanswered task to another worker; the scheduler has tried again long before
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "86400",
        }

    def migrate(self, environment: Mapping[str, str], database: str) -> None:
        """Bring Airflow's tables up to date; done once for each version of Airflow (it takes some 5 s)."""
        found = [version("apache-airflow-core"), without_password(database), _revision(database)]
        if self._migrated.exists() and json.loads(self._migrated.read_text()) == found:
            return
        self._airflow(
            environment,
            "db", "migrate",
            remedy=T("检查 HUTONG_AIRFLOW_DATABASE_URL 与其用户的权限。", "Check HUTONG_AIRFLOW_DATABASE_URL and the rights of its user."),
        )  # fmt: skip
        self._migrated.write_text(json.dumps([*found[:2], _revision(database)]))

    def ensure_pools(self, environment: Mapping[str, str], systems: Collection[str]) -> None:
        """A pool for each system: it limits how many tasks read one departmental system at a time. What an operator has
        set since stays; DAGs use the default pool for a system that has none yet."""
        known = json.loads(self._pools.read_text()) if self._pools.exists() else []
        if set(systems) <= set(known):
            return
        new = self.home / "pools.new.json"
        pool = {"slots": _POOL_SLOTS, "description": "Hutong", "include_deferred": False}
        new.write_text(json.dumps({name: pool for name in sorted(set(systems) - set(known))}))
        self._airflow(
            environment, "pools", "import", str(new), remedy=T("检查 Airflow 的数据库。", "Check Airflow's database.")
        )
        new.write_text(json.dumps(sorted({*known, *systems})))
        new.replace(self._pools)

    def _airflow(self, environment: Mapping[str, str], *arguments: str, remedy: T) -> None:
        """One of Airflow's own commands, to its end."""
        done = subprocess.run(
            python("-m", "airflow", *arguments),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log = self.settings.home / "log" / f"airflow-{arguments[0]}-{arguments[1]}.log"
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        log.write_text(done.stdout)
        if done.returncode != 0:
            name = " ".join(arguments[:2])
            raise NotReady(
                T(f"airflow {name} 失败,日志见 {log}。", f"`airflow {name}` failed; its log is {log}."), remedy=remedy
            )

    def services(self, environment: Mapping[str, str], port: int) -> dict[str, Service]:
        """API server (pages, REST, the tasks' interface), scheduler with its executor, DAG processor, triggerer."""

        airflow = python("-m", "airflow")
        # with a broker no task is forked from the scheduler
        plain = (*airflow, "scheduler", "--skip-serve-logs")
        scheduler = plain if self.settings.broker_url else python("-m", "cli.preloaded", "scheduler")
        return {
            API: Service(API, (*airflow, "api-server"), environment, port),
            SCHEDULER: Service(SCHEDULER, scheduler, environment),
            PROCESSOR: Service(PROCESSOR, (*airflow, "dag-processor"), environment),
            TRIGGERER: Service(TRIGGERER, (*airflow, "triggerer", "--skip-serve-logs"), environment),
        }

    def worker(self, port: int) -> Service:
        """A Celery worker: it takes tasks from the broker, as many at once as the settings say."""
        return Service(WORKER, python("-m", "cli.preloaded", "worker"), self.worker_environment(port))

    def _ensure_password(self) -> None:
        if not self._passwords.exists():
            _keep(self._passwords, json.dumps({ADMIN: secrets.token_urlsafe(18)}))

    def _kept(self, name: str) -> str:
        """A secret made once for this installation."""
        file = self._secrets / name
        if file.exists():
            return file.read_text()
        old = self.home / "secrets.json"  # version 0.1 kept them together
        known: dict[str, str] = json.loads(old.read_text()) if old.exists() else {}
        if name not in known and name == "fernet":
            from cryptography.fernet import Fernet

            known[name] = Fernet.generate_key().decode()
        self._file(name, known.get(name) or secrets.token_urlsafe(64))  # HMAC-SHA-512 wants 64 bytes
        return file.read_text()

    def _file(self, name: str, value: str) -> str:
        """Keep a value where only this account reads it; returns the command that Airflow reads it by."""
        file = self._secrets / name
        if not file.exists() or file.read_text() != value:
            _keep(file, value)
        return f"cat {shlex.quote(str(file))}"


def _keep(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(content)
    temporary.replace(path)  # whole, even when several services begin at once


def _revision(database: str) -> str:
    """The migration Airflow's database is at; empty when it has no tables yet."""
    try:
        with psycopg.connect(libpq(database), connect_timeout=5) as connection:
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
        with psycopg.connect(libpq(url), autocommit=True, connect_timeout=5) as connection:
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
