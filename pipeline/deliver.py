"""Passing the news on: a merged batch is announced, after which whoever waits for its dataset may read it."""

from __future__ import annotations

from sqlalchemy import text

from core.actor import Actor
from core.errors import Retry
from core.hub import Hub
from core.log import get_logger
from libraries import golden
from pipeline import batch as batches
from pipeline import staging
from pipeline.batch import Batch

log = get_logger(__name__)
MANY = 1_000  # rows that change how a table is best read


def deliver(hub: Hub, batch: Batch, actor: Actor) -> Batch:
    """Announce a merged batch and clear its staging tables away. Delivering again changes nothing."""
    staging.drop(hub, batch)
    _measured(hub, batch)
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


def _measured(hub: Hub, batch: Batch) -> None:
    """After a batch of which many rows wait, the tables of the work list are measured anew: until then the planner takes them
    for as small as they were, and a list that takes a tenth of a second would take minutes."""
    waiting = batch.evidence.get("quarantined", 0)
    if waiting <= MANY:
        return
    for table in ("hub.quarantine", "hub.finding", "hub.quarantine_subject"):
        with hub.begin() as connection:
            known = connection.execute(
                text("SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)"), {"table": table}
            ).scalar_one()
            if waiting * 10 > known:
                connection.execute(text(f"ANALYZE {table}"))
