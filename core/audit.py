"""The audit log of every read of a person's or a firm's data.

A row holds the canonical bytes (RFC 8785) of what was asked and answered, without the subject: only a keyed pseudonym.
It is committed before an answer leaves. The database role that writes it may only INSERT.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, text

from core import clock, decisions
from core.actor import Actor
from core.canonical import canonical
from core.ids import uuid7
from core.keys import Keys
from core.log import redact
from core.text import T

#: what an entry is of; the type is what no room can leave an entry of another kind by
Kind = Literal[
    "certificate.answered", "certificate.refused", "records.shown", "records.revealed", "library.shown", "library.explained",
    "library.explained_revealed", "library.judged", "quarantine.revealed", "audit.searched",
]  # fmt: skip
#: each kind in words
KINDS: Mapping[str, T] = {
    "certificate.answered": T("查询证明", "certificates asked for"),
    "certificate.refused": T("查询证明,被拒绝", "certificates asked for, refused"),
    "records.shown": T("查看记录(脱敏)", "records looked at, masked"),
    "records.revealed": T("查看记录原值", "records looked at, unmasked"),
    "library.shown": T("查看主数据", "golden record looked at"),
    "library.explained": T("追溯主数据取值(脱敏)", "golden value explained, masked"),
    "library.explained_revealed": T("追溯主数据取值(原值)", "golden value explained, unmasked"),
    "library.judged": T("身份判断或其撤销", "identity judged, or a judgement ended"),
    "quarantine.revealed": T("查看隔离行原值", "waiting row looked at, unmasked"),
    "audit.searched": T("查阅审计日志", "this log searched"),
}
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
    kind: Kind
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
    """One entry of the log as who looks for a person may see it: who asked, for what, and why. `reason` is what they wrote, or
    the basis of a certificate's question; numbers in it are masked, for they may be somebody else's."""

    id: UUID
    at: datetime
    kind: Kind
    department: str
    client: str
    operator: str
    service_item: str
    case_no: str
    kid: str
    reason: str


_COLUMNS = ("id", "at", "kind", "department", "client", "operator", "service_item", "case_no", "kid")
#: the kind of entry that looking into the log itself leaves
SEARCHED: Kind = "audit.searched"


def search(
    connection: Connection, keys: Keys, number: str, actor: Actor, *, reason: str, also: Collection[str] = (),
    limit: int = 200,
) -> list[Found]:  # fmt: skip
    """Who asked about a person or a firm (standard number; `also` in other spellings), newest first; the search is an entry of its
    own, under the number. Raises Invalid without a reason, or for one with a number in it.

    Rows keep the pseudonym of the key they were made with, so every key still kept is tried.
    """
    why = decisions.because(reason)
    pseudonyms = [found for spelling in {*also} - {number} for found in keys.pseudonyms(spelling)]
    pseudonyms += keys.pseudonyms(number)
    rows = connection.execute(
        text(
            f"SELECT {', '.join(_COLUMNS)}, canonical FROM hub.audit JOIN unnest(CAST(:kids AS text[]), CAST(:subjects AS text[])) "
            "AS wanted (kid, subject) USING (kid, subject) ORDER BY at DESC LIMIT :limit"
        ),
        {"kids": [kid for kid, _ in pseudonyms], "subjects": [subject for _, subject in pseudonyms], "limit": limit},
    )
    found = [
        Found(**{name: row[name] for name in _COLUMNS}, reason=redact(_why(json.loads(bytes(row["canonical"])))))
        for row in rows.mappings()
    ]
    kid, subject = pseudonyms[-1]
    entry = Entry(
        id=uuid7(), at=clock.now(), kind=SEARCHED, department=actor.department, client=actor.client,
        operator=actor.operator, service_item="", case_no="", subject=subject, kid=kid,
        body={"reason": why, "found": len(found)},
    )  # fmt: skip
    connection.exec_driver_sql(INSERT, entry.parameters())
    return found


def _why(body: Mapping[str, Any]) -> str:
    """Why somebody asked: what an operator wrote, else the authorisation or the article that a certificate was asked on."""
    basis = body.get("basis")
    if isinstance(basis, Mapping):
        return str(basis.get("reference") or "")
    return str(body.get("reason") or basis or "")
