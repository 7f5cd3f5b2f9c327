"""A source that says nothing is given up; one that speaks is passed on as it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from connectors.timely import timely


def test_things_come_in_order_and_errors_through() -> None:
    def things() -> Iterator[int]:
        yield from range(5)
        raise KeyError("the source's own")

    got: list[int] = []
    with pytest.raises(KeyError):
        got.extend(timely(things(), 5))
    assert list(timely(iter(range(5)), 5)) == [0, 1, 2, 3, 4]


def test_silence_ends_in_bounded_time() -> None:
    never = threading.Event()

    def things() -> Iterator[int]:
        yield 1
        never.wait(60)

    began = time.monotonic()
    reading = timely(things(), 0.2)
    assert next(reading) == 1
    with pytest.raises(TimeoutError):
        next(reading)
    assert time.monotonic() - began < 5
    never.set()


def test_left_half_way_the_source_is_closed_before_anything_goes_on() -> None:
    closed: list[str] = []

    def things() -> Iterator[int]:
        try:
            yield from range(1_000)
        finally:
            closed.append(threading.current_thread().name)

    reading = timely(things(), 5)
    assert next(reading) == 0
    reading.close()
    assert closed == ["source"]
