"""Giving up on a source that says nothing.

A driver that waits in C for a server whose machine is frozen, or behind a firewall that forgot the connection, waits for
ever: its own limits are the server's to keep. So it reads on a thread, and whoever waits for it looks at the clock.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, TypeVar

Thing = TypeVar("Thing")
_LEAVE_S = 10.0


class _End:
    """The end of the things; with the error that ended them, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def timely(things: Iterator[Thing], limit_s: float) -> Generator[Thing]:
    """The same things. Raises TimeoutError when the next does not come within the limit: the thread that waits for it is
    left behind with its connection, and goes when the source speaks or the process ends."""
    passing: queue.Queue[Thing | _End] = queue.Queue(1)
    left = threading.Event()

    def read() -> None:
        end = _End()
        try:
            for thing in things:
                passing.put(thing)
                if left.is_set():
                    break
        except BaseException as error:  # whoever waits raises it
            end = _End(error)
        finally:
            if (close := getattr(things, "close", None)) is not None:
                close()
            passing.put(end)

    thread = threading.Thread(target=read, name="source", daemon=True)
    thread.start()
    try:
        while True:
            thing = passing.get(timeout=limit_s)
            if isinstance(thing, _End):
                if thing.error is not None:
                    raise thing.error
                return
            yield thing
    except queue.Empty:
        raise TimeoutError("the source says nothing") from None
    except BaseException:
        _leave(thread, passing, left)
        raise


def _leave(thread: threading.Thread, passing: queue.Queue[Any], left: threading.Event) -> None:
    """Let the thread close its source before anything goes on; one that waits for a silent source is not waited for long."""
    left.set()
    deadline = time.monotonic() + _LEAVE_S
    while thread.is_alive() and time.monotonic() < deadline:
        with suppress(queue.Empty):
            passing.get_nowait()
        thread.join(0.02)
