"""Freshness: the oldest feed decides, and time only ever makes it worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_registry.freshness import judge

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(("hours", "state"), [(0, "fresh"), (36, "fresh"), (37, "late"), (72, "late"), (73, "stopped")])
def test_states(hours: int, state: str) -> None:
    found = judge([(NOW - timedelta(hours=hours), "merged")], DAY, NOW)
    assert (found.state, found.failing) == (state, False)


def test_never_and_failing() -> None:
    assert judge([], DAY, NOW).state == "never"
    assert judge([(NOW, "merged"), (None, None)], DAY, NOW).state == "never"
    found = judge([(NOW, "merged"), (NOW - DAY, "failed")], DAY, NOW)
    assert (found.state, found.failing, found.as_of) == ("fresh", True, NOW - DAY)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=5), st.integers(0, 100))
def test_time_only_makes_it_worse(hours: list[int], later: int) -> None:
    order = ["fresh", "late", "stopped"]
    feeds = [(NOW - timedelta(hours=h), "merged") for h in hours]
    before, after = judge(feeds, DAY, NOW), judge(feeds, DAY, NOW + timedelta(hours=later))
    assert order.index(before.state) <= order.index(after.state)
    assert before.as_of == NOW - timedelta(hours=max(hours))
