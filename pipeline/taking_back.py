"""What undoes the putting in of cases: the version before each again, read from its own landing, or the row out.

Set by set, whatever a bulk act was about: a question to the database for all of them, one reading of each landed batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from core.errors import HutongError
from core.hub import Hub
from core.log import get_logger
from pipeline import batch as batches
from pipeline import definition, land, replayed
from pipeline.cases import Case, Wanted
from pipeline.definition import Definition
from pipeline.replayed import Line
from pipeline.validate import as_text
from schemas.contract import Contract
from schemas.derive import sql

log = get_logger(__name__)
#: a landed row: its batch, its number there
Place = tuple[UUID, int]
Cells = dict[str, str | None]


def lines(
    hub: Hub, connection: Connection, found: Definition, back: Sequence[tuple[Case, Wanted]]
) -> list[tuple[Case, Wanted, Line]]:
    """What takes these cases back. A version that is not the case's (putting it in changed nothing) stays as it is. Left out
    are those whose files or history are kept no longer: they stay as they are, and the log says so."""
    if not back:
        return []
    puts = of_cases(connection, [case for case, _ in back])
    versions, since = _before(connection, found, puts)
    places = {case.id: versions.get(case.id) or next(reversed(puts[case.id])) for case, _ in back}
    cells = _cells(hub, connection, found, set(places.values()))
    forgotten = _forgotten(connection, found, since)
    made = []
    for case, wish in back:
        if (row := cells.get(places[case.id])) is None or case.id in forgotten:
            log.warning("case cannot be taken back", batch=str(case.batch_id), row=case.row_no)
        elif case.id in versions:
            line = Line("restore", case.id, wish.status, wish.decisions, row, (replayed.ALL,))
            made.append((case, wish, line))
        else:
            made.append((case, wish, Line("take_out", case.id, wish.status, wish.decisions, row)))
    return made


def of_cases(connection: Connection, found: Sequence[Case]) -> dict[Place, dict[Place, bytes]]:
    """By case: the landed rows that put it in, with their keys, the latest last."""
    rows = connection.execute(
        text(
            "SELECT r.case_batch, r.case_row, r.batch_id, r.row_no, r.key FROM hub.replayed r JOIN hub.batch b ON b.id = r.batch_id "
            "JOIN unnest(CAST(:batches AS uuid[]), CAST(:rows AS bigint[])) AS c (case_batch, case_row) "
            "USING (case_batch, case_row) WHERE r.act = 'put' ORDER BY b.seq"
        ),
        {"batches": [case.batch_id for case in found], "rows": [case.row_no for case in found]},
    )
    puts: dict[Place, dict[Place, bytes]] = defaultdict(dict)
    for row in rows:
        puts[row.case_batch, row.case_row][row.batch_id, row.row_no] = bytes(row.key)
    return puts


def _before(
    connection: Connection, found: Definition, puts: dict[Place, dict[Place, bytes]]
) -> tuple[dict[Place, Place], dict[Place, datetime]]:
    """By case: where the version landed that its key had before the case was put in, or has now if that is not the case's. And
    of the cases before which there was none, since when what is to go has been there."""
    keys = {id: list(those.values())[-1] for id, those in puts.items()}
    rows = connection.execute(
        text(
            f"SELECT _key, _batch, _row_no, _known_from FROM {sql.current(found.contract.id)} WHERE _key = ANY(:keys)"
        ),
        {"keys": list(set(keys.values()))},
    )
    now = {bytes(row._key): row for row in rows}
    at = {id: now[key] for id, key in keys.items() if key in now}
    versions: dict[Place, Place] = {}
    since: dict[Place, datetime] = {}
    while at:
        undone = _undone(connection, {(row._batch, row._row_no) for row in at.values()}, set(puts))
        for id, row in list(at.items()):
            if (place := (row._batch, row._row_no)) not in puts[id] and place not in undone:
                versions[id] = place
                del at[id]
        asked = list(at.items())
        since |= {id: row._known_from for id, row in asked}
        rows = connection.execute(
            text(
                "SELECT c.n, h._batch, h._row_no, h._known_from FROM unnest(CAST(:keys AS bytea[]), CAST(:by AS uuid[]), "
                f"CAST(:at AS timestamptz[])) WITH ORDINALITY AS c (key, by, at, n) JOIN {sql.history(found.contract.id)} h "
                "ON h._key = c.key AND h._ended = 'changed' AND h._ended_by = c.by AND h._known_to = c.at"
            ),
            {
                "keys": [keys[id] for id, _ in asked], "by": [row._batch for _, row in asked],
                "at": [row._known_from for _, row in asked],
            },
        )  # fmt: skip
        at = {asked[row.n - 1][0]: row for row in rows}
    return versions, {id: moment for id, moment in since.items() if id not in versions}


def _forgotten(connection: Connection, found: Definition, since: dict[Place, datetime]) -> set[Place]:
    """The cases of which retention may have removed what was there before: that there was nothing is not known."""
    cut = connection.scalar(
        text("SELECT before FROM hub.history_cut WHERE dataset = :dataset"), {"dataset": found.contract.id}
    )
    return {id for id, moment in since.items() if cut is not None and moment < cut}


def _undone(connection: Connection, places: Collection[Place], back: Collection[Place]) -> set[Place]:
    """Which of these landed rows put in a case that no library is to hold any more: it waits, was put aside, or is `back`."""
    rows = connection.execute(
        text(
            "SELECT r.batch_id, r.row_no, r.case_batch, r.case_row, q.status IN ('open', 'dismissed') AS waits FROM hub.replayed r "
            "JOIN unnest(CAST(:batches AS uuid[]), CAST(:rows AS bigint[])) AS p (batch_id, row_no) USING (batch_id, row_no) "
            "JOIN hub.quarantine q ON q.batch_id = r.case_batch AND q.row_no = r.case_row WHERE r.act = 'put'"
        ),
        {"batches": [batch for batch, _ in places], "rows": [row for _, row in places]},
    )
    return {(row.batch_id, row.row_no) for row in rows if row.waits or (row.case_batch, row.case_row) in back}


def _cells(hub: Hub, connection: Connection, found: Definition, places: Collection[Place]) -> dict[Place, Cells]:
    """The cells of landed rows, under the columns their items have today; not of batches whose files are gone."""
    numbers: dict[UUID, set[int]] = defaultdict(set)
    for batch_id, row_no in places:
        numbers[batch_id].add(row_no)
    cells: dict[Place, Cells] = {}
    for batch_id, wanted in numbers.items():
        try:
            cells |= {(batch_id, row_no): row for row_no, row in _of_batch(hub, connection, found, batch_id, wanted)}
        except (HutongError, OSError) as error:
            log.warning("landed rows cannot be read", batch=str(batch_id), error=type(error).__name__)
    return cells


def _of_batch(
    hub: Hub, connection: Connection, found: Definition, batch_id: UUID, numbers: set[int]
) -> list[tuple[int, Cells]]:
    batch = batches.get(connection, batch_id)
    names: dict[str, str] | None = None  # today's column by the one it landed under
    if batch.system_sha != found.system.sha256:
        source = {item: column for column, item in found.feed.columns.items()}
        then = definition.of_batch(hub, batch).feed.columns
        names = {column: source[item] for column, item in then.items() if item in source}
    rows: list[tuple[int, Cells]] = []
    first = 1
    for chunk in land.chunks(hub, batch):
        here = sorted(number for number in numbers if first <= number < first + chunk.num_rows)
        if here:
            taken = chunk.take(pa.array([number - first for number in here]))
            kept = [name for name in taken.schema.names if names is None or name in names]
            columns = {(names or {}).get(name, name): as_text(taken.column(name)).to_pylist() for name in kept}
            rows += [(number, {name: each[at] for name, each in columns.items()}) for at, number in enumerate(here)]
        first += chunk.num_rows
    return rows


def is_free(connection: Connection, contract: Contract, case: Case, key: bytes) -> bool:
    """Whether a key that a fix gives to a row without one is nobody else's."""
    row = connection.execute(
        text(f"SELECT _batch, _row_no FROM {sql.current(contract.id)} WHERE _key = :key"), {"key": key}
    ).one_or_none()
    return row is None or (row._batch, row._row_no) in of_cases(connection, [case])[case.id]
