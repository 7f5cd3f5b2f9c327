"""Where chores (tests/crash/chores.py) are killed: a copy of a prepared installation for every kill, and what is compared."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from core.hub import Hub
from tests.crash import chores, worker
from tests.crash.chores import CHORES, Chore
from tests.crash.ticks import is_lasting
from tests.crash.world import MODES, dataset

#: what is of the run and not of the data: times, ids, batches, and the hash of a key, which a version may change
_OWN = "{_known_from,_known_to,_batch,_row_no,_ended_by,_key,_row_hash}"
_LOOKS = {
    **{f"{table} of {dataset(mode)}": f"SELECT (to_jsonb(t) - '{_OWN}'::text[])::text FROM records.{dataset(mode)}{end} t"
       for mode in MODES for table, end in (("rows", ""), ("history", "_history"))},
    "mentions": "SELECT dataset || role || coalesce(id_value, '-') || coalesce(name, '-') FROM libraries.mention",
    "waiting": "SELECT dataset || status || row::text FROM hub.quarantine",
    "documents": "SELECT kind || '/' || id || '/' || sha256 FROM hub.document",
}  # fmt: skip
_ENDS = {
    **_LOOKS,
    "golden": "SELECT coalesce(attributes -> 'citizen_no' ->> 'value', '-') || (attributes -> 'name' ->> 'value') FROM libraries.golden",
    "links": "SELECT m.id_value || m.name || (g.attributes -> 'citizen_no' ->> 'value') "
             "FROM libraries.mention m JOIN libraries.golden g USING (entity_id)",
    "decisions": "SELECT kind || (undoes IS NULL)::text FROM hub.decision",
    "findings": "SELECT check_id || status FROM hub.check_finding",
    "quality": "SELECT dataset || dimension || good || '/' || assessed FROM hub.quality",
    "batches": "SELECT DISTINCT feed || origin || state FROM hub.batch WHERE origin = 'feed' AND state NOT IN ('failed', 'dropped')",
    "unfinished": "SELECT id::text FROM hub.batch WHERE state IN ('extracting', 'landed', 'merged')",
    "staging": "SELECT tablename FROM pg_tables WHERE schemaname IN ('staging', 'rebuilt')",
    "databases": "SELECT 'rebuild' FROM pg_database WHERE datname = current_database() || '_rebuild'",
    "checkpoints": "SELECT count(*)::text FROM hub.checkpoint",
}  # fmt: skip
State = dict[str, Counter[str]]


@dataclass
class Told:
    """What the kills of chores came to."""

    kills: int = 0
    survived: int = 0
    half_visible: int = 0
    recovered: int = 0
    places: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Yard:
    """Copies of one base: `made` gives (connection string, URL) of a database copied from another."""

    def __init__(self, arena: Any, told: Told) -> None:
        self.arena, self.told = arena, told
        self.random: random.Random = arena.random
        self.folder: Path = arena.folder / "yard"
        self.folder.mkdir()

    def every(self, each: int | None = None, most: int | None = None) -> None:
        """Kill each chore (`most`: of so many drawn) at all its lasting places, or at `each` of them drawn."""
        chosen = list(CHORES.items())
        for name, chore in chosen if most is None else self.random.sample(chosen, most):
            try:
                self._chore(name, chore, each)
            except Exception as error:  # the others are told all the same
                self.told.wrong.append(f"{name}: {type(error).__name__}: {str(error)[-1500:]}")

    def _chore(self, name: str, chore: Chore, each: int | None) -> None:
        self.arena.hub.close()
        ready = self._copy("crash", self.arena.hub.home, "ready")
        source = self.arena.folder / "pets.db"
        kept = source.read_bytes()
        rows = {mode: list(lines) for mode, lines in self.arena.source.rows.items()}
        hub = Hub(worker.settings(str(ready), self._url("ready")), self._url("ready"))
        try:
            chore.ready(hub, self.arena.source)
            hub.close()
            assert not self._true("ready", chore.becomes) or name == "backup", "is true before it is done"
            before = self._look("ready", _LOOKS)
            whole = self._copy("ready", ready, "whole")
            places = self._worked("whole", whole, chore.act)
            states = [before, self._look("whole", _LOOKS)]
            end = self._end("whole", whole, chore)
            later = [*states, self._look("whole", _LOOKS)]
            lasting = [place for place in places if is_lasting(place)]
            self.told.places[name] = len(lasting)
            for place in lasting if each is None else self.random.sample(lasting, min(each, len(lasting))):
                self._kill(f"{name} at {place}", chore, place, (states, later), end)
        finally:
            hub.close()
            source.write_bytes(kept)
            self.arena.source.rows = rows

    def _kill(self, what: str, chore: Chore, place: str, may: tuple[list[State], list[State]], end: State) -> None:
        """`may`: what may be seen straight after the kill, and once schedules have gone on."""
        told, (states, later) = self.told, may
        home = self._copy("ready", self.folder / "ready", "trial")
        act = "restart" if self.random.random() < 0.15 else "die"
        order = self._order("trial", home, chore.act, place, act)
        process = worker.start(order)
        code = self.arena.waited(process, back=act == "restart")
        assert code not in (worker.BROKEN, worker.REFUSED), Path(order.report).read_text("utf-8")
        if act == "die" and code != -9:
            told.survived += 1
            return
        told.kills += 1
        wrong = []
        seen = self._look("trial", _LOOKS)
        if seen not in states:
            told.half_visible += 1
            wrong += [f"half visible: {_difference(seen, state)}" for state in states]
        try:
            if chore.feeds and self.random.random() < 0.7:  # nobody is there to give it again, and schedules go on
                self._worked("trial", home, chores.schedule)
                if (seen := self._look("trial", _LOOKS)) not in later:
                    wrong.append(f"the next runs left {[_difference(seen, state) for state in later]}")
            self._worked("trial", home, chore.act)
            found = self._end("trial", home, chore)
            if found != end:
                wrong.append(f"in the end {_difference(found, end)}")
        except AssertionError as error:
            wrong.append(str(error)[-1500:])
        told.recovered += not wrong
        told.wrong += [f"{what} ({act}): {one}" for one in wrong]

    def _end(self, database: str, home: Path, chore: Chore) -> State:
        """What is compared in the end: once the schedule has run, so that nothing waits."""
        if chore.feeds:
            self._worked(database, home, chores.schedule)
        assert self._true(database, chore.becomes), f"not so in the end: {chore.becomes}"
        hub = Hub(worker.settings(str(home), self._url(database)), self._url(database))
        with hub.read() as connection:
            from schemas.published import in_force

            kept = {"/".join(key): doc.sha256 for key, doc in in_force(connection).raw.items()}
        hub.close()
        read = chores.documents_read(home)
        assert read == kept, "the snapshot is not what the database says"
        assert not (left := chores.leftovers(home)), f"left: {left}"
        return self._look(database, _ENDS)

    def _worked(self, database: str, home: Path, act: Callable[[Hub], None]) -> list[str]:
        """Let a worker do it to its end, once more when it says later; the places it passed."""
        order = self._order(database, home, act)
        for _ in range(4):
            code = self.arena.waited(worker.start(order))
            if code != worker.TRIED_LATER:
                break
        report = Path(order.report).read_text("utf-8")
        assert code == worker.DONE, report
        return [str(place) for place in json.loads(report)]

    def _order(
        self, database: str, home: Path, act: Callable[[Hub], None], at: str | None = None, how: str = "die"
    ) -> worker.Order:
        return worker.Order(
            home=str(home), url=self._url(database), feed="", report=str(self.folder / "report"), at=at, act=how,
            server=str(self.arena.server.folder), chore=act,
        )  # fmt: skip

    def _copy(self, database: str, home: Path, name: str) -> Path:
        """A copy of a database and of an installation's folder, in place of the one of that name before."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as link:
            # nobody may look on at what is copied; pools find out by themselves
            link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
            for left in (name, f"{name}_rebuild"):
                link.execute(f"DROP DATABASE IF EXISTS {left} WITH (FORCE)")
            link.execute(f"CREATE DATABASE {name} TEMPLATE {database}")
            # a sequence copied so has not logged what it counts ahead: without this a crash would count again what it gave
            link.execute("CHECKPOINT")
        chores.copied(home, self.folder / name)
        shutil.rmtree(self.folder / name / "backups", ignore_errors=True)
        return self.folder / name

    def _look(self, database: str, looks: dict[str, str]) -> State:
        with psycopg.connect(self._dsn(database)) as link:
            link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            return {name: Counter(str(row[0]) for row in link.execute(query)) for name, query in looks.items()}

    def _true(self, database: str, query: str) -> bool:
        with psycopg.connect(self._dsn(database)) as link:
            row = link.execute(query).fetchone()
            return bool(row and row[0])

    def _url(self, database: str) -> str:
        return str(self.arena.url).rsplit("/", 1)[0] + f"/{database}"

    def _dsn(self, database: str) -> str:
        return self._url(database).replace("+psycopg", "")


def _difference(one: State, other: State) -> dict[str, str]:
    """Where two states differ, in short."""
    return {
        name: f"+{(one[name] - other[name]).total()} -{(other[name] - one[name]).total()} e.g. "
        f"{next(iter((one[name] - other[name]) + (other[name] - one[name])))[:200]}"
        for name in one
        if one[name] != other[name]
    }
