"""`make crash`: kill the worker and PostgreSQL 300 times and print what was lost. `--kills N --seed N --seconds S` for others."""

from __future__ import annotations

import argparse
import json
import secrets
import sys

from tests.crash.harness import session


def main() -> int:
    """Run a session; exit status 1 when anything was lost, doubled, half visible or not recovered."""
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="the same kills again; without it one is drawn")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="no longer than this, however many were made"
    )
    parser.add_argument("--each", type=int, default=None, help="places of each chore; without it all")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else secrets.randbelow(2**31)
    print(f"seed {seed}", flush=True)
    figures = session(asked.kills, seed, asked.seconds, each=asked.each)
    for name, value in figures.said().items():
        print(f"  {name.replace('_', ' '):18} {value}")
    for wrong in figures.wrong[:20]:
        print(f"  ✗ {wrong}")
    print(json.dumps(figures.said()))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
