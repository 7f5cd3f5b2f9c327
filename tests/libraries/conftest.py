"""Fixtures of the libraries' tests."""

import pytest

from core.actor import SYSTEM
from core.hub import Hub
from schemas import published
from tests.libraries.registry import DOCUMENTS, SHIPPED, Registry


@pytest.fixture
def registry(hub: Hub) -> Registry:
    """A hub with the tests' contracts and the shipped libraries in force; no public security yet."""
    made = Registry(hub)
    made.publish("account", "title", "penalty")
    return made


@pytest.fixture
def shipped(hub: Hub) -> Registry:
    """A hub with everything shipped in force."""
    with hub.begin() as connection:
        published.publish(connection, DOCUMENTS, SYSTEM)
    return Registry(hub, SHIPPED)
