"""Golden records follow every delivered batch; deliveries that come while one run works are taken together. Then datasets are
checked against each other (who is named in their records is known by then) and measured."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from dags import assets, steps

with DAG(
    dag_id="golden",
    schedule=[assets.RECORDS],
    catchup=False,
    max_active_runs=1,  # one writer
    tags=["libraries"],
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
) as dag:
    task(steps.refresh)() >> task(steps.check)()
