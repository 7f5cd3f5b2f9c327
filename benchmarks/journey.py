"""`make bench`: a table of 1 M rows × 12 items through the journey, beside dlt and beside bare COPY + MERGE, which keeps
nothing of what changed rows were, and the same keeping it.

All load the same source in turn, each in its own process: first load, unchanged reload, reload with a tenth
changed. Written to benchmarks/results/journey.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks import contenders, source
from core.embedded import Embedded

RESULTS = Path(__file__).parent / "results"
LOADS = ("first", "unchanged", "tenth changed")


def main(options: list[str] | None = None) -> None:
    """Run the contenders and write what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks journey", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is repeated; medians are shown")
    parser.add_argument(
        "--only", nargs="*", default=["floor", "floor with history", "dlt", "hutong", "hutong, two subjects a row"]
    )
    arguments = parser.parse_args(options)
    measured: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory(prefix="hutong-bench-") as folder:
            server = Embedded(Path(folder) / "postgres")
            server.start()
            try:
                measure(server, Path(folder), arguments.rows, arguments.only, measured)
            finally:
                server.stop()
    report = {
        "rows": arguments.rows,
        "items": len(source.NAMES),
        "expectations": len(source.NAMES) + 1,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "measured": measured,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "journey.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (RESULTS / "journey.md").write_text(_markdown(report), "utf-8")
    _show(report)


def measure(server: Embedded, folder: Path, rows: int, only: list[str], measured: dict[str, Any]) -> None:
    """Every load by every contender, on a server of their own; what was found is put into `measured`."""
    where = server.start()
    server.create("source", "source", where.password)
    dsn = _libpq(where.url("source"))
    source.make(dsn, rows)
    names = {}
    for number, contender in enumerate(only):
        database = f"target{number}"
        server.create(database, "hutong", where.password)
        names[contender] = (where.url(database), folder / database)
        _prepare(contender, *names[contender], where.url("source"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")  # it would come upon whoever happens to be running
        connection.execute("SELECT pg_reload_conf()")
    for load in LOADS:
        if load == "tenth changed":
            source.change_tenth(dsn, 3)
        for url, _ in names.values():
            with psycopg.connect(_libpq(url), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        for contender, (url, home) in names.items():
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("CHECKPOINT")  # what one contender left to write is not the next one's
            kind = contender.split(",")[0].replace(" ", "_")
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.contenders", kind, "--database", url, "--source", where.url("source")],
                env={**os.environ, "HUTONG_HOME": str(home)}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(f"{contender}: {done.stderr[-2000:]}")
            found = json.loads(done.stdout.strip().splitlines()[-1])
            measured.setdefault(contender, {}).setdefault(load, []).append(found)
            print(
                f"{load:15}{contender:30}{found['seconds']:8.2f} s {found['peak_mb']:7.0f} MB",
                file=sys.stderr,
                flush=True,
            )


def _prepare(contender: str, url: str, home: Path, source_url: str) -> None:
    home.mkdir()
    if contender.startswith("hutong"):
        os.environ["HUTONG_HOME"] = str(home)
        contenders.set_up(url, source_url, subjects="," in contender)
    elif contender.startswith("floor"):
        with psycopg.connect(_libpq(url)) as connection:
            connection.execute(f"CREATE TABLE floor_shape ({', '.join(source.COLUMNS)})")


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))


def _lines(report: dict[str, Any]) -> list[list[str]]:
    measured = report["measured"]
    lines = []
    for load in LOADS:
        for contender, runs in measured.items():
            seconds = _median(runs[load], "seconds")
            against = [
                f"{_median(measured[other][load], 'seconds') / seconds:.2f}" if other in measured else ""
                for other in ("dlt", "floor")
            ]
            lines.append(
                [
                    load,
                    contender,
                    f"{seconds:.2f}",
                    f"{report['rows'] / seconds:,.0f}",
                    *against,
                    f"{_median(runs[load], 'peak_mb'):,.0f}",
                ]
            )
    return lines


HEADERS = ["load", "contender", "seconds", "rows/s", "× dlt's rows/s", "× floor's rows/s", "peak MB"]


def _markdown(report: dict[str, Any]) -> str:
    machine = report["machine"]
    head = (
        f"{report['rows']:,} rows × {report['items']} items, {report['expectations']} expectations; "
        f"{machine['cores']} cores, Python {machine['python']}; {report['at']}."
    )
    table = [HEADERS, ["---"] * len(HEADERS), *_lines(report)]
    body = "\n".join("| " + " | ".join(line) + " |" for line in table)
    steps = []
    for contender, loads in report["measured"].items():
        for load, runs in loads.items():
            if "evidence" in runs[0]:
                seconds = runs[0]["evidence"]["seconds"]
                steps.append(
                    f"- {contender}, {load}: " + ", ".join(f"{name} {value:.2f}" for name, value in seconds.items())
                )
    return (
        f"# Journey\n\n{head}\n\n{body}\n\nSeconds per step (steps overlap in three threads):\n\n"
        + "\n".join(steps)
        + "\n"
    )


def _show(report: dict[str, Any]) -> None:
    table = Table(*HEADERS)
    for line in _lines(report):
        table.add_row(*line)
    Console().print(table)


if __name__ == "__main__":
    main()
