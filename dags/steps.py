"""What a task does around a step of a journey: open the hub, and tell Airflow whether trying again makes sense."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.hub import Hub

log = logging.getLogger(__name__)


@contextmanager
def opened() -> Iterator[Hub]:
    """The hub of this installation. `Retry` may be tried again; after anything else a person must look.

    Airflow writes exceptions with all their causes into the task's log, and a driver's message can hold a row: so only
    the message of our own errors leaves here, and the traceback of an unexpected one is masked.
    """
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from core import database, settings
    from core.errors import HutongError, Retry
    from core.hub import Hub
    from core.log import redact

    try:
        with closing(Hub.open(settings.load())) as hub, database.answering():
            yield hub
    except Retry as error:
        raise AirflowException(str(error)) from None
    except HutongError as error:
        raise AirflowFailException(str(error)) from None
    except Exception as error:
        log.error("%s", redact("".join(traceback.format_exception(error))))
        raise AirflowFailException(f"unexpected {type(error).__name__}") from None


def land(feed_id: str) -> str:
    """Extract and land a batch; returns its id. Skips the rest when the source has nothing new."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline import journey

    with opened() as hub:
        batch = journey.land(hub, feed_id)
    if batch is None:
        raise AirflowSkipException(f"{feed_id}: nothing new")
    return str(batch)


def load(batch_id: str) -> str:
    """Standardise, validate and merge a landed batch; returns its id."""
    from uuid import UUID

    from pipeline import journey

    with opened() as hub:
        journey.load(hub, UUID(batch_id))
    return batch_id


def deliver(batch_id: str) -> None:
    """Pass on that a batch was merged."""
    from uuid import UUID

    from pipeline import journey

    with opened() as hub:
        journey.deliver(hub, UUID(batch_id))


def retain() -> None:
    """Remove what is due by contracts and settings."""
    from pipeline import retention

    with opened() as hub:
        for one in retention.retain(hub):
            log.info("%s %s: %s", one.what, one.about, one.kept or one.count)


def scan(feed_id: str) -> None:
    """Scan the keys of a feed's source, where that is due: what is gone there is closed."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline import journey

    with opened() as hub:
        batch = journey.scan(hub, feed_id)
    if batch is None:
        raise AirflowSkipException(f"{feed_id}: no scan is due")


def refresh() -> None:
    """Recompute the golden records that merged batches touched."""
    from libraries import golden

    with opened() as hub:
        golden.refresh(hub)


def check() -> None:
    """Bring the findings of checks of datasets against each other in line with their records, and measure what changed."""
    from catalog_registry import quality
    from pipeline import checks

    with opened() as hub:
        checks.run(hub)
        quality.measure_due(hub)
