"""Runs in a process of its own, so that Airflow's settings and logging stay out of the other tests.

    python -m tests.dags.airflow_child parse [DAG]   parse the DAG folder as Airflow does, of one DAG only when named
    python -m tests.dags.airflow_child test DAG      run a DAG from land to deliver with `dag.test()`

The last line of standard output is one JSON document.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

DAGS = Path(__file__).resolve().parents[2] / "dags"
HEAVY = ("pyarrow", "pandas", "great_expectations", "schemas", "pipeline", "core.hub")


def parse(only: str | None) -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag

    before = set(sys.modules)
    if only:
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = only
    began, worked = time.perf_counter(), time.process_time()
    bag = DagBag(str(DAGS))
    return {
        "seconds": round(time.perf_counter() - began, 3),
        "cpu": round(time.process_time() - worked, 3),
        "dags": sorted(bag.dags),
        "errors": bag.import_errors,
        "heavy": sorted(set(HEAVY) & (set(sys.modules) - before)),
    }


def test(dag_id: str) -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag

    run = DagBag(str(DAGS)).dags[dag_id].test()
    return {
        "state": str(run.state),
        "tasks": {task.task_id: [str(task.state), task.try_number] for task in run.get_task_instances()},
    }


if __name__ == "__main__":
    verb, dag = sys.argv[1], (sys.argv[2:] or [None])[0]
    print("\n" + json.dumps(parse(dag) if verb == "parse" else test(str(dag)), default=str))
