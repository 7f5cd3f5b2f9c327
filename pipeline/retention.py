"""What is removed when its time is over, by the contract and the settings, and told of each time.

history         versions that ended longer ago than their contract's `retention`, or `keep_history_years` where it is silent
landed files    of batches that landed longer ago than `keep_landing_days`, or than the contract's `retention`; never a
                manifest, nor files of a batch that has a quarantine row the source has not closed, that a correction which is
                undone would bring back, or that is neither merged nor dropped; of a dropped one only behind a later one
audit log       entries older than `keep_audit_years`; never those of the last three years (the database refuses)

A rebuild needs every accepted batch since the last checkpoint (pipeline/rebuild/checkpoint.py). Files go only behind one.
What a named person holds (a court, an inquiry) stays until that decision is undone (`hold`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import clock, decisions, events
from core import scratch as folders
from core.actor import SYSTEM, Actor
from core.decisions import Decision
from core.errors import Invalid, Retry, Stop
from core.hub import Hub
from core.landing import CHECKPOINT
from core.text import T
from pipeline.cases import HELD
from pipeline.rebuild import checkpoint, inputs, scratch, whole
from pipeline.rebuild.checkpoint import Checkpoint
from schemas import published
from schemas.derive import sql
from schemas.document import near

Tell = Callable[[str], None]
#: how long a checkpoint serves before due files make another: each is a whole rebuild
EVERY = timedelta(days=30)
#: a decision of this kind is about a dataset, or the audit log
HOLD, AUDIT = "hold", "audit"
#: a removal that was cut short is finished by the next ones
_RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Removed:
    """What was (or, tried dry, would be) removed: `what` is history, landing, audit or checkpoint; `about` a dataset or a
    feed; how many versions, batches or entries, and bytes where they are files; all from before that moment. `kept` says
    why due ones stay: hold, quarantine, undo or checkpoint."""

    what: str
    about: str
    count: int
    before: datetime
    bytes: int = 0
    kept: str = ""


@dataclass(frozen=True)
class _Due:
    id: UUID
    seq: int
    feed: str
    system: str
    dataset: str
    accepted: bool
    proven: bool
    kept: str


def retain(hub: Hub, *, dry_run: bool = False, actor: Actor = SYSTEM, tell: Tell = lambda _: None) -> list[Removed]:
    """Remove what is due; with `dry_run` only say what. Safe to repeat, and to kill.

    Stop when a checkpoint was due and the rebuild it needs was not the same as the libraries: then no landed file goes.
    Retry while another removes.
    """
    if not dry_run:
        scratch.sweep(hub)
    with nullcontext() if dry_run else _alone(hub):
        years = _years(hub)
        return [
            *_history(hub, years, actor, dry_run),
            *_audit(hub, actor, dry_run),
            *_landing(hub, years, actor, dry_run, tell),
        ]


def hold(hub: Hub, about: str, *, reason: str, actor: Actor) -> Decision:
    """Keep history and landed files of a dataset, or the `audit` log, whatever is due: by a decision, until it is undone.

    Raises Invalid without a reason or for an unknown dataset.
    """
    with hub.begin() as connection:
        # also one whose contract is in force no more, or unreadable to this release: its files are there
        landed = connection.scalars(text("SELECT DISTINCT dataset FROM hub.batch ORDER BY dataset"))
        known = list(dict.fromkeys([AUDIT, *published.current(hub.home).contracts, *landed]))
        if about not in known:
            raise Invalid(
                T(f"没有资源 {about}。", f"There is no dataset {about}."),
                remedy=near(about, known) or T("审计日志写作 audit。", "The audit log is called audit."), pointer="/about",
            )  # fmt: skip
        _no_removal(connection)
        return decisions.record(connection, HOLD, about, reason=reason, actor=actor)


def holds(connection: Connection) -> list[Decision]:
    """The holds in force, oldest first."""
    return decisions.in_force(connection, HOLD)


@contextmanager
def _alone(hub: Hub) -> Iterator[None]:
    """One removal at a time: what one sweeps away must not be the checkpoint that another is about to name."""
    with hub.engine.connect() as connection:
        connection.detach()  # closing it ends the session, and with it the lock
        if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended('hutong.retention', 0))")):
            raise Retry(
                T("另一次清理正在进行。", "Another retention is running."),
                remedy=T("等它结束后再试。", "Try again when it has ended."),
                code="retention_busy",
            )
        connection.commit()
        yield


def _no_removal(connection: Connection) -> None:
    """Whoever holds something waits for a removal under way, and the next removal for the hold."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('hutong.hold', 0))"))


def _held(connection: Connection) -> frozenset[str]:
    return frozenset(one.about for one in holds(connection))


def _years(hub: Hub) -> Mapping[str, int]:
    """How many years each dataset is kept; those without a limit are absent. By what is in force: what goes by an outdated
    contract does not come back."""
    found = {}
    for id, contract in published.caught_up(hub).contracts.items():
        if (years := contract.retention_years or hub.settings.keep_history_years) is not None:
            found[id] = years
    return found


def _ago(years: int) -> datetime:
    now = clock.now()
    year = max(now.year - years, 1)
    return now.replace(year=year, day=28) if (now.month, now.day) == (2, 29) else now.replace(year=year)


def _history(hub: Hub, years: Mapping[str, int], actor: Actor, dry_run: bool) -> Iterator[Removed]:
    for dataset, limit in sorted(years.items()):
        before = _ago(limit)
        table = sql.history(dataset)
        with hub.begin() as connection:
            given = {"before": before, "dataset": dataset}
            count = connection.scalar(text(f"SELECT count(*) FROM {table} WHERE _known_to < :before"), given) or 0
            if not count:
                continue
            _no_removal(connection)
            kept = "hold" if dataset in _held(connection) else ""
            if not (dry_run or kept):
                count = connection.execute(text(f"DELETE FROM {table} WHERE _known_to < :before"), given).rowcount
                connection.execute(
                    text(
                        "INSERT INTO hub.history_cut (dataset, before) VALUES (:dataset, :before) ON CONFLICT (dataset) "
                        "DO UPDATE SET before = greatest(history_cut.before, excluded.before), cut_at = now()"
                    ),
                    given,
                )
                body = {"versions": count, "before": before, "years": limit}
                events.record(connection, "retention.history", dataset, body, actor)
        yield Removed("history", dataset, count, before, kept=kept)


def _audit(hub: Hub, actor: Actor, dry_run: bool) -> Iterator[Removed]:
    if hub.settings.keep_audit_years is None:
        return
    before = _ago(hub.settings.keep_audit_years)
    with hub.begin() as connection:
        count = connection.scalar(text("SELECT count(*) FROM hub.audit WHERE at < :before"), {"before": before}) or 0
        if not count:
            return
        _no_removal(connection)
        kept = "hold" if AUDIT in _held(connection) else ""
        if not (dry_run or kept):
            connection.execute(text("SET LOCAL hutong.retention = 'on'"))
            count = connection.execute(text("DELETE FROM hub.audit WHERE at < :before"), {"before": before}).rowcount
            events.record(connection, "retention.audit", AUDIT, {"entries": count, "before": before}, actor)
    yield Removed("audit", AUDIT, count, before, kept=kept)


def _landing(hub: Hub, years: Mapping[str, int], actor: Actor, dry_run: bool, tell: Tell) -> Iterator[Removed]:
    with hub.read() as connection:
        due = list(_due(connection, hub, years))
        last = checkpoint.latest(connection)
    needed = [batch for batch in due if batch.accepted and batch.kept != "hold"]
    upto = max((batch.seq for batch in needed), default=0)
    again = not all(batch.proven for batch in needed) and (last is None or last.made_at < clock.now() - EVERY)
    if again:
        upto = max(upto, last.seq if last else 0)
        if dry_run:
            yield Removed("checkpoint", f"≤ {upto}", len(needed), clock.now())
        else:
            last = _checkpoint(hub, upto, actor, tell)
            yield Removed("checkpoint", f"≤ {upto}", last.batches, clock.now(), last.bytes)
            with hub.read() as connection:
                due = list(_due(connection, hub, years))
    gone: dict[tuple[str, str], list[_Due]] = {}
    for batch in due:
        proven = not batch.accepted or batch.proven or (dry_run and again)
        kept = batch.kept or ("" if proven else "checkpoint")
        gone.setdefault((batch.feed, kept), []).append(batch)
    for (feed, kept), some in sorted(gone.items()):
        size = sum(_size(hub, batch) for batch in some)
        if not (dry_run or kept or _thin(hub, feed, some, size, actor)):
            kept = "hold"
        yield Removed("landing", feed, len(some), _until(hub, years, some[0].dataset), size, kept)
    if not dry_run:
        _finish(hub, last)


def _due(connection: Connection, hub: Hub, years: Mapping[str, int]) -> Iterator[_Due]:
    held = _held(connection)
    rows = connection.execute(
        text(
            "SELECT id, seq, feed, system, dataset, state = ANY(:accepted) AS accepted, in_checkpoint AS proven, landed_at, "
            "EXISTS (SELECT FROM "
            "hub.quarantine q WHERE q.status <> 'closed_by_source' AND (q.batch_id = b.id OR EXISTS (SELECT FROM hub.replayed r "
            "WHERE r.batch_id = b.id AND r.case_batch = q.batch_id AND r.case_row = q.row_no))) AS waits FROM hub.batch b WHERE "
            "files_removed_at IS NULL AND landed_at IS NOT NULL AND (state = ANY(:accepted) OR (state = 'dropped' "
            # what a dropped batch brought is read again: until then its files are all there is of it
            "AND EXISTS (SELECT FROM hub.batch n WHERE n.feed = b.feed AND n.seq > b.seq AND n.state = ANY(:accepted) "
            "AND n.origin = b.origin))) ORDER BY seq"
        ),
        {"accepted": list(inputs.ACCEPTED)},
    ).all()
    due = [row for row in rows if row.landed_at < _until(hub, years, row.dataset)]
    undoing = {dataset: _brought_back(connection, dataset) for dataset in {row.dataset for row in due}}
    for row in due:
        kept = {
            "hold": row.dataset in held, "quarantine": row.waits, "undo": row.id in undoing[row.dataset],
        }  # fmt: skip
        why = next((name for name, stays in kept.items() if stays), "")
        yield _Due(row.id, row.seq, row.feed, row.system, row.dataset, row.accepted, row.proven, why)


def _brought_back(connection: Connection, dataset: str) -> set[UUID]:
    """The batches with a version that undoing a correction may restore: from its own landed row (pipeline/taking_back.py). The
    one before it, or before what another case of the same record had put in; or the one that stayed, where it changed nothing."""
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": sql.history(dataset)}) is None:
        return set()
    return set(
        connection.scalars(
            text(
                "WITH corrected AS (SELECT DISTINCT r.key FROM hub.quarantine q JOIN hub.replayed r ON (r.case_batch, r.case_row) "
                "= (q.batch_id, q.row_no) WHERE q.dataset = :dataset AND q.status = ANY(:held) AND r.act = 'put') "
                f"SELECT h._batch FROM corrected c JOIN {sql.history(dataset)} h ON h._key = c.key "
                "JOIN hub.replayed r ON r.batch_id = h._ended_by AND r.key = h._key AND r.act = 'put' "
                f"UNION SELECT t._batch FROM corrected c JOIN {sql.current(dataset)} t ON t._key = c.key"
            ),
            {"dataset": dataset, "held": sorted(HELD)},
        )
    )


def _until(hub: Hub, years: Mapping[str, int], dataset: str) -> datetime:
    """Files that landed before are due."""
    days = hub.settings.keep_landing_days
    limits = [_ago(years[dataset])] if dataset in years else []
    limits += [clock.now() - timedelta(days=days)] if days is not None else []
    return max(limits, default=datetime.min.replace(tzinfo=clock.now().tzinfo))


def _checkpoint(hub: Hub, upto: int, actor: Actor, tell: Tell) -> Checkpoint:
    with folders.folder() as folder:
        target = Path(folder) / CHECKPOINT
        held: list[UUID] = []

        def dump(second: Hub, batches: Sequence[UUID]) -> None:
            checkpoint.dump(second, target)
            held.extend(batches)

        report = whole.rebuild(hub, actor=actor, tell=tell, at=(upto, dump))
        if not report.same:
            raise Stop(
                T("重建与共享库不一致,落地文件一个也未删除。", "The rebuild is not the same as the libraries; no landed file was removed."),
                remedy=T("运行 hutong rebuild 查看差异,处理后再试。", "See what differs with `hutong rebuild`, mend it, then try again."),
                code="retention_unproven",
            )  # fmt: skip
        with hub.begin() as connection:
            made = checkpoint.keep(hub, connection, target, upto, held)
            body: dict[str, Any] = {
                "checkpoint": str(made.id),
                "seq": upto,
                "batches": made.batches,
                "bytes": made.bytes,
            }
            events.record(connection, "retention.checkpoint", "landing", body, actor)
    return made


def _size(hub: Hub, batch: _Due) -> int:
    manifest = hub.landing.manifest(batch.system, batch.dataset, batch.id)
    return sum(part["bytes"] for part in manifest["files"]) if manifest else 0


def _thin(hub: Hub, feed: str, some: list[_Due], size: int, actor: Actor) -> bool:
    """Say of batches that their files are gone. False, and nothing said, when somebody holds their dataset by now."""
    with hub.begin() as connection:
        _no_removal(connection)
        if some[0].dataset in _held(connection):
            return False
        connection.execute(
            text("UPDATE hub.batch SET files_removed_at = :now WHERE id = ANY(:ids)"),
            {"ids": [one.id for one in some], "now": clock.now()},
        )
        body = {"batches": len(some), "first": some[0].seq, "last": some[-1].seq, "bytes": size}
        events.record(connection, "retention.landing", feed, body, actor)
    return True


def _finish(hub: Hub, last: Checkpoint | None) -> None:
    """The files themselves, when the database says that they are gone: a killed run's too."""
    with hub.read() as connection:
        rows = connection.execute(
            text("SELECT system, dataset, id FROM hub.batch WHERE files_removed_at > :since"),
            {"since": clock.now() - _RECENT},
        ).all()
    for system, dataset, id in rows:
        hub.landing.thin(system, dataset, id)
    checkpoint.sweep(hub, last)
