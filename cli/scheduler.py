"""Airflow's scheduler with the journeys' modules already in memory.

LocalExecutor forks each task from the scheduler. A task that imports great_expectations, pandas and pyarrow itself works
seven seconds before its first row; forked from a process that holds them it begins at once. Where the platform does
not fork (macOS) tasks import for themselves, as they do under a plain `airflow scheduler`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

_ROOMS = ("pipeline", "libraries", "connectors", "schemas.derive")
#: what each worker of the executor would import before its first task
_AIRFLOW = ("airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.task_runner")


def preload() -> None:
    """Import what tasks need. A module that cannot be imported is left for its task to complain of."""
    for name in (*_modules(), *_AIRFLOW):
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever a module raises must not keep every other feed from running
            sys.stderr.write(f"{name} was not preloaded: {error}\n")


def _modules() -> Iterator[str]:
    for room in _ROOMS:
        package = importlib.import_module(room)
        yield from (module.name for module in pkgutil.iter_modules(package.__path__, f"{room}."))


def main() -> None:
    """Run the scheduler until stopped."""
    preload()
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]  # logs are read from this machine's folder
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
