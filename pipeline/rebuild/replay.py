"""The same journey again: every accepted batch, in its order, by its own versions, from the files that landed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, text

from core import decisions
from core.actor import Actor
from core.errors import HutongError, Retry
from core.hub import Hub
from core.log import get_logger
from pipeline import batch as batches
from pipeline import deciding, journey
from pipeline.rebuild import checkpoint, inputs
from schemas import published

log = get_logger(__name__)
Reading = Callable[[], AbstractContextManager[Connection]]


@dataclass
class Replay:
    """How far the scratch installation has come; `failed` are batches that are in the live library and would not come in
    again, each with the code of its reason. `datasets` are those wanted, if not all; `adapted` changes the batches that were
    taken over before they come in."""

    scratch: Hub
    actor: Actor
    tell: Callable[[str], None]
    done: set[UUID] = field(default_factory=set)
    failed: dict[UUID, str] = field(default_factory=dict)
    published: int = 0
    decided: int = 0
    datasets: Collection[str] | None = None
    adapted: Callable[[Connection], None] = lambda _: None

    def begin(self, reading: Reading) -> None:
        """Go on from what the scratch installation holds: a checkpoint."""
        with reading() as live, self.scratch.read() as connection:
            overtaken = checkpoint.overtaken(live, connection)
        for dataset in overtaken:
            checkpoint.forget(self.scratch, dataset)
        with self.scratch.read() as connection:
            self.done = {one.id for one in inputs.accepted(connection, set())}
            self.published = connection.scalar(text("SELECT coalesce(max(n), 0) FROM hub.publication")) or 0
            self.decided = decisions.last(connection)
            published.write_snapshot(connection, self.scratch.home)

    def catch_up(self, reading: Reading, upto: int | None = None) -> int:
        """Bring in what `reading` sees accepted (up to batch number `upto`) and is not here yet, then all documents and
        decisions it sees; returns how many batches. It is called for each look at the live database: a transaction must not
        stay open for as long as this may take."""
        with reading() as live:
            every = inputs.accepted(live, self.done, upto)
            waiting = [one for one in every if self.datasets is None or one.dataset in self.datasets]
            inputs.batches(live, self.scratch)
            last = live.scalar(text("SELECT coalesce(max(n), 0) FROM hub.publication")) or 0
            made = inputs.decided(live, self.decided)
        with self.scratch.begin() as connection:
            self.adapted(connection)
        for one in waiting:
            self._documents(reading, one.publication)
            # as they stood when it merged: what was decided of it since must not change what it brought
            self._decisions(reading, max((seq for seq, at in made if at <= one.merged_at), default=0))
            self._again(one.id)
            self.done.add(one.id)
        if upto is None:
            self._documents(reading, last)
            self._decisions(reading, made[-1][0] if made else 0)
            self._put_aside()
        return len(waiting)

    def _documents(self, reading: Reading, upto: int) -> None:
        if upto > self.published:
            with reading() as live:
                inputs.documents(live, self.scratch, upto)
            self.published = upto

    def _put_aside(self) -> None:
        """What has been decided since the last batches and needs none."""
        with self.scratch.read() as connection:
            feeds = connection.scalars(text("SELECT DISTINCT feed FROM hub.quarantine")).all()
        for feed in feeds:
            deciding.settle_upto(self.scratch, feed, decisions.NOW)

    def _decisions(self, reading: Reading, upto: int) -> None:
        if upto > self.decided:
            with reading() as live:
                inputs.decisions(live, self.scratch, self.decided, upto)
            self.decided = upto

    def _again(self, batch_id: UUID) -> None:
        self.tell(str(batch_id))
        with self.scratch.read() as connection:
            batch = batches.get(connection, batch_id)
        try:
            self._as_landed(batch_id)
            # rows put aside by then were not judged anew by it
            deciding.settle_upto(
                self.scratch, batch.feed, decisions.NOW if batch.decided_upto is None else batch.decided_upto
            )
            journey.load(self.scratch, batch_id, self.actor)
            journey.deliver(self.scratch, batch_id, self.actor)
        except Retry:
            raise  # database or landing store are away: that says nothing of the batch
        except HutongError as error:
            why = batches.reason(error)["code"]
            log.warning("batch would not come in again", batch=str(batch_id), code=why)
            self.failed[batch_id] = why

    def _as_landed(self, batch_id: UUID) -> None:
        """The watermark as its manifest says it: a merge may change it."""
        with self.scratch.begin() as connection:
            batch = batches.get(connection, batch_id)
            manifest = self.scratch.landing.manifest(batch.system, batch.dataset, batch.id)
            if manifest is not None:
                connection.execute(
                    text("UPDATE hub.batch SET watermark = :mark WHERE id = :id"),
                    {"mark": manifest["watermark"], "id": batch_id},
                )
