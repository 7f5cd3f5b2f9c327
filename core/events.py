"""The one append-only event table, written in the transaction of the change it tells of.

Readers keep a cursor. A cursor is (epoch, transaction id, sequence): a sequence alone would skip an event whose transaction
commits late, so only events of transactions older than every running one are given out. Transaction ids are a server's own;
a restore on another server begins a new epoch, and all events of earlier ones are given out as they are.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from core.actor import Actor
from core.ids import uuid7


class Cursor(NamedTuple):
    """How far a reader has come; (0, 0, 0) is the beginning."""

    epoch: int
    xid: int
    seq: int


def record(connection: Connection, kind: str, about: str, body: dict[str, Any], actor: Actor) -> None:
    """Say that something happened. `body` holds no personal data."""
    connection.execute(
        text("INSERT INTO hub.event (id, type, about, body, actor) VALUES (:id, :type, :about, :body, :actor)"),
        {
            "id": uuid7(),
            "type": kind,
            "about": about,
            "body": json.dumps(body, default=str),
            "actor": json.dumps(actor.as_dict()),
        },
    )


def read_since(connection: Connection, cursor: Cursor, limit: int = 500) -> tuple[list[dict[str, Any]], Cursor]:
    """Events after the cursor in commit-safe order, and the cursor behind them."""
    rows = connection.execute(
        text(
            "SELECT epoch, xid::text::bigint AS xid, seq, id, at, type, about, body, actor FROM hub.event e "
            "WHERE (epoch, e.xid, seq) > (:epoch, CAST(CAST(:xid AS text) AS xid8), :seq) AND "
            "(e.xid < pg_snapshot_xmin(pg_current_snapshot()) OR epoch < (SELECT max(epoch) FROM hub.event)) "
            "ORDER BY epoch, e.xid, seq LIMIT :limit"
        ),
        {"epoch": cursor.epoch, "xid": cursor.xid, "seq": cursor.seq, "limit": limit},
    ).all()
    events = [dict(row._mapping) for row in rows]
    return events, Cursor(rows[-1].epoch, rows[-1].xid, rows[-1].seq) if rows else cursor


def begin_epoch(connection: Connection) -> None:
    """After a restore: events from now on come after every restored one, whatever this server's transaction ids are.

    The caller records an event in the same transaction, which lets readers see the epoch before as over.
    """
    epoch: int = connection.execute(text("SELECT coalesce(max(epoch), 0) + 1 FROM hub.event")).scalar_one()
    connection.exec_driver_sql(f"ALTER TABLE hub.event ALTER COLUMN epoch SET DEFAULT {epoch}")
