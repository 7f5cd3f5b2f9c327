"""Fixtures of the tests of faulty sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from schemas import published
from schemas.published import Document
from tests.faults.sources import Bucket, Database, Drop, Rest, Sftp, Source
from tests.pipeline.small import CONTRACT, DEPARTMENT

KINDS = ("rest", "database", "files", "sftp", "bucket")


@pytest.fixture(params=KINDS)
def source(
    request: pytest.FixtureRequest, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Source]:
    """A source of each kind, published."""
    made = {
        "rest": Rest,
        "database": lambda: Database(request.getfixturevalue("database")),
        "files": lambda: Drop(tmp_path / "drop"),
        "sftp": lambda: Sftp(tmp_path / "drop"),
        "bucket": lambda: Bucket(tmp_path / "drop"),
    }[request.param]()
    made.impatient(monkeypatch)
    with hub.begin() as connection:
        published.publish(
            connection,
            [
                Document("department", "city_management", "1", DEPARTMENT, "test"),
                Document("contract", "pet_licence", "1", CONTRACT, "test"),
                Document("system", "pets", "1", made.system(), "test"),
            ],
            SYSTEM,
        )
        secrets.put(connection, hub.keys, "pets", made.secret)
    with hub.read() as connection:
        published.write_snapshot(connection, hub.home)
    yield made
    made.close()
