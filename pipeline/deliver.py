"""Passing the news on: a merged batch is announced, after which whoever waits for its dataset may read it."""

from __future__ import annotations

from core.actor import Actor
from core.errors import Retry
from core.hub import Hub
from core.log import get_logger
from libraries import golden
from pipeline import batch as batches
from pipeline import staging
from pipeline.batch import Batch

log = get_logger(__name__)


def deliver(hub: Hub, batch: Batch, actor: Actor) -> Batch:
    """Announce a merged batch and clear its staging tables away. Delivering again changes nothing."""
    staging.drop(hub, batch)
    if batch.state == "delivered":
        return batch
    with hub.begin() as connection:
        return batches.move(connection, batch, "delivered", actor)


def refreshed(hub: Hub) -> bool:
    """Golden records follow what a person had merged: whoever ran, accepted or replayed by hand expects the row to answer at
    once, and no feed's DAG tells of it. False when a merge or another refresh is in the way: the next refresh brings it."""
    try:
        golden.refresh(hub)
    except Retry as error:
        log.warning("refresh put off", code=error.code)
        return False
    return True
