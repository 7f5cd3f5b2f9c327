"""An answer's journey: request → client and grant → records → lines → receipt → audit → answer.

Three statements: who may ask and how fresh the sources are; the questions of the granted lines, together; the audit
row. The audit row is committed before anything leaves, refusals included: no audit, no answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import rfc8785
from psycopg_pool import PoolTimeout

from catalog_registry import departments
from certificates import access_log, pool, receipt
from certificates.asker import Asker, look_up
from certificates.checks import Understood, barred, understand
from certificates.line import NOTHING, Found, answered, unknown
from certificates.offered import Offer, Offered
from certificates.request import Query
from certificates.subject import Subject
from core import audit, clock
from core.errors import AuditUnavailable, DatabaseUnavailable, Invalid, Refused
from core.hub import Hub
from core.ids import uuid7
from core.log import get_logger
from core.text import T
from schemas.published import Published, current

log = get_logger(__name__)


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
        asked = understand(offered, query)
        at = clock.now()
        try:
            async with self.pool.connection() as connection:
                offers = asked.offers if isinstance(asked, Understood) else ()
                asker = await look_up(connection, query, client, offers, at, secret_version)
                refusal = barred(asker, query)
                if refusal is not None or not isinstance(asked, Understood):
                    refusal = refusal or cast(Invalid, asked)
                    subject = asked.subject if isinstance(asked, Understood) else None
                    await self._record_refusal(connection, query, client, asker, subject, at, refusal)
                    raise refusal
                parameters = {line.type: line.parameters for line in query.certificates}
                granted = [offer for offer in offers if offer.id in asker.fields]
                found = await self._found(connection, offered, granted, asked.subject, parameters)
                lines = [
                    answered(offer, found, asker.freshness, asker.fields[offer.id], parameters[offer.id], self._zone)
                    if offer.id in asker.fields
                    else unknown(offer, ["no_grant"], [])
                    for offer in offers
                ]
                return await self._send(connection, offered, query, client, asker, asked.subject, at, lines)
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _unreachable() from error

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.hub.settings.timezone)

    async def _found(
        self, connection: psycopg.AsyncConnection[Any], offered: Offered, granted: list[Offer], subject: Subject,
        parameters: Mapping[str, Mapping[str, int]],
    ) -> Found:  # fmt: skip
        asked = [offer for offer in granted if not offer.question.missing]
        until = time.monotonic() + 3 * pool.STATEMENT_SECONDS  # however many lines: a clerk waits
        try:
            return await self._question(connection, offered, asked, subject, parameters) if asked else NOTHING
        except psycopg.Error as error:
            _survive(error, asked)
        # one line never blocks another: ask each by itself, and let only the failing ones be unknown
        each = []
        for offer in asked if len(asked) > 1 else ():
            try:
                if time.monotonic() < until:
                    each.append(await self._question(connection, offered, [offer], subject, parameters))
            except psycopg.Error as error:
                _survive(error, [offer])
        return Found(
            {name for found in each for name in found.names},
            {pair for found in each for pair in found.waiting},
            {id: row for found in each for id, row in found.rows.items()},
        )

    async def _question(
        self, connection: psycopg.AsyncConnection[Any], offered: Offered, asked: list[Offer], subject: Subject,
        parameters: Mapping[str, Mapping[str, int]],
    ) -> Found:  # fmt: skip
        sql, datasets, id_items = offered.statement(offer.id for offer in asked)
        values: dict[str, Any] = {
            "number": subject.number, "forms": subject.forms, "form": subject.form or "^$",
            "lasting": bool(subject.form), "names": subject.names, "datasets": datasets,
            "id_items": id_items, "today": clock.today(self.hub.settings.timezone),
        }  # fmt: skip
        for offer in asked:
            values |= offer.question.parameters(parameters[offer.id])
        cursor = await connection.execute(sql, values)
        rows = dict(await cursor.fetchall())
        who = rows.pop("")
        return Found(
            {(dataset, role, subject.is_named(name)) for dataset, role, name in who["names"] or ()},
            {(dataset, role) for dataset, role in who["waiting"] or ()},
            rows,
        )

    async def _send(
        self, connection: psycopg.AsyncConnection[Any], offered: Offered, query: Query, client: str, asker: Asker,
        subject: Subject, at: datetime, lines: list[dict[str, Any]],
    ) -> Answer:  # fmt: skip
        id = uuid7()
        told = {
            "id": str(id),
            "at": at.astimezone(self._zone).isoformat(timespec="seconds"),
            "department": {"id": asker.department, "name": departments.name(offered.published, asker.department)},
            "client": client,
            "operator": query.operator,
            "service_item": {"id": query.service_item, "name": asker.service_item},
            "case_no": query.case_no,
            "basis": {"kind": query.basis.kind, "reference": query.basis.reference},
            # a pseudonym of this department's own, so that two departments cannot join what they keep
            "subject": {"kind": subject.kind, "number": subject.masked_number, "name": subject.masked_name,
                        "ref": self.hub.keys.pseudonym(subject.number, asker.department)[1]},
            "answers": lines,
        }  # fmt: skip
        canonical, signed = receipt.sign(self.hub.keys, told)
        row = access_log.entry(
            self.hub.keys, id=id, at=at, kind=access_log.ANSWERED, department=asker.department, client=client,
            query=query, subject=subject, lines=lines, canonical=canonical,
        )  # fmt: skip
        await _commit(connection, row)
        return Answer(id, canonical[:-1] + b',"receipt":"' + signed.encode() + b'"}', lines)

    async def _record_refusal(
        self, connection: psycopg.AsyncConnection[Any], query: Query, client: str, asker: Asker,
        subject: Subject | None, at: datetime, refusal: Refused,
    ) -> None:  # fmt: skip
        canonical = rfc8785.dumps({"refused": refusal.type, "pointer": refusal.pointer})
        row = access_log.entry(
            self.hub.keys, id=uuid7(), at=at, kind=access_log.REFUSED, department=asker.department, client=client,
            query=query, subject=subject, lines=[], canonical=canonical, reason=refusal.type,
        )  # fmt: skip
        await _commit(connection, row)


def _survive(error: psycopg.Error, asked: list[Offer]) -> None:
    """Go on after a question that is wrong or slow; a database that is away ends everything."""
    if isinstance(error, psycopg.OperationalError) and not isinstance(error, psycopg.errors.QueryCanceled):
        raise error
    log.error("question failed", types=[offer.id for offer in asked], sqlstate=error.sqlstate)


async def _commit(connection: psycopg.AsyncConnection[Any], entry: audit.Entry) -> None:
    try:
        await connection.execute(audit.INSERT, entry.parameters())
    except psycopg.Error as error:
        log.error("audit row not written", sqlstate=error.sqlstate)
        raise AuditUnavailable(
            T("查询留痕无法写入，未作答复。", "The audit log cannot be written, so no answer is given."),
            remedy=T(
                "请稍后重试；管理员检查数据库空间与权限。", "Try again later; an administrator checks the database."
            ),
            headers={"Retry-After": "5"},
        ) from error


def _unreachable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        T("数据库未响应。", "The database does not answer."),
        remedy=T("请稍后重试。", "Try again later."),
        code="database_unavailable",
    )
