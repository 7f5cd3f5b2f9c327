"""A reader that polls while batches merge: `python -m tests.crash.reader`. It knows PostgreSQL and nothing of the product.

Standard input: one line with a connection string, then end of file to stop. Standard output: everything it saw, as JSON:
{"polls": n, "seen": {dataset: [[rows, content, ended, waiting, mentions, batches], …]}}.
"""

from __future__ import annotations

import json
import select
import sys
import time
from contextlib import suppress

import psycopg

DATASETS = ("pet_full", "pet_incremental", "pet_flagged")
#: a row's items as tests/crash/replay.py writes them
TEXT = (
    "concat_ws('|', year::text, tag, coalesce(owner_name, '-'), coalesce(owner_no, '-'), coalesce(clinic_name, '-'), "
    "coalesce(clinic_no, '-'), coalesce(trim_scale(weight_kg)::text, '-'), coalesce(vaccinated_on::text, '-'))"
)


def query(dataset: str) -> str:
    """One statement, so one snapshot: whatever it shows was visible at one moment."""
    return (
        f"SELECT count(*), coalesce(bit_xor(('x' || left(md5({TEXT}), 16))::bit(64)::bigint), 0), "
        f"(SELECT count(*) FROM records.{dataset}_history), "
        f"(SELECT count(*) FROM hub.quarantine WHERE dataset = '{dataset}' AND status = 'open'), "
        f"(SELECT count(*) FROM libraries.mention WHERE dataset = '{dataset}'), "
        f"(SELECT count(*) FROM hub.batch WHERE dataset = '{dataset}' AND state IN ('merged', 'delivered')) "
        f"FROM records.{dataset}"
    )


def main() -> None:
    """Poll until standard input ends; a server that is down is asked again."""
    dsn = sys.stdin.readline().strip()
    seen: dict[str, set[tuple[int, ...]]] = {dataset: set() for dataset in DATASETS}
    polls = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        with suppress(psycopg.Error), psycopg.connect(dsn, autocommit=True, connect_timeout=2) as link:
            while not select.select([sys.stdin], [], [], 0.01)[0]:
                for dataset in DATASETS:
                    line = link.execute(query(dataset)).fetchone()
                    assert line is not None
                    seen[dataset].add(tuple(line))
                    polls += 1
        time.sleep(0.02)
    json.dump({"polls": polls, "seen": {dataset: sorted(states) for dataset, states in seen.items()}}, sys.stdout)


if __name__ == "__main__":
    main()
