"""The one read function against a small oracle: a list of versions, each with the time it was known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core.hub import Hub
from libraries import records
from schemas import contract
from schemas.contract import Contract
from schemas.derive import sql

DOCUMENT = """
apiVersion: v3.2.0
kind: DataContract
id: right
name: 权利
version: 1.0.0
status: active
domain: land
slaProperties: [{property: frequency, value: 1, unit: d}]
schema:
- name: right
  logicalType: object
  properties:
  - {name: id, logicalType: integer, primaryKey: true, required: true}
  - {name: district, logicalType: string}
  - {name: amount, logicalType: number, customProperties: [{property: valueType, value: money}]}
  - {name: begins, logicalType: date}
  - {name: ends, logicalType: date}
  customProperties:
  - {property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface, open: false}}
"""
VALID = "  - {property: validFrom, value: begins}\n  - {property: validTo, value: ends}\n"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Version:
    """One version of one record."""

    id: int
    district: str
    begins: date | None
    ends: date | None
    known_from: datetime
    known_to: datetime | None


days = st.none() | st.dates(date(2025, 12, 28), date(2026, 1, 8))
#: per step: which record, and its new content (None removes it); steps are twelve hours apart
steps = st.lists(
    st.tuples(st.integers(1, 3), st.none() | st.tuples(st.sampled_from(["430902", "430903"]), days, days)), max_size=12
)
moments = st.integers(-3, 160).map(lambda hours: START + hours * HOUR)


def versions(written: list[tuple[int, Any]]) -> list[Version]:
    found: dict[int, Version] = {}
    ended: list[Version] = []
    for n, (id, content) in enumerate(written):
        at = START + n * 12 * HOUR
        before = found.pop(id, None)
        if before is not None:
            ended.append(Version(id, before.district, before.begins, before.ends, before.known_from, at))
        if content is not None:
            found[id] = Version(id, *content, at, None)
    return [*ended, *found.values()]


def write(connection: Connection, every: list[Version]) -> None:
    for table in (sql.current("right"), sql.history("right")):
        connection.execute(text(f"DELETE FROM {table}"))
    for one in every:
        table, end = (sql.current("right"), "") if one.known_to is None else (sql.history("right"), ", _known_to")
        connection.execute(
            text(
                f"INSERT INTO {table} (_key, _system, id, district, amount, begins, ends, _row_hash, _row_no, _known_from{end}) "
                f"VALUES (:key, 's', :id, :district, 10.10, :begins, :ends, 1, 1, :known_from{', :known_to' if end else ''})"
            ),
            {"key": bytes([one.id]), **one.__dict__},
        )


def known(one: Version, at: datetime) -> bool:
    return one.known_from <= at and (one.known_to is None or at < one.known_to)


@pytest.fixture(params=[False, True], ids=["undated", "dated"])
def right(request: pytest.FixtureRequest, hub: Hub) -> Contract:
    """The dataset with its tables; dated says when a right begins and ends."""
    made = contract.load(
        DOCUMENT.replace("  customProperties:\n", "  customProperties:\n" + VALID) if request.param else DOCUMENT
    )
    with hub.begin() as connection:
        sql.apply(connection, None, made)
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.none() | moments, st.none() | st.dates(date(2025, 12, 27), date(2026, 1, 9)), st.booleans())
def test_reads_what_the_oracle_says(
    hub: Hub, right: Contract, written: list[Any], known_at: datetime | None, as_of: date | None, scoped: bool
) -> None:
    every = versions(written)
    expected = []
    for one in every:
        moment = known_at
        if as_of is not None and right.valid_from is None:
            # the day ends at midnight in Shanghai, 16:00 UTC
            ending = datetime(as_of.year, as_of.month, as_of.day, 16, tzinfo=UTC) - timedelta(microseconds=1)
            moment = ending if moment is None else min(moment, ending)
        fits = one.known_to is None if moment is None else known(one, moment)
        if as_of is not None and right.valid_from is not None:
            fits = fits and (one.begins is None or one.begins <= as_of) and (one.ends is None or one.ends >= as_of)
        if fits and not (scoped and one.district != "430902"):
            expected.append((one.id, one.district, one.known_from))
    with hub.begin() as connection:
        write(connection, every)
        found = records.read(
            connection,
            right,
            scope=(lambda row: row.district == "430902") if scoped else None,
            known_at=known_at,
            as_of=as_of,
            columns=["id", "district", "_known_from"],
        )
        assert sorted(tuple(row.values()) for row in found) == sorted(expected)


def test_both_conditions_hold_and_values_are_typed(hub: Hub, right: Contract) -> None:
    with hub.begin() as connection:
        write(
            connection,
            [Version(1, "430902", date(2026, 1, 1), None, START, None), Version(2, "430903", None, None, START, None)],
        )
        (row,) = records.read(
            connection, right, where=lambda row: row.id >= 1, scope=lambda row: row.district == "430902"
        )
        assert row["begins"] == date(2026, 1, 1) and str(row["amount"]) == "10.10" and row["_known_from"] == START
        assert list(row) == [
            "_key",
            "_system",
            "id",
            "district",
            "amount",
            "begins",
            "ends",
            "_row_hash",
            "_batch",
            "_row_no",
            "_known_from",
        ]
        assert not list(
            records.read(connection, right, where=lambda row: row.id == 2, scope=lambda row: row.district == "430902")
        )


def test_mistakes_of_the_caller_are_refused(hub: Hub, right: Contract) -> None:
    with pytest.raises(ValueError, match="aware"):
        records.select(right, known_at=datetime(2026, 1, 1))
    with pytest.raises(KeyError, match="nothing"):
        records.select(right, columns=["nothing"])


def test_a_day_is_the_citys_where_rows_say_moments(hub: Hub) -> None:
    """2 January begins in Shanghai at 16:00 UTC of the first; both ends count."""
    moments = DOCUMENT.replace("  customProperties:\n", "  customProperties:\n" + VALID)
    for name in ("begins", "ends"):
        moments = moments.replace(f"{name}, logicalType: date", f"{name}, logicalType: timestamp")
    made = contract.load(moments)
    midnight = datetime(2026, 1, 1, 16, tzinfo=UTC)
    spans = {
        1: (midnight, None), 2: (None, midnight), 3: (midnight - timedelta(microseconds=1), midnight + timedelta(days=1)),
        4: (None, midnight - timedelta(microseconds=1)), 5: (midnight + timedelta(days=1), None),
    }  # fmt: skip
    with hub.begin() as connection:
        sql.apply(connection, None, made)
        every = [Version(id, "430902", *span, START, None) for id, span in spans.items()]  # type: ignore[arg-type]
        write(connection, every)

        def on(day: date) -> list[int]:
            return sorted(row["id"] for row in records.read(connection, made, as_of=day, known_at=START))

        assert on(date(2026, 1, 1)) == [2, 3, 4]
        assert on(date(2026, 1, 2)) == [1, 2, 3]
        assert on(date(2026, 1, 3)) == [1, 3, 5]
        assert on(date(2026, 1, 4)) == [1, 5] == on(date(9999, 12, 31))
        assert on(date(1, 1, 1)) == [2, 4]


def test_conditions_reach_the_indexes_of_both_tables(hub: Hub, right: Contract) -> None:
    statement = records.select(right, where=lambda row: row["_key"] == b"\x01", known_at=START)
    with hub.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars())
    assert plan.count("Index Cond") == 2


def test_former_rows_are_found_by_number_without_reading_them_all(hub: Hub) -> None:
    subject = "  - {property: subjects, value: [{role: holder, id: district}]}\n"
    number = "district, logicalType: string, customProperties: [{property: valueType, value: identity_no}]"
    made = contract.load(
        DOCUMENT.replace("district, logicalType: string", number).replace(
            "  customProperties:\n", "  customProperties:\n" + subject
        )
    )
    with hub.begin() as connection:
        sql.apply(connection, None, made)
        sql.apply(connection, made, made)  # as every later publication does
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        former = records.history(made)
        query = former.select().where(former.c.district.in_(["x", "y"]))
        compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars())
        assert 'Bitmap Index Scan on "right_history.district"' in plan
