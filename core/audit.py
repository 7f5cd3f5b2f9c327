"""The audit log of every read of a person's or a firm's data.

A row holds the canonical bytes (RFC 8785) of what was asked and answered, without the subject: only a keyed pseudonym.
It is committed before an answer leaves. The database role that writes it may only INSERT.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import clock
from core.actor import Actor
from core.canonical import canonical
from core.ids import uuid7
from core.keys import Keys

#: psycopg parameters; one statement, used by the answer's own connection
INSERT = (
    "INSERT INTO hub.audit (id, at, kind, department, client, operator, service_item, case_no, subject, kid, canonical, hash) "
    "VALUES (%(id)s, %(at)s, %(kind)s, %(department)s, %(client)s, %(operator)s, %(service_item)s, %(case_no)s, "
    "%(subject)s, %(kid)s, %(canonical)s, %(hash)s)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One read: who asked what for which case, on whose pseudonym, and what was answered (codes, never values)."""

    id: UUID
    at: Any
    kind: str
    department: str
    client: str
    operator: str
    service_item: str
    case_no: str
    subject: str
    kid: str
    body: dict[str, Any]

    def parameters(self) -> dict[str, Any]:
        """The parameters of `INSERT`."""
        body = canonical(
            {
                "id": str(self.id),
                "at": self.at.isoformat(),
                "kind": self.kind,
                "department": self.department,
                "client": self.client,
                "operator": self.operator,
                "serviceItem": self.service_item,
                "case": self.case_no,
                "subject": self.subject,
                "kid": self.kid,
                **self.body,
            }
        )
        return {
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "department": self.department,
            "client": self.client,
            "operator": self.operator,
            "service_item": self.service_item,
            "case_no": self.case_no,
            "subject": self.subject,
            "kid": self.kid,
            "canonical": body,
            "hash": sha256(body).digest(),
        }


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the log as who looks for a person may see it: who asked, for what, and which states were answered."""

    id: UUID
    at: datetime
    kind: str
    department: str
    client: str
    operator: str
    service_item: str
    case_no: str
    kid: str


#: the kind of entry that looking into the log itself leaves
SEARCHED = "audit.searched"


def search(
    connection: Connection, keys: Keys, number: str, actor: Actor, *, reason: str, also: Collection[str] = (),
    limit: int = 200,
) -> list[Found]:  # fmt: skip
    """Who asked about a person or a firm (standard number; `also` in other spellings), newest first; the search is an entry of its
    own, under the number.

    Rows keep the pseudonym of the key they were made with, so every key still kept is tried.
    """
    pseudonyms = [found for spelling in {*also} - {number} for found in keys.pseudonyms(spelling)]
    pseudonyms += keys.pseudonyms(number)
    rows = connection.execute(
        text(
            f"SELECT {', '.join(Found.__slots__)} FROM hub.audit JOIN unnest(CAST(:kids AS text[]), CAST(:subjects AS text[])) "
            "AS wanted (kid, subject) USING (kid, subject) ORDER BY at DESC LIMIT :limit"
        ),
        {"kids": [kid for kid, _ in pseudonyms], "subjects": [subject for _, subject in pseudonyms], "limit": limit},
    )
    found = [Found(*row) for row in rows]
    kid, subject = pseudonyms[-1]
    entry = Entry(
        id=uuid7(), at=clock.now(), kind=SEARCHED, department=actor.department, client=actor.client,
        operator=actor.operator, service_item="", case_no="", subject=subject, kid=kid,
        body={"reason": reason, "found": len(found)},
    )  # fmt: skip
    connection.exec_driver_sql(INSERT, entry.parameters())
    return found
