"""The audit log of every read of a person's or a firm's data.

A row holds the canonical bytes (RFC 8785) of what was asked and answered, without the subject: only a keyed pseudonym.
It is committed before an answer leaves. The database role that writes it may only INSERT.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785

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
        canonical = rfc8785.dumps(
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
            "canonical": canonical,
            "hash": sha256(canonical).digest(),
        }
