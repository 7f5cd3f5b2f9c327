"""One DAG per feed in force: land ▸ load ▸ deliver. Only the batch id travels."""

from __future__ import annotations

import logging
from datetime import timedelta

from airflow.sdk import DAG, get_parsing_context, task

from dags import assets, steps
from dags.feeds import Feed, feeds, installation

land, load, deliver = task(steps.land), task(steps.load), task(steps.deliver)


def build(feed: Feed) -> DAG:
    """The DAG of a feed. A batch at a time; a departmental system is spared by its pool."""
    with DAG(
        dag_id=feed.id,
        schedule=feed.schedule,
        catchup=False,
        max_active_runs=1,
        tags=[feed.department, feed.system, feed.dataset],
        default_args={
            "pool": feed.pool,
            "retries": 3,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=15),
        },
    ) as dag:
        merged = load(land(feed.id))  # type: ignore[arg-type]  # an XComArg: the id to come
        deliver.override(outlets=[assets.of(feed.dataset), assets.RECORDS])(merged)  # type: ignore[arg-type]
    return dag


# At the start of a task Airflow says which DAG it needs: building that one alone keeps 2,000 feeds cheap
for _feed in feeds(installation(), only=get_parsing_context().dag_id):
    try:
        build(_feed)  # a DAG made in this file registers itself
    except ValueError as error:  # a schedule that is none
        logging.getLogger(__name__).error("feed %s has no DAG: %s", _feed.id, error)
