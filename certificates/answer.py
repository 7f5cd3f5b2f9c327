"""An answer's journey: request → client and grant → records → lines → receipt → audit → answer.

Two statements: who may ask, how fresh the sources are and what the records say (certificates/look.py); the audit row, with
those of other answers of the moment (certificates/ledger.py). It is committed before anything leaves, refusals included:
no audit, no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from catalog_registry import departments
from certificates import access_log, plan, pool, receipt
from certificates.asker import Asker, Recent
from certificates.checks import Understood, barred, understand
from certificates.ledger import Ledger
from certificates.line import NOTHING, Found
from certificates.look import NO_GUESS, Expected, Look, readable, same
from certificates.offered import Offered
from certificates.plan import Asked
from certificates.request import Query
from certificates.subject import Subject
from certificates.told import told as told_line
from core import clock
from core.canonical import canonical
from core.errors import Invalid, Refused
from core.hub import Hub
from core.ids import uuid7
from schemas.published import Published, current


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: the answer's id and its JSON, signed and audited."""

    id: UUID
    body: bytes
    lines: list[dict[str, Any]]


class Answerer:
    """Answers questions of one installation. What is published is looked up at every question."""

    def __init__(self, hub: Hub, connections: pool.Pool) -> None:
        self.hub, self.pool = hub, connections
        self._offered: Offered | None = None
        self._expected = Expected()
        self._recent = Recent()
        self._ledger = Ledger(connections)

    def offered(self) -> Offered:
        """The certificate types in force now; compiled again only when something was published."""
        published: Published = current(self.hub.home)
        if self._offered is None or self._offered.published is not published:
            self._offered = Offered(published, self.hub.settings.division)
        return self._offered

    async def ask(self, query: Query, client: str, *, secret_version: int | None = None) -> Answer:
        """Answer every line of a question. Refusals are audited like answers. `secret_version` is the token's.

        Raises Invalid for a question that makes no sense, Unauthorised for a client no longer in force,
        AuditUnavailable when the audit row cannot be written, DatabaseUnavailable when nothing can be read.
        """
        offered = self.offered()
        question = understand(offered, query)
        at = clock.now()
        async with self.pool.connection() as connection:
            look = self._look(connection, offered, query, question, client, secret_version, at)
            asker, settled, lines, found = await self._read(look, question)
        if not isinstance(settled, Understood):
            await self._record_refusal(query, client, asker, look.guess.subjects, at, settled)
            raise settled
        told = [told_line(line, settled, found, asker, self._zone) for line in lines]
        return await self._send(offered, query, client, asker, settled, at, told)

    def _look(
        self, connection: pool.Connection, offered: Offered, query: Query, question: Understood | Invalid,
        client: str, secret_version: int | None, at: datetime,
    ) -> Look:  # fmt: skip
        """How to look. Of a question that makes no sense, only who asks it. What the guide asks for is not known before, so
        without named types all are looked up."""
        today = clock.today(self.hub.settings.timezone)
        if isinstance(question, Invalid):
            return Look(connection, offered, query, client, secret_version, at, today, (), NO_GUESS, self._recent)
        types = tuple(offered.types if question.parameters is None else question.parameters)
        guess = self._expected.guess(offered, question, query, client, today)
        return Look(connection, offered, query, client, secret_version, at, today, types, guess, self._recent)

    async def _read(
        self, look: Look, question: Understood | Invalid
    ) -> tuple[Asker, Understood | Refused, Sequence[Asked], Found]:
        """Who asks; the question with what registers know besides, or why it is refused; its lines, and what the records
        say of them."""
        guess = look.guess
        asker, found = await look.first()
        self._expected.told(asker, look.query, look.client, look.types)
        if refusal := barred(asker, look.query):
            return asker, refusal, (), NOTHING
        if isinstance(question, Invalid):
            return asker, question, (), NOTHING
        question = question.known_as(asker)
        try:
            lines = guess.confirmed(question, asker) or plan.lines(look.offered, question, asker.demands, look.today)
        except Invalid as error:
            return asker, error, (), NOTHING
        granted = readable(line for line in lines if line.type in asker.fields)
        if question.subjects != guess.subjects or not same(granted, guess.readable):
            found = await look.again(question.subjects, granted)
        elif found is None:
            found = await look.each(question.subjects, granted)
        return asker, question, lines, found

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.hub.settings.timezone)

    async def _send(
        self, offered: Offered, query: Query, client: str, asker: Asker,
        question: Understood, at: datetime, lines: list[dict[str, Any]],
    ) -> Answer:  # fmt: skip
        id, subject = uuid7(), question.subjects[0]
        told = {
            "id": str(id),
            "at": at.astimezone(self._zone).isoformat(timespec="seconds"),
            "department": departments.named(offered.published, asker.department),
            "client": client,
            "operator": query.operator,
            "service_item": {"id": query.service_item, "name": asker.service_item},
            "case_no": query.case_no,
            "basis": {"kind": query.basis.kind, "reference": query.basis.reference},
            "subject": self._masked(subject, asker),
            "declared": [
                {"relation": relation, **self._masked(one, asker)}
                for relation, one in zip(question.relations[1:], question.subjects[1:], strict=True)
            ],
            "answers": lines,
        }  # fmt: skip
        body, signed = receipt.sign(self.hub.keys, told)
        row = access_log.entry(
            self.hub.keys, id=id, at=at, kind=access_log.ANSWERED, department=asker.department, client=client,
            query=query, subjects=question.subjects, lines=lines, canonical=body,
        )  # fmt: skip
        await self._ledger.commit(row)
        return Answer(id, body[:-1] + b',"receipt":"' + signed.encode() + b'"}', lines)

    def _masked(self, subject: Subject, asker: Asker) -> dict[str, str]:
        # a pseudonym of this department's own, so that two departments cannot join what they keep
        return {"kind": subject.kind, "number": subject.masked_number, "name": subject.masked_name,
                "ref": self.hub.keys.pseudonym(subject.number, asker.department)[1]}  # fmt: skip

    async def _record_refusal(
        self, query: Query, client: str, asker: Asker,
        subjects: Sequence[Subject], at: datetime, refusal: Refused,
    ) -> None:  # fmt: skip
        body = canonical({"refused": refusal.type, "pointer": refusal.pointer})
        row = access_log.entry(
            self.hub.keys, id=uuid7(), at=at, kind=access_log.REFUSED, department=asker.department, client=client,
            query=query, subjects=subjects, lines=[], canonical=body, reason=refusal.type,
        )  # fmt: skip
        await self._ledger.commit(row)
