"""An answer's journey: request → client and grant → records → lines → receipt → audit → answer.

Three statements: who may ask and how fresh the sources are; the questions of the granted lines, together; the audit
row. The audit row is committed before anything leaves, refusals included: no audit, no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import rfc8785
from psycopg_pool import PoolTimeout

from catalog_registry import departments, freshness
from catalog_registry.grants import IN_FORCE
from certificates import access_log, receipt
from certificates.line import Found, answered, unknown
from certificates.offered import Offer, Offered
from certificates.pool import Pool
from certificates.request import Query
from certificates.subject import Subject, resolve
from core import audit, clock
from core.errors import AuditUnavailable, DatabaseUnavailable, Invalid, Refused, Unauthorised
from core.hub import Hub
from core.ids import uuid7
from core.log import get_logger
from core.text import T
from schemas.document import near
from schemas.published import Published, current

log = get_logger(__name__)

_ENTRY = f"""\
WITH asker AS (SELECT department FROM hub.client
  WHERE id = %(client)s AND valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s))
SELECT (SELECT department FROM asker), (SELECT name FROM hub.service_item WHERE id = %(service_item)s),
  (SELECT jsonb_agg(jsonb_build_array(certificate_type, fields)) FROM (
    {IN_FORCE.replace("%(department)s", "(SELECT department FROM asker)")}) granted),
  (SELECT jsonb_agg(jsonb_build_array(feed, landed_at, state)) FROM ({freshness.LAST_BATCHES}) last)"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: the answer's id and its JSON, signed and audited."""

    id: UUID
    body: bytes
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who asks, and what they may: `fields` by granted type; freshness by dataset."""

    department: str
    service_item: str
    fields: Mapping[str, frozenset[str]]
    freshness: Mapping[str, freshness.Freshness]


class Answerer:
    """Answers questions of one installation. What is published is looked up at every question."""

    def __init__(self, hub: Hub, pool: Pool) -> None:
        self.hub, self.pool = hub, pool
        self._offered: Offered | None = None

    def offered(self) -> Offered:
        """The certificate types in force now; compiled again only when something was published."""
        published: Published = current(self.hub.home)
        if self._offered is None or self._offered.published is not published:
            self._offered = Offered(published, self.hub.settings.division)
        return self._offered

    async def ask(self, query: Query, client: str) -> Answer:
        """Answer every line of a question.

        Raises Invalid for a question that makes no sense, Unauthorised for a client no longer in force,
        AuditUnavailable when the audit row cannot be written, DatabaseUnavailable when nothing can be read.
        """
        offered = self.offered()
        offers = self._offers(offered, query)
        subject = resolve(query.subject.kind, query.subject.number, query.subject.name)
        _check_subjects(offers, subject)
        at = clock.now()
        try:
            async with self.pool.connection() as connection:
                entry = await self._entry(connection, query, client, offers, at)
                if not entry.service_item:
                    refusal = Invalid(
                        T(f"没有事项 {query.service_item}。", f"There is no service item {query.service_item}."),
                        remedy=T("GET /v1/service-items 列出全部事项。", "GET /v1/service-items lists them."),
                        pointer="/service_item",
                    )
                    await self._refuse(connection, query, client, entry, subject, at, refusal)
                parameters = {line.type: line.parameters for line in query.certificates}
                granted = [offer for offer in offers if offer.id in entry.fields]
                found = await self._found(connection, offered, granted, subject, parameters)
                lines = [
                    answered(offer, found, entry.freshness, entry.fields[offer.id], parameters[offer.id], self._zone)
                    if offer.id in entry.fields
                    else unknown(offer, ["no_grant"], [])
                    for offer in offers
                ]
                return await self._send(connection, offered, query, client, entry, subject, at, lines)
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _unreachable() from error

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.hub.settings.timezone)

    def _offers(self, offered: Offered, query: Query) -> list[Offer]:
        offers: list[Offer] = []
        for number, line in enumerate(query.certificates):
            place = f"/certificates/{number}"
            offer = offered.types.get(line.type)
            if offer is None:
                raise Invalid(
                    T(f"没有证明类型 {line.type}。", f"There is no certificate type {line.type}."),
                    remedy=near(line.type, offered.types), pointer=f"{place}/type",
                )  # fmt: skip
            if offer in offers:
                raise Invalid(
                    T(f"{line.type} 重复。", f"{line.type} appears twice."),
                    remedy=T("每种证明只问一次。", "Ask each type once."), pointer=f"{place}/type",
                )  # fmt: skip
            for name, value in line.parameters.items():
                known = offer.question.type.parameters
                if name not in known:
                    raise Invalid(
                        T(f"{line.type} 没有参数 {name}。", f"{line.type} has no parameter {name}."),
                        remedy=near(name, known), pointer=f"{place}/parameters/{name}",
                    )  # fmt: skip
                if not known[name].minimum <= value <= known[name].maximum:
                    raise Invalid(
                        T(f"参数 {name} 超出范围。", f"The parameter {name} is out of range."),
                        remedy=T(f"应为 {known[name].minimum} 至 {known[name].maximum}。",
                                 f"It lies between {known[name].minimum} and {known[name].maximum}."),
                        pointer=f"{place}/parameters/{name}",
                    )  # fmt: skip
            offers.append(offer)
        return offers

    async def _entry(
        self, connection: psycopg.AsyncConnection[Any], query: Query, client: str, offers: list[Offer], at: datetime
    ) -> _Entry:
        datasets = {dataset.id: dataset for offer in offers for dataset in offer.datasets}
        feeds = [feed for dataset in datasets.values() for feed in dataset.feeds]
        cursor = await connection.execute(
            _ENTRY,
            {"client": client, "service_item": query.service_item, "types": [offer.id for offer in offers], "at": at,
             "feeds": feeds},
        )  # fmt: skip
        row = await cursor.fetchone()
        assert row is not None  # a SELECT of scalar subqueries always has one row
        department, service_item, grants, last = row
        if department is None:
            raise Unauthorised(
                T("客户端已停用。", "The client is no longer in force."),
                remedy=T("联系数据局重新登记。", "Ask the data bureau to register it again."),
            )
        fields: dict[str, frozenset[str]] = {}
        for certificate_type, given in grants or ():
            fields[certificate_type] = fields.get(certificate_type, frozenset()) | frozenset(given)
        known = {feed: (landed and datetime.fromisoformat(landed), state) for feed, landed, state in last or ()}
        return _Entry(
            department, service_item or "", fields,
            {id: freshness.judge([known[feed] for feed in dataset.feeds], dataset.period, at)
             for id, dataset in datasets.items()},
        )  # fmt: skip

    async def _found(
        self, connection: psycopg.AsyncConnection[Any], offered: Offered, granted: list[Offer], subject: Subject,
        parameters: Mapping[str, Mapping[str, int]],
    ) -> Found:  # fmt: skip
        asked = [offer for offer in granted if not offer.question.missing]
        if not asked:
            return Found((), (), {})
        try:
            return await self._question(connection, offered, asked, subject, parameters)
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) and not isinstance(error, psycopg.errors.QueryCanceled):
                raise  # the database is away, not the question wrong or slow
            # one line never blocks another: ask each by itself, and let only the failing one be unknown
            log.error("question failed", types=[offer.id for offer in asked], sqlstate=error.sqlstate)
            if len(asked) == 1:
                return Found((), (), {})
            each = [await self._found(connection, offered, [offer], subject, parameters) for offer in asked]
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
        self, connection: psycopg.AsyncConnection[Any], offered: Offered, query: Query, client: str, entry: _Entry,
        subject: Subject, at: datetime, lines: list[dict[str, Any]],
    ) -> Answer:  # fmt: skip
        id = uuid7()
        told = {
            "id": str(id),
            "at": at.astimezone(self._zone).isoformat(timespec="seconds"),
            "department": {"id": entry.department, "name": departments.name(offered.published, entry.department)},
            "client": client,
            "operator": query.operator,
            "service_item": {"id": query.service_item, "name": entry.service_item},
            "case_no": query.case_no,
            "basis": {"kind": query.basis.kind, "reference": query.basis.reference},
            # a pseudonym of this department's own, so that two departments cannot join what they keep
            "subject": {"kind": subject.kind, "number": subject.masked_number, "name": subject.masked_name,
                        "ref": self.hub.keys.pseudonym(subject.number, entry.department)[1]},
            "answers": lines,
        }  # fmt: skip
        canonical, signed = receipt.sign(self.hub.keys, told)
        row = access_log.entry(
            self.hub.keys, id=id, at=at, kind=access_log.ANSWERED, department=entry.department, client=client,
            query=query, subject=subject, lines=lines, canonical=canonical,
        )  # fmt: skip
        await _commit(connection, row)
        return Answer(id, canonical[:-1] + b',"receipt":"' + signed.encode() + b'"}', lines)

    async def _refuse(
        self, connection: psycopg.AsyncConnection[Any], query: Query, client: str, entry: _Entry, subject: Subject,
        at: datetime, refusal: Refused,
    ) -> None:  # fmt: skip
        """Write the refusal to the audit log, then raise it."""
        canonical = rfc8785.dumps({"refused": refusal.type, "pointer": refusal.pointer})
        row = access_log.entry(
            self.hub.keys, id=uuid7(), at=at, kind=access_log.REFUSED, department=entry.department, client=client,
            query=query, subject=subject, lines=[], canonical=canonical, reason=refusal.type,
        )  # fmt: skip
        await _commit(connection, row)
        raise refusal


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


def _check_subjects(offers: list[Offer], subject: Subject) -> None:
    for number, offer in enumerate(offers):
        if offer.question.type.subject != subject.who:
            words = {"person": T("自然人", "persons"), "firm": T("单位", "firms")}[offer.question.type.subject]
            raise Invalid(
                T(f"{offer.id} 只能查询{words.zh}。", f"{offer.id} is asked about {words.en} only."),
                remedy=T("更换证件种类，或去掉这一项。", "Change the kind of number, or leave this line out."),
                pointer=f"/certificates/{number}/type",
            )


def _unreachable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        T("数据库未响应。", "The database does not answer."),
        remedy=T("请稍后重试。", "Try again later."),
        code="database_unavailable",
    )
