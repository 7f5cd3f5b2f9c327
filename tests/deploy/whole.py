"""The whole deployment, really run: `make compose` (needs docker with compose 2.24 or newer, some 8 GB and ten minutes).

`docker compose --profile demo up -d --build --wait`, then what an operator asks of it: does it answer a certificate, which
worker ran which feed, and is any secret to be seen from outside. `--running` looks at what is up already and leaves it.
Only the standard library: nothing of the product has to be installed on the host.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ["docker", "compose", "--profile", "demo"]
HOME = "/var/lib/hutong"
API = f"http://127.0.0.1:{os.environ.get('HUTONG_API_PORT') or 8000}"
AIRFLOW = f"http://127.0.0.1:{os.environ.get('HUTONG_AIRFLOW_PORT') or 8080}"
OURS = ("api", "airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "worker", "demo")


def compose(*arguments: str) -> str:
    """Standard output of `docker compose …`."""
    return subprocess.run([*COMPOSE, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def inside(service: str, *command: str) -> str:
    """What a command prints in a running service."""
    return compose("exec", "-T", service, *command)


def call(url: str, body: Any = None, token: str = "", form: bool = False) -> Any:
    """JSON over HTTP, past any proxy."""
    data = None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        data = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return json.load(answer)


def answers_a_certificate() -> None:
    """A token, and the question about the planted person whose answer the truth knows."""
    clients: dict[str, str] = json.loads(inside("demo", "cat", f"{HOME}/demo/clients.json"))
    cases = json.loads(inside("demo", "cat", f"{HOME}/demo/truth/truth.json"))["cases"]
    case = next(case for case in cases if case["demo"] and case["subject"]["kind"] == "person")
    client, secret = next(iter(clients.items()))
    credentials = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    token = call(f"{API}/v1/oauth2/token", credentials, form=True)["access_token"]
    subject = case["subject"]
    query = {
        "service_item": "talent_housing", "case_no": "2026-0001", "operator": "window-03",
        "basis": {"kind": "authorisation", "reference": "授权书 2026-0001"},
        "subject": {"kind": subject["number_kind"], "number": subject["number"], "name": subject["name"]},
        "certificates": [{"type": case["type"]}],
    }  # fmt: skip
    line = call(f"{API}/v1/certificates/queries", query, token)["answers"][0]
    said, expected = (line["state"], line["proved"]), (case["expect"]["state"], case["expect"]["proved"])
    print(f"certificate {case['type']}: {said[0]}, proved {said[1]}")
    assert said == expected, f"expected {expected}"


def who_ran_what() -> dict[str, set[str]]:
    """Feed → hosts that ran its tasks, from Airflow's task instances: of the runs that the demo asked for. Those that the
    schedule began before the systems were filled may have found no connection."""
    password = json.loads(inside("airflow-api", "cat", f"{HOME}/airflow/passwords.json"))["admin"]
    token = call(f"{AIRFLOW}/auth/token", {"username": "admin", "password": password})["access_token"]
    asked = {"page_limit": 1000, "page_offset": 0, "order_by": "start_date"}
    found = call(f"{AIRFLOW}/api/v2/dags/~/dagRuns/~/taskInstances/list", asked, token)["task_instances"]
    found = [task for task in found if not task["dag_run_id"].startswith("scheduled")]
    hosts = defaultdict(set)
    print(f"{'feed':44}{'task':9}{'worker':15}state")
    for task in found:
        hosts[task["dag_id"]].add(task["hostname"])
        print(f"{task['dag_id']:44}{task['task_id']:9}{task['hostname'] or '':15}{task['state']}")
    failed = [task["dag_id"] for task in found if task["state"] in ("failed", "upstream_failed")]
    assert found and not failed, f"failed: {failed}"
    return hosts


def shares_the_work(hosts: dict[str, set[str]]) -> None:
    """Every worker has run something."""
    workers = set(compose("ps", "-q", "worker").split())
    ran = {host for names in hosts.values() for host in names if host}
    idle = {worker[:12] for worker in workers} - ran
    print(f"{len(workers)} workers, {len(hosts)} feeds, idle: {sorted(idle) or 'none'}")
    assert not idle or len(workers) == 1


def secrets() -> dict[str, str]:
    """Every secret that this deployment made, by name."""
    found = {}
    for service in ("postgres", "redis", "demo-database"):
        for name in inside(service, "sh", "-c", "ls /run/secrets").split():
            found[name] = inside(service, "cat", f"/run/secrets/{name}/password")
    for name in inside("airflow-api", "sh", "-c", f"ls {HOME}/airflow/secrets").split():
        found[f"airflow/{name}"] = inside("airflow-api", "cat", f"{HOME}/airflow/secrets/{name}")
    found["airflow/admin"] = json.loads(inside("airflow-api", "cat", f"{HOME}/airflow/passwords.json"))["admin"]
    found |= json.loads(inside("demo", "cat", f"{HOME}/demo/clients.json"))
    for platform in inside("demo", "sh", "-c", f"cd {HOME}/demo && ls */token").split():
        found[platform] = inside("demo", "cat", f"{HOME}/demo/{platform}").strip()
    return found


def shows_no_secret(known: dict[str, str]) -> None:
    """In no log, no description of a container, no process list, no environment of a process of ours."""
    ids = compose("ps", "-aq").split()
    places = {
        "logs": compose("logs", "--no-color"),
        "config": compose("config"),
        "inspect": subprocess.run(["docker", "inspect", *ids], check=True, stdout=subprocess.PIPE, text=True).stdout,
        "processes": compose("top"),
    }
    for service in OURS:
        places[f"environment of {service}"] = inside(
            service, "sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
        )
    shown = [f"{name} in {place}" for place, text in places.items() for name, secret in known.items() if secret in text]
    print(f"{len(known)} secrets looked for in {', '.join(places)}: {shown or 'none shown'}")
    assert all(len(secret) >= 16 for secret in known.values()) and not shown


def main() -> int:
    """Exit status 0 when everything holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.whole")
    parser.add_argument("--running", action="store_true", help="look at what is up; start and stop nothing")
    running = parser.parse_args().running
    try:
        if not running:
            COMPOSE.extend(("-p", "hutong-check"))  # never the project, nor the volumes, of an installation
            compose("up", "-d", "--build", "--wait", "--scale", "worker=2")
        answers_a_certificate()
        shares_the_work(who_ran_what())
        shows_no_secret(secrets())
    finally:
        if not running:
            compose("down", "-v", "--remove-orphans")
    return 0


if __name__ == "__main__":
    sys.exit(main())
