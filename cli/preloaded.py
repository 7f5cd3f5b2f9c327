"""Airflow's scheduler or worker with the journeys' modules already in memory: `python -m cli.preloaded scheduler|worker`.

Both fork each task from themselves. A task that imports great_expectations, pandas and pyarrow itself works seven seconds
before its first row; forked from a process that holds them it begins at once. Where the platform does not fork (macOS)
tasks import for themselves, as they do under a plain `airflow scheduler`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cli.probe import ALIVE, ALIVE_SECONDS
from core.settings import home

_ROOMS = ("pipeline", "libraries", "connectors", "schemas.derive")
#: what each worker of the executor would import before its first task
_AIRFLOW = ("airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.task_runner")
#: logs are read from the folder that all services share
_COMMANDS = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "worker": ("celery", "worker", "--skip-serve-logs"),
}


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


def _show_life(file: Path) -> None:
    """Let the Celery worker touch a file from its own loop: a worker that hangs stops doing so (`cli.probe`)."""
    from airflow.providers.celery.executors.celery_executor import app
    from celery import bootsteps

    def touch() -> None:
        with suppress(OSError):  # in the worker's loop an error would end the loop; the probe tells anyway
            file.touch()

    class Alive(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
        requires = frozenset({"celery.worker.components:Timer"})

        def __init__(self, parent: Any, **arguments: Any) -> None:
            super().__init__(parent, **arguments)
            self.beat: Any = None

        def start(self, worker: Any) -> None:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.beat = worker.timer.call_repeatedly(ALIVE_SECONDS, touch)

        def stop(self, worker: Any) -> None:
            if self.beat is not None:
                self.beat.cancel()
            file.unlink(missing_ok=True)

    app.steps["worker"].add(Alive)


def main() -> None:
    """Run until stopped."""
    command = _COMMANDS[sys.argv[1]]
    preload()
    if sys.argv[1] == "worker":
        _show_life(home() / ALIVE)
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", *command]
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
