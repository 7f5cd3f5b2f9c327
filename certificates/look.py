"""Looking: one statement says who asks and, if they may ask it, what the records say.

What the guide asks for, what is granted and what else a person is known as are known only from the answer, so the first
statement rests on what the same client was told last time. Where that was wrong, it is asked again, and what was not
granted has not been read: the statement itself judges that (`asking.MAY`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any

from catalog_registry.service_items import Demand
from certificates import asker, plan, pool
from certificates.asker import Asker, Recent
from certificates.checks import Understood
from certificates.line import NOTHING, Found, together
from certificates.offered import Dataset, Offered, Reading
from certificates.plan import Asked
from certificates.request import Query
from certificates.subject import Subject
from core.errors import Invalid
from core.log import get_logger

log = get_logger(__name__)
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Guess:
    """What a question probably comes to: whom it is about, what the guide asks for, its lines, and those to be read."""

    subjects: tuple[Subject, ...]
    demands: tuple[Demand, ...] = ()
    lines: Sequence[Asked] = ()
    readable: Sequence[Asked] = ()

    def confirmed(self, question: Understood, asker: Asker) -> Sequence[Asked]:
        """The lines, where the registry has said just what was guessed; else none."""
        return self.lines if question.subjects is self.subjects and asker.demands == self.demands else ()


NO_GUESS = Guess(())


@dataclass(slots=True)
class _Told:
    """What a client was last told of a service item: what its guide asks for, what is granted (None: nothing is known); and
    the lines that questions came to by that, and those of them to read."""

    demands: tuple[Demand, ...] = ()
    granted: frozenset[str] | None = None
    lines: dict[tuple[object, ...], tuple[list[Asked], list[Asked]]] = field(default_factory=dict)


class Expected:
    """What clients were last told. A guess, never a right."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], _Told] = OrderedDict()

    def guess(self, offered: Offered, question: Understood, query: Query, client: str, today: date) -> Guess:
        """The lines there will probably be, and those of them to read."""
        told = self._last.get((client, query.service_item), _Told())
        given = question.parameters
        plain = len(question.subjects) == 1 and not any((given or {}).values())  # then only the kind of subject matters
        key = (offered.published.number, None if given is None else tuple(given), question.subjects[0].who)
        planned = told.lines.get(key) if plain else None
        if planned is None:
            try:
                lines = plan.lines(offered, question, told.demands, today)
            except Invalid:  # the registry decides whether to say so
                return Guess(question.subjects)
            planned = lines, readable(line for line in lines if told.granted is None or line.type in told.granted)
            if plain and len(told.lines) < _REMEMBERED:
                told.lines[key] = planned
        return Guess(question.subjects, told.demands, *planned)

    def told(self, asked: Asker, query: Query, client: str, types: Iterable[str]) -> None:
        """Remember what was told; of other types nothing is known."""
        key = client, query.service_item
        before = self._last.pop(key, _Told(granted=frozenset()))
        granted = (before.granted or frozenset()).difference(types) | asked.fields.keys()
        same = before.demands == asked.demands and before.granted == granted
        self._last[key] = before if same else _Told(asked.demands, granted)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Look:
    """The statements of one question, about these persons and any of these types."""

    connection: pool.Connection
    offered: Offered
    query: Query
    client: str
    secret_version: int | None
    at: datetime
    today: date
    types: tuple[str, ...]
    guess: Guess
    recent: Recent

    async def first(self) -> tuple[Asker, Found | None]:
        """Who asks, and what the records say of the lines guessed; None when that failed. DatabaseUnavailable when away."""
        subjects, lines = self.guess.subjects, self.guess.readable
        if lines:
            try:
                return await self._ask(subjects, lines)
            except pool.ERRORS as error:
                _survive(error, lines)
        try:
            return (await self._ask(subjects, []))[0], None if lines else NOTHING
        except pool.ERRORS as error:
            raise pool.unreachable() from error

    async def again(self, subjects: Sequence[Subject], lines: Sequence[Asked]) -> Found:
        """What the records say of these lines, together or, where that fails, each."""
        try:
            return (await self._ask(subjects, lines))[1] if lines else NOTHING
        except pool.ERRORS as error:
            _survive(error, lines)
        return await self.each(subjects, lines)

    async def each(self, subjects: Sequence[Subject], lines: Sequence[Asked]) -> Found:
        """One line never blocks another: each is asked by itself, and only the failing ones stay unknown. A line that failed
        alone is not tried again."""
        until = time.monotonic() + 3 * pool.STATEMENT_SECONDS  # however many lines: a clerk waits
        found = []
        for line in lines if len(lines) > 1 else ():
            try:
                if time.monotonic() < until:
                    found.append((await self._ask(subjects, [line]))[1])
            except pool.ERRORS as error:
                _survive(error, [line])
        return together(found)

    async def _ask(self, subjects: Sequence[Subject], lines: Sequence[Asked]) -> tuple[Asker, Found]:
        watched = [self.offered.watched.get(one.who, ()) for one in subjects]
        read = (self.offered.types[type].datasets for type in self.types)
        datasets = {one.id: one for one in chain.from_iterable((*read, *watched))}.values()
        feeds = [feed for dataset in datasets for feed in dataset.feeds]
        last = self.recent.of(feeds)
        reading = self.offered.statement(
            (part for line in lines for part in line.parts),
            tuple([one.traits for one in subjects]),
            self.types,
            fresh=last is None,
        )
        values = {
            "client": self.client, "service_item": self.query.service_item, "secret_version": self.secret_version,
            "at": self.at, "today": self.today, "feeds": feeds,
        }  # fmt: skip
        for slot, one in enumerate(subjects):
            values |= {
                f"forms_{slot}": one.forms, f"form_{slot}": one.form or "^$",
                f"names_{slot}": one.names, f"firm_{slot}": one.who == "firm", f"organisation_{slot}": one.organisation,
                f"apart_{slot}": list(one.apart), f"strangers_{slot}": list(one.strangers),
            }  # fmt: skip
        for line in lines:
            if line.offer:
                values |= line.offer.question.parameters(line.parameters)
        rows = dict(await self.connection.fetch(reading.statement.sql, *reading.statement.values(values)))
        if last is None:
            last = self.recent.told(rows["@fresh"] or ())
        asked = asker.read(rows, datasets, last, len(subjects), self.at)
        behind = {
            slot: _behind(several, asked) + ["ambiguous_subject"] * one.contradicted
            for slot, (several, one) in enumerate(zip(watched, subjects, strict=True))
        }
        return asked, _found(reading, rows, subjects, behind)


def readable(lines: Iterable[Asked]) -> list[Asked]:
    """The lines for which there is anything to read."""
    return [line for line in lines if line.parts and line.offer and line.offer.question.asks]


def same(lines: Sequence[Asked], others: Sequence[Asked]) -> bool:
    """Whether these lines read the same of the records."""
    return [(line.parts, line.parameters) for line in lines] == [(line.parts, line.parameters) for line in others]


def _behind(registers: Iterable[Dataset], asked: Asker) -> list[str]:
    """Why other numbers and names of a person may be missing: a register that was collected has not been for too long."""
    known = (asked.freshness[register.id] for register in registers)
    return ["source_down" if one.failing else "stale" for one in known if one.state in ("late", "stopped")]


def _found(
    reading: Reading, rows: dict[str, Any], subjects: Sequence[Subject], behind: Mapping[int, list[str]]
) -> Found:
    who = {slot: told for slot in reading.slots if (told := rows.get(f"@{slot}"))}  # none where they may not ask
    return Found(
        {slot: {(dataset, role, subjects[slot].is_named(name)) for dataset, role, name in told["names"] or ()}
         for slot, told in who.items()},
        {slot: {(dataset, role) for dataset, role in told["waiting"] or ()} for slot, told in who.items()},
        {slot for slot, told in who.items() if told["unsettled"]},
        behind,
        rows,
    )  # fmt: skip


def _survive(error: Exception, lines: Sequence[Asked]) -> None:
    """Go on after a question that is wrong or slow; a database that is away ends everything."""
    if pool.is_away(error):
        raise error
    log.error("question failed", types=[line.type for line in lines], sqlstate=pool.sqlstate(error))
