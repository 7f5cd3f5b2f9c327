"""One load of the source table by one contender, in a process of its own, so that its peak memory is its own.

python -m benchmarks.contenders hutong|floor|floor_with_history|dlt …      prints one JSON object
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.source import NAMES

FEED = "bench.bench_row"
SUBJECTS = "  - {property: subjects, value: [{role: person, id: person_no, name: person_name}, {role: employer, id: firm_no}]}\n"
CONTRACT = (Path(__file__).parent / "bench_row.odcs.yaml").read_text("utf-8")
SYSTEM = f"""
system: bench
title: 测速系统
department: bench
connector: sql
secret: bench
feeds:
- contract: bench_row
  source: {{table: source_rows}}
  mode: full
  columns: {{{", ".join(f"{name}: {name}" for name in NAMES)}}}
  codes: {{status: {{"01": normal, "02": sealed, "05": closed}}}}
"""


def set_up(database: str, source: str, *, subjects: bool) -> None:
    """A fresh hub whose one feed is the source table."""
    from core import secrets
    from core.actor import SYSTEM as actor
    from core.hub import Hub
    from core.settings import load
    from schemas import published
    from schemas.published import Document

    hub = Hub.set_up(load(database_url=database))
    contract = CONTRACT.replace("  customProperties:\n", "  customProperties:\n" + SUBJECTS) if subjects else CONTRACT
    department = 'id: bench\nname: 测速\ncredit_code: 11370800MB28559184\ndivision: "430900"\n'
    with hub.begin() as connection:
        documents = [
            Document("department", "bench", "1", department, "bench"),
            Document("contract", "bench_row", "1", contract, "bench"),
            Document("system", "bench", "1", SYSTEM, "bench"),
        ]
        published.publish(connection, documents, actor)
        secrets.put(connection, hub.keys, "bench", {"url": source})
    with hub.read() as connection:
        published.write_snapshot(connection, hub.home)
    hub.close()


def hutong(database: str, source: str) -> dict[str, Any]:
    """One run of the journey: source to merged and reconciled library with history."""
    from core.hub import Hub
    from core.settings import load
    from pipeline import journey
    from schemas.derive import judge  # noqa: F401  the import takes seconds and belongs to no load; dlt's is not counted either

    hub = Hub.open(load(database_url=database))
    started = time.perf_counter()
    batch = journey.run(hub, FEED)
    seconds = time.perf_counter() - started
    if batch is None:
        raise SystemExit("the feed had nothing new")
    hub.close()
    return {"seconds": seconds, "evidence": batch.evidence}


def floor(database: str, source: str, *, history: bool = False) -> dict[str, Any]:
    """Bare COPY into a staging table and MERGE: what any loader into a keyed PostgreSQL table must at least do; with
    `history`, one that keeps what changed rows were."""
    import psycopg

    def libpq(url: str) -> str:
        return url.replace("postgresql+psycopg://", "postgresql://")

    columns = ", ".join(NAMES)
    others = NAMES[1:]
    started = time.perf_counter()
    with psycopg.connect(libpq(source)) as read, psycopg.connect(libpq(database)) as write:
        write.execute("CREATE TABLE IF NOT EXISTS floor_rows (LIKE floor_shape INCLUDING ALL)")
        write.execute("DROP TABLE IF EXISTS floor_stage")
        write.execute("CREATE UNLOGGED TABLE floor_stage (LIKE floor_shape)")
        with (
            read.cursor().copy(f"COPY (SELECT {columns} FROM source_rows) TO STDOUT") as out,
            write.cursor().copy(f"COPY floor_stage ({columns}) FROM STDIN") as into,
        ):
            for block in out:
                into.write(block)
        write.execute("ANALYZE floor_stage")
        merge = (
            f"MERGE INTO floor_rows t USING floor_stage s ON t.id = s.id WHEN MATCHED AND ({', '.join(f't.{n}' for n in others)}) "
            f"IS DISTINCT FROM ({', '.join(f's.{n}' for n in others)}) THEN UPDATE SET {', '.join(f'{n} = s.{n}' for n in others)} "
            f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({', '.join(f's.{n}' for n in NAMES)})"
        )
        if history:
            write.execute("CREATE TABLE IF NOT EXISTS floor_former (LIKE floor_shape)")
            write.execute("CREATE INDEX IF NOT EXISTS floor_former_id ON floor_former (id)")
            merge = (
                f"WITH merged AS ({merge} RETURNING merge_action() AS action, {', '.join(f'old.{n} AS {n}' for n in NAMES)}) "
                f"INSERT INTO floor_former SELECT {columns} FROM merged WHERE action = 'UPDATE'"
            )
        write.execute(merge)
    return {"seconds": time.perf_counter() - started}


def floor_with_history(database: str, source: str) -> dict[str, Any]:
    """The floor of a loader that keeps former versions."""
    return floor(database, source, history=True)


def dlt(database: str, source: str) -> dict[str, Any]:
    """dlt's sql_table with upsert, pyarrow backend and Parquet files (its default file format is three times slower)."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
    import dlt as library
    from dlt.sources.sql_database import sql_table

    folder = Path(os.environ["HUTONG_HOME"]) / "dlt"
    started = time.perf_counter()
    pipeline = library.pipeline(
        "bench",
        destination=library.destinations.postgres(database.replace("postgresql+psycopg://", "postgresql://")),
        dataset_name="dlt_bench",
        pipelines_dir=str(folder),
    )
    table = sql_table(
        credentials=source,
        table="source_rows",
        backend="pyarrow",
        chunk_size=200_000,
        reflection_level="full_with_precision",
    )
    table.apply_hints(write_disposition={"disposition": "merge", "strategy": "upsert"}, primary_key="id")
    pipeline.run(table, loader_file_format="parquet").raise_on_failed_jobs()
    return {"seconds": time.perf_counter() - started}


def main() -> None:
    """Run one contender and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contender", choices=["hutong", "floor", "floor_with_history", "dlt"])
    parser.add_argument("--database", required=True)
    parser.add_argument("--source", required=True)
    arguments = parser.parse_args()
    found = globals()[arguments.contender](arguments.database, arguments.source)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
