"""Golden records follow every delivered batch; deliveries that come while one run works are taken together. Then datasets are
checked against each other (who is named in their records is known by then) and measured. What came in without a DAG (a batch let in by
a person, a replay, `hutong run`) is followed within a quarter of an hour."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task

from dags import assets, steps

with DAG(
    dag_id="golden",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"), assets=[assets.RECORDS]
    ),
    catchup=False,
    max_active_runs=1,  # one writer
    tags=["libraries"],
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
) as dag:
    task(steps.refresh)() >> task(steps.check)()
