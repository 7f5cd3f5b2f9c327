"""Two threads beside the caller's: one reads ahead, one writes behind. Arrow and the drivers release the GIL.

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

    def __init__(self, source: Iterable[Thing]) -> None:
        self._source = source
        self._passing: queue.Queue[Thing | _End] = queue.Queue(_DEPTH)
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
