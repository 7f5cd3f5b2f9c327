"""One installation's services as a whole: up, down, and how they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from cli import output
from cli.airflow_rest import Airflow
from cli.interrupt import Interrupted, interruptible
from cli.orchestrator import API as AIRFLOW_API
from cli.orchestrator import NAMES as AIRFLOW_NAMES
from cli.orchestrator import PROCESSOR, SCHEDULER, Orchestrator
from cli.output import Step, silent
from cli.processes import Processes, Service, answers, choose_port, python
from core import hub as hubs
from core.errors import NotReady
from core.hub import Hub
from core.settings import Settings
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Kind

API = "api"
_KINDS: dict[Kind, T] = {
    "contract": T("份合同", "contracts"),
    "system": T("个系统", "systems"),
    "certificate": T("类证明", "certificate types"),
}
#: simultaneous tasks on one departmental system
_POOL_SLOTS = 2


class Instance:
    """The services of one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes = Processes(settings.home)
        self.orchestrator = Orchestrator(settings)
        self.embedded = hubs.embedded(settings)
        self.server = None if settings.database_url else self.embedded

    # ------------------------------------------------------------------ up
    def up(self, step: Step = silent) -> None:
        """Start whatever does not run: database, published documents, API, Airflow."""
        with step(T("数据库", "Database")):
            hub = self.database()
        with step(T("数据合同、系统与证明类型", "Contracts, systems, certificate types")) as line:
            line.detail = self.publish(hub)
        hub.close()
        with step(T("接口", "API")):
            self.start_api()
        with step(T("Airflow", "Airflow")):
            environment = self.prepare_airflow()
            self.start_airflow(environment, *AIRFLOW_NAMES)
            self.await_airflow()

    def database(self) -> Hub:
        """The database running, and its tables those of this version."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        if self.server is not None:
            server = self.server.start()
            self.server.create(hubs.DATABASE, "hutong", server.password)
        return Hub.set_up(self.settings)

    def publish(self, hub: Hub) -> str:
        """The shipped documents in force, and the snapshot as the database says. Returns how many of each kind; says
        which were refused, for a broken one takes down only itself."""
        from catalog_registry import publication
        from schemas import published

        for error in publication.ensure_shipped(hub).values():
            output.refuse(error)
        current = published.current(self.settings.home)
        return " · ".join(
            f"{len(current.documents(kind))} {title}" for kind, title in _KINDS.items() if current.documents(kind)
        )

    def start_api(self) -> None:
        """The HTTP interface, answering."""
        running = self.processes.running().get(API)
        if running is None:
            port = self._port(self.settings.port, "port")
            environment = {"HUTONG_HOME": str(self.settings.home)}
            running = self.processes.start(
                Service(API, python("-m", "cli", "serve", "--port", str(port)), environment, port)
            )
        listening = running.port or self.settings.port
        self.processes.wait(API, lambda: answers(self.settings.host, listening), timeout=90)

    def prepare_airflow(self) -> dict[str, str]:
        """Airflow's database and settings."""
        running = self.processes.running().get(AIRFLOW_API)
        port = (running and running.port) or self._port(self.settings.airflow_port, "airflow_port")
        environment = self.orchestrator.environment(self.orchestrator.database(self.server), port)
        self.orchestrator.migrate(environment)
        return environment

    def start_airflow(self, environment: dict[str, str], *names: str) -> None:
        """Start some of Airflow's services."""
        port = int(environment["AIRFLOW__API__PORT"])
        services = self.orchestrator.services(environment, port)
        for name in names:
            self.processes.start(services[name])

    def await_airflow(self) -> None:
        """All of Airflow answering and healthy; a pool for each departmental system."""
        with self.airflow() as airflow:
            self.processes.wait(AIRFLOW_API, lambda: bool(airflow.health()), timeout=180)
            for name, component in ((SCHEDULER, "scheduler"), (PROCESSOR, "dag_processor")):
                self.processes.wait(name, lambda part=component: airflow.health().get(part) == "healthy", timeout=120)  # type: ignore[misc]
            self.ensure_pools(airflow)

    def ensure_pools(self, airflow: Airflow) -> None:
        """A pool for each system in force; DAGs use the default pool for a system that has none yet."""
        from schemas import published

        systems = sorted(published.current(self.settings.home).documents("system"))
        for system in systems:
            airflow.ensure_pool(system, _POOL_SLOTS)
        self.orchestrator.home.mkdir(parents=True, exist_ok=True)
        temporary = self.orchestrator.home / "pools.writing"
        temporary.write_text(json.dumps(systems))
        temporary.replace(self.orchestrator.home / "pools.json")

    def airflow(self) -> Airflow:
        """A session with Airflow's REST interface; NotReady when Airflow was not started."""
        url = self.url(AIRFLOW_API)
        if url is None:
            raise NotReady(
                T("Airflow 未在运行。", "Airflow is not running."),
                remedy=T("运行 hutong up。", "Run `hutong up`."),
                code="not_running",
            )
        return Airflow(url, self.orchestrator.password)

    def url(self, name: str) -> str | None:
        """Where a running service listens."""
        running = self.processes.running().get(name)
        return f"http://{self.settings.host}:{running.port}" if running and running.port else None

    def _port(self, wanted: int, setting: str) -> int:
        # A port counts as asked for when it was said in the environment, the file or an option, not by default
        return choose_port(
            wanted,
            self.settings.host,
            asked=setting in self.settings.model_fields_set,
            setting=f"HUTONG_{setting.upper()}",
        )

    # ------------------------------------------------------------------ down
    def down(self) -> int:
        """Stop everything, the database last. Returns how many processes ended."""
        postmaster = self.embedded.pid()
        keep = (postmaster, *(child.pid for child in _children(postmaster))) if postmaster else ()
        stopped = self.processes.stop(keep=keep)
        if postmaster:
            self.embedded.stop()
            stopped += 1
        return stopped

    @contextmanager
    def or_down(self) -> Iterator[None]:
        """What is started inside is taken down again when it fails or is interrupted, unless it ran before.

        SIGINT and SIGTERM take everything down and end the program with 130 and 143.
        """
        ran = bool(self.processes.running())
        with interruptible():
            try:
                yield
            except BaseException as error:
                if isinstance(error, Interrupted) or not ran:
                    self.down()
                raise

    # ------------------------------------------------------------------ how it is
    def services(self) -> list[dict[str, Any]]:
        """Each service: whether it runs, answers, and where."""
        running = self.processes.running()
        health: dict[str, str] = {}
        if AIRFLOW_API in running:
            with self.airflow() as airflow:
                health = airflow.health()
        rows: list[dict[str, Any]] = [{"service": "database", **self._database_state()}]
        for name in dict.fromkeys((API, *AIRFLOW_NAMES, *running)):
            entry = running.get(name)
            state = "stopped"
            if entry is not None:
                state = "running" if self._healthy(name, entry.port, health) else "unhealthy"
            rows.append({"service": name, "state": state, "url": self.url(name) or "", "pid": entry and entry.pid})
        return rows

    def _healthy(self, name: str, port: int | None, health: dict[str, str]) -> bool:
        if name in AIRFLOW_NAMES:
            component = {AIRFLOW_API: "metadatabase", SCHEDULER: "scheduler", PROCESSOR: "dag_processor"}[name]
            return health.get(component) == "healthy"
        return port is None or answers(self.settings.host, port)

    def _database_state(self) -> dict[str, Any]:
        pid = self.server.pid() if self.server else None
        try:
            url = hubs.database_url(self.settings).replace("postgresql+psycopg://", "postgresql://")
            with psycopg.connect(url, connect_timeout=3) as connection:
                row = connection.execute("SHOW server_version").fetchone()
        except (NotReady, psycopg.Error):
            return {"state": "stopped", "url": "", "pid": pid}
        kind = "embedded" if self.server else "external"
        return {"state": "running", "url": f"PostgreSQL {row[0] if row else '?'} ({kind})", "pid": pid}


def _children(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
