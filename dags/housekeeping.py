"""Once a day: what is kept no longer by contracts and settings is removed, with an event of each removal."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from dags import steps

with DAG(
    dag_id="housekeeping",
    schedule="30 2 * * *",
    catchup=False,
    max_active_runs=1,
    tags=["libraries"],
    default_args={"retries": 2, "retry_delay": timedelta(minutes=30)},
) as dag:
    task(steps.retain)()
