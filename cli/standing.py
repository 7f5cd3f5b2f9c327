"""How an installation stands: each service, and whatever is wrong with its reason and remedy."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from cli.instance import API, Instance
from cli.orchestrator import API as AIRFLOW_API
from cli.orchestrator import NAMES as AIRFLOW_NAMES
from cli.orchestrator import PROCESSOR, SCHEDULER
from cli.processes import listens
from core import database
from core import hub as hubs
from core.errors import DatabaseUnavailable, NotReady
from core.text import T

DATABASE = "database"
_COMPONENTS = {AIRFLOW_API: "metadatabase", SCHEDULER: "scheduler", PROCESSOR: "dag_processor"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an operator must put right."""

    service: str
    reason: T | str
    remedy: T | str

    def as_dict(self) -> dict[str, str]:
        """In the language of the process."""
        return {"service": self.service, "reason": str(self.reason), "remedy": str(self.remedy)}


def of(instance: Instance) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Each service (whether it runs, answers, and where) and what is wrong. An installation that was never started, or was
    stopped by `down`, has nothing wrong with it."""
    running, died = instance.processes.running(), instance.processes.died()
    health = _airflow(instance) if AIRFLOW_API in running or instance.settings.airflow_url else {}
    row, problem = _database(instance, expected=bool(running or died))
    rows, problems = [row], [problem] if problem else []
    for name in dict.fromkeys((API, *AIRFLOW_NAMES, *running, *died)):
        entry, elsewhere, state = running.get(name), instance.elsewhere(name), "stopped"
        if entry is not None or elsewhere:
            state = "running" if _healthy(instance, name, health) else "unhealthy"
        elif name in died:
            state = "died"
        if state in ("unhealthy", "died"):
            problems.append(_service(name, state, elsewhere or f"{instance.processes.logs / name}.log"))
        rows.append({"service": name, "state": state, "url": instance.url(name) or "", "pid": entry and entry.pid})
    return rows, problems


def _airflow(instance: Instance) -> dict[str, str]:
    with instance.airflow() as airflow:
        return airflow.health()


def _healthy(instance: Instance, name: str, health: dict[str, str]) -> bool:
    if name in _COMPONENTS:
        return health.get(_COMPONENTS[name]) == "healthy"
    return instance.url(name) is None or listens(instance.url(name))


def _service(name: str, state: str, where: str) -> Problem:
    if state == "died":
        return Problem(
            name,
            T(f"服务 {name} 意外退出。", f"Service {name} ended by itself."),
            T(f"查看 {where} 最后几行,再运行 hutong up。", f"Read the last lines of {where}, then run `hutong up`."),
        )
    return Problem(
        name,
        T(f"服务 {name} 没有应答。", f"Service {name} does not answer."),
        T(
            f"查看 {where};必要时 hutong down 后再 hutong up。",
            f"Look at {where}; if need be `hutong down`, then `hutong up`.",
        ),
    )


def _database(instance: Instance, *, expected: bool) -> tuple[dict[str, Any], Problem | None]:
    """The hub's database. Out of reach it is a problem when something uses it, or when it runs elsewhere, or died."""
    server = instance.server
    row = {"service": DATABASE, "state": "stopped", "url": "", "pid": server.pid() if server else None}
    try:
        engine = database.connect(hubs.database_url(instance.settings))
    except (NotReady, DatabaseUnavailable) as error:
        died = server is not None and server.died()
        if not (expected or died or server is None):
            return row, None
        row["state"] = "died" if died else "stopped"
        message = T("内置数据库意外退出。", "The embedded database ended by itself.") if died else error.message
        remedy = (
            T(f"查看 {server.log},再运行 hutong up。", f"Read {server.log}, then run `hutong up`.")
            if died and server
            else error.remedy
        )
        return row, Problem(DATABASE, message, remedy)
    with closing(engine.raw_connection()) as connection:
        version = connection.driver_connection.info.parameter_status("server_version")  # type: ignore[union-attr]
    where = T("内置", "embedded") if server else T("外部", "external")
    row |= {"state": "running", "url": f"PostgreSQL {version} ({where})"}
    problem = _migrations(engine, expected=expected)
    engine.dispose()
    return row, problem


def _migrations(engine: Engine, *, expected: bool) -> Problem | None:
    """Whether the tables are this release's. A database that nobody has set up is none yet."""
    try:
        if database.revision(engine) is not None or expected:
            database.require_current(engine)
    except NotReady as error:
        return Problem(DATABASE, error.message, error.remedy)
    return None
