"""Decisions: what a named person judged of a batch, a row, a code or an entity. Append-only; undone by another decision.

A decision changes nothing by itself: the journeys read those in force. Library = f(landing, decisions, documents), so
whatever a person may change of a library is a decision, with who and why. Which kinds there are, and what their bodies
mean, is said by the rooms that make them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import events
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.text import T


@dataclass(frozen=True, slots=True)
class Decision:
    """One judgement. `about` is in the words of its kind; `undoes` is the decision that it ends."""

    seq: int
    id: UUID
    at: datetime
    kind: str
    about: str
    batch_id: UUID | None
    row_no: int | None
    body: dict[str, Any]
    reason: str
    actor: dict[str, str]
    undoes: UUID | None


_COLUMNS = ", ".join(f"d.{name}" for name in Decision.__slots__)
_IN_FORCE = "d.undoes IS NULL AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id AND u.seq <= :upto)"
#: later than every decision
NOW = 2**63 - 1
#: a citizen's number (18 or 15 digits, with a birthday in it) or a mobile one
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_NUMBER = re.compile(
    rf"(?<!\d)(?:\d{{6}}(?:18|19|20)\d\d{_DAY}\d{{3}}[\dX]|\d{{8}}{_DAY}\d{{3}}|1[3-9]\d{{9}})(?!\d)", re.IGNORECASE
)


def because(reason: str, at: str = "/reason") -> str:
    """The reason of an act or of a look-up, as it is kept. Lists and evidence show it to whoever may see the act, so it names
    nobody's number. Raises Invalid for none, or for one with a number in it; `at` is the field it stands in."""
    if not reason.strip():
        raise Invalid(
            T("没有写明理由。", "No reason is given."),
            remedy=T("写明为什么这样处理，日后可查。", "Say why: whoever asks later can read it."), pointer=at,
        )  # fmt: skip
    plain = unicodedata.normalize("NFKC", reason)
    if _NUMBER.search(plain) or _NUMBER.search("".join(plain.split())):
        raise Invalid(
            T("理由中含有证件号码或手机号。", "The reason holds an identity number or a telephone number."),
            remedy=T("理由会列出给他人看:写档案号或事由,不写号码。",
                     "Others read it in lists: name the file or the cause, not the number."), pointer=at,
        )  # fmt: skip
    return reason.strip()


def record(
    connection: Connection, kind: str, about: str, *, reason: str, actor: Actor, batch_id: UUID | None = None,
    row_no: int | None = None, body: Mapping[str, Any] | None = None, undoes: UUID | None = None,
) -> Decision:  # fmt: skip
    """Keep a decision, and tell of it. Raises Invalid without a reason. `body` may hold personal data, `about` never.

    Lock what the decision is about before, never after: this waits for whoever else decides anything.
    """
    why = because(reason)
    _in_turn(connection)
    row = connection.execute(
        text(
            "INSERT INTO hub.decision AS d (id, kind, about, batch_id, row_no, body, reason, actor, undoes) VALUES (:id, :kind, "
            f":about, :batch_id, :row_no, :body, :reason, :actor, :undoes) RETURNING {_COLUMNS}"
        ),
        {"id": uuid7(), "kind": kind, "about": about, "batch_id": batch_id, "row_no": row_no,
         "body": json.dumps(dict(body or {}), ensure_ascii=False), "reason": why,
         "actor": json.dumps(actor.as_dict()), "undoes": undoes},
    ).one()  # fmt: skip
    made = Decision(**row._mapping)
    told = {"decision": str(made.id), "kind": kind, "batch": batch_id and str(batch_id), "row": row_no}
    events.record(connection, "decision.undone" if undoes else "decision.made", about, told, actor)
    return made


def undo(connection: Connection, id: UUID, *, reason: str, actor: Actor) -> Decision:
    """End a decision by another one. Raises NotFound for none, Conflict for one that is ended already or ends another."""
    made = get(connection, id)
    _in_turn(connection)  # two at once: the second waits here, then sees the first's
    if made.undoes is not None or not is_in_force(connection, id):
        raise Conflict(
            T("该决定已撤销，或本身是一次撤销。", "This decision has been undone, or undoes another."),
            remedy=T("重新作出一项决定。", "Decide anew."),
        )
    return record(
        connection,
        made.kind,
        made.about,
        reason=reason,
        actor=actor,
        batch_id=made.batch_id,
        row_no=made.row_no,
        undoes=id,
    )


def get(connection: Connection, id: UUID) -> Decision:
    """One decision; NotFound when there is none."""
    row = connection.execute(text(f"SELECT {_COLUMNS} FROM hub.decision d WHERE d.id = :id"), {"id": id}).one_or_none()
    if row is None:
        raise NotFound(
            T("没有该决定。", "There is no such decision."),
            remedy=T("hutong decision list 可列出。", "`hutong decision list` lists them."),
        )
    return Decision(**row._mapping)


def is_in_force(connection: Connection, id: UUID) -> bool:
    """Whether a decision stands: nothing has undone it."""
    return bool(
        connection.execute(
            text(f"SELECT EXISTS (SELECT FROM hub.decision d WHERE d.id = :id AND {_IN_FORCE})"),
            {"id": id, "upto": NOW},
        ).scalar_one()
    )


def in_force(
    connection: Connection, *kinds: str, about: str | None = None, batch_id: UUID | None = None, upto: int = NOW
) -> list[Decision]:
    """Decisions of these kinds that stand, oldest first; as they stood when the last one had number `upto`."""
    return _listed(connection, f"{_IN_FORCE} AND d.seq <= :upto", "ASC", None, kinds, about, batch_id, upto)


def listed(
    connection: Connection, *kinds: str, about: str | None = None, batch_id: UUID | None = None, limit: int = 200
) -> list[Decision]:
    """The latest decisions, undone ones and those that undo too, newest first; without kinds all."""
    return _listed(connection, "true", "DESC", limit, kinds, about, batch_id, NOW)


def ended(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these decisions others have undone."""
    rows = connection.execute(text("SELECT undoes FROM hub.decision WHERE undoes = ANY(:ids)"), {"ids": list(ids)})
    return set(rows.scalars())


def last(connection: Connection) -> int:
    """The number of the latest decision, 0 before the first: what was decided when something was made."""
    return int(connection.execute(text("SELECT coalesce(max(seq), 0) FROM hub.decision")).scalar_one())


def _in_turn(connection: Connection) -> None:
    """Decisions commit in the order of their numbers: whoever knows the last one knows all before it. Else a batch could be
    said to be made with a decision that had not been there yet."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('hutong.decisions', 0))"))


def _listed(
    connection: Connection, condition: str, order: str, limit: int | None, kinds: tuple[str, ...], about: str | None,
    batch_id: UUID | None, upto: int,
) -> list[Decision]:  # fmt: skip
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.decision d WHERE (CAST(:kinds AS text[]) IS NULL OR d.kind = ANY(:kinds)) "
            "AND (CAST(:about AS text) IS NULL OR d.about = :about) AND (CAST(:batch AS uuid) IS NULL OR d.batch_id = :batch) "
            f"AND {condition} ORDER BY d.seq {order} LIMIT :limit"
        ),
        {"kinds": list(kinds) or None, "about": about, "batch": batch_id, "upto": upto, "limit": limit},
    )
    return [Decision(**row._mapping) for row in rows]
