"""One run of a feed in a process of its own, which dies (SIGKILL) or kills the database at a chosen place.

A fork server that has imported the pipeline, and judged a row once, gives every run its process in milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import psycopg
from sqlalchemy import text

from core import database
from core.actor import Actor
from core.database import libpq
from core.embedded import Embedded
from core.errors import HutongError, Retry
from core.hub import Hub
from core.settings import Settings
from libraries import golden
from pipeline import deciding, journey
from tests import forked
from tests.crash.ticks import Ticks
from tests.crash.world import ERRORS, ITEMS

DONE, TRIED_LATER, REFUSED, BROKEN = 0, 3, 4, 5
STEWARD = Actor(operator="steward", client="s", department="city_management")
#: fewer rows a chunk than a batch has, so that a run can die between chunks
CHUNK_ROWS = 1_000


@dataclass(frozen=True)
class Order:
    """What a worker is to do. `at`: the place to act at (tests.crash.ticks), None: nowhere. `act`: die, or what becomes
    of the database there. `steps`: land, load and deliver one by one, as the orchestrator does; `scan`: ask for all keys
    afterwards. `chore`: something else than a feed."""

    home: str
    url: str
    feed: str
    report: str
    at: str | None = None
    act: str = "die"
    steps: bool = False
    scan: bool = False
    server: str = ""
    #: instead of running a feed
    chore: Callable[[Hub], None] | None = None


def settings(home: str, url: str) -> Settings:
    """The settings of a worker's installation."""
    return Settings(home=Path(home), database_url=url, chunk_rows=CHUNK_ROWS, keep_landing_days=30)


def work(order: Order) -> None:
    """In the child: run the feed to its end, or to the place."""
    ticks = Ticks(order.home, order.at, partial(_act, order))
    code = DONE
    hub = Hub(settings(order.home, order.url), order.url)
    try:
        if order.chore is not None:
            with database.answering():  # as every command and task does
                order.chore(hub)
        else:
            run(hub, order.feed, steps=order.steps, scan=order.scan)
    except HutongError as error:
        code = TRIED_LATER if isinstance(error, Retry) or error.code == "database_down" else REFUSED
        _report(order, f"{type(error).__name__}: {error}")
    except BaseException:
        code = BROKEN
        _report(order, traceback.format_exc())
    else:
        if order.at is None:
            _report(order, json.dumps(ticks.names))
    os._exit(code)  # what a fork server's child would tidy up is not ours


def run(hub: Hub, feed: str, *, steps: bool = False, scan: bool = False) -> None:
    """The journey in, and the golden records after it."""
    if steps:
        batch = journey.land(hub, feed)
        if batch is not None:
            journey.load(hub, batch)
            journey.deliver(hub, batch)
    else:
        journey.run(hub, feed)
    if scan:
        journey.scan(hub, feed, now=True)
    golden.refresh(hub)


def decide(order: Order) -> None:
    """In a child: a steward corrects one broken row of the feed, if one waits, or puts one aside."""
    hub = Hub(settings(order.home, order.url), order.url)
    dataset = order.feed.partition(".")[2]
    with hub.begin() as connection:
        for batch, row_no, row in connection.execute(
            text("SELECT batch_id, row_no, row FROM hub.quarantine WHERE dataset = :dataset AND status = 'open' ORDER BY row_no"),
            {"dataset": dataset},
        ).all():  # fmt: skip
            edits = {ITEMS[column]: whole for column, value, whole in ERRORS if row[column] == value}
            if edits and (row["SYR"] or not row["ZJH"]):  # a number keeps its name
                if int(row_no) % 4 == 0:
                    deciding.dismiss(hub, connection, [(batch, row_no)], reason="已注销", actor=STEWARD)
                    break
                deciding.fix(hub, connection, (batch, row_no), edits, reason="核对原件", actor=STEWARD)
                break
    os._exit(DONE)


def start(order: Order, what: Callable[[Order], None] = work) -> BaseProcess:
    """Start a worker."""
    process = forked.context().Process(target=what, args=(order,), daemon=True)
    process.start()
    return process


def _act(order: Order, place: str) -> None:
    _report(order, place)
    if order.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    kill_server(Embedded(Path(order.server)))
    if order.act == "restart":
        _await_server(order.url)


def kill_server(server: Embedded) -> None:
    """PostgreSQL and all its processes, at once and without a word (SIGKILL)."""
    pid = server.pid()
    if pid is None:
        return
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    while any(_lives(process) for process in family):
        time.sleep(0.005)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _await_server(url: str) -> None:
    dsn = libpq(url)
    for _ in range(600):
        with suppress(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2).close()
            return
        time.sleep(0.05)


def _report(order: Order, text: str) -> None:
    Path(order.report).write_text(text, "utf-8")
