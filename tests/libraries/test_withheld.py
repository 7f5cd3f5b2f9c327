"""What a contract withholds is shown to no consumer, whatever moment is asked about: against a small oracle of versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from core import clock
from core.errors import DocumentRefused
from core.hub import Hub
from libraries import records
from schemas import contract
from schemas.contract import Contract
from schemas.derive import sql

DOCUMENT = """
apiVersion: v3.2.0
kind: DataContract
id: penalty
name: 处罚
version: 1.0.0
status: active
domain: credit
slaProperties: [{property: frequency, value: 1, unit: d}]
schema:
- name: penalty
  logicalType: object
  properties:
  - {name: id, logicalType: integer, primaryKey: true, required: true}
  - {name: repaired, logicalType: boolean}
  - {name: published_until, logicalType: date}
  customProperties:
  - {property: withheld, value: [{repaired: [true]}, {published_until: {below: today}}]}
  - {property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface, open: false}}
"""
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Version:
    """One version of one penalty, known from one day to another."""

    id: int
    repaired: bool | None
    published_until: date | None
    known_from: datetime
    known_to: datetime | None

    def withheld(self, today: date) -> bool:
        return self.repaired is True or (self.published_until is not None and self.published_until < today)


@pytest.fixture
def penalty(hub: Hub) -> Contract:
    """The dataset with its tables."""
    made = contract.load(DOCUMENT)
    with hub.begin() as connection:
        sql.apply(connection, None, made)
    return made


#: a penalty's versions, a day apart: (repaired, published until); None takes it back at the source
histories = st.lists(
    st.none()
    | st.tuples(st.sampled_from([None, False, True]), st.none() | st.dates(date(2025, 12, 28), date(2026, 1, 12))),
    min_size=1, max_size=4,
)  # fmt: skip


def versions(id: int, history: list[tuple[bool | None, date | None] | None]) -> list[Version]:
    found = []
    for n, content in enumerate(history):
        if content is not None:
            to = START + (n + 1) * DAY if n + 1 < len(history) else None
            found.append(Version(id, *content, START + n * DAY, to))
    return found


def write(connection: Connection, every: list[Version]) -> None:
    for table in (sql.current("penalty"), sql.history("penalty")):
        connection.execute(text(f"DELETE FROM {table}"))
    for one in every:
        table, end = (sql.current("penalty"), "") if one.known_to is None else (sql.history("penalty"), ", _known_to")
        connection.execute(
            text(
                f"INSERT INTO {table} (_key, _system, id, repaired, published_until, _row_hash, _row_no, _known_from{end}) VALUES "
                f"(:key, 's', :id, :repaired, :published_until, 1, 1, :known_from{', :known_to' if end else ''})"
            ),
            {"key": bytes([one.id]), **one.__dict__},
        )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(histories, max_size=3), st.none() | st.integers(-1, 6), st.integers(4, 14), st.booleans())
def test_consumers_see_what_is_shared_today(
    hub: Hub, penalty: Contract, written: list[list[tuple[bool | None, date | None] | None]], ago: int | None, day: int,
    by_date: bool,
) -> None:  # fmt: skip
    every = [one for id, history in enumerate(written, 1) for one in versions(id, history)]
    today = (START + day * DAY).date()
    last = {one.id: one for one in every if one.known_to is None}
    moment = None if ago is None else START + ago * DAY
    known_at = moment + DAY / 2 if moment else None
    standing = [
        one for one in every
        if (one.known_to is None if known_at is None
            else one.known_from <= known_at and (one.known_to is None or known_at < one.known_to))
    ]  # fmt: skip
    shared = [
        one for one in standing if one.id in last and not one.withheld(today) and not last[one.id].withheld(today)
    ]
    asked: dict[str, object] = {"known_at": known_at}
    if by_date and moment:  # the day's end in Shanghai lies between the day's first moment and the next one's
        asked = {"as_of": moment.date(), "zone": "UTC"}
    with hub.begin() as connection, clock.override(START + day * DAY):
        write(connection, every)
        for withheld, expected in ((False, shared), (True, standing)):
            found = records.read(connection, penalty, columns=["id", "_known_from"], withheld=withheld, **asked)  # type: ignore[arg-type]
            assert sorted((row["id"], row["_known_from"]) for row in found) == sorted(
                (one.id, one.known_from) for one in expected
            )


def test_a_rule_knows_its_items_and_has_no_parameters() -> None:
    for wrong, place in (
        ("{published_until: {below: $day}}", "published_until"), ("{expires: {below: today}}", "expires"),
        ("{repaired: [1]}", "repaired"),
    ):  # fmt: skip
        with pytest.raises(DocumentRefused) as refused:
            contract.load(DOCUMENT.replace("{published_until: {below: today}}", wrong))
        assert f"withheld[1].{place}" in refused.value.path
