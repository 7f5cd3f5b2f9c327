"""The second place: a database beside the hub's on the same server, made empty and dropped at the end."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from core import database
from core.errors import NotReady, Retry
from core.hub import Hub
from core.text import T

SUFFIX = "_rebuild"
#: of the installation's folder
FOLDER = "rebuild"
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('hutong.rebuild', 0))"
Server = psycopg.Connection[Any]


@contextmanager
def opened(hub: Hub, begin: Callable[[Hub], None] = lambda _: None) -> Iterator[Hub]:
    """An installation whose landing is the hub's, without a batch or document but for what `begin` restores into it. One at
    a time: Retry while there is another.

    What a killed one left is dropped first. NotReady when the database's user may not make databases and none was made for
    it.
    """
    with closing(psycopg.connect(hub.dsn, autocommit=True)) as server:
        if not _one(server, _LOCK):
            raise Retry(
                T("另一次重建正在进行。", "Another rebuild is running."),
                remedy=T("等它结束后再试。", "Try again when it has ended."),
                code="rebuild_busy",
            )
        name = named(str(make_url(hub.url).database))
        _make(server, name)
        url = make_url(hub.url).set(database=name).render_as_string(hide_password=False)
        folder = hub.home / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        changed = {"home": folder, "database_url": url, "database_password": None, "landing_url": hub.settings.landing}
        scratch = Hub(hub.settings.model_copy(update=changed), url)
        try:
            begin(scratch)
            database.migrate(scratch.engine)
            yield scratch
        finally:
            scratch.close()
            shutil.rmtree(folder, ignore_errors=True)
            _unmake(server, name)


def sweep(hub: Hub) -> None:
    """Drop what a killed one left, unless another is at work: it holds people's data, and nobody may ever open one again."""
    with closing(psycopg.connect(hub.dsn, autocommit=True)) as server:
        if not _one(server, _LOCK):
            return
        shutil.rmtree(hub.home / FOLDER, ignore_errors=True)
        name = named(str(make_url(hub.url).database))
        if _one(server, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", name):
            _unmake(server, name)


def named(live: str) -> str:
    """The name of the second database; PostgreSQL cuts names at 63 bytes."""
    kept = (
        live
        if len((live + SUFFIX).encode()) <= 63
        else f"{live.encode()[:40].decode(errors='ignore')}_{zlib.crc32(live.encode()):08x}"
    )
    return kept + SUFFIX


def _make(server: Server, name: str) -> None:
    there = bool(_one(server, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", name))
    if there and _may(server):
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        there = False
    if there:
        _emptied(server, name)  # an administrator made it for us
        return
    try:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        # lost in a crash, as it may be
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotReady(
            T(
                "数据库用户无权新建数据库,无处重建。",
                "The database user may not create databases: there is no place to rebuild in.",
            ),
            remedy=T(
                f"授予 CREATEDB,或由管理员建好空库 {name} 并以该用户为所有者。",
                f"Grant CREATEDB, or have an administrator make the empty database {name}, owned by that user.",
            ),
            code="database_rights",
        ) from error


def _unmake(server: Server, name: str) -> None:
    if _may(server):
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    else:
        _emptied(server, name)


def _emptied(server: Server, name: str) -> None:
    with psycopg.connect(server.info.dsn, password=server.info.password, dbname=name) as connection:
        database.clear(connection)


def _may(server: Server) -> bool:
    return bool(_one(server, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"))


def _one(server: Server, query: str, *values: object) -> Any:
    row = server.execute(query, values).fetchone()
    return row[0] if row else None
