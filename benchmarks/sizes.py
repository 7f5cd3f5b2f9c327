"""`make bench ARGS="sizes"`: what a row costs in tables of 0.1 and 1 M rows, and the memory it takes; `--rows 10000000` for
another size (10 M: several minutes, some 12 GB of disk). Nothing is validated less or kept shorter than in any other batch.

Written to benchmarks/results/sizes.json and .md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import journey
from core.embedded import Embedded

LIMIT_MB = 2048
HEADERS = ["rows", "load", "seconds", "µs a row", "peak MB"]


def main(options: list[str] | None = None) -> None:
    """Load tables of several sizes and write what was measured. Ends in an error when one takes more than 2 GiB."""
    parser = argparse.ArgumentParser(prog="benchmarks sizes", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    arguments = parser.parse_args(options)
    sizes: dict[str, Any] = {}
    for rows in arguments.rows:
        measured: dict[str, dict[str, list[dict[str, Any]]]] = {}
        with tempfile.TemporaryDirectory(prefix="hutong-bench-") as folder:
            server = Embedded(Path(folder) / "postgres")
            server.start()
            try:
                journey.measure(server, Path(folder), rows, ["hutong"], measured)
            finally:
                server.stop()
        sizes[str(rows)] = {load: runs[0] for load, runs in measured["hutong"].items()}
    lines = [
        [f"{int(rows):,}", load, f"{run['seconds']:.2f}", f"{1e6 * run['seconds'] / int(rows):.2f}", f"{run['peak_mb']:,.0f}"]
        for rows, loads in sizes.items()
        for load, run in loads.items()
    ]  # fmt: skip
    at = datetime.now(UTC).isoformat(timespec="seconds")
    journey.RESULTS.mkdir(exist_ok=True)
    (journey.RESULTS / "sizes.json").write_text(json.dumps({"at": at, "sizes": sizes}, indent=1) + "\n", "utf-8")
    body = "\n".join("| " + " | ".join(line) + " |" for line in [HEADERS, ["---"] * len(HEADERS), *lines])
    (journey.RESULTS / "sizes.md").write_text(f"# Cost of a row, by size of the table\n\n{at}\n\n{body}\n", "utf-8")
    table = Table(*HEADERS)
    for line in lines:
        table.add_row(*line)
    Console().print(table)
    if any(run["peak_mb"] > LIMIT_MB for loads in sizes.values() for run in loads.values()):
        raise SystemExit(f"more than {LIMIT_MB} MB")
