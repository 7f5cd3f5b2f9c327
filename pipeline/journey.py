"""The ordered steps of a batch: land, load, deliver; run one feed through, or take up what a dead process left.

    extract → land │ standardise → validate → merge │ deliver
              commit                          commit

A scan of keys goes the same way: extract → land │ compare → merge │ deliver.

The two commit points are *landed* (the manifest) and *merged* (one transaction). Between them everything may be lost and
is done again from the landing. Every function here may be repeated; a feed's batches go one at a time, in landing order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from uuid import UUID

import pyarrow as pa
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core import database
from core.actor import SYSTEM, Actor
from core.errors import BatchBlocked, DatabaseUnavailable, HutongError, Retry, Stop
from core.hub import Hub
from core.log import get_logger
from core.text import T
from pipeline import batch as batches
from pipeline import definition, guards, key_scan, merge, replayed, rulings, stage, staging
from pipeline import deliver as delivery
from pipeline import land as landing
from pipeline import replay as replays
from pipeline.batch import Batch
from pipeline.guards import Guards
from pipeline.overlap import Aside

log = get_logger(__name__)
LOCK_TIMEOUT = "10s"


@database.answering()
def land(hub: Hub, feed_id: str, actor: Actor = SYSTEM) -> UUID | None:
    """Bring a feed's next batch to the landing store. Returns its id, or that of one landed before and not yet loaded,
    or None when the source has nothing new."""
    with alone(hub, feed_id):
        pending = _take_up(hub, feed_id, actor)
        if pending:
            return pending[0].id
        _settle(hub, feed_id, actor)
        extraction = landing.Landing(hub, definition.current(hub, feed_id), actor)
        with _ended_on_error(hub, extraction, actor):
            for _ in extraction:
                pass
        return extraction.batch.id if extraction.batch else None


@database.answering()
def load(hub: Hub, batch_id: UUID, actor: Actor = SYSTEM) -> Batch:
    """Bring a landed batch into the library; a batch that is there already is left alone."""
    with hub.read() as connection:
        batch = batches.get(connection, batch_id)
    with alone(hub, batch.feed):
        return _load(hub, batch_id, actor)


@database.answering()
def deliver(hub: Hub, batch_id: UUID, actor: Actor = SYSTEM) -> Batch:
    """Announce a merged batch."""
    with hub.read() as connection:
        batch = batches.get(connection, batch_id)
    return delivery.deliver(hub, batch, actor)


@database.answering()
def run(hub: Hub, feed_id: str, actor: Actor = SYSTEM) -> Batch | None:
    """Bring a feed up to date: what was left is finished first, then the source is read. None when nothing is new.

    The rows are loaded while they land; the merge waits for the manifest.
    """
    with alone(hub, feed_id):
        for pending in _take_up(hub, feed_id, actor):
            delivery.deliver(hub, _load(hub, pending.id, actor), actor)
        _settle(hub, feed_id, actor)
        found = definition.current(hub, feed_id)
        holds = Aside(partial(stage.known, hub, found.contract, found.feed))
        extraction = landing.Landing(hub, found, actor, begun=holds.start)
        with _ended_on_error(hub, extraction, actor), holds, closing(iter(extraction)) as rows:
            first = next(rows, None)
            if extraction.batch is None:
                return None
            chunks = _chained(first, rows)
            staged = stage.stage(hub, found.contract, found.feed, extraction.batch, chunks, holds)
            staged.seconds["extract and land"] += extraction.seconds
            batch = merge.merge(hub, found.feed, extraction.batch, staged, actor)
        return delivery.deliver(hub, batch, actor)


@database.answering()
def replay(hub: Hub, feed_id: str, actor: Actor = SYSTEM) -> Batch | None:
    """Bring about what has been decided on a feed's waiting rows, as a batch of its own. None when no row of the library has
    to change for it; statuses that need no batch are set all the same."""
    with alone(hub, feed_id):
        for pending in _take_up(hub, feed_id, actor):
            delivery.deliver(hub, _load(hub, pending.id, actor), actor)
        return _replay(hub, feed_id, actor)


def _replay(hub: Hub, feed_id: str, actor: Actor) -> Batch | None:
    gathering = replays.Replay(hub, definition.current(hub, feed_id), actor)
    with _ended_on_error(hub, gathering, actor):
        gathering.land()
    if gathering.batch is None:
        return None
    return delivery.deliver(hub, _load(hub, gathering.batch.id, actor), actor)


def _settle(hub: Hub, feed_id: str, actor: Actor) -> None:
    """What was decided counts before the source is read again. A replay that fails is ended with its reason and tried again
    with the next run; it holds nothing up."""
    try:
        _replay(hub, feed_id, actor)
    except Retry:
        raise
    except HutongError as error:
        log.warning("replay ended", feed=feed_id, code=error.code)


@database.answering()
def scan(hub: Hub, feed_id: str, actor: Actor = SYSTEM, *, now: bool = False) -> Batch | None:
    """Ask an incremental feed's source for all its keys, where that is due (or wanted `now`), and close the records that are
    gone there. None when it is not due, or the feed's increments have to merge first."""
    with alone(hub, feed_id):
        for pending in _take_up(hub, feed_id, actor):
            delivery.deliver(hub, _load(hub, pending.id, actor), actor)
        found = definition.current(hub, feed_id)
        if now:
            key_scan.require(found)
        with hub.read() as connection:
            wanted = key_scan.ready(connection, found.feed) if now else key_scan.due(connection, found.feed)
        if not wanted:
            return None
        extraction = landing.Landing(hub, key_scan.of(found), actor, batches.KEY_SCAN)
        with _ended_on_error(hub, extraction, actor):
            for _ in extraction:
                pass
        if extraction.batch is None:
            return None
        return delivery.deliver(hub, _load(hub, extraction.batch.id, actor), actor)


@database.answering()
def accept(hub: Hub, batch_id: UUID, *, reason: str, actor: Actor, guard: str | None = None) -> Batch:
    """Let a blocked batch into the library by a named person's decision; a batch that was accepted and merged is left alone.
    `guard` is the one that the person saw (`guards.of`); without it, the one that stops the batch as this is called.

    Raises Conflict when it cannot be merged, Outdated when another guard has stopped it since (of two people who accept at
    once, the second has not seen what stopped the first), BatchBlocked when another stops it now: that one is accepted apart.
    """
    with hub.read() as connection:
        batch = batches.get(connection, batch_id)
        seen = guard or guards.of(batch.reason)
    with alone(hub, batch.feed):
        with hub.begin() as connection:
            batch = batches.get(connection, batch_id)
            accepted = batch.state in ("landed", "merged", "delivered") and rulings.waived(connection, batch)
            if not accepted:
                rulings.accept(hub, connection, batch, seen, reason=reason, actor=actor)
        return delivery.deliver(hub, _load(hub, batch_id, actor), actor)


@database.answering()
def drop(hub: Hub, batch_id: UUID, *, reason: str, actor: Actor) -> Batch:
    """End a blocked or failed batch by a named person's decision. The next run reads what it brought again."""
    with hub.read() as connection:
        batch = batches.get(connection, batch_id)
    with alone(hub, batch.feed), hub.begin() as connection:
        batch = batches.get(connection, batch_id)
        return batch if batch.state == "dropped" else rulings.drop(connection, batch, reason=reason, actor=actor)


def _load(hub: Hub, batch_id: UUID, actor: Actor) -> Batch:
    with hub.read() as connection:
        batch = batches.get(connection, batch_id)
    if batch.state in ("merged", "delivered"):
        return batch
    if batch.state == "failed" and (manifest := landing.manifest(hub, batch)) is not None:
        batch = landing.landed(hub, batch, manifest, actor)  # nothing of the feed merged since, else it were dropped
    if batch.state != "landed":
        raise Stop(
            T(
                f"批次 {batch.id} 处于“{batches.STATE_NAMES[batch.state].zh}”,不能入库。",
                f"Batch {batch.id} is {batch.state} and cannot be loaded.",
            ),
            remedy=T("重新运行该采集任务。", "Run the feed again."),
            code="batch_state",
        )
    found = definition.of_batch(hub, batch)
    feed = replayed.as_feed(found.feed) if batch.origin == "replay" else found.feed
    with _ended_on_error(hub, batch, actor):
        if batch.origin == batches.KEY_SCAN:
            return key_scan.load(hub, found, batch, landing.chunks(hub, batch), actor)
        with hub.read() as connection:
            own = Guards(feed, batch, rulings.waived(connection, batch))
        own.columns((landing.manifest(hub, batch) or {}).get("drift", ()))
        with Aside(partial(stage.known, hub, found.contract, feed)) as holds:
            staged = stage.stage(hub, found.contract, feed, batch, landing.chunks(hub, batch), holds)
        return merge.merge(hub, feed, batch, staged, actor)


def _take_up(hub: Hub, feed_id: str, actor: Actor) -> list[Batch]:
    """End or finish what a dead process left: a batch with its manifest has landed, one without never was; a merged one is
    announced. Returns the landed batches that wait for loading, oldest first."""
    with hub.read() as connection:
        left = batches.unfinished(connection, feed_id)
    landed = []
    for batch in left:
        if batch.state == "merged":
            delivery.deliver(hub, batch, actor)
        elif batch.state == "landed":
            landed.append(batch)
        elif (manifest := landing.manifest(hub, batch)) is not None:
            landed.append(landing.landed(hub, batch, manifest, actor))
        else:
            staging.drop(hub, batch)
            landing.clear(hub, batch)
            _end(
                hub,
                batch,
                Retry(T("上次抽取中断。", "The extraction before was interrupted."), code="interrupted"),
                actor,
            )
    return landed


@contextmanager
def alone(hub: Hub, *feed_ids: str, wait: str = LOCK_TIMEOUT) -> Iterator[None]:
    """Only one process works on a feed (or on several). The lock goes with its session: that of a killed process is free as soon as the
    server has noticed, which the few seconds of waiting allow for."""
    with hub.engine.connect() as connection:
        connection.detach()  # closing it ends the session, and with it the lock
        connection.execute(text(f"SET lock_timeout = '{wait}'"))
        for feed_id in feed_ids:
            name = {"name": f"hutong.feed.{feed_id}"}
            try:
                connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), name)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != "55P03":
                    raise
                raise Retry(
                    T(f"采集任务 {feed_id} 正在运行。", f"The feed {feed_id} is being run already."),
                    remedy=T("等它结束后再试。", "Try again when it has ended."),
                    code="feed_busy",
                ) from error
        connection.commit()
        yield


@contextmanager
def _ended_on_error(hub: Hub, subject: landing.Landing | replays.Replay | Batch, actor: Actor) -> Iterator[None]:
    """A batch that an error stopped is ended with its reason. One that met a down database stays as it is: the next run
    finishes it when it landed, else ends it."""
    try:
        yield
    except Exception as error:
        batch = subject if isinstance(subject, Batch) else subject.batch
        if batch is not None and not isinstance(error, DatabaseUnavailable) and not database.is_away(error):
            _end(hub, batch, error, actor)
        raise


def _end(hub: Hub, batch: Batch, error: Exception, actor: Actor) -> None:
    why = batches.reason(error)
    state = "blocked" if isinstance(error, batches.BLOCKING) else "failed"
    if isinstance(error, BatchBlocked):
        error.batch = str(batch.id)
    log.warning("batch ended", feed=batch.feed, batch=str(batch.id), state=state, code=why["code"])
    staging.drop(hub, batch)
    with hub.begin() as connection:
        batches.move(connection, batch, state, actor, reason=why)


def _chained(first: pa.RecordBatch | None, rest: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
    yield from rest
