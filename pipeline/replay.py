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

from sqlalchemy import Connection, text

from connectors.system import Feed
from core import clock, decisions
from core.actor import Actor
from core.errors import HutongError, Stop
from core.hub import Hub
from core.ids import uuid7
from core.log import get_logger
from core.text import T
from pipeline import batch as batches
from pipeline import cases, definition, land, mapping, replayed, trying
from pipeline.batch import Batch
from pipeline.cases import HELD, Case, Status, Wanted
from pipeline.definition import Definition
from pipeline.replayed import Line
from pipeline.trying import Tried
from pipeline.validate import as_text
from schemas.contract import Contract
from schemas.derive import sql

log = get_logger(__name__)


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
        wishes = [(case, cases.wanted(case, maps, today, zone)) for case in cases.of_feed(connection, feed.id, maps)]
        work = [(case, wish) for case, wish in wishes if set(wish.decisions) != case.applied]
        fit = _fit(hub, connection, found.contract, feed, work)
        lines: list[Line] = []
        moments: list[datetime] = []
        for case, wish in work:
            if (tried := fit.get(case.id)) is not None:
                lines.append(Line("put", case.id, wish.status, wish.decisions, tried.cells, wish.excused))
            elif case.status in HELD:
                if wish.status in HELD:  # unfit as it is now: it waits, and is tried again with the next replay
                    wish = replace(wish, status="open", decisions=())
                try:
                    lines.append(_taken_back(hub, connection, found, case, wish))
                except (HutongError, OSError) as error:  # the files of the version before are kept no longer
                    log.warning(
                        "case cannot be taken back",
                        batch=str(case.batch_id),
                        row=case.row_no,
                        error=type(error).__name__,
                    )
                    continue
            else:
                continue
            moments += [case.landed_at, *([wish.since] if wish.since else [])]
        statuses = cases.put_aside([(case, wish) for case, wish in work if case.id not in fit])
    return Gathered(lines, statuses, max(moments, default=clock.now()), upto)


def _fit(
    hub: Hub, connection: Connection, contract: Contract, feed: Feed, work: Sequence[tuple[Case, Wanted]]
) -> dict[tuple[UUID, int], Tried]:
    """The rows that may be put in as decided: no error left, still the record they were, and no other claims their key."""
    held = [(case, wish) for case, wish in work if wish.status in HELD]
    tried = trying.as_wanted(hub, contract, feed, [case for case, _ in held], [wish for _, wish in held])
    claims = Counter(one.key for one in tried)
    found: dict[tuple[UUID, int], Tried] = {}
    for (case, _), one in zip(held, tried, strict=True):
        if one.errors or one.removed or one.key is None or claims[one.key] > 1:
            continue
        if case.key != one.key and (case.key is not None or not _free(connection, contract, case, one.key)):
            continue
        found[case.id] = one
    return found


def _free(connection: Connection, contract: Contract, case: Case, key: bytes) -> bool:
    """Whether a key that a fix gave to a row without one is nobody else's."""
    row = connection.execute(
        text(f"SELECT _batch, _row_no FROM {sql.current(contract.id)} WHERE _key = :key"), {"key": key}
    ).one_or_none()
    return row is None or (row._batch, row._row_no) in _puts(connection, case)


def _puts(connection: Connection, case: Case) -> dict[tuple[UUID, int], bytes]:
    """The landed rows that put a case in, with their keys, the latest last."""
    rows = connection.execute(
        text(
            "SELECT r.batch_id, r.row_no, r.key FROM hub.replayed r JOIN hub.batch b ON b.id = r.batch_id "
            "WHERE r.case_batch = :batch AND r.case_row = :row AND r.act = 'put' ORDER BY b.seq"
        ),
        {"batch": case.batch_id, "row": case.row_no},
    )
    return {(row.batch_id, row.row_no): bytes(row.key) for row in rows}


def _taken_back(hub: Hub, connection: Connection, found: Definition, case: Case, wish: Wanted) -> Line:
    """What undoes the putting in of a case: the version before it again, or the row out. A version that is not the case's
    (putting it in changed nothing) stays as it is."""
    puts = _puts(connection, case)
    key = list(puts.values())[-1]
    current, history = sql.current(found.contract.id), sql.history(found.contract.id)
    version = connection.execute(
        text(f"SELECT _batch, _row_no, _known_from FROM {current} WHERE _key = :key"), {"key": key}
    ).one_or_none()
    while version is not None and (version._batch, version._row_no) in puts:
        version = connection.execute(
            text(
                f"SELECT _batch, _row_no, _known_from FROM {history} WHERE _key = :key AND _ended = 'changed' "
                "AND _ended_by = :by AND _known_to = :at"
            ),
            {"key": key, "by": version._batch, "at": version._known_from},
        ).one_or_none()
    if version is None:
        _require_history(connection, case.dataset, {batch_id for batch_id, _ in puts})
        (batch_id, row_no) = next(reversed(puts))
        return Line("take_out", case.id, wish.status, wish.decisions, _cells(hub, connection, found, batch_id, row_no))
    cells = _cells(hub, connection, found, version._batch, version._row_no)
    return Line("restore", case.id, wish.status, wish.decisions, cells, (replayed.ALL,))


def _require_history(connection: Connection, dataset: str, puts: set[UUID]) -> None:
    """Stop where retention may have removed what was there before the row was put in: that there was nothing is not known."""
    since = connection.scalar(
        text("SELECT c.before FROM hub.history_cut c WHERE c.dataset = :dataset AND c.before > "
             "(SELECT min(known_at) FROM hub.batch WHERE id = ANY(:puts))"),
        {"dataset": dataset, "puts": list(puts)},
    )  # fmt: skip
    if since is not None:
        raise Stop(
            T("更正之前的版本已按保存期限清除,不能撤销。", "The version before the correction is kept no more; it cannot be undone."),
            remedy=T("请来源重新提供该记录。", "Ask the source to say the record again."),
            code="history_removed",
        )  # fmt: skip


def _cells(hub: Hub, connection: Connection, found: Definition, batch_id: UUID, row_no: int) -> dict[str, str | None]:
    """The cells of a landed row, under the columns its items have today."""
    batch = batches.get(connection, batch_id)
    ((_, row),) = land.rows(hub, batch, {row_no})
    cells = {name: as_text(row.column(name))[0].as_py() for name in row.schema.names}
    if batch.system_sha == found.system.sha256:
        return cells
    then = definition.of_batch(hub, batch).feed.columns
    source = {item: column for column, item in found.feed.columns.items()}
    return {source[item]: cells[column] for column, item in then.items() if item in source}
