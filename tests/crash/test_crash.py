"""The worker and PostgreSQL killed at every commit and at random: nothing is lost, doubled or half visible.

The seed is drawn at run time and printed; `python -m tests.crash --seed N` makes the same kills again.
"""

from __future__ import annotations

import secrets

import pytest

from tests.crash.harness import session

KILLS, CHORES = 50, 4
LONGEST_S = 840.0  # below the test's own limit; on an idle machine it takes a minute or two


@pytest.mark.slow
def test_killed_over_and_over_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    seed = secrets.randbelow(2**31)
    figures = session(KILLS, seed, LONGEST_S, each=1, chores=CHORES)
    with capsys.disabled():
        print(f"\ncrash: {figures.said()}")
    assert figures.wrong == [], f"seed {seed}"
    assert (figures.lost, figures.doubled, figures.half_visible) == (0, 0, 0)
    assert figures.recovered == figures.kills > 0
    assert figures.polls > 100
    assert figures.kills >= 50
    assert figures.key_scans and figures.chore_kills
    assert figures.database_kills >= 5
    # what a step happens to leave nothing to ship for cannot be met
    assert len(figures.commit_points_missed) < figures.commit_points / 5
