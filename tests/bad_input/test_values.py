"""Odd values end in the library as they are, or wait with a rule that says why; whichever way they come."""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from core.database import libpq
from core.errors import BatchBlocked
from core.hub import Hub
from pipeline import journey
from tests.bad_input.carriers import Carrier, Csv, Rest, Row
from tests.bad_input.conftest import PETS, publish
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED

EVIL = "'); DROP TABLE hub.batch; --"
#: tag → what its row says beside the usual → the rules it waits by; none: it is held, word for word
CASES: dict[str, tuple[Row, set[str]]] = {
    "good": ({}, set()),
    "nan": ({"TZ": "NaN"}, {"decimal.format"}),
    "infinite": ({"TZ": "-Infinity"}, {"decimal.format"}),
    "huge": ({"TZ": "1e400"}, {"decimal.too_large"}),
    "many digits": ({"TZ": "9" * 300}, {"decimal.too_large"}),
    "year 0": ({"MYRQ": "0000-01-01"}, {"date.impossible"}),
    "year 1": ({"MYRQ": "0001-01-01"}, set()),
    "year 9999": ({"MYRQ": "9999-12-31"}, set()),
    "year 10000": ({"MYRQ": "10000-01-01"}, {"date.format"}),
    "formula": ({"SYR": "=1+2"}, set()),
    "command": ({"SYR": "=cmd|'/C calc'!A0"}, {"person_name.several"}),
    "sql": ({"SYR": EVIL}, {"person_name.several"}),
    EVIL: ({}, set()),
    '"; DROP SCHEMA records CASCADE; --': ({}, set()),
    "nul": ({"SYR": "王\x00小明"}, set()),
    "nul\x00": ({}, set()),
    "format %s {x} $1 :name": ({"SYR": "%(name)s"}, set()),
}


def usual(tag: str, **more: str | None) -> Row:
    return {"ND": "2026", "QP": tag, "SYR": "王小明", "TZ": "12.5", "MYRQ": "2026-03-01", **more}


def test_odd_values_are_held_or_wait_with_a_reason(carrier: Carrier, hub: Hub) -> None:
    rows = [usual(tag, **cells) for tag, (cells, _) in CASES.items()]
    rows = [row for row in rows if not any(bad in str(cell) for bad in carrier.cannot for cell in row.values())]
    carrier.bring(rows)
    _publish(hub, carrier.kind, carrier.source, carrier.secret)
    batch = journey.run(hub, FEED)
    assert batch is not None
    assert batch.evidence["inserted"] + batch.evidence["quarantined"] == len(rows)
    shown = {str(row["QP"]).replace("\x00", "\ufffd"): CASES[str(row["QP"])] for row in rows}
    held, waiting = _found(hub)
    assert held == {
        tag: str(cells.get("SYR", "王小明")).replace("\x00", "\ufffd")
        for tag, (cells, rules) in shown.items()
        if not rules
    }
    assert waiting == {tag: rules for tag, (_, rules) in shown.items() if rules}
    again = journey.run(hub, FEED)
    assert again is None or again.evidence["inserted"] == 0


def _found(hub: Hub) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Names held and rules waited by, by tag."""
    with hub.read() as connection:
        held = {tag: name for tag, name in connection.execute(text("SELECT tag, owner_name FROM records.pet_licence"))}
        waiting: dict[str, set[str]] = {}
        for tag, rule in connection.execute(
            text(
                "SELECT q.row ->> 'QP', f.rule FROM hub.quarantine q JOIN hub.finding f USING (batch_id, row_no) "
                "WHERE q.status = 'open' AND f.severity = 'error'"
            )
        ):
            waiting.setdefault(tag, set()).add(rule)
    return held, waiting


def test_native_values_of_a_database_that_no_calendar_has(database: str, hub: Hub) -> None:
    with psycopg.connect(libpq(database)) as link:
        link.execute('CREATE TABLE pets ("ND" int, "QP" text, "SYR" text, "TZ" float8, "MYRQ" date)')
        for tag, weight, day in (
            ("good", "1.5", "2026-03-01"), ("bc", "1", "0044-03-15 BC"), ("slip", "1", "20260-03-01"),
            ("never", "1", "infinity"), ("nan", "NaN", "2026-03-01"), ("endless", "Infinity", "2026-03-01"),
        ):  # fmt: skip
            link.execute("INSERT INTO pets VALUES (2026, %s, '王小明', %s::float8, %s::date)", (tag, weight, day))
    _publish(hub, "sql", "{table: pets}", {"url": database})
    journey.run(hub, FEED)
    held, waiting = _found(hub)
    assert set(held) | set(waiting) == {"good", "bc", "slip", "never", "nan", "endless"}
    assert {tag: waiting[tag] for tag in ("bc", "slip", "nan", "endless")} == {
        "bc": {"date.impossible"}, "slip": {"date.impossible"}, "nan": {"decimal.format"}, "endless": {"decimal.format"},
    }  # fmt: skip
    with hub.read() as connection:
        connection.execute(text("SELECT * FROM records.pet_licence")).all()  # whoever reads can


def test_native_values_of_parquet_likewise(tmp_path: Any, hub: Hub) -> None:
    carrier = Csv(tmp_path / "drop")
    table = pa.table(
        {
            "ND": [2026] * 4, "QP": ["good", "year 0", "slip", "nan"], "SYR": ["王小明"] * 4,
            "TZ": [1.5, 1.0, 1.0, float("nan")],
            "MYRQ": pa.array([20_000, -719_529, 5_959_711, 20_000], pa.int32()).cast(pa.date32()),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "pets.parquet")
    carrier.deliver("pets.parquet", (tmp_path / "pets.parquet").read_bytes())
    _publish(hub, carrier.kind, carrier.source, carrier.secret)
    journey.run(hub, FEED)
    held, waiting = _found(hub)
    assert set(held) == {"good"}
    assert waiting == {"year 0": {"date.impossible"}, "slip": {"date.impossible"}, "nan": {"decimal.format"}}


def test_half_a_character_is_told_as_lost(hub: Hub) -> None:
    """JSON can write one half of a pair; no text can hold it."""
    carrier = Rest()
    carrier.bring([usual("A1", SYR="王\ud842"), usual("A2", SYR="王\ud842\udfb7")])
    _publish(hub, carrier.kind, carrier.source, carrier.secret)
    journey.run(hub, FEED)
    assert _found(hub) == ({"A1": "王\ufffd", "A2": "王𠮷"}, {})
    with hub.read() as connection:
        told = connection.execute(text("SELECT rule FROM hub.finding")).scalars().all()
    assert told == ["person_name.lost_character"]
    carrier.bring([usual("A3") | {"\udfb7": "1"}])
    with pytest.raises(BatchBlocked) as caught:
        journey.run(hub, FEED)
    assert caught.value.code == "unreadable"
    carrier.close()


def _publish(hub: Hub, kind: str, source: str, secret: dict[str, Any]) -> None:
    system = PETS.format(kind=kind, source=source)
    documents = [
        ("department", "city_management", DEPARTMENT),
        ("contract", "pet_licence", CONTRACT),
        ("system", "pets", system),
    ]
    publish(hub, documents, ("pets", secret))
