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


def ahead(source: Iterable[Thing]) -> Iterator[Thing]:
    """The same things, read ahead by a thread. Leaving early stops the thread and closes the source."""
    passing: queue.Queue[Thing | _End] = queue.Queue(_DEPTH)
    stop = threading.Event()

    def read() -> None:
        end = _End()
        iterator = iter(source)
        try:
            for thing in iterator:
                while not stop.is_set():
                    try:
                        passing.put(thing, timeout=0.1)
                        break
                    except queue.Full:
                        continue
                if stop.is_set():
                    return
        except BaseException as error:
            end = _End(error)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()
            while not stop.is_set():
                try:
                    passing.put(end, timeout=0.1)
                    break
                except queue.Full:
                    continue

    thread = threading.Thread(target=read, name="read-ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(thing := passing.get(), _End):
            yield thing
        if thing.error is not None:
            raise thing.error
    finally:
        stop.set()
        thread.join()


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
