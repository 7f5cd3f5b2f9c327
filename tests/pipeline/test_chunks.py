"""A batch cut into chunks is judged, told apart and merged as it is whole: what repeats or conflicts across chunks, too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.errors import BatchBlocked
from pipeline import journey
from tests.pipeline.small import FEED, SYSTEM_TEXT, Row, Small, row

MODES = {
    "full": ("", "ignore: [BZ, GXSJ]"),
    "incremental": ("watermark: GXSJ", "ignore: [BZ]"),
    "flagged": ("watermark: GXSJ\n  late: 30d", "flag: {column: BZ, removed: [D], kept: [U]}"),
}
TABLES = {
    "records": "SELECT encode(_key, 'hex'), _row_hash, _row_no, tag, owner_no, weight_kg FROM records.pet_licence",
    "ended": "SELECT encode(_key, 'hex'), _row_hash, _ended FROM records.pet_licence_history",
    "waiting": "SELECT row_no, encode(key, 'hex'), row, status FROM hub.quarantine",
    "findings": "SELECT row_no, item, rule, severity, raw FROM hub.finding",
    "mentions": "SELECT encode(key, 'hex'), role, part, id_kind, id_value, name FROM libraries.mention",
}
COUNTS = ("landed", "inserted", "changed", "unchanged", "repeated", "quarantined", "closed", "findings")
#: few tags and contents, so that rows repeat, conflict and wait beside one another, near and far apart
ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from(["A1", "A2", "A3", "A4", ""]),
        year=st.sampled_from([2026, 2026, "没有"]),
        number=st.sampled_from(["11010519491231002X", "110105194912310021", None]),
        weight=st.sampled_from([12.5, 12.5, 9, 500, "重"]),
        on=st.sampled_from(["2026-03-01", "2026-02-30"]),
        changed=st.sampled_from(["2026-03-01 08:00:00", "2026-03-01 09:00:00", "2026-03-01 10:00:00"]),
        note=st.sampled_from(["U", "U", "D"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("mode", list(MODES))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS, size=st.integers(1, 5))
def test_chunks_change_nothing(small: Small, mode: str, first: list[Row], second: list[Row], size: int) -> None:
    if not small.path.exists():
        small.write([])
        mark, more = MODES[mode]
        system = SYSTEM_TEXT.format(mode=mode, watermark=mark, minimum=0, shrink="100%, failing: 100%")
        small.publish(mode=mode, system=system.replace("ignore: [BZ]", more))
    assert outcome(small, [first, second], size) == outcome(small, [first, second], 1_000)


def outcome(small: Small, loads: list[list[Row]], chunk_rows: int) -> list[Any]:
    """What two loads in a row come to, in chunks of a size: the evidence and everything that is stored, load by load."""
    with small.hub.begin() as connection:
        connection.execute(text("TRUNCATE records.pet_licence, records.pet_licence_history, libraries.mention"))
        connection.execute(text("TRUNCATE hub.batch CASCADE"))
    small.hub.settings.chunk_rows = chunk_rows
    found = []
    for rows in loads:
        small.write(rows)
        try:
            batch = journey.run(small.hub, FEED)
            assert batch is not None
            evidence: Any = {name: batch.evidence[name] for name in COUNTS}
        except BatchBlocked as error:
            evidence = error.code
        with small.hub.read() as connection:
            stored = {name: sorted(map(str, connection.execute(text(query)))) for name, query in TABLES.items()}
        found.append((evidence, stored))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="not every build for other systems has the allocator")
def test_a_process_that_loads_has_the_allocator_that_keeps_its_memory() -> None:
    asked = "import pipeline.journey, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout.strip() == "jemalloc"
