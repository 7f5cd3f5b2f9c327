"""Fixtures: one way of bringing rows in, and a small feed that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from schemas import published
from schemas.published import Document
from tests.bad_input.carriers import CARRIERS, Carrier, Csv, Rest, Sql, Xlsx
from tests.certificates.conftest import town  # noqa: F401 - a fixture

PETS = """
system: pets
title: 养犬管理系统
department: city_management
connector: {kind}
secret: pets
feeds:
- contract: pet_licence
  source: {source}
  mode: full
  columns: {{ND: year, QP: tag, SYR: owner_name, TZ: weight_kg, MYRQ: vaccinated_on}}
  expect: {{rows: {{min: 0}}}}
  covers: {{divisions: ["430900"]}}
"""


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carrier]:
    """Each way in turn."""
    made: dict[str, Callable[[], Carrier]] = {
        "csv": lambda: Csv(tmp_path / "drop"),
        "xlsx": lambda: Xlsx(tmp_path / "drop"),
        "rest": Rest,
        "sql": lambda: Sql(request.getfixturevalue("database")),
    }
    one = made[request.param]()
    yield one
    one.close()


def publish(hub: Hub, documents: list[tuple[str, str, str]], secret: tuple[str, dict[str, object]]) -> None:
    """Put documents (kind, id, text) and a secret into force."""
    with hub.begin() as connection:
        published.publish(connection, [Document(kind, id, "1", text, "test") for kind, id, text in documents], SYSTEM)
        secrets.put(connection, hub.keys, *secret)
    with hub.read() as connection:
        published.write_snapshot(connection, hub.home)
