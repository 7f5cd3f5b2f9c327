"""A rebuild from beginning to end: made anew beside the running installation, compared as of one moment, swapped on request.

Feeds run on meanwhile: what they merge is caught up with, and both sides are compared as one snapshot of the live database
sees it. A swap needs that nothing moves between the comparison and its commit, so it waits for the feeds and holds them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as clock_time
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure, UniqueViolation
from sqlalchemy import Connection, text

from core import clock, events
from core.actor import SYSTEM, Actor
from core.errors import Retry, Stop
from core.hub import Hub
from core.text import T
from libraries import golden
from pipeline import first_load, journey
from pipeline.rebuild import checkpoint, inputs, scratch, tables
from pipeline.rebuild import swap as swapping
from pipeline.rebuild.checkpoint import Checkpoint
from pipeline.rebuild.compare import Compared, compare
from pipeline.rebuild.replay import Replay

Tell = Callable[[str], None]
#: how often the libraries are refreshed to find a moment at which nothing waits, before the feeds are made to wait
TRIES = 5
PATIENCE = "10min"


@dataclass
class Report:
    """What a rebuild came to: of so many batches, from the landing after checkpoint `since` (None: from the first) to number
    `seq`. `failed`: batches of the library that would not come in
    again, with the code of the reason; `seconds` by what they were spent on."""

    batches: int = 0
    seq: int = 0
    since: Checkpoint | None = None
    swapped: bool = False
    failed: dict[UUID, str] = field(default_factory=dict)
    tables: list[Compared] = field(default_factory=list)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def same(self) -> bool:
        """Whether the libraries are what landing, decisions and documents make."""
        return not self.failed and all(found.same for found in self.tables)


def rebuild(
    hub: Hub, *, swap: bool = False, actor: Actor = SYSTEM, tell: Tell = lambda _: None,
    at: tuple[int, Callable[[Hub, Sequence[UUID]], None]] | None = None,
) -> Report:  # fmt: skip
    """Make every library again and compare; with `swap`, replace what differs. `at` is a batch's number and what to do when
    everything up to it is in (given the scratch installation and the batches it holds). Raises Retry while another rebuild runs, or
    when a feed would not end in time for a swap; NotReady when there is no place to rebuild in."""
    report = Report()
    with scratch.opened(hub, partial(_begin, hub, report)) as second, ExitStack() as held:
        again = Replay(second, actor, tell)
        again.begin(hub.read)
        with _timed(report, "replay"):
            if at is not None:
                report.batches += again.catch_up(hub.read, upto=at[0])
                _cut(hub.read, second)
                at[1](second, list(again.done))
            for _ in range(2):  # the second time, only what merged during the first
                report.batches += again.catch_up(hub.read)
        if swap:
            held.enter_context(_still(hub))
        with _settled(hub, held, report, still=swap) as live:
            with _timed(report, "replay"):
                report.batches += again.catch_up(lambda: nullcontext(live))
            report.seq = live.scalar(text("SELECT coalesce(max(seq), 0) FROM hub.batch WHERE state = ANY(:states)"),
                                     {"states": list(inputs.ACCEPTED)}) or 0  # fmt: skip
            report.failed = again.failed
            _cut(lambda: nullcontext(live), second)
            tell("golden")
            with _timed(report, "golden"):
                _refresh(second, inputs.register(live, second))
            with second.read() as made:
                differing = _compare(live, made, report, tell)
                if swap and differing:
                    try:
                        _swap(live, made, differing, report, actor)
                    except (SerializationFailure, DeadlockDetected, UniqueViolation, ForeignKeyViolation) as error:
                        raise Retry(
                            T(
                                "替换期间有人改动了数据,未作替换。",
                                "Somebody changed the data during the swap; nothing was replaced.",
                            ),
                            remedy=T("再试一次。", "Try again."),
                            code="swap_disturbed",
                        ) from error
        if not report.swapped:
            with hub.begin() as connection:
                _tell(connection, report, actor)
    return report


def _begin(hub: Hub, report: Report, second: Hub) -> None:
    with hub.read() as live:
        report.since = checkpoint.latest(live)
    if report.since is not None:
        checkpoint.load(hub, report.since, second)


def _compare(live: Connection, made: Connection, report: Report, tell: Tell) -> list[tuple[tables.Table, Compared]]:
    differing = []
    with _timed(report, "compare"):
        for table in tables.compared(made):
            tell(table.name)
            found = compare(inputs.raw(live), inputs.raw(made), table)
            report.tables.append(found)
            if not found.same:
                differing.append((table, found))
    return differing


def _swap(
    live: Connection, made: Connection, differing: list[tuple[tables.Table, Compared]], report: Report, actor: Actor
) -> None:
    """Stop, and nothing is changed, where the rebuild itself is not whole."""
    if report.failed or any(found.shape for _, found in differing):
        raise Stop(
            T("重建本身不完整(有批次或表未能重建),未作替换。",
              "The rebuild itself is not whole (a batch or a table would not come again); nothing was replaced."),
            remedy=T("先运行 hutong rebuild 查看,处理后再替换。", "Run `hutong rebuild` to see what, mend that, then swap."),
            code="rebuild_failed",
        )  # fmt: skip
    with _timed(report, "swap"):
        swapping.swap(inputs.raw(live), inputs.raw(made), differing)
        left = [table.name for table, _ in differing if not compare(inputs.raw(live), inputs.raw(made), table).same]
        if left:
            raise Stop(
                T(
                    f"替换后仍有不同:{'、'.join(left)},已回滚。",
                    f"{', '.join(left)} still differ after the swap; rolled back.",
                ),
                remedy=T("这是本系统的缺陷,请报告。", "This is a defect of the exchange; report it."),
                code="swap_failed",
            )
        report.swapped = True
        _tell(live, report, actor)
        live.commit()


def _tell(connection: Connection, report: Report, actor: Actor) -> None:
    told = {
        found.table: {"missing": found.missing, "extra": found.extra, "different": found.different}
        for found in report.tables
        if not found.same
    }
    body = {"batches": report.batches, "seq": report.seq, "failed": len(report.failed), "tables": told}
    events.record(connection, "rebuild.swapped" if report.swapped else "rebuild.compared", "libraries", body, actor)


@contextmanager
def _settled(hub: Hub, held: ExitStack, report: Report, *, still: bool) -> Iterator[Connection]:
    """A snapshot of the live database at a moment when the golden records wait for nothing. Feeds that keep merging are made
    to wait when it does not come by itself."""
    for attempt in range(TRIES + 1):
        if attempt == TRIES and not still:
            held.enter_context(_still(hub))
        with _timed(report, "settle"):
            golden.refresh(hub)
        with (
            first_load.kept_apart(hub),
            hub.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        ):
            waits = connection.scalar(
                text(
                    "SELECT EXISTS (SELECT FROM libraries.mention WHERE pending) OR EXISTS (SELECT FROM libraries.entity WHERE dirty) "
                    "OR EXISTS (SELECT FROM hub.decision d WHERE d.kind = 'judge' AND NOT EXISTS (SELECT FROM libraries.judged j "
                    "WHERE j.decision = d.id))"
                )
            )
            if not waits or attempt == TRIES:
                yield connection
                return


def _cut(reading: Callable[[], AbstractContextManager[Connection]], second: Hub) -> None:
    with reading() as live, second.begin() as made:
        inputs.cut(live, made)


def _refresh(second: Hub, day: date | None) -> None:
    """The golden records anew, as of the day that the live ones are of."""
    moment = datetime.combine(day, clock_time(12), ZoneInfo(second.settings.timezone)) if day else clock.now()
    with second.begin() as connection:
        # filled a moment ago: without statistics the refresh of 20,000 residents was seen to take eight minutes, not half a one
        connection.exec_driver_sql("ANALYZE")
    with clock.override(moment.astimezone(UTC)):
        golden.refresh(second)


@contextmanager
def _still(hub: Hub) -> Iterator[None]:
    """No feed runs while the block does: whichever is at it is waited for."""
    with hub.read() as connection:
        feeds = connection.scalars(text("SELECT DISTINCT feed FROM hub.batch ORDER BY feed")).all()
    with journey.alone(hub, *feeds, wait=PATIENCE):
        yield


@contextmanager
def _timed(report: Report, what: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        report.seconds[what] += time.perf_counter() - started
