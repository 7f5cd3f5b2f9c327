"""Kills the worker and PostgreSQL over and over, runs again, and lets the independent replayer judge.

Worker kills: at every commit of a run (before and after, both ways of running, every kind of feed), at places drawn from
all others, and at instants that nobody chose. Database kills: at places inside the merge and between staging and merge,
gone for good or back at once; and at instants. One in five is killed again before it has recovered.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

from core import secrets
from core.actor import SYSTEM
from core.database import libpq
from core.embedded import Embedded
from core.hub import Hub
from schemas import published
from schemas.published import Document
from tests import memory
from tests.crash import judge, worker
from tests.crash.ticks import is_commit
from tests.crash.worker import Order
from tests.crash.world import MODES, SYSTEM_ID, Source, dataset, documents, with_
from tests.crash.yard import Told, Yard

SIZE = 1_200


@dataclass
class Figures:
    """What a session of kills came to."""

    seed: int
    kills: int = 0
    worker_kills: int = 0
    database_kills: int = 0
    recovered: int = 0
    lost: int = 0
    doubled: int = 0
    half_visible: int = 0
    polls: int = 0
    decisions_replayed: int = 0
    key_scans: int = 0
    chore_kills: int = 0
    chore_places: int = 0
    runs_survived: int = 0
    commit_points: int = 0
    commit_points_missed: list[str] = field(default_factory=list)
    places: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    killed_at: Counter[str] = field(default_factory=Counter)

    def said(self) -> dict[str, Any]:
        """The figures to print."""
        facts = {name: value for name, value in asdict(self).items() if not isinstance(value, list | dict)}
        return facts | {"commit_points_missed": len(self.commit_points_missed), "places_killed_at": len(self.killed_at)}

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, nothing half visible, everything recovered."""
        return not self.wrong and self.recovered == self.kills and not self.half_visible


@dataclass(frozen=True)
class Kill:
    """One kill to make: of which feed, how it is run, at which place (None: at an instant), and what is killed."""

    mode: str
    steps: bool
    at: str | None
    act: str = "die"

    @property
    def scans(self) -> bool:
        """Whether the run asks for all keys afterwards: one that goes by increments, when run as one."""
        return self.mode == "incremental" and not self.steps


class Arena:
    """One installation with its own server and source, and a reader that never stops looking."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.server = Embedded(folder / "postgres")  # durable: what it committed must outlive it
        facts = self.server.start()
        with psycopg.connect(libpq(facts.url("postgres")), autocommit=True) as link:
            link.execute("CREATE DATABASE crash")
        self.url = facts.url("crash")
        self.dsn = libpq(self.url)
        self.hub = Hub.set_up(worker.settings(str(folder / "home"), self.url))
        self.source = Source(folder / "pets.db", self.random)
        self.judge = judge.Judge(folder / "home" / "landing", self.source)
        self.seconds = 0.5
        self._port, self._postmaster = facts.port, self.server.pid()

    def open(self, size: int = SIZE) -> None:
        """Publish the documents and read every feed once; `size` rows in the full one."""
        self.source.start(size)
        with self.hub.begin() as connection:
            documented = [Document(kind, id, "1", text, "crash") for kind, id, text in documents()]
            published.publish(connection, documented, SYSTEM)
            secrets.put(connection, self.hub.keys, SYSTEM_ID, {"url": f"sqlite:///{self.source.path}"})
        with self.hub.read() as connection:
            published.write_snapshot(connection, self.hub.home)
        for mode in MODES:
            self.recover(mode)
            self.judged(mode)

    def broken_one(self) -> None:
        """A row waits, whatever was drawn."""
        self.source.rows["full"][0] = with_(self.source.rows["full"][0], TZ="999")
        self.source.write("full")
        self.recover("full")
        self.judged("full")

    def close(self) -> None:
        """End everything."""
        self.hub.close()
        self.server.stop()

    def order(self, kill: Kill) -> Order:
        """The worker's order for a kill."""
        return Order(
            home=str(self.hub.home), url=self.url, feed=f"{SYSTEM_ID}.{dataset(kill.mode)}",
            report=str(self.folder / "report"), at=kill.at, act=kill.act, steps=kill.steps, scan=kill.scans,
            server=str(self.server.folder),
        )  # fmt: skip

    def traced(self, mode: str, *, steps: bool) -> list[str]:
        """The names of all places of a run that nothing disturbs."""
        self.source.step(mode)
        order = self.order(Kill(mode, steps, None))
        began = time.monotonic()
        code = self.waited(worker.start(order))
        self.seconds = time.monotonic() - began
        report = Path(order.report).read_text("utf-8")
        assert code == worker.DONE, report
        verdict = self.judged(mode)
        assert verdict.good, verdict.wrong
        return [str(name) for name in json.loads(report)]

    def make(self, kill: Kill) -> tuple[bool, str]:
        """Kill once. Whether it came to it, and where. Raises AssertionError when a worker breaks instead of dying."""
        order = self.order(kill)
        Path(order.report).unlink(missing_ok=True)
        process = worker.start(order)
        if kill.at is None:
            time.sleep(self.random.uniform(0, self.seconds * 1.1))
            if kill.act == "die":
                process.kill()
            else:
                worker.kill_server(self.server)
        code = self.waited(process, back=kill.act == "restart")
        report = Path(order.report).read_text("utf-8") if Path(order.report).exists() else ""
        assert code not in (worker.BROKEN, worker.REFUSED), report
        place = report if kill.at is not None else f"an instant ({kill.act})"
        return (code == -9 if kill.act == "die" else self.restarted), place

    def waited(self, process: BaseProcess, *, back: bool = False) -> int:
        """The exit code of a worker; a server that died meanwhile is buried, and with `back` started again at once."""
        self.restarted = False
        while process.is_alive():
            process.join(0.01)
            if back:
                self.revive()
        self.revive()
        return process.exitcode or 0

    def revive(self) -> None:
        """Start the server again if it is dead."""
        if self._postmaster is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._postmaster, os.WNOHANG)
        if self.server.pid() is None:
            self.server.start(self._port)
            self._postmaster = self.server.pid()
            self.restarted = True

    def decide(self, mode: str) -> None:
        """A steward corrects a waiting row: the next run brings it about, or dies over it."""
        assert self.waited(worker.start(self.order(Kill(mode, False, None)), worker.decide)) == worker.DONE

    def recover(self, mode: str) -> None:
        """What the scheduler would do: run it again, and once more when it says later. Raises AssertionError."""
        order = replace(self.order(Kill(mode, False, None)), scan=False)
        for _ in range(5):
            code = self.waited(worker.start(order))
            if code != worker.TRIED_LATER:
                break
        assert code == worker.DONE, Path(order.report).read_text("utf-8")

    def judged(self, mode: str) -> judge.Verdict:
        """The replayer's verdict on a feed."""
        with psycopg.connect(self.dsn, autocommit=True) as link:
            return self.judge(link, (mode,))


def session(
    kills: int, seed: int, longest_s: float = float("inf"), *, each: int | None = None, chores: int | None = None
) -> Figures:
    """Make that many kills, and more until every commit was met, and judge each of them; fewer when time is up. Before, of
    all chores, or of so many `chores` drawn, one at each lasting place, or at `each` of them drawn."""
    figures = Figures(seed)
    began = time.monotonic()
    with memory.folder("crash") as folder:
        arena = Arena(folder, seed)
        try:
            arena.open()
            arena.broken_one()
            _chores(arena, figures, each, chores)
            with _reading(arena, figures):
                _Session(arena, figures).kill(kills, began + longest_s)
        finally:
            arena.close()
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _chores(arena: Arena, figures: Figures, each: int | None, most: int | None) -> None:
    told = Told()
    Yard(arena, told).every(each, most)
    figures.chore_kills, figures.chore_places = told.kills, sum(told.places.values())
    figures.kills += told.kills
    figures.recovered += told.recovered
    figures.half_visible += told.half_visible
    figures.wrong += told.wrong


class _Session:
    """What is to be killed where: every commit once in whichever feed it was met, and whatever is drawn."""

    def __init__(self, arena: Arena, figures: Figures) -> None:
        self.arena, self.figures, self.random = arena, figures, arena.random
        self.ways = [(mode, steps) for mode in MODES for steps in (False, True)]
        self.traces = {(mode, steps): arena.traced(mode, steps=steps) for mode, steps in self.ways}
        commits = [(place, way) for way, names in self.traces.items() for place in names if is_commit(place)]
        self.random.shuffle(commits)
        self.commits = [Kill(*way, place) for place, way in dict(commits).items()]
        self.left = {place for place, _ in commits}
        self.tries: Counter[str] = Counter()
        figures.commit_points = len(self.left)
        figures.places = len({place for names in self.traces.values() for place in names})

    def kill(self, kills: int, until: float) -> None:
        """Kill until there are enough, or time is up."""
        turn = 0
        while (self.figures.kills < kills or self.commits) and time.monotonic() < until:
            turn += 1
            self._one(self._next(turn % 8))
        self.figures.commit_points_missed = sorted(self.left - set(self.figures.killed_at))

    def _next(self, turn: int) -> Kill:
        """Of every eight: one of the database inside its merge, one at an instant, the others of the worker at a place."""
        way = self.random.choice(self.ways)
        if turn == 2:
            inside = [place for place in self.traces[way] if " in pipeline.merge" in place]
            return Kill(*way, self.random.choice(inside), self.random.choice(("down", "restart")))
        if turn == 5:
            return Kill(*way, None, self.random.choice(("die", "die", "down", "restart")))
        return self.commits.pop() if self.commits else Kill(*way, self.random.choice(self.traces[way]))

    def _again(self, kill: Kill) -> None:
        """A commit that this run did not come to (what a step left nothing to ship for) is tried with other changes."""
        place = kill.at or ""
        self.tries[place] += 1
        if place in self.left and kill.act == "die" and self.tries[place] < 4:
            self.commits.insert(0, kill)

    def _one(self, kill: Kill) -> None:
        """A kill, perhaps another on top, a run, a verdict."""
        figures, arena = self.figures, self.arena
        made = 0
        places: list[str] = []
        arena.source.step(kill.mode)
        if kill.mode != "flagged" and self.random.random() < 0.7:
            arena.decide(kill.mode)
        while True:
            hit, place = arena.make(kill)
            if hit:
                made += 1
                places.append(place)
                figures.kills += 1
                figures.killed_at[place] += 1
                figures.worker_kills += kill.act == "die"
                figures.database_kills += kill.act != "die"
            else:
                figures.runs_survived += 1
                self._again(kill)
            if self.random.random() > 0.2:
                break
            arena.source.step(kill.mode)
            names = self.traces[kill.mode, kill.steps]
            kill = Kill(kill.mode, kill.steps, self.random.choice((None, self.random.choice(names))))
        try:
            arena.recover(kill.mode)
        except AssertionError as error:
            figures.wrong.append(f"after {places}: {error}")
            return
        verdict = arena.judged(kill.mode)
        figures.lost += verdict.lost
        figures.doubled += verdict.doubled
        if verdict.good:
            figures.recovered += made
        figures.wrong += [f"after {places}: {wrong}" for wrong in verdict.wrong]


@contextmanager
def _reading(arena: Arena, figures: Figures) -> Iterator[None]:
    """A process that polls all the while; afterwards everything it saw must be a state the replayer knows."""
    reader = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.reader"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert reader.stdin is not None
    reader.stdin.write(arena.dsn + "\n")
    reader.stdin.flush()
    try:
        yield
    finally:
        told, _ = reader.communicate(timeout=60)
    found = json.loads(told)
    figures.polls = found["polls"]
    figures.decisions_replayed = sum(feed.replays for feed in arena.judge.feeds.values())
    figures.key_scans = sum(feed.scans for feed in arena.judge.feeds.values())
    for mode, feed in arena.judge.feeds.items():
        known = {tuple(state) for state in feed.states}
        half = [state for state in found["seen"][dataset(mode)] if tuple(state) not in known]
        figures.half_visible += len(half)
        figures.wrong += [f"{dataset(mode)}: a reader saw {state}" for state in half]
