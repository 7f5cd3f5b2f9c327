"""Runs in a process of its own, so that Airflow's settings and logging stay out of the other tests.

    python -m tests.dags.airflow_child parse [DAG]   parse the DAG folder as Airflow does, of one DAG only when named
    python -m tests.dags.airflow_child test DAG      run a DAG from land to deliver with `dag.test()`
    python -m tests.dags.airflow_child serve VERB    do either for each order on standard input, in a fork

The last line of standard output is one JSON document.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
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
        "golden": repr(bag.dags["golden"].timetable),
        "heavy": sorted(set(HEAVY) & (set(sys.modules) - before)),
    }


def test(dag_id: str) -> dict[str, object]:
    from airflow.dag_processing.dagbag import DagBag

    run = DagBag(str(DAGS)).dags[dag_id].test()
    return {
        "state": str(run.state),
        "tasks": {task.task_id: [str(task.state), task.try_number] for task in run.get_task_instances()},
    }


def main(verb: str, dag: str | None = None) -> None:
    """What the arguments say; its result as the last line."""
    print("\n" + json.dumps(parse(dag) if verb == "parse" else test(str(dag)), default=str), flush=True)


def serve(verb: str) -> None:
    """Fork for each order that comes in a line (arguments, variables, where to print to) and answer with its status:
    Airflow takes four seconds to import, what tasks do five more, which every order but the first would spend again."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed here is no answer
    import airflow.dag_processing.dagbag  # noqa: F401

    if verb == "test":
        import tests.warm  # noqa: F401
    else:
        assert not set(HEAVY) & set(sys.modules), "parsing could not be seen to import it"
    for line in sys.stdin:
        arguments, variables, streams = json.loads(line)
        child = os.fork()
        if child == 0:
            for number, file in enumerate(streams, 1):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            os.environ.update(variables)
            status = 1
            try:
                main(*arguments)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else main(*sys.argv[1:])
