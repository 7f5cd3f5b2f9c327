"""One small city for the whole session; nobody changes it."""

from __future__ import annotations

import time
from datetime import date

import pytest

from demo import city

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def small() -> city.City:
    """The small city, and how long it took."""
    started = time.perf_counter()
    made = city.make("small", 7, TODAY)
    print(f"\nsmall city made in {time.perf_counter() - started:.1f} s")
    return made
