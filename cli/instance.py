"""One installation's services as a whole: up, down, and how they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from cli import output
from cli.airflow_rest import Airflow
from cli.interrupt import Interrupted, interruptible
from cli.orchestrator import API as AIRFLOW_API
from cli.orchestrator import NAMES as AIRFLOW_NAMES
from cli.orchestrator import PROCESSOR, SCHEDULER, Orchestrator
from cli.output import Step, silent
from cli.processes import Processes, Service, choose_port, listens, python
from core import hub as hubs
from core.errors import NotReady
from core.hub import Hub
from core.settings import Settings
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Kind

API = "api"
_KINDS: dict[Kind, T] = {
    "contract": T("份数据契约", "contracts"),
    "system": T("个系统", "systems"),
    "certificate": T("类证明", "certificate types"),
}


class Instance:
    """The services of one installation. What the settings say runs elsewhere (`database_url`, `api_url`, `airflow_url`) is
    used there and neither started nor stopped."""

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
        with step(T("数据契约、系统与证明类型", "Contracts, systems, certificate types")) as line:
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
        if not self.settings.api_url and API not in self.processes.running():
            port = self._port(self.settings.port, "port")
            environment = {"HUTONG_HOME": str(self.settings.home)}
            self.processes.start(
                Service(API, python("-m", "cli", "serve", API, "--port", str(port)), environment, port)
            )
        self._await(API, lambda: listens(self.url(API)), timeout=90)

    def prepare_airflow(self) -> dict[str, str]:
        """Airflow's database and settings; nothing when it runs elsewhere."""
        return {} if self.settings.airflow_url else self.migrate_airflow()

    def migrate_airflow(self) -> dict[str, str]:
        """Airflow's tables up to date, a pool for each system in force. Returns what its services are told."""
        from schemas import published

        environment = self.airflow_environment()
        self.orchestrator.migrate(environment, self.orchestrator.database(self.server))
        self.orchestrator.ensure_pools(environment, published.current(self.settings.home).documents("system"))
        return environment

    def airflow_environment(self) -> dict[str, str]:
        """What Airflow's services are told."""
        running = self.processes.running().get(AIRFLOW_API)
        port = (running and running.port) or self._port(self.settings.airflow_port, "airflow_port")
        return self.orchestrator.environment(self.orchestrator.database(self.server), port)

    def start_airflow(self, environment: dict[str, str], *names: str) -> None:
        """Start some of Airflow's services, unless it runs elsewhere."""
        if self.settings.airflow_url:
            return
        services = self.orchestrator.services(environment, int(environment["AIRFLOW__API__PORT"]))
        for name in names:
            self.processes.start(services[name])

    def await_airflow(self) -> None:
        """All of Airflow answering and healthy."""
        with self.airflow() as airflow:
            self._await(AIRFLOW_API, lambda: bool(airflow.health()), timeout=180)
            for name, component in ((SCHEDULER, "scheduler"), (PROCESSOR, "dag_processor")):
                self._await(name, lambda part=component: airflow.health().get(part) == "healthy", timeout=120)  # type: ignore[misc]

    def _await(self, name: str, ready: Callable[[], bool], timeout: float) -> None:
        elsewhere = self.elsewhere(name)
        if elsewhere is None:
            return self.processes.wait(name, ready, timeout)
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise NotReady(
                    T(f"服务 {name}({elsewhere})没有应答。", f"Service {name} at {elsewhere} does not answer."),
                    remedy=T("查看该服务的日志;检查 HUTONG_API_URL 与 HUTONG_AIRFLOW_URL。",
                             "Read that service's log; check HUTONG_API_URL and HUTONG_AIRFLOW_URL."),
                    code="service_down",
                )  # fmt: skip
            time.sleep(0.5)
        return None

    def elsewhere(self, name: str) -> str | None:
        """Where the settings say that a service runs, when it is not this installation's to start."""
        return self.settings.api_url if name == API else self.settings.airflow_url

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
        if elsewhere := self.elsewhere(name):
            return elsewhere.rstrip("/") if name in (API, AIRFLOW_API) else None
        running = self.processes.running().get(name)
        return f"http://{self.settings.host}:{running.port}" if running and running.port else None

    def in_effect(self) -> dict[str, str]:
        """What settings come to where their values do not say it: where the embedded database lies and listens (never its
        password), and the ports of what runs."""
        found = {}
        if self.server is not None:
            made = self.server.server()
            where = f"127.0.0.1:{made.port}/{hubs.DATABASE}" if made else T("未运行", "not running")
            said = T(f"内置,{where};数据目录 {self.server.data}", f"embedded, {where}; data in {self.server.data}")
            found["database_url"] = str(said)
        running = self.processes.running()
        for name, setting in ((API, "port"), (AIRFLOW_API, "airflow_port")):
            if name in running and running[name].port:
                found[setting] = str(running[name].port)
        return found

    def _port(self, wanted: int, setting: str) -> int:
        # A port counts as asked for when it was said in the environment, the file or an option, not by default
        return choose_port(
            wanted,
            self.settings.host,
            asked=setting in self.settings.model_fields_set,
            setting=f"--{setting.replace('_', '-')} / HUTONG_{setting.upper()}",
        )

    def require_ports(self, **wanted: int | None) -> None:
        """NotReady when a service that runs already listens elsewhere than an option asks for."""
        for name, option in ((API, "port"), (AIRFLOW_API, "airflow_port")):
            running = self.processes.running().get(name)
            if running is not None and wanted.get(option) not in (None, 0, running.port):
                raise NotReady(
                    T(
                        f"服务 {name} 已在端口 {running.port} 运行。",
                        f"Service {name} runs already, on port {running.port}.",
                    ),
                    remedy=T(
                        f"先运行 hutong down,再指定 --{option.replace('_', '-')} {wanted[option]}。",
                        f"Run `hutong down` first, then give --{option.replace('_', '-')} {wanted[option]}.",
                    ),
                    code="running",
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


def _children(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
