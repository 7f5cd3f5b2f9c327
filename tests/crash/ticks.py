"""Every place of a run at which something outside the process is about to change or just has: commits (before and after),
statements, Arrow shipments, files opened, renamed or removed. Found by watching SQLAlchemy, ADBC and Python's own audit
events, so the product needs no hook, and a place that is added to it tomorrow is found tomorrow."""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import adbc_driver_manager.dbapi as adbc
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_PRODUCT = ("catalog_registry", "pipeline", "libraries", "connectors", "schemas", "core")
_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_FILES = ("open", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")


class Ticks:
    """Names the places of this process as they are reached; at the one named `at`, calls `act`."""

    def __init__(self, folder: str, at: str | None = None, act: Callable[[str], None] | None = None) -> None:
        self.names: list[str] = []
        self._met: Counter[str] = Counter()
        self._folder, self._at, self._act = folder, at, act
        self._lock = threading.Lock()
        self._acting = False
        event.listen(Engine, "before_cursor_execute", self._statement)
        commit, ship = PGDialect_psycopg.do_commit, adbc.Cursor.adbc_ingest

        def do_commit(dialect: Any, connection: Any) -> None:
            self.tick("before commit")
            commit(dialect, connection)
            self.tick("after commit")

        def adbc_ingest(cursor: Any, table: str, *arguments: Any, **named: Any) -> Any:
            self.tick(f"before shipping {table.partition('_')[0]}")
            shipped = ship(cursor, table, *arguments, **named)
            self.tick(f"after shipping {table.partition('_')[0]}")
            return shipped

        PGDialect_psycopg.do_commit = do_commit  # type: ignore[method-assign]
        adbc.Cursor.adbc_ingest = adbc_ingest  # type: ignore[method-assign]
        sys.addaudithook(self._audit)

    def tick(self, what: str) -> None:
        """One place is reached."""
        if self._acting:
            return
        with self._lock:
            name = f"{what} in {_place()}"
            self._met[name] += 1
            name += f" #{self._met[name]}"
            self.names.append(name)
            hit = name == self._at
            self._acting = hit
        if hit and self._act is not None:
            self._act(name)
            self._acting = False

    def _statement(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        self.tick(f"before {' '.join(_ID.sub('…', statement).split()[:3])[:40]}")

    def _audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in _FILES and str(arguments[0]).startswith(self._folder):
            self.tick(f"before {name} {_ID.sub('…', str(arguments[0]).rsplit('/', 1)[-1])}")


def is_commit(name: str) -> bool:
    """Is it the edge of something that stays: a commit, a shipment (which commits itself), the manifest's rename? Of those in
    a loop the first."""
    edge = "commit in" in name or "shipping" in name or ("manifest" in name and "os.rename" in name)
    return edge and name.endswith("#1")


def is_lasting(name: str) -> bool:
    """The edge of anything that stays: a commit, a shipment, a file that gets its name or loses it."""
    edge = ("commit in", "shipping", "os.rename", "os.symlink", "rmtree", "os.rmdir")
    return any(word in name for word in edge) and name.endswith("#1")


def _place() -> str:
    """The innermost function of the product that is running, but for the one that opens and ends all transactions."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in _PRODUCT and module != "core.hub":
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "?"
