"""Databases and installations for tests, on the session's server. The product's tables are made once and copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from core import database
from core.embedded import Server
from core.hub import Hub
from core.settings import Settings


@dataclass(frozen=True)
class Databases:
    """Makes databases on a server; they are gone after the block that asked for them."""

    server: Server

    @contextmanager
    def empty(self, template: str = "template1") -> Iterator[str]:
        """The URL of a database without tables."""
        name = f"t_{uuid4().hex[:12]}"
        self._administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield self.server.url(name)
        finally:
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def hub(self, home: Path) -> Iterator[Hub]:
        """A fresh installation: own home, own database, tables as migrations make them, nothing published."""
        with self.empty(self._migrated) as url:
            home.mkdir(parents=True, exist_ok=True)
            made = Hub(Settings(home=home, database_url=url), url)
            made.keys.ensure()
            try:
                yield made
            finally:
                made.close()

    @cached_property
    def _migrated(self) -> str:
        """The name of the database that installations are copied from; it ends with the server."""
        name = "migrated"
        self._administer(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name)))
        engine = database.connect(self.server.url(name))
        database.migrate(engine)
        engine.dispose()
        return name

    def _administer(self, statement: sql.Composable) -> None:
        with psycopg.connect(database.libpq(self.server.url("postgres")), autocommit=True) as connection:
            connection.execute(statement)
