"""Threads beside the caller's: some read ahead, one writes behind, one fetches a thing aside. Arrow and the drivers release
the GIL.

Every queue is short, so memory stays at a few chunks; an error on either side reaches the caller.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
_DEPTH = 2


class _End:
    """The end of a stream; with the error that ended it, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Ahead(Generic[Thing]):
    """The same things, read ahead by a thread that starts at once. Leaving the block stops it and closes the source."""

    def __init__(self, source: Iterable[Thing], depth: int = _DEPTH) -> None:
        self._source = source
        self._passing: queue.Queue[Thing | _End] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="read-ahead", daemon=True)

    def __enter__(self) -> Iterator[Thing]:
        self._thread.start()
        return self._given()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _given(self) -> Iterator[Thing]:
        while not isinstance(thing := self._passing.get(), _End):
            yield thing
        if thing.error is not None:
            raise thing.error

    def _read(self) -> None:
        end = _End()
        try:
            self._read_through()
        except BaseException as error:  # the caller raises it
            end = _End(error)
        finally:
            self._pass(end)

    def _read_through(self) -> None:
        iterator = iter(self._source)
        try:
            for thing in iterator:
                if not self._pass(thing):
                    return
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    def _pass(self, thing: Thing | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._passing.put(thing, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


class Aside(Generic[Thing]):
    """One thing, fetched by a thread as soon as somebody calls `start`; calling this waits for it. Leaving the block waits too,
    so nothing goes on behind an error."""

    def __init__(self, fetch: Callable[[], Thing]) -> None:
        self._fetch = fetch
        self._found: list[Thing] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="aside", daemon=True)

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread.ident is None:
            self._thread.start()

    def __call__(self) -> Thing:
        self.start()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._fetch())
        except BaseException as error:  # whoever calls raises it
            self._error = error

    def __enter__(self) -> Aside[Thing]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._thread.ident is not None:
            self._thread.join()


class Behind(Generic[Thing]):
    """Hands things to `write` on a thread. Leaving the block waits for the last one and raises what went wrong."""

    def __init__(self, write: Callable[[Thing], None]) -> None:
        self._write = write
        self._passing: queue.Queue[Thing | None] = queue.Queue(_DEPTH)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)

    def put(self, thing: Thing) -> None:
        """Give the next thing; raises the writer's error as soon as it is known."""
        if self._error is not None:
            raise self._error
        self._passing.put(thing)

    def _run(self) -> None:
        while (thing := self._passing.get()) is not None:
            if self._error is None:
                try:
                    self._write(thing)
                except BaseException as error:  # the caller raises it
                    self._error = error

    def __enter__(self) -> Behind[Thing]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._passing.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error
