"""`make bench ARGS=lookup`: certificate look-ups over 1.2 M title certificates, against two bare endpoints.

The product (token, grant, minimise, sign, durable audit) beside benchmarks.bare: the same FastAPI with one SELECT, and
with one SELECT, one signature and one audit row. Each in turn, one process each: throughput with 16 callers, then the
latencies of an open loop at 250/s. Processor time of the server and of PostgreSQL per answer is counted too: it is what
a loaded machine leaves comparable. Written to benchmarks/results/lookup.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from benchmarks import titles
from benchmarks.bare import TABLE
from core.embedded import Embedded
from core.hub import Hub
from core.settings import load

RESULTS = Path(__file__).parent / "results"
TYPE = "residential_registration"
PORT = 8765
CONTENDERS = ("select", "signed", "hutong")
TITLES = {
    "select": "FastAPI + asyncpg, one SELECT",
    "signed": "the same, one signature, one audit INSERT",
    "hutong": "Hutong",
}


def main(options: list[str] | None = None) -> None:
    """Load the records once, run the contenders in turn, write what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks lookup", description=__doc__)
    parser.add_argument("--certificates", type=int, default=1_200_000)
    parser.add_argument("--rounds", type=int, default=3, help="medians are shown")
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement")
    parser.add_argument("--rate", type=int, default=250, help="questions a second of the open loop")
    arguments = parser.parse_args(options)
    measured: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="hutong-bench-") as folder:
        server = Embedded(Path(folder) / "postgres")
        try:
            town = _Town(server, Path(folder), arguments.certificates)
            for _ in range(arguments.rounds):
                for contender in CONTENDERS:
                    measured[contender].append(town.measure(contender, arguments.seconds, arguments.rate))
        finally:
            server.stop()
    report = {
        "certificates": arguments.certificates, "rate": arguments.rate, "seconds": arguments.seconds,
        "rounds": arguments.rounds, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "measured": measured,
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "lookup.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (RESULTS / "lookup.md").write_text(_markdown(report), "utf-8")
    print(_markdown(report))


class _Town:
    """A hub with its records, and what the load needs: subjects, a token, each contender's command."""

    def __init__(self, server: Embedded, folder: Path, certificates: int) -> None:
        where = server.start()
        server.create("source", "source", where.password)
        server.create("hub", "hutong", where.password)
        self.server, self.folder, self.url = server, folder, where.url("hub")
        self.k6 = shutil.which("k6", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        if self.k6 is None:
            raise SystemExit("k6 is missing: `make bench` installs it")
        os.environ["HUTONG_HOME"] = str(folder / "home")
        hub = Hub.set_up(load(database_url=self.url))
        self.client, self.secret = titles.fill(hub, where.url("source"), certificates, TYPE)
        hub.close()
        (folder / "subjects.json").write_text(json.dumps(titles.subjects(certificates, 20_000)), "utf-8")
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in TABLE.split(";"):
                connection.execute(statement)
            connection.execute("VACUUM ANALYZE")

    @property
    def dsn(self) -> str:
        """The hub's database as libpq and asyncpg read it."""
        return self.url.replace("postgresql+psycopg://", "postgresql://")

    def measure(self, contender: str, seconds: int, rate: int) -> dict[str, float]:
        """One contender once: throughput, latencies of the open loop, processor time an answer."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # what one contender left to write is not the next one's
        with self._serving(contender) as process:
            token = self._token() if contender == "hutong" else ""
            self._load(token, 3, 0)  # plans, caches and connections are there
            before = self._processor(process)
            full = self._load(token, seconds, 0)
            used = [after - at for after, at in zip(self._processor(process), before, strict=True)]
            answers = full["http_reqs"]["count"]
            paced = self._load(token, seconds, rate)
        for run in (full, paced):
            if run["http_req_failed"]["value"] > 0:
                said = (self.folder / f"{contender}.log").read_text("utf-8")[-1000:]
                raise SystemExit(f"{contender}: {run['http_req_failed']['value']:.2%} of the questions failed\n{said}")
        found = {
            "per_second": full["http_reqs"]["rate"],
            "server_ms": used[0] / answers * 1000, "postgres_ms": used[1] / answers * 1000,
            "p50": paced["http_req_duration"]["med"], "p95": paced["http_req_duration"]["p(95)"],
            "p99": paced["http_req_duration"]["p(99)"], "dropped": paced.get("dropped_iterations", {}).get("count", 0),
        }  # fmt: skip
        print(f"{contender:8}" + "".join(f"{name} {value:8.2f}  " for name, value in found.items()), file=sys.stderr)
        return found

    def _processor(self, serving: psutil.Process) -> tuple[float, float]:
        """Seconds of processor that the contender and this bench's own PostgreSQL have used."""
        pid = self.server.pid()
        assert pid is not None
        postmaster = psutil.Process(pid)
        # of itself and of the children it has reaped, as backends are that come and go
        server, *postgres = (sum(each.cpu_times()[:4]) for each in (serving, postmaster, *postmaster.children()))
        return server, sum(postgres)

    @contextmanager
    def _serving(self, contender: str) -> Iterator[psutil.Process]:
        command = (
            [str(Path(sys.executable).parent / "hutong"), "serve", "api", "--port", str(PORT)]
            if contender == "hutong"
            else [sys.executable, "-m", "uvicorn", "--factory", f"benchmarks.bare:{contender}", "--port", str(PORT),
                  "--no-access-log", "--log-level", "warning"]
        )  # fmt: skip
        env = {**os.environ, "HUTONG_DATABASE_URL": self.url, "BARE_DSN": self.dsn}
        with (self.folder / f"{contender}.log").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            for _ in range(600):
                try:
                    httpx.get(f"http://127.0.0.1:{PORT}/openapi.json")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)

    def _token(self) -> str:
        answer = httpx.post(
            f"http://127.0.0.1:{PORT}/v1/oauth2/token",
            data={"grant_type": "client_credentials"}, auth=(self.client, self.secret),
        )  # fmt: skip
        return str(answer.raise_for_status().json()["access_token"])

    def _load(self, token: str, seconds: int, rate: int) -> dict[str, Any]:
        summary = self.folder / "summary.json"
        environment = {
            "SUBJECTS": str(self.folder / "subjects.json"), "SECONDS": str(seconds), "TYPE": TYPE, "TOKEN": token,
            "RATE": str(rate or ""), "URL": f"http://127.0.0.1:{PORT}/v1/certificates/queries",
        }  # fmt: skip
        subprocess.run(
            [str(self.k6), "run", "--quiet", "--no-usage-report", "--address", "", "--summary-export", str(summary),
             str(Path(__file__).parent / "lookup.js")],
            env=os.environ | environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return dict(json.loads(summary.read_text("utf-8"))["metrics"])


def _markdown(report: dict[str, Any]) -> str:
    machine, measured = report["machine"], report["measured"]

    def median(contender: str, name: str) -> float:
        return float(statistics.median(run[name] for run in measured[contender]))

    lines = [
        "| | answers/s | × bare SELECT | × signed and audited | server ms | PostgreSQL ms | p50 ms | p95 ms | p99 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for contender in CONTENDERS:
        rate = median(contender, "per_second")
        ratios = " | ".join(f"{rate / median(other, 'per_second'):.2f}" for other in ("select", "signed"))
        spent = " | ".join(f"{median(contender, name):.2f}" for name in ("server_ms", "postgres_ms"))
        late = " | ".join(f"{median(contender, name):.1f}" for name in ("p50", "p95", "p99"))
        lines.append(f"| {TITLES[contender]} | {rate:,.0f} | {ratios} | {spent} | {late} |")
    return (
        f"# Look-up\n\n{report['certificates']:,} title certificates; type `{TYPE}`; one server process each; answers/s with 16"
        f" callers, latencies of an open loop at {report['rate']}/s, {report['seconds']} s each, medians of"
        f" {report['rounds']} rounds; processor time per answer. {machine['cores']} cores (the load runs on them too),"
        f" Python {machine['python']}; {report['at']}.\n\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
