"""Fixtures of the libraries' tests."""

import pytest

from core.hub import Hub
from tests.libraries.registry import Registry


@pytest.fixture
def registry(hub: Hub) -> Registry:
    """A hub with the tests' contracts and the shipped libraries in force; no public security yet."""
    made = Registry(hub)
    made.publish("account", "title", "penalty")
    return made
