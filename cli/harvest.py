"""Running feeds through Airflow's scheduler, and watching them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cli.airflow_rest import Airflow
from core.errors import NotReady
from core.hub import Hub
from core.text import T

STEPS = ("land", "load", "deliver")
GOLDEN = "golden"
_ENDED = {"success", "failed", "upstream_failed", "skipped", "removed"}


@dataclass
class Watched:
    """One feed's run as far as it has come."""

    feed: str
    tasks: dict[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether every task has come to an end."""
        return set(STEPS) <= set(self.tasks) and set(self.tasks.values()) <= _ENDED

    @property
    def failed(self) -> bool:
        """Whether it ended without its batch being delivered, though there was one."""
        return self.ended and not set(self.tasks.values()) <= {"success", "skipped"}

    def __str__(self) -> str:
        """The steps it has begun: `real_estate_right  land ▸ load`."""
        begun = [step for step in STEPS if self.tasks.get(step) in {"running", "up_for_retry", *_ENDED}]
        return f"{self.feed.partition('.')[2]}  {' ▸ '.join(begun)}"


def await_dags(airflow: Airflow, wanted: Sequence[str], timeout: float = 120) -> None:
    """Wait until the scheduler knows the DAGs. NotReady when it does not come to know them."""
    deadline = time.monotonic() + timeout
    while missing := sorted(set(wanted) - airflow.dags()):
        if time.monotonic() > deadline:
            raise NotReady(
                T(f"Airflow 没有以下采集任务:{'、'.join(missing)}。", f"Airflow has no DAG for {', '.join(missing)}."),
                remedy=T("查看 HOME/log/airflow-dag-processor.log。", "Read HOME/log/airflow-dag-processor.log."),
                code="no_dag",
            )
        time.sleep(1)


def harvest(airflow: Airflow, feeds: Sequence[str], tell: Callable[[Sequence[Watched]], None]) -> list[Watched]:
    """Trigger each feed's DAG and wait for all; `tell` is called whenever something has moved."""
    runs = {feed: airflow.trigger(feed) for feed in feeds}
    watched = [Watched(feed) for feed in feeds]
    while True:
        for one, tasks in zip(watched, airflow.tasks(runs).values(), strict=True):
            one.tasks = tasks
        tell(watched)
        if all(one.ended for one in watched):
            return watched
        time.sleep(0.7)


def await_golden(airflow: Airflow, hub: Hub, timeout: float = 600) -> int:
    """Wait until nothing is left to refresh and no refresh runs; returns how many golden records there are."""
    from sqlalchemy import text

    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        states = [run["state"] for run in airflow.runs(GOLDEN)]
        with hub.read() as connection:
            left, golden = connection.execute(
                text(
                    "SELECT (SELECT count(*) FROM libraries.mention WHERE pending) + (SELECT count(*) FROM libraries.entity WHERE dirty), "
                    "(SELECT count(*) FROM libraries.golden)"
                )
            ).one()
        busy = any(state not in _ENDED for state in states)
        if not busy and (left == 0 or (states and states[0] == "failed")):
            return int(golden)
        time.sleep(1)
    return 0
