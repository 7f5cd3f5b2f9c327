"""What has been decided on waiting rows, landed as a batch of its own: gathered, tried, written; the journey does the rest.

A replay puts fit rows in, and takes back what an undone, expired or superseded decision had put in: the version before it
is restored from its own landing, or the row is taken out. It closes nothing else and moves no watermark. It lands at the
later of what it was landed with and what was decided, never at the time it happens to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from connectors.system import Feed
from core import clock, decisions
from core.actor import Actor
from core.hub import Hub
from core.ids import uuid7
from pipeline import batch as batches
from pipeline import cases, land, mapping, replayed, taking_back, trying
from pipeline.batch import Batch
from pipeline.cases import HELD, Case, Status, Wanted
from pipeline.definition import Definition
from pipeline.replayed import Line
from pipeline.trying import Tried
from schemas.contract import Contract

AT_ONCE = 5_000  # cases tried at a time


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a replay has to do: its rows, statuses that need none, the moment it lands at, and the last decision it knows
    of."""

    lines: list[Line]
    statuses: list[Status]
    at: datetime
    upto: int


class Replay:
    """The decided rows of one feed on their way to the landing store. `batch` is the landed batch, None when there was
    nothing to land."""

    def __init__(self, hub: Hub, found: Definition, actor: Actor) -> None:
        self.hub, self.found, self.actor = hub, found, actor
        self.batch: Batch | None = None

    def land(self) -> None:
        """Gather and land; set the statuses that need no row of the library to change."""
        hub, feed = self.hub, self.found.feed
        gathered = gather(hub, self.found)
        if gathered.statuses:
            with hub.begin() as connection:
                replayed.set_status(connection, gathered.statuses, clock.now())
        if not gathered.lines:
            return
        self.batch = self._create()
        writer = hub.landing.writer(feed.system, feed.dataset, self.batch.id)
        try:
            writer.write(replayed.landed(feed, gathered.lines))
            manifest = writer.commit(
                {
                    "batch": str(self.batch.id),
                    "feed": feed.id,
                    "origin": "replay",
                    "mode": "incremental",
                    "contract": {"version": self.found.contract.version, "sha256": self.found.contract.sha256},
                    "system": {"sha256": self.found.system.sha256},
                    "publication": self.found.publication,
                    "since": None,
                    "watermark": None,
                    "source_rows": None,
                    "decided_upto": gathered.upto,
                    "landed_at": gathered.at.isoformat(),
                }
            )
        except BaseException:
            writer.abandon()
            raise
        self.batch = land.landed(hub, self.batch, manifest, self.actor)

    def _create(self) -> Batch:
        batch_id, feed = uuid7(), self.found.feed
        facts = {
            "feed": feed.id, "system": feed.system, "dataset": feed.dataset, "origin": "replay", "mode": "incremental",
            "contract_version": self.found.contract.version, "contract_sha": self.found.contract.sha256,
            "system_sha": self.found.system.sha256, "publication": self.found.publication, "since": None,
        }  # fmt: skip
        with self.hub.begin() as connection:
            batches.create(connection, batch_id, facts, self.actor)
            return batches.get(connection, batch_id)


def gather(hub: Hub, found: Definition) -> Gathered:
    """What the decisions in force ask of a feed's waiting rows and has not been done."""
    zone = hub.settings.timezone
    today = clock.today(zone)
    with hub.read() as connection:
        upto = decisions.last(connection)
        maps = mapping.in_force(connection, found.feed.id, upto)
        feed = mapping.decided(connection, found.feed, upto)
        wishes = [
            (case, cases.wanted(case, maps, today, zone))
            for case in cases.of_feed(connection, feed.id, maps, upto=upto)
        ]
        work = [(case, wish) for case, wish in wishes if set(wish.decisions) != case.applied]
        fit = _fit(hub, connection, found.contract, feed, work)
        done = [
            (case, wish, Line("put", case.id, wish.status, wish.decisions, fit[case.id].cells, wish.excused))
            for case, wish in work
            if case.id in fit
        ]
        # one unfit as it is now waits, and is tried again with the next replay
        back = [
            (case, replace(wish, status="open", decisions=()) if wish.status in HELD else wish)
            for case, wish in work
            if case.id not in fit and case.status in HELD
        ]
        done += taking_back.lines(hub, connection, found, back)
        moments = [moment for case, wish, _ in done for moment in (case.landed_at, wish.since) if moment]
        statuses = cases.put_aside([(case, wish) for case, wish in work if case.id not in fit])
    return Gathered([line for *_, line in done], statuses, max(moments, default=clock.now()), upto)


def _fit(
    hub: Hub, connection: Connection, contract: Contract, feed: Feed, work: Sequence[tuple[Case, Wanted]]
) -> dict[tuple[UUID, int], Tried]:
    """The rows that may be put in as decided: no error left, still the record they were, and no other claims their key."""
    held = [(case, wish) for case, wish in work if wish.status in HELD]
    tried: list[Tried] = []
    for at in range(0, len(held), AT_ONCE):
        some = held[at : at + AT_ONCE]
        whole = cases.with_cells(connection, [case for case, _ in some])
        tried += trying.as_wanted(hub, contract, feed, whole, [wish for _, wish in some])
    claims = Counter(one.key for one in tried)
    found: dict[tuple[UUID, int], Tried] = {}
    for (case, _), one in zip(held, tried, strict=True):
        if one.errors or one.removed or one.key is None or claims[one.key] > 1:
            continue
        if case.key != one.key and (
            case.key is not None or not taking_back.is_free(connection, contract, case, one.key)
        ):
            continue
        found[case.id] = one
    return found
