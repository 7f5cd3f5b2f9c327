"""How a replay's landed rows say what they are: columns of ours beside the source's, and what the journey makes of them.

A replay lands the cells as the source gave them, corrected where a decision says so, as text. It puts a waiting row in,
restores what the library held before such a row, or takes the row out again; `excused` names the rules it may break.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from connectors.system import Feed, Flag
from pipeline.batch import Batch
from pipeline.standardise import Chunk
from pipeline.validate import Judged

Act = Literal["put", "restore", "take_out"]
ACT = "hutong:act"
CASE = "hutong:case"
STATUS = "hutong:status"
DECISIONS = "hutong:decisions"
EXCUSED = "hutong:excused"
#: every rule: what is restored was in the library before, whatever would be said of it today
ALL = "*"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a replay: what it does about which waiting row, the status that row gets, and the decisions it comes from;
    `cells` by source column; `excused` as rule codes, or `item:rule` for one item only."""

    act: Act
    case: tuple[UUID, int]
    status: str
    decisions: Sequence[UUID]
    cells: Mapping[str, str | None]
    excused: Collection[str] = ()


def as_feed(feed: Feed) -> Feed:
    """The feed as a replay goes by it: it restates nothing, has no watermark, and takes out only what it says."""
    return replace(feed, mode="incremental", watermark=None, flag=Flag(column=ACT, removed=("take_out",)))


def landed(feed: Feed, lines: Sequence[Line]) -> pa.RecordBatch:
    """The rows of a replay as they land."""
    columns: dict[str, list[str | None]] = {name: [line.cells.get(name) for line in lines] for name in columns_of(feed)}
    columns |= {
        ACT: [line.act for line in lines],
        CASE: [f"{line.case[0]}/{line.case[1]}" for line in lines],
        STATUS: [line.status for line in lines],
        DECISIONS: [json.dumps([str(id) for id in line.decisions]) for line in lines],
        EXCUSED: [json.dumps(sorted(line.excused)) for line in lines],
    }
    return pa.RecordBatch.from_pydict({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def columns_of(feed: Feed) -> list[str]:
    """The source columns a row of the feed is read by."""
    named = [feed.watermark, feed.flag.column if feed.flag else None]
    return list(dict.fromkeys([*feed.columns, *(name for name in named if name)]))


def excuse(judged: Judged, first: int, excused: Sequence[Collection[str]]) -> Judged:
    """The verdicts with excused findings as warnings: they are kept, and their rows go on. `excused` stands by row, from
    the row numbered `first`."""
    found = judged.findings
    rows = zip(*(found[name].to_pylist() for name in ("row_no", "item", "rule", "severity")), strict=True)
    severities = [
        "warning" if severity == "error" and is_excused(item, rule, excused[row - first]) else severity
        for row, item, rule, severity in rows
    ]
    at = found.schema.get_field_index("severity")
    found = found.set_column(at, "severity", pa.array(severities, pa.string()))
    bad = np.zeros_like(judged.bad)
    errors = found.filter(pc.equal(found["severity"], "error"))["row_no"].to_numpy()
    bad[errors - first] = True
    return Judged(found, bad, judged.left_out)


def excused_of(raw: pa.RecordBatch) -> list[frozenset[str]]:
    """The excused rules of each landed row of a replay."""
    return [frozenset(json.loads(cell)) for cell in raw.column(EXCUSED).to_pylist()]


def is_excused(item: str, rule: str, excused: Collection[str]) -> bool:
    """Whether a finding is among the excused ones."""
    return rule in excused or f"{item}:{rule}" in excused or ALL in excused


@dataclass(frozen=True, slots=True)
class Done:
    """What a landed row of a replay did, once it has merged."""

    row_no: int
    act: str
    case: tuple[UUID, int]
    key: bytes
    status: str
    decisions: list[UUID]


def acts(chunk: Chunk, bad: NDArray[np.bool_]) -> list[Done]:
    """The acts of a chunk, without those of rows that are judged unfit after all: their cases go on waiting."""
    cells = zip(*(chunk.raw.column(name).to_pylist() for name in (ACT, CASE, STATUS, DECISIONS)), strict=True)
    found = []
    for at, (act, case, status, decisions) in enumerate(cells):
        batch, _, row = case.partition("/")
        if not bad[at]:
            ids = [UUID(id) for id in json.loads(decisions)]
            key = bytes(chunk.keys[at])
            found.append(Done(int(chunk.row_no[at]), act, (UUID(batch), int(row)), key, status, ids))
    return found


def settle(connection: Connection, batch: Batch, done: Iterable[Done], findings: str) -> None:
    """Inside the merge: the cases get their new status, what was done is kept, and with it what was found in rows put in."""
    lines = list(done)
    if not lines:
        return
    connection.execute(
        text(
            "INSERT INTO hub.replayed (batch_id, row_no, act, case_batch, case_row, key, decisions) "
            "SELECT :batch, r.row_no, r.act, r.case_batch, r.case_row, r.key, CAST(r.decisions AS uuid[]) FROM unnest("
            "CAST(:rows AS bigint[]), CAST(:acts AS text[]), CAST(:case_batches AS uuid[]), CAST(:case_rows AS bigint[]), "
            "CAST(:keys AS bytea[]), CAST(:decisions AS text[])) AS r (row_no, act, case_batch, case_row, key, decisions)"
        ),
        {
            "batch": batch.id, "rows": [line.row_no for line in lines], "acts": [line.act for line in lines],
            "case_batches": [line.case[0] for line in lines], "case_rows": [line.case[1] for line in lines],
            "keys": [line.key for line in lines], "decisions": [_array(line.decisions) for line in lines],
        },
    )  # fmt: skip
    set_status(connection, [(*line.case, line.status, line.decisions) for line in lines], batch.landed_at)
    connection.execute(
        text(
            "INSERT INTO hub.finding (batch_id, row_no, dataset, item, rule, severity, dimension, raw) "
            f"SELECT :batch, row_no, :dataset, item, rule, severity, dimension, raw FROM {findings} s "
            "WHERE EXISTS (SELECT FROM hub.replayed r WHERE r.batch_id = :batch AND r.row_no = s.row_no AND r.act <> 'take_out')"
        ),
        {"batch": batch.id, "dataset": batch.dataset},
    )


def set_status(
    connection: Connection, statuses: Sequence[tuple[UUID, int, str, Sequence[UUID]]], at: datetime | None
) -> None:
    """The status of cases from a moment on, and the decisions it comes from: (batch, row, status, decisions). One that the
    source closed in the meantime stays closed."""
    if statuses:
        connection.execute(
            text(
                "UPDATE hub.quarantine q SET status = s.status, decisions = CAST(s.decisions AS uuid[]), "
                "closed_at = CASE WHEN s.status = 'open' THEN NULL ELSE CAST(:at AS timestamptz) END "
                "FROM unnest(CAST(:batches AS uuid[]), CAST(:rows AS bigint[]), CAST(:statuses AS text[]), "
                "CAST(:decisions AS text[])) AS s (batch_id, row_no, status, decisions) "
                "WHERE q.batch_id = s.batch_id AND q.row_no = s.row_no AND q.status <> 'closed_by_source'"
            ),
            {
                "batches": [one[0] for one in statuses], "rows": [one[1] for one in statuses],
                "statuses": [one[2] for one in statuses], "decisions": [_array(one[3]) for one in statuses], "at": at,
            },
        )  # fmt: skip


def _array(ids: Sequence[UUID]) -> str:
    """Decisions as PostgreSQL writes an array: arrays of arrays of several lengths cannot be given."""
    return f"{{{','.join(str(id) for id in ids)}}}"
