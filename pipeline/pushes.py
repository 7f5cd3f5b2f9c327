"""What a flagged source said last of each record, and pushes that come too late to count.

Within one batch the latest push of a record counts (pipeline/repeats.py). Across batches a push may come late too: read in
the window before the watermark, sent again by its department, restored from a copy. It undoes nothing that a newer one said:
a record stays as the newest push left it, removed ones included, and a newer row that waits goes on waiting. One that
waited and was put in by a decision stands at its own mark while the decision holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from connectors import watermark
from pipeline.batch import Batch
from pipeline.cases import HELD
from pipeline.standardise import Chunk, Standardiser
from schemas.derive import sql

#: where text stands in the order of numbers: after every one (connectors.watermark.order)
_TEXT = "Infinity"
_MARK = "CAST(m.number AS numeric), m.text"
#: the row `p` that waits was put in by a decision that holds
_PUT_IN = "EXISTS (SELECT FROM hub.quarantine q WHERE q.feed = p.feed AND q.key = p.key AND q.status = ANY(:held))"


@dataclass(frozen=True)
class Late:
    """Rows that a newer push has passed: number → whether it was flagged as removed, whether it had an error and would wait.
    `tied` are those that say otherwise than what is held, under the same mark: which is newer cannot be told."""

    passed: dict[int, tuple[bool, bool]]
    tied: dict[int, bool]


def marks(chunk: Chunk, standardiser: Standardiser) -> pa.Table:
    """The marks of a chunk's rows, as they order; rows without a key or a time have none."""
    cells = chunk.raw.column(str(standardiser.watermark))
    coded = cells.dictionary_encode()
    ordered = [None if mark in (None, "") else watermark.order(mark) for mark in coded.dictionary.to_pylist()]
    numbers = [None if one is None else _TEXT if one[0] else format(one[1], "f") for one in ordered]
    texts = [None if one is None else one[2] for one in ordered]
    table = pa.table(
        {
            "row_no": pa.array(chunk.row_no),
            "key": pa.array([key.tobytes() for key in chunk.keys], pa.binary()),
            "number": pa.array(numbers, pa.string()).take(coded.indices),
            "text": pa.array(texts, pa.string()).take(coded.indices),
        }
    )
    there = pc.and_(pc.is_valid(table["number"]), pa.array(np.asarray(~chunk.keyless)))
    return table.filter(there)


def late(connection: Connection, batch: Batch, tables: dict[str, str]) -> Late:
    """Compare a staged batch with what its source said before."""
    facts = {"feed": batch.feed, "contract": batch.contract_sha, "system": batch.system_sha, "held": sorted(HELD)}
    passed = connection.execute(
        text(
            f"SELECT DISTINCT m.row_no, g._row_no IS NOT NULL AS gone, w.row_no IS NOT NULL AS waits FROM {tables['marks']} m "
            f"JOIN hub.pushed p ON p.feed = :feed AND p.key = m.key AND ({_MARK}) < (p.number, p.text) "
            f"LEFT JOIN {tables['waiting']} w ON w.row_no = m.row_no LEFT JOIN {tables['gone']} g ON g._row_no = m.row_no "
            f"WHERE NOT p.waits OR w.row_no IS NOT NULL OR {_PUT_IN}"
        ),
        facts,
    )
    found = {row.row_no: (row.gone, row.waits) for row in passed}
    # read anew under other documents, or corrected here, the same push gives another content
    tied = connection.execute(
        text(
            f"SELECT m.row_no, g._row_no IS NOT NULL AS gone FROM {tables['marks']} m "
            f"JOIN hub.pushed p ON p.feed = :feed AND p.key = m.key AND NOT p.waits AND ({_MARK}) = (p.number, p.text) "
            "JOIN hub.batch b ON b.id = p.batch_id AND b.contract_sha = :contract AND b.system_sha = :system AND b.origin = 'feed' "
            f"LEFT JOIN {sql.current(batch.dataset)} t ON t._key = m.key "
            f"LEFT JOIN {tables['rows']} r ON r._row_no = m.row_no LEFT JOIN {tables['gone']} g ON g._row_no = m.row_no "
            "WHERE r._row_no IS NOT NULL AND t._row_hash IS DISTINCT FROM r._row_hash "
            "OR g._row_no IS NOT NULL AND t._key IS NOT NULL"
        ),
        facts,
    )
    return Late(found, {row.row_no: row.gone for row in tied})


def stated(tables: dict[str, str]) -> str:
    """The keys that a flagged batch says something of which is not older than what waits of them, as a SELECT."""
    return (
        f"SELECT m.key FROM {tables['marks']} m WHERE NOT EXISTS (SELECT FROM hub.pushed p WHERE p.feed = :feed "
        f"AND p.key = m.key AND p.waits AND (p.number, p.text) > ({_MARK})) "
        f"UNION ALL SELECT w.key FROM {tables['waiting']} w WHERE NOT EXISTS (SELECT FROM {tables['marks']} m "
        "WHERE m.row_no = w.row_no)"
    )


def remember(connection: Connection, batch: Batch, tables: dict[str, str]) -> None:
    """Keep the marks of what a batch brought, inside the merge's transaction."""
    connection.execute(
        text(
            "INSERT INTO hub.pushed AS p (feed, key, waits, number, text, batch_id) "
            f"SELECT DISTINCT ON (m.key, w.row_no IS NOT NULL) :feed, m.key, w.row_no IS NOT NULL, {_MARK}, :batch "
            f"FROM {tables['marks']} m LEFT JOIN {tables['waiting']} w ON w.row_no = m.row_no "
            "ORDER BY m.key, w.row_no IS NOT NULL, CAST(m.number AS numeric) DESC, m.text DESC ON CONFLICT (feed, key, waits) DO UPDATE "
            "SET number = excluded.number, text = excluded.text, batch_id = excluded.batch_id "
            "WHERE (p.number, p.text) <= (excluded.number, excluded.text)"
        ),
        {"feed": batch.feed, "batch": batch.id},
    )


def outlive(connection: Connection, batch: Batch, tables: dict[str, str]) -> None:
    """What a decision made of a row that waited stays when another one that waits ends it: as of its own mark."""
    connection.execute(
        text(
            "INSERT INTO hub.pushed AS g (feed, key, waits, number, text, batch_id) "
            "SELECT DISTINCT ON (p.key) p.feed, p.key, false, p.number, p.text, r.batch_id FROM hub.pushed p "
            f"JOIN {tables['waiting']} w ON w.key = p.key LEFT JOIN {tables['marks']} m ON m.row_no = w.row_no "
            "JOIN hub.quarantine q ON q.feed = p.feed AND q.key = p.key AND q.status = ANY(:held) AND q.row <> CAST(w.row AS jsonb) "
            "JOIN hub.replayed r ON r.case_batch = q.batch_id AND r.case_row = q.row_no AND r.act = 'put' "
            f"WHERE p.feed = :feed AND p.waits AND (m.row_no IS NULL OR ({_MARK}) >= (p.number, p.text)) "
            "ORDER BY p.key, r.batch_id DESC ON CONFLICT (feed, key, waits) DO UPDATE SET number = excluded.number, "
            "text = excluded.text, batch_id = excluded.batch_id WHERE (g.number, g.text) <= (excluded.number, excluded.text)"
        ),
        {"feed": batch.feed, "held": sorted(HELD)},
    )
