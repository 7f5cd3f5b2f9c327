"""One installation of the exchange: its settings, database, landing store and keys, passed on explicitly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from core import database, secrets
from core.embedded import Embedded
from core.errors import NotReady
from core.keys import Keys
from core.landing import Landing
from core.settings import Settings, with_password
from core.text import T

DATABASE = "hutong"


class Hub:
    """What every journey needs. Make one with `Hub.open`; close it when done."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        self.engine: Engine = database.connect(url)
        self.landing = Landing(settings.landing)
        self.keys = Keys(settings.home / "keys")

    @classmethod
    def open(cls, settings: Settings) -> Hub:
        """The installation as it stands; NotReady when its database was not started or is of another version,
        DatabaseUnavailable when it does not answer."""
        hub = cls(settings, database_url(settings))
        try:
            database.require_current(hub.engine)
        except NotReady:
            hub.close()
            raise
        return hub

    @classmethod
    def set_up(cls, settings: Settings) -> Hub:
        """Make whatever is missing (keys, tables) and open it; safe to repeat."""
        settings.home.mkdir(parents=True, exist_ok=True)
        hub = cls(settings, database_url(settings))
        database.migrate(hub.engine)
        hub.keys.ensure()
        return hub

    @property
    def home(self) -> Path:
        """The folder of all state."""
        return self.settings.home

    @cached_property
    def dsn(self) -> str:
        """The libpq form of the database URL."""
        return database.libpq(self.url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction; rolled back when the block fails."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read-only transaction on a consistent snapshot."""
        with self.engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            yield connection

    @contextmanager
    def adbc(self) -> Iterator[Any]:
        """An ADBC connection (Arrow in and out) with autocommit."""
        from adbc_driver_postgresql import (
            dbapi,
        )  # late: it brings pyarrow.dataset and pandas, half of a command's start

        with dbapi.connect(self.dsn, autocommit=True) as connection:
            yield connection

    def secret(self, name: str) -> dict[str, Any]:
        """The secret of a departmental system."""
        with self.read() as connection:
            return secrets.get(connection, self.keys, name)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def embedded(settings: Settings) -> Embedded:
    """The embedded server of an installation (which may be down)."""
    return Embedded(settings.home / "postgres")


def database_url(settings: Settings) -> str:
    """The hub's database: the one set, else the embedded one."""
    if settings.database_url:
        return with_password(settings.database_url, settings.database_password)
    server = embedded(settings).server()
    if server is None:
        raise NotReady(
            T("互通尚未启动。", "Hutong is not running."),
            remedy=T("运行 hutong up(或 make demo)。", "Run `hutong up` (or `make demo`)."),
            code="not_running",
        )
    return server.url(DATABASE)
