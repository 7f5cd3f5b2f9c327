"""Passing the news on: a merged batch is announced, after which whoever waits for its dataset may read it."""

from __future__ import annotations

from core.actor import Actor
from core.hub import Hub
from pipeline import batch as batches
from pipeline import staging
from pipeline.batch import Batch


def deliver(hub: Hub, batch: Batch, actor: Actor) -> Batch:
    """Announce a merged batch and clear its staging tables away. Delivering again changes nothing."""
    staging.drop(hub, batch)
    if batch.state == "delivered":
        return batch
    with hub.begin() as connection:
        return batches.move(connection, batch, "delivered", actor)
