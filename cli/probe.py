"""Whether the service of this container or unit is well: `python -m cli.probe SERVICE`, exit status 0 or 1.

Asked every few seconds, so only the standard library is imported. What an answer means:

    api                     its database answers and something is published (/readyz)
    airflow-api             Airflow's database answers
    airflow-scheduler       the scheduler's own heartbeat
    airflow-dag-processor   ┐ their heartbeats, as the API server
    airflow-triggerer       ┘ (HUTONG_AIRFLOW_URL) knows them
    airflow-worker          the worker's loop has touched its file
    demo                    the synthetic city has been brought in
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

#: below HUTONG_HOME; the worker touches it that often
ALIVE, ALIVE_SECONDS = "run/worker.alive", 5
#: below HUTONG_HOME; there once the city has been brought in
BROUGHT_IN = "run/demo.ready"
#: the scheduler's own answer
SCHEDULER_PORT = 8974
_AIRFLOW_PARTS = {"airflow-dag-processor": "dag_processor", "airflow-triggerer": "triggerer"}


def well(service: str) -> bool:
    """Whether it is. Raises OSError when it does not answer, KeyError for a service that is none."""
    home = Path(os.environ.get("HUTONG_HOME", ""))
    airflow = os.environ.get("HUTONG_AIRFLOW_URL", "").rstrip("/")
    port, airflow_port = os.environ.get("HUTONG_PORT", "8000"), os.environ.get("HUTONG_AIRFLOW_PORT", "8080")
    if service == "api":
        return bool(_get(f"http://127.0.0.1:{port}/readyz"))  # 503 when it is not
    if service == "airflow-worker":
        return time.time() - (home / ALIVE).stat().st_mtime < 4 * ALIVE_SECONDS
    if service == "demo":
        return (home / BROUGHT_IN).exists()
    if service == "airflow-scheduler":
        return (
            _get(f"http://127.0.0.1:{SCHEDULER_PORT}/health") is None
        )  # an empty answer; 503 when its heart has stopped
    if service == "airflow-api":
        return bool(
            _get(f"http://127.0.0.1:{airflow_port}/api/v2/monitor/health")["metadatabase"]["status"] == "healthy"
        )
    return bool(_get(f"{airflow}/api/v2/monitor/health")[_AIRFLOW_PARTS[service]]["status"] == "healthy")


def _get(url: str) -> Any:
    # no proxy of the environment for traffic between the services of one installation
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return json.loads(answer.read() or b"null")


def main() -> int:
    """The exit status; what is wrong goes to standard error, which container platforms keep."""
    try:
        if well(sys.argv[1]):
            return 0
        why = "unhealthy"
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
    sys.stderr.write(f"{' '.join(sys.argv[1:])}: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
