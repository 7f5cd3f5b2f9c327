"""The audit entry of a question: who asked what for which case, on whose pseudonym, and which states left. No values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from certificates.request import Query
from certificates.subject import Subject
from core.audit import Entry, Kind
from core.keys import Keys

ANSWERED: Kind = "certificate.answered"
REFUSED: Kind = "certificate.refused"


def entry(
    keys: Keys, *, id: UUID, at: datetime, kind: Kind, department: str, client: str, query: Query,
    subjects: Sequence[Subject], lines: list[dict[str, Any]], canonical: bytes, reason: str = "",
) -> Entry:  # fmt: skip
    """The entry for an answer, or for a request refused as a whole (`reason`). `subjects` begins with the one asked about,
    the others were declared."""
    kid, pseudonym = keys.pseudonym(subjects[0].number if subjects else query.subject.number)
    body: dict[str, Any] = {
        "basis": {"kind": query.basis.kind, "reference": query.basis.reference},
        "subjectKind": query.subject.kind,
        "declared": [
            {"relation": one.relation, "subject": keys.pseudonym(subject.number)[1]}
            for one, subject in zip(query.declared, subjects[1:], strict=False)
        ],
        "lines": [
            {
                "type": line["type"], "outcome": line["outcome"], "state": line["state"], "proved": line["proved"],
                "reasons": [reason["code"] for reason in line["reasons"]], "fields": sorted(line["fields"]),
            }
            for line in lines
        ],
        "answer": sha256(canonical).hexdigest(),
    }  # fmt: skip
    if reason:
        body["reason"] = reason
    return Entry(
        id=id, at=at, kind=kind, department=department, client=client, operator=query.operator,
        service_item=query.service_item, case_no=query.case_no, subject=pseudonym, kid=kid, body=body,
    )  # fmt: skip
