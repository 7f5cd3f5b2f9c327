"""`hutong serve`: one service as this process, as containers and units of an init system run it.

The same commands and variables as `hutong up` gives them; only who keeps them alive differs.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from typing import TYPE_CHECKING

from cli.orchestrator import WORKER
from core import log
from core.settings import Settings, load

if TYPE_CHECKING:
    from fastapi import FastAPI


def api(settings: Settings) -> None:
    """The HTTP interface, in as many processes as the settings say."""
    import uvicorn

    log.configure()
    if settings.api_processes == 1:
        from api.app import create_app

        made = create_app(settings)
        _settle()
        uvicorn.run(made, host=settings.host, port=settings.port, log_config=None, access_log=False)
        return
    # each process counts for itself; what they counted is added up from this folder when somebody asks
    counted = settings.home / "run" / "metrics"
    shutil.rmtree(counted, ignore_errors=True)
    counted.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counted)
    uvicorn.run(
        "cli.serve:application", factory=True, workers=settings.api_processes, host=settings.host, port=settings.port,
        log_config=None, access_log=False,
        timeout_worker_healthcheck=60,  # the imports of a slow machine take longer than uvicorn's five seconds
    )  # fmt: skip


def application() -> FastAPI:
    """The application of one of several processes."""
    from api.app import create_app

    log.configure()
    made = create_app(load())
    _settle()
    return made


def _settle() -> None:
    """What has been imported stays, and an answer leaves hardly any cycles: garbage is looked for less often, and never in
    what was there before the first question. A tenth of an answer's time, and the pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def airflow(settings: Settings, name: str) -> None:
    """One of Airflow's services, in place of this process."""
    from cli.instance import Instance

    instance = Instance(settings)
    if name == WORKER:
        service = instance.orchestrator.worker(settings.airflow_port)
    else:
        service = instance.orchestrator.services(instance.airflow_environment(), settings.airflow_port)[name]
    os.execvpe(service.command[0], service.command, {**os.environ, **service.environment})  # noqa: S606 - no shell is meant


def demo(settings: Settings) -> None:
    """The synthetic city: its systems filled and opened, every feed brought in once; then its HTTP services go on."""
    from cli import demo as work
    from cli.instance import Instance
    from cli.output import step
    from cli.probe import BROUGHT_IN

    instance = Instance(settings)
    ready = settings.home / BROUGHT_IN
    ready.unlink(missing_ok=True)
    with instance.or_down():
        with instance.processes.lock():
            work.run(instance, None, None, step, quiet=False)
        ready.touch()
        signal.pause()
