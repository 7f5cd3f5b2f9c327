"""Databases: one statement per feed, streamed from one read-only snapshot.

Secret: `{"url": "<SQLAlchemy URL>"}`. Source: `query` or `table`, optionally `timeout_s`. PostgreSQL is read by ADBC,
every other database row by row through its SQLAlchemy dialect. Tried against real ones: PostgreSQL, MariaDB, SQLite; of
others see connectors.dialects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from connectors import postgresql, rows
from connectors.extraction import Extraction
from connectors.query import query_of
from core.errors import NotReady
from core.text import T

if TYPE_CHECKING:
    from connectors.system import Feed, System

SOURCE_KEYS = ("query", "table", "timeout_s")
QUERIED = True


def extract(
    system: System, feed: Feed, secret: dict[str, Any], since: str | None, *, chunk_rows: int = 200_000
) -> Extraction:
    """The rows of one feed that changed at or after `since`, or all of them."""
    url = _url(system, secret)

    def read(run: Extraction) -> Iterator[pa.RecordBatch]:
        if url.get_backend_name() == "postgresql":
            return postgresql.read(url, query_of(feed, since, postgresql.quote), system.id, run)
        quote = url.get_dialect()().identifier_preparer.quote_identifier
        return rows.read(url, query_of(feed, since, quote), system.id, run)

    return Extraction(read, since=since, zone=feed.timezone, chunk_rows=chunk_rows)


def _url(system: System, secret: dict[str, Any]) -> URL:
    try:
        url = make_url(str(secret["url"]))
        url.get_dialect()
    except (KeyError, ValueError, ArgumentError, NoSuchModuleError, ImportError):
        # The text of the URL holds the password, so it is not shown.
        raise NotReady(
            T(
                f"来源系统 {system.id} 的密钥没有可用的数据库地址。",
                f"The secret of system {system.id} holds no usable database URL.",
            ),
            remedy=T(
                '密钥形如 {"url": "postgresql://用户:密码@主机/库"}、mysql+pymysql://…、sqlite:///…;其他数据库须先安装其 SQLAlchemy 方言。',
                'It reads {"url": "postgresql://user:password@host/database"}, mysql+pymysql://… or sqlite:///…; other '
                "databases need their SQLAlchemy dialect installed.",
            ),
        ) from None
    return url
