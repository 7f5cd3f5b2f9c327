"""Reading a dataset's records for one case: by a record's own key or by a person's number and name, as of a day, as known at a
moment, or version by version.

Every read is within the reader's scope, masked unless revealed, and an entry of the audit log for everybody named in what is
shown, committed with the read. It is never a bulk read: a question that leads to many records is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, false, or_

from core import audit, clock, decisions
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.hub import Hub
from core.ids import uuid7
from core.text import T
from libraries import naming, records
from libraries.naming import Named
from libraries.record_key import key_bytes
from libraries.versions import Version, versions
from schemas import published as published_set
from schemas.contract import Contract
from schemas.document import near

SHOWN: audit.Kind = "records.shown"
REVEALED: audit.Kind = "records.revealed"
#: how many records a question may lead to: masked, and revealed
MOST, MOST_REVEALED = 100, 20
BEGAN = {"new": T("新增", "new"), "changed": T("变更", "changed"), "reopened": T("恢复", "reopened")}
ENDED = {
    "changed": T("被新版本取代", "replaced"),
    "removed": T("已移出:来源已删除或更正已撤销", "taken out: deleted at the source, or a correction undone"),
}


@dataclass(frozen=True)
class Case:
    """Why somebody reads: `reason` in words, and, where there is one, the case it belongs to and its basis."""

    reason: str
    case_no: str = ""
    service_item: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Question:
    """Which records: those of a key (its items' values as written, in the contract's order) or those that name somebody, by
    number and name. `history` asks for every version instead of the one that stood."""

    dataset: str
    key: tuple[str, ...] | None = None
    subject: tuple[str, str] | None = None
    known_at: datetime | None = None
    as_of: date | None = None
    history: bool = False
    reveal: bool = False


@dataclass(frozen=True)
class Found:
    """What was found. `horizon` says, by source system, up to when it is known; values are in display form (masked unless
    revealed), and so is what changed from the version before. Versions that ended before `complete_since` are not kept."""

    contract: Contract
    question: Question
    horizon: Mapping[str, datetime]
    complete_since: datetime | None
    versions: tuple[Version, ...] = field(repr=False)

    def told(self) -> dict[str, Any]:
        """As JSON: dates and moments ISO 8601, amounts as text."""
        asked = self.question
        return {
            "dataset": self.contract.id,
            "title": self.contract.title,
            "known_at": plain(asked.known_at),
            "as_of": plain(asked.as_of),
            "known_until": {system: plain(at) for system, at in sorted(self.horizon.items())},
            "complete_since": plain(self.complete_since),
            "titles": {item.name: item.title for item in self.contract.items},
            "masked": not asked.reveal,
            "records": [_told(self.contract, one, history=asked.history) for one in self.versions],
        }


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else value


def _called(name: str, code: str | None, words: Mapping[str, T]) -> dict[str, str | None]:
    said = None if code is None else words[code]
    return {name: code, f"{name}_label": said and said.zh, f"{name}_label_en": said and said.en}


def label(contract: Contract, item: str, value: Any) -> T | None:
    """What a code is called, in Chinese and English; None for what is no code or is masked."""
    said = contract.item(item)
    return said.label(value) if isinstance(value, str) and not said.personal else None


def _told(contract: Contract, one: Version, *, history: bool) -> dict[str, Any]:
    labels = {name: found for name, value in one.values.items() if (found := label(contract, name, value))}
    said = {
        "system": one.system, "batch": plain(one.batch), "row_no": one.row_no, "known_from": plain(one.known_from),
        "values": {name: plain(value) for name, value in one.values.items()},
        "labels": {name: found.zh for name, found in labels.items()},
        "labels_en": {name: found.en for name, found in labels.items()},
    }  # fmt: skip
    if not history:
        return said
    return said | {
        "known_to": plain(one.known_to),
        **_called("began", one.began, BEGAN),
        **_called("ended", one.ended, ENDED),
        "ended_by": plain(one.ended_by),
        "changed": {
            name: {"before": plain(before), "after": plain(after)} for name, (before, after) in one.changed.items()
        },
    }


def ask(hub: Hub, question: Question, case: Case, actor: Actor, *, systems: Collection[str] | None = None) -> Found:
    """The records asked for. `systems` is the reader's scope: the source systems whose rows they may read; None is all.

    Raises Invalid for an unknown dataset, a value that is no key, a missing reason, a question that leads to too many records or
    a day before anything was known of a dataset without business days; NotFound, without saying what of it is wrong, when there is nothing.
    """
    published = published_set.current(hub.home)
    if question.dataset not in published.contracts:
        raise Invalid(
            T(f"没有资源 {question.dataset}。", f"There is no dataset {question.dataset}."),
            remedy=near(question.dataset, published.contracts), pointer="/dataset",
        )  # fmt: skip
    case = replace(case, reason=decisions.because(case.reason, "/purpose"))
    contract = published.contracts[question.dataset]
    with hub.begin() as conn:
        known = records.horizon(conn, contract.id)
        horizon = {system: at for system, at in known.items() if systems is None or system in systems}
        since = records.complete_since(conn, contract.id)
        moment = records.moment(contract, question.known_at, question.as_of, hub.settings.timezone)
        if since is not None and moment is not None and moment < since:
            raise Invalid(
                T(
                    f"{since.isoformat()} 之前失效的版本已按保留期清除,不能作答。",
                    f"Versions that ended before {since.isoformat()} are not kept any more; it cannot be said.",
                ),
                remedy=T("询问此后的时点。", "Ask about a moment after that."),
                pointer="/known_at" if moment == question.known_at else "/as_of",
            )
        found = _found(conn, contract, question, horizon, hub.settings.timezone)
        _audit(hub, conn, contract, question, case, actor, found)
        unknown = {} if found else _not_yet_known(conn, contract, question, horizon, hub.settings.timezone)
    if unknown:
        raise Invalid(
            T(
                f"{contract.id} 没有业务日期,只能说当日交换平台所知;此前尚无所知,自这些日期起可答:{_list(unknown)}。",
                f"{contract.id} has no business days: of a day it can only be said what the exchange knew then, and it knew nothing yet. "
                f"It can tell from these days on: {_list(unknown)}.",
            ),
            remedy=T(
                "询问此后的日期;这不等于当日没有记录。",
                "Ask about a later day. It does not mean that nothing was so then.",
            ),
            pointer="/as_of",
        )
    if not found:
        raise NotFound(
            T("没有查到相符的记录。", "There is no such record."),
            remedy=T(
                "核对主键或号码与名称,以及时点;个人信息须号码与名称一致。",
                "Check the key, or number and name, and the moment; a person's records open only by both together.",
            ),
        )
    shown = found if question.reveal else _masked(contract, found)
    return Found(contract, question, horizon, since, tuple(shown))


def _not_yet_known(
    conn: Connection, contract: Contract, question: Question, systems: Collection[str], zone: str
) -> dict[str, date]:
    """Where valid time is known time: the systems of which nothing was known on the day asked about, and the day it began. That
    nothing is found there says nothing about that day."""
    last = records.moment(contract, None, question.as_of, zone)
    if last is None:
        return {}
    first = records.known_since(conn, contract.id)
    return {
        system: first[system].astimezone(ZoneInfo(zone)).date() for system in sorted(systems) if first[system] > last
    }


def _list(days: Mapping[str, date]) -> str:
    return ", ".join(f"{system} {day}" for system, day in days.items())


def _found(
    conn: Connection, contract: Contract, question: Question, systems: Mapping[str, datetime], zone: str
) -> list[Version]:
    """Versions with their plain values."""
    named: Named | None = None
    if question.key is not None:
        keys = _keys(contract, question.key, systems)

        def where(row: records.Columns, *, former: bool) -> ColumnElement[bool]:
            return row["_key"].in_(keys)
    elif question.subject is not None:
        named = naming.resolve(conn, *question.subject)
        if named is None:
            return []
        standing = naming.keys(conn, contract, named, MOST + 1)
        _not_too_many(len(standing), question)
        numbers = named.numbers

        def where(row: records.Columns, *, former: bool) -> ColumnElement[bool]:
            return or_(row["_key"].in_(standing), naming.mentioned(contract, row, numbers, former=former))
    else:
        raise Invalid(T("没有写明查哪条记录。", "It is not said which record."), pointer="/key")

    def scope(row: records.Columns) -> ColumnElement[bool]:
        return row["_system"].in_(systems) if systems else false()

    if question.history:
        return _histories(conn, contract, question, named, where, scope)
    former = records.moment(contract, question.known_at, question.as_of, zone) is not None
    rows = records.select(
        contract, where=partial(where, former=former), scope=scope, known_at=question.known_at, as_of=question.as_of,
        withheld=True, zone=zone,
    )  # fmt: skip
    standing_rows = _read(conn, rows, question)
    if named is not None:
        standing_rows = naming.naming(contract, standing_rows, named)
    _not_too_many(len(standing_rows), question)
    items = [item.name for item in contract.items]
    return [
        Version(
            key=bytes(row["_key"]), system=row["_system"], values={name: row[name] for name in items}, batch=row["_batch"],
            row_no=row["_row_no"], known_from=row["_known_from"], known_to=None, ended=None, ended_by=None, began="new",
            changed={},
        )
        for row in standing_rows
    ]  # fmt: skip


def _histories(
    conn: Connection, contract: Contract, question: Question, named: Named | None, where: Any, scope: Any
) -> list[Version]:
    keys: set[bytes] = set()
    for table, former in ((records.current(contract), False), (records.history(contract), True)):
        rows = _read(conn, table.select().where(where(table.c, former=former), scope(table.c)), question)
        keys |= {bytes(row["_key"]) for row in (naming.naming(contract, rows, named) if named else rows)}
    _not_too_many(len(keys), question)
    every = versions(conn, contract, sorted(keys), known_at=question.known_at)
    if named is None:
        return every
    # of somebody's records, the versions that name them: the same house was another's before
    theirs = {
        (bytes(row["_key"]), row["_known_from"])
        for row in naming.naming(
            contract, [{"_key": one.key, "_known_from": one.known_from, **one.values} for one in every], named
        )
    }
    shown: list[Version] = []
    hidden = False
    for one in every:
        if (one.key, one.known_from) in theirs:
            shown.append(replace(one, changed={}) if hidden else one)
            hidden = False
        else:
            hidden = True
    return shown


def _read(conn: Connection, rows: Select[Any], question: Question) -> list[dict[str, Any]]:
    """Rows that may be asked for. What cannot all be looked at is refused: some of it would be missing without a word."""
    found = [dict(row) for row in conn.execute(rows.limit(MOST * 10 + 1)).mappings()]
    if len(found) > MOST * 10:
        _not_too_many(len(found), question)
    return found


def _keys(contract: Contract, written: Sequence[str], systems: Mapping[str, datetime]) -> list[bytes]:
    """The keys of a record in every source system, from its items as a person writes them."""
    if len(written) != len(contract.key):
        raise Invalid(
            T(
                f"主键由 {len(contract.key)} 个信息项组成:{'、'.join(contract.key)}。",
                f"The key has {len(contract.key)} items: {', '.join(contract.key)}.",
            ),
            pointer="/key",
        )
    columns = []
    for name, value in zip(contract.key, written, strict=True):
        item = contract.item(name)
        standard, _ = item.type.standardise(pa.array([value], pa.string()), item.options)
        if standard.null_count:
            raise Invalid(T(f"{name} 的值无法识别。", f"The value of {name} cannot be read."), pointer=f"/key/{name}")
        columns.append(standard)
    return [key_bytes(system, columns)[0].tobytes() for system in systems]


def _not_too_many(count: int, question: Question) -> None:
    most = MOST_REVEALED if question.reveal else MOST
    if count > most:
        raise Invalid(
            T(f"查到的记录超过 {most} 条,不提供批量查询。", f"This leads to more than {most} records; bulk reads are not given."),
            remedy=T("以记录主键查询。", "Ask by a record's own key."), pointer="/subject",
        )  # fmt: skip


def _masked(contract: Contract, found: list[Version]) -> list[Version]:
    """In display form: whatever the contract calls personal is hidden by its value type."""
    personal = [item for item in contract.items if item.personal]

    def hide(values: Mapping[str, Any]) -> dict[str, Any]:
        shown = dict(values)
        for item in personal:
            if shown.get(item.name) is not None:
                shown[item.name] = item.type.mask(pa.array([shown[item.name]], item.type.arrow), "list")[0].as_py()
        return shown

    return [
        replace(
            one,
            values=hide(one.values),
            changed={
                name: (hide({name: before})[name], hide({name: after})[name])
                for name, (before, after) in one.changed.items()
            },
        )
        for one in found
    ]


def _audit(
    hub: Hub, conn: Connection, contract: Contract, question: Question, case: Case, actor: Actor, found: list[Version]
) -> None:
    """One entry for whoever was asked about and for everybody named in what is shown; one for the dataset when that is nobody."""
    about = naming.numbers(contract, [one.values for one in found])
    if question.subject is not None:
        about |= {naming.standard(question.subject[0])}
    now = clock.now()
    said = {
        "dataset": contract.id, "by": "key" if question.key is not None else "subject", "history": question.history,
        "knownAt": question.known_at and question.known_at.isoformat(), "asOf": question.as_of and question.as_of.isoformat(),
        "reason": case.reason, "basis": case.basis, "found": len(found),
    }  # fmt: skip
    entries = []
    for number in sorted(about) or [f"{contract.id}:{'' if not found else found[0].key.hex()}"]:
        kid, subject = hub.keys.pseudonym(number)
        entries.append(
            audit.Entry(
                id=uuid7(), at=now, kind=REVEALED if question.reveal else SHOWN, department=actor.department,
                client=actor.client, operator=actor.operator, service_item=case.service_item, case_no=case.case_no,
                subject=subject, kid=kid, body=said,
            )
        )  # fmt: skip
    for entry in entries:
        conn.exec_driver_sql(audit.INSERT, entry.parameters())
