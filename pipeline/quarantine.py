"""Rows that wait: the raw row, its findings, and whoever it could be about."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from libraries import mentions
from pipeline.batch import Batch
from pipeline.standardise import Chunk, Standardiser
from pipeline.validate import as_text
from schemas.types import columns

ROWS = pa.schema([("row_no", pa.int64()), ("key", pa.binary()), ("source_key", pa.string()), ("row", pa.string())])
SUBJECTS = pa.schema(
    [
        ("row_no", pa.int64()),
        ("role", pa.string()),
        ("part", pa.int32()),
        ("number", pa.string()),
        ("name", pa.string()),
    ]
)


def rows(chunk: Chunk, bad: NDArray[np.bool_], standardiser: Standardiser) -> tuple[pa.Table, pa.Table]:
    """The waiting rows of a chunk and their subjects, as tables of `ROWS` and `SUBJECTS`."""
    mask = pa.array(bad)
    raw = chunk.raw.filter(mask)
    numbers = chunk.row_no[bad]
    contract = standardiser.contract
    written = {item.name: columns.cells(as_text(standardiser.raw(raw, item.name))) for item in contract.items}
    # a key with a part that is missing or cannot be read is no key: other rows would share it
    readable = ~chunk.keyless[bad]
    source_keys: list[list[str | None]] = []
    parts = [written[name].to_pylist() for name in contract.key]
    source_keys += [list(key) for key in zip(*parts, strict=True)]
    keys = [bytes(key) if there else None for key, there in zip(chunk.keys[bad], readable, strict=True)]
    table = pa.table(
        {
            "row_no": pa.array(numbers),
            "key": pa.array(keys, pa.binary()),
            "source_key": pa.array([json.dumps(key, ensure_ascii=False) for key in source_keys], pa.string()),
            "row": pa.array([json.dumps(row, ensure_ascii=False) for row in _as_rows(raw)], pa.string()),
        },
        schema=ROWS,
    )
    # a best guess at whom the row is about: the typed value where there is one, else what is written
    guess: dict[str, pa.Array] = {}
    for item in contract.items:
        typed = chunk.values[item.name].filter(mask)
        guess[item.name] = pc.coalesce(typed, written[item.name]) if pa.types.is_string(typed.type) else typed
    named = mentions.of_rows(contract, guess, standardiser.options)
    subjects = pa.table(
        [
            pa.array(numbers).take(named["row"].combine_chunks()),
            named["role"],
            named["part"],
            named["id_value"],
            named["name"],
        ],
        schema=SUBJECTS,
    )
    return table, pa.concat_tables([subjects, *(_led(item, guess[item], numbers) for item in standardiser.links)])


def _led(item: str, values: pa.Array, numbers: NDArray[np.int64]) -> pa.Table:
    """What the rows say in an item that leads to other datasets, under the role `@item`: such a row is somebody's although
    it names nobody."""
    said = pc.utf8_slice_codeunits(values.cast(pa.string()), 0, mentions.LONGEST)
    rows = len(said)
    table = pa.table(
        [pa.array(numbers), pa.repeat(f"@{item}", rows), pa.repeat(pa.scalar(0, pa.int32()), rows), said,
         pa.nulls(rows, pa.string())],
        schema=SUBJECTS,
    )  # fmt: skip
    return table.filter(pc.is_valid(table["number"]))


def _as_rows(raw: pa.RecordBatch) -> list[dict[str, Any]]:
    names = raw.schema.names
    cells = [as_text(raw.column(index)).to_pylist() for index in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def close_restated(connection: Connection, batch: Batch, keys: str, waiting: str) -> None:
    """Earlier rows of the feed, waiting or decided on, that this batch states again end here: corrected at the source, or
    waiting anew. A full batch restates everything; any other, only the keys it brought, which the SELECT `keys` gives.

    A row stated again word for word is the same case: it goes on waiting, and what was decided on it goes on holding.
    """
    stated = (
        f"(q.key IN ({keys}) "
        f"OR q.key IS NULL AND q.row IN (SELECT CAST(row AS jsonb) FROM {waiting} WHERE key IS NULL))"
    )
    condition = "true" if batch.mode == "full" else stated
    # it keeps its findings and the day it began; under another contract one that nobody has decided on is judged anew
    connection.execute(
        text(
            f"CREATE TEMP TABLE waits_already ON COMMIT DROP AS SELECT w.row_no, q.batch_id, q.row_no AS since FROM {waiting} w "
            "JOIN hub.quarantine q ON q.feed = :feed AND q.status <> 'closed_by_source' AND q.key = w.key "
            "AND q.row = CAST(w.row AS jsonb) JOIN hub.batch b ON b.id = q.batch_id "
            f"WHERE b.contract_sha = :contract OR q.decisions <> '{{}}' OR {_DECIDED} "
            f"UNION ALL SELECT w.row_no, q.batch_id, q.row_no FROM {waiting} w JOIN hub.quarantine q ON q.feed = :feed "
            f"AND q.status <> 'closed_by_source' AND (q.decisions <> '{{}}' OR {_DECIDED}) AND q.row = CAST(w.row AS jsonb) "
            "WHERE q.key IS NULL AND w.key IS NULL"
        ),
        {"feed": batch.feed, "contract": batch.contract_sha},
    )
    connection.execute(
        text(
            "UPDATE hub.quarantine q SET status = 'closed_by_source', closed_at = :known "
            f"WHERE q.feed = :feed AND q.status <> 'closed_by_source' AND {condition} "
            "AND NOT EXISTS (SELECT FROM waits_already a WHERE a.batch_id = q.batch_id AND a.since = q.row_no)"
        ),
        {"feed": batch.feed, "known": batch.landed_at},
    )


def insert(connection: Connection, batch: Batch, staged_rows: str, staged_subjects: str, staged_findings: str) -> None:
    """The waiting rows, their subjects and all findings of the batch, inside the merge's transaction."""
    names = {
        "batch": batch.id,
        "feed": batch.feed,
        "system": batch.system,
        "dataset": batch.dataset,
        "known": batch.landed_at,
    }
    connection.execute(
        text(
            "INSERT INTO hub.quarantine (batch_id, row_no, feed, system, dataset, key, source_key, row, quarantined_at) "
            "SELECT :batch, s.row_no, :feed, :system, :dataset, key, CAST(source_key AS jsonb), CAST(row AS jsonb), :known "
            f"FROM {staged_rows} s {_NEW}"
        ),
        names,
    )
    connection.execute(
        text(
            "INSERT INTO hub.quarantine_subject (batch_id, row_no, dataset, role, part, number, name) "
            f"SELECT :batch, s.row_no, :dataset, role, part, number, name FROM {staged_subjects} s {_NEW}"
        ),
        names,
    )
    connection.execute(
        text(
            "INSERT INTO hub.finding (batch_id, row_no, dataset, item, rule, severity, dimension, raw) "
            f"SELECT :batch, s.row_no, :dataset, item, rule, severity, dimension, raw FROM {staged_findings} s {_NEW}"
        ),
        names,
    )


_NEW = "WHERE NOT EXISTS (SELECT FROM waits_already a WHERE a.row_no = s.row_no)"
#: something decided on a row stands, though nothing has come of it yet
_DECIDED = (
    "EXISTS (SELECT FROM hub.decided_row r JOIN hub.decision d ON d.id = r.decision WHERE r.batch_id = q.batch_id "
    "AND r.row_no = q.row_no AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id))"
)
