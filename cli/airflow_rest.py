"""Airflow's REST interface, as far as the command line needs it: health, runs."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from cli.orchestrator import ADMIN
from core.errors import NotReady
from core.text import T


class Airflow:
    """A session with the administrator's rights. Use it as a context manager."""

    def __init__(self, url: str, password: str) -> None:
        # trust_env: a proxy of the environment must not see traffic of this machine
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._password = password

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> dict[str, str]:
        """The health of each component: `healthy`, `unhealthy`, or empty when it does not answer."""
        try:
            body = self._http.get("/api/v2/monitor/health").raise_for_status().json()
        except httpx.HTTPError:
            return {}
        return {name: str((part or {}).get("status") or "") for name, part in body.items()}

    def dags(self) -> set[str]:
        """The ids of the DAGs the scheduler knows and that are not stale."""
        found: set[str] = set()
        while True:
            page = self._call(
                "GET", "/api/v2/dags", params={"limit": 100, "offset": len(found), "order_by": "dag_id"}
            ).json()
            new = {entry["dag_id"] for entry in page["dags"]}
            found |= new
            if len(new) < 100:
                return found

    def trigger(self, dag: str) -> str:
        """Start a run now; returns its id."""
        return str(self._call("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None}).json()["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The latest runs of a DAG, newest first."""
        return list(
            self._call("GET", f"/api/v2/dags/{dag}/dagRuns", params={"limit": 20, "order_by": "-id"}).json()["dag_runs"]
        )

    def tasks(self, runs: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The state of each task of several runs (DAG → run), in one request: DAG → task → state."""
        body: dict[str, Any] = {
            "dag_ids": list(runs),
            "dag_run_ids": sorted(set(runs.values())),
            "page_limit": 100,
            "page_offset": 0,
        }
        found: dict[str, dict[str, str]] = {dag: {} for dag in runs}
        while True:
            page = self._call("POST", "/api/v2/dags/~/dagRuns/~/taskInstances/list", json=body).json()["task_instances"]
            for entry in page:
                if runs.get(entry["dag_id"]) == entry["dag_run_id"]:
                    found[entry["dag_id"]][entry["task_id"]] = str(entry["state"] or "")
            if len(page) < 100:
                return found
            body["page_offset"] += 100

    def _call(
        self, method: str, path: str, *, accept: tuple[int, ...] = (200, 201), **arguments: Any
    ) -> httpx.Response:
        try:
            if "Authorization" not in self._http.headers:
                answer = self._http.post("/auth/token", json={"username": ADMIN, "password": self._password})
                self._http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
            response = self._http.request(method, path, **arguments)
            if response.status_code not in accept:
                response.raise_for_status()
            return response
        except httpx.HTTPError as error:
            raise NotReady(
                T(f"Airflow 未正常应答({method} {path})。", f"Airflow did not answer as it should ({method} {path})."),
                remedy=T(
                    "查看 HOME/log/airflow-*.log;运行 hutong down 后再 hutong up。",
                    "Read HOME/log/airflow-*.log; run `hutong down`, then `hutong up`.",
                ),
                code="airflow",
            ) from error
