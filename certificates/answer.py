"""An answer's journey: request → client and grant → records → lines → receipt → audit → answer.

Two statements: who may ask, how fresh the sources are and what the records say (certificates/look.py); the audit row. It
is committed before anything leaves, refusals included: no audit, no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from catalog_registry import departments
from certificates import access_log, plan, pool, receipt
from certificates.asker import Asker
from certificates.checks import Understood, barred, understand
from certificates.look import Expected, Look, readable, same
from certificates.offered import Offered
from certificates.plan import Asked
from certificates.request import Query
from certificates.statement import Statement
from certificates.subject import Subject
from certificates.told import told as told_line
from core import audit, clock
from core.canonical import canonical
from core.errors import AuditUnavailable, Invalid, Refused
from core.hub import Hub
from core.ids import uuid7
from core.log import get_logger
from core.text import T
from schemas.published import Published, current

log = get_logger(__name__)
_AUDIT = Statement(audit.INSERT)


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
            look, subjects, expected = self._begin(connection, offered, query, question, client, secret_version, at)
            asker, found = await look.first(subjects, expected)
            self._expected.told(asker, query, client, look.types)
            refusal = barred(asker, query)
            lines: list[Asked] = []
            if refusal is None and isinstance(question, Understood):
                question = question.known_as(asker)
                try:
                    lines = plan.lines(offered, question, asker.demands, look.today)
                except Invalid as error:
                    refusal = error
            if refusal is not None or not isinstance(question, Understood):
                refusal = refusal or cast(Invalid, question)
                await self._record_refusal(connection, query, client, asker, subjects, at, refusal)
                raise refusal
            granted = readable(line for line in lines if line.type in asker.fields)
            if question.subjects != subjects or not same(granted, expected):
                found = await look.again(question.subjects, granted)
            elif found is None:
                found = await look.each(question.subjects, granted)
            told = [told_line(line, question, found, asker, self._zone) for line in lines]
            return await self._send(connection, offered, query, client, asker, question, at, told)

    def _begin(
        self, connection: pool.Connection, offered: Offered, query: Query, question: Understood | Invalid,
        client: str, secret_version: int | None, at: datetime,
    ) -> tuple[Look, tuple[Subject, ...], list[Asked]]:  # fmt: skip
        """How to look, for whom, and the lines there will probably be. Of a question that makes no sense, only who asks it.
        What the guide asks for is not known before, so without named types all are looked up."""
        today = clock.today(self.hub.settings.timezone)
        if isinstance(question, Invalid):
            return Look(connection, offered, query, client, secret_version, at, today, []), (), []
        types = list(offered.types if question.parameters is None else question.parameters)
        expected = self._expected.lines(offered, question, query, client, today)
        return Look(connection, offered, query, client, secret_version, at, today, types), question.subjects, expected

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.hub.settings.timezone)

    async def _send(
        self, connection: pool.Connection, offered: Offered, query: Query, client: str, asker: Asker,
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
        await _commit(connection, row)
        return Answer(id, body[:-1] + b',"receipt":"' + signed.encode() + b'"}', lines)

    def _masked(self, subject: Subject, asker: Asker) -> dict[str, str]:
        # a pseudonym of this department's own, so that two departments cannot join what they keep
        return {"kind": subject.kind, "number": subject.masked_number, "name": subject.masked_name,
                "ref": self.hub.keys.pseudonym(subject.number, asker.department)[1]}  # fmt: skip

    async def _record_refusal(
        self, connection: pool.Connection, query: Query, client: str, asker: Asker,
        subjects: Sequence[Subject], at: datetime, refusal: Refused,
    ) -> None:  # fmt: skip
        body = canonical({"refused": refusal.type, "pointer": refusal.pointer})
        row = access_log.entry(
            self.hub.keys, id=uuid7(), at=at, kind=access_log.REFUSED, department=asker.department, client=client,
            query=query, subjects=subjects, lines=[], canonical=body, reason=refusal.type,
        )  # fmt: skip
        await _commit(connection, row)


async def _commit(connection: pool.Connection, entry: audit.Entry) -> None:
    try:
        await connection.execute(_AUDIT.sql, *_AUDIT.values(entry.parameters()))
    except pool.ERRORS as error:
        log.error("audit row not written", sqlstate=pool.sqlstate(error))
        raise AuditUnavailable(
            T("查询留痕无法写入，未作答复。", "The audit log cannot be written, so no answer is given."),
            remedy=T(
                "请稍后重试；管理员检查数据库空间与权限。", "Try again later; an administrator checks the database."
            ),
            headers={"Retry-After": "5"},
        ) from error
