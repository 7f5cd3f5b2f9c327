"""The small catalogue, standing for tests that only ask, fresh for those that change it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.hub import Hub
from tests.catalog_registry import small


@pytest.fixture(scope="module")
def standing(new_hub: Callable[[], Hub]) -> Hub:
    """A hub with the small catalogue, one for each module: nobody changes it."""
    hub = new_hub()
    small.fill(hub)
    return hub


@pytest.fixture
def city(hub: Hub) -> Hub:
    """A fresh hub with the small catalogue."""
    small.fill(hub)
    return hub
