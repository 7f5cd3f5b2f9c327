"""One DAG per feed in force: land ▸ load ▸ deliver, and scan for a feed whose keys are scanned. Only the batch id travels."""

from __future__ import annotations

import logging
from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.exceptions import AirflowException

from dags import assets, steps
from dags.feeds import Feed, feeds, installation


def build(feed: Feed) -> DAG:
    """The DAG of a feed. A batch at a time; a departmental system is spared by its pool."""
    dag = DAG(
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
    )
    dag.timetable.validate()
    # operators rather than @task: half the time at 2,000 feeds
    with dag:
        land = PythonOperator(task_id="land", python_callable=steps.land, op_args=[feed.id])
        load = PythonOperator(task_id="load", python_callable=steps.load, op_args=[land.output])
        outlets = [assets.of(feed.dataset), assets.RECORDS]
        deliver = PythonOperator(
            task_id="deliver", python_callable=steps.deliver, op_args=[load.output], outlets=outlets
        )
        if feed.scans_keys:
            deliver >> PythonOperator(task_id="scan", python_callable=steps.scan, op_args=[feed.id], outlets=outlets)
    return dag


# At the start of a task Airflow says which DAG it needs: building that one alone keeps 2,000 feeds cheap
for _feed in feeds(installation(), only=get_parsing_context().dag_id):
    try:
        build(_feed)  # a DAG made in this file registers itself
    except (AirflowException, ValueError) as error:  # a schedule that is none
        logging.getLogger(__name__).error("feed %s has no DAG: %s", _feed.id, error)
