"""The one clock: UTC inside, the city's zone for business dates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_fixed: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _fixed or datetime.now(UTC)


def today(zone: str = "Asia/Shanghai") -> date:
    """The business date in the city's zone."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def override(moment: datetime) -> Iterator[None]:
    """Hold the clock of this process at an aware moment (tests, replays)."""
    global _fixed
    if moment.tzinfo is None:
        raise ValueError("the clock takes aware datetimes only")
    before, _fixed = _fixed, moment.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before
