"""`make truth`: what was planted in a synthetic city against what the product made of it, per kind.

python -m tests.city.report [--residents 20000] [--bodies 1800] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from core import log
from core.embedded import Embedded
from tests import memory
from tests.city.whole import brought_in, crossed, scores, wrongly_refused
from tests.databases import Databases


def main() -> int:
    """Print the table; 1 when anything is missed or wrongly refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=20_000)
    parser.add_argument("--bodies", type=int, default=1_800)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    log.configure("WARNING")
    with memory.folder("truth") as folder:
        server = Embedded(folder / "postgres", durable=False)
        try:
            with brought_in(
                Databases(server.start()), folder, arguments.residents, arguments.bodies, arguments.seed
            ) as whole:
                lines = scores(whole)
                wrong = wrongly_refused(whole)
                checked = crossed(whole)
        finally:
            server.stop()
    table = Table(
        "资源 dataset", "种类 kind", "应为 expect", "埋入 planted", "查出 caught", "漏 missed", "误拒 refused", ""
    )
    for line in sorted(lines, key=lambda line: (not line.defect, line.dataset, line.kind)):
        caught = str(line.caught) if line.expect != "none" else "–"
        missed = str(line.planted - max(line.caught, line.warned)) if line.expect != "none" else "–"
        refused = "–" if line.expect == "error" else str(line.refused)
        name = line.kind if line.defect else f"{line.kind}(合法)"
        table.add_row(
            line.dataset, name, line.expect, str(line.planted), caught, missed, refused, "✔" if line.right else "✘"
        )
    Console(width=140).print(table)
    between = Table("核对 check", "埋入 planted", "查出 found", "误报 wrong")
    for one in checked:
        hits, false = len(one.planted & one.found), len(one.found - one.planted)
        between.add_row(one.check, str(len(one.planted)), str(hits), str(false))
    Console(width=140).print(between)
    print(f"误拒 / wrongly refused: {len(wrong)}")
    astray = any(one.found - one.planted for one in checked)
    return 1 if wrong or astray or not all(line.right for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
