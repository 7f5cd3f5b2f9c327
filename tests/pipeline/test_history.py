"""Known time and valid time against a small oracle, through the real journey.

The oracle is plain dictionaries: what each source held when it was read, and when. Three districts feed one dataset from
SQLite tables of their own: in full, incrementally, and with flags. Batches are read twice, land long before they merge, and
interleave; whatever they do, the same is true in the world on a day, and what was known at a moment never changes.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core import clock, decisions, secrets
from core.actor import SYSTEM
from core.hub import Hub
from libraries import records
from pipeline import journey, retention
from schemas import published
from schemas.contract import Contract
from schemas.published import Document
from tests.pipeline.small import DEPARTMENT

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: stall
name: 摊位许可
version: 1.0.0
status: active
domain: city_management
schema:
- name: stall
  logicalType: object
  properties:
  - {name: id, logicalType: integer, primaryKey: true, required: true}
  - {name: holder, logicalType: string}
  - {name: begins, logicalType: date}
  - {name: ends, logicalType: date}
  customProperties:
  - {property: catalogue, value: {resourceClass: department, shareType: 1, shareMethod: interface, open: false}}
slaProperties: [{property: frequency, value: 1, unit: d}]
"""
VALID = "  - {property: validFrom, value: begins}\n  - {property: validTo, value: ends}\n"
SYSTEM_TEXT = """
system: {mode}_stalls
title: 摊位
department: city_management
connector: sql
secret: {mode}_stalls
feeds:
- contract: stall
  source: {{table: stalls}}
  mode: {mode}
  {how}
  columns: {{ID: id, HOLDER: holder, BEGINS: begins, ENDS: ends}}
  ignore: [{ignore}]
  expect: {{rows: {{min: 0}}, shrink: 100%}}
  covers: {{divisions: ["430900"]}}
"""
HOW = {
    "full": ("", "CHANGED, FLAG"),
    "incremental": ("watermark: CHANGED\n  key_scan: {every: 30d}", "FLAG"),
    "flagged": ("flag: {column: FLAG, removed: [D], kept: [U]}\n  watermark: CHANGED", ""),
}
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [date(2026, 2, 27) + timedelta(days=n) for n in range(0, 12, 2)]
#: what a source may say of a stall: holder, first and last day
CONTENTS = [("甲", DAYS[1], None), ("乙", DAYS[1], DAYS[3]), ("乙", None, DAYS[2]), ("丙", DAYS[3], None)]
Content = tuple[str, date | None, date | None]
State = dict[tuple[str, int], Content]
EXAMPLES = int(os.environ.get("HUTONG_HISTORY_EXAMPLES", "4"))


@dataclass
class City:
    """Three districts' tables, the hub that reads them, and what the oracle knows: for each district the moments of its
    batches with what its table held, oldest first."""

    hub: Hub
    folder: Path
    contract: Contract
    now: datetime = START
    tables: dict[str, dict[int, Content]] = field(default_factory=dict)
    known: dict[str, list[tuple[datetime, dict[int, Content]]]] = field(default_factory=dict)
    waiting: dict[str, tuple[Any, tuple[datetime, dict[int, Content]]]] = field(default_factory=dict)

    def clear(self) -> None:
        """The city as it was before anything happened."""
        self.now, self.known, self.waiting = START, {mode: [] for mode in HOW}, {}
        self.tables = {mode: {} for mode in HOW}
        with self.hub.begin() as connection:
            connection.execute(
                text(
                    "TRUNCATE records.stall, records.stall_history, libraries.mention, hub.history_cut, hub.checkpoint"
                )
            )
            connection.execute(text("TRUNCATE hub.batch CASCADE"))
        for mode in HOW:
            with self.link(mode) as link:
                link.execute("DROP TABLE IF EXISTS stalls")
                link.execute("CREATE TABLE stalls (ID, HOLDER, BEGINS, ENDS, CHANGED, FLAG)")

    def link(self, mode: str) -> sqlite3.Connection:
        """A district's database."""
        return sqlite3.connect(self.folder / f"{mode}.db")

    def change(self, mode: str, id: int, content: Content | None) -> None:
        """A district grants, alters or removes a stall. Its flagged table is a log; what leaves the incremental one only a scan
        of keys tells."""
        self.now += timedelta(minutes=1)
        if content is None and id not in self.tables[mode]:
            return
        row = (
            id,
            *(str(cell) if cell else None for cell in content or (None, None, None)),
            self.now.isoformat(" ")[:19],
        )
        with self.link(mode) as link:
            if mode != "flagged":
                link.execute("DELETE FROM stalls WHERE ID = ?", (id,))
            if content is not None or mode == "flagged":
                link.execute("INSERT INTO stalls VALUES (?, ?, ?, ?, ?, ?)", (*row, "D" if content is None else "U"))
        self.tables[mode] = {key: value for key, value in self.tables[mode].items() if key != id}
        if content is not None:
            self.tables[mode][id] = content

    def read(self, mode: str) -> None:
        """The feed's whole journey; a batch that landed before is loaded first."""
        self.load(mode)
        self.now += timedelta(minutes=1)
        if self.run(lambda: journey.run(self.hub, f"{mode}_stalls.stall")) is not None:
            self.known[mode].append((self.now, self.brought(mode)))

    def brought(self, mode: str) -> dict[int, Content]:
        """What is held once a district's table has been read: an increment never says what has gone."""
        held = self.known[mode][-1][1] if mode == "incremental" and self.known[mode] else {}
        return held | self.tables[mode]

    def scan(self, mode: str) -> None:
        """All keys of the incremental district: what has gone there is closed."""
        if mode != "incremental":
            return
        self.load(mode)
        self.now += timedelta(minutes=1)
        if self.run(lambda: journey.scan(self.hub, f"{mode}_stalls.stall", now=True)) is not None:
            held = self.known[mode][-1][1]
            self.known[mode].append((self.now, {id: said for id, said in held.items() if id in self.tables[mode]}))

    def land(self, mode: str) -> None:
        """The first half of it: the rows wait on the landing store."""
        self.load(mode)
        self.now += timedelta(minutes=1)
        if (batch := self.run(lambda: journey.land(self.hub, f"{mode}_stalls.stall"))) is not None:
            self.waiting[mode] = (batch, (self.now, self.brought(mode)))

    def load(self, mode: str) -> None:
        """The second half, later: known since it landed."""
        if mode in self.waiting:
            batch, held = self.waiting.pop(mode)
            self.now += timedelta(minutes=7)
            for _ in range(2):  # an orchestrator that is not sure repeats
                self.run(lambda: journey.load(self.hub, batch))
            self.run(lambda: journey.deliver(self.hub, batch))
            self.known[mode].append(held)

    def run(self, step: Any) -> Any:
        """One step at the city's time."""
        with clock.override(self.now):
            return step()

    def oracle(self, moment: datetime | None = None, day: date | None = None, *, dated: bool = True) -> State:
        """What is known at a moment to be true on a day, said once more."""
        if day is not None and not dated:
            ending = datetime(day.year, day.month, day.day, 16, tzinfo=UTC) - timedelta(microseconds=1)
            moment, day = min(moment or ending, ending), None
        found = {}
        for mode, batches in self.known.items():
            held = [state for at, state in batches if moment is None or at <= moment]
            for id, content in (held[-1] if held else {}).items():
                _, begins, ends = content
                if day is None or ((begins is None or begins <= day) and (ends is None or day <= ends)):
                    found[mode, id] = content
        return found

    def held(self, moment: datetime | None = None, day: date | None = None) -> State:
        """What the product reads."""
        with self.hub.read() as connection:
            rows = list(records.read(connection, self.contract, known_at=moment, as_of=day))
        found = {
            (row["_system"].removesuffix("_stalls"), row["id"]): (row["holder"], row["begins"], row["ends"])
            for row in rows
        }
        assert len(found) == len(rows), "a record has one version at a moment"
        return found

    def moments(self) -> list[datetime]:
        """Every moment at which something became known, and one between each two."""
        at = sorted({moment for batches in self.known.values() for moment, _ in batches})
        return [START, *at, *(moment + timedelta(seconds=30) for moment in at)]


@pytest.fixture(params=[True, False], ids=["dated", "undated"])
def city(request: pytest.FixtureRequest, hub: Hub, tmp_path: Path) -> City:
    body = CONTRACT.replace("  customProperties:\n", "  customProperties:\n" + VALID) if request.param else CONTRACT
    documents = [
        Document("department", "city_management", "1", DEPARTMENT, "test"),
        Document("contract", "stall", "1", body, "test"),
    ]
    for mode, (how, ignore) in HOW.items():
        system = SYSTEM_TEXT.format(mode=mode, how=how, ignore=ignore)
        documents.append(Document("system", f"{mode}_stalls", "1", system, "test"))
    with hub.begin() as connection:
        published.publish(connection, documents, SYSTEM)
        for mode in HOW:
            secrets.put(connection, hub.keys, f"{mode}_stalls", {"url": f"sqlite:///{tmp_path / mode}.db"})
    with hub.read() as connection:
        published.write_snapshot(connection, hub.home)
    return City(hub, tmp_path, published.current(hub.home).contracts["stall"])


acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("change"), st.sampled_from(sorted(HOW)), st.integers(1, 2), st.none() | st.sampled_from(CONTENTS)
        ),
        st.tuples(st.sampled_from(["read", "read", "land", "load"]), st.sampled_from(sorted(HOW))),
        st.tuples(st.just("scan"), st.just("incremental")),
    ),
    min_size=4,
    max_size=12,
)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts, st.permutations(sorted(HOW)))
def test_what_was_known_never_changes_and_the_world_is_the_same_however_it_was_told(
    city: City, done: list[Any], order: list[str]
) -> None:
    city.clear()
    dated = city.contract.valid_from is not None
    seen: dict[datetime, State] = {}
    for mode in HOW:  # so that every district has been seen, and has a past in the end
        city.change(mode, 3, CONTENTS[0])
        city.read(mode)
    for act, *what in done:
        getattr(city, act)(*what)
        # what is read of the past now must be read of it for ever, once every feed that waits has been let in
        if not city.waiting:
            seen |= {moment: state for moment in city.moments() if (state := city.held(moment)) or True}
    for mode in order:  # the last readings, in any order of districts
        city.change(mode, 3, CONTENTS[1])
        city.read(mode)
        city.scan(mode)
    for moment in city.moments():
        assert city.held(moment) == city.oracle(moment), f"known at {moment}"
        assert seen.get(moment, city.held(moment)) == city.held(moment), f"{moment} was read otherwise before"
    for day in DAYS:
        assert city.held(day=day) == city.oracle(day=day, dated=dated), f"true on {day}"
        if dated:
            world = {
                (mode, id): content
                for mode, table in city.tables.items()
                for id, content in table.items()
                if (content[1] is None or content[1] <= day) and (content[2] is None or day <= content[2])
            }
            assert city.held(day=day) == world, "delay and repetition leave no trace in what is true"
    # retention takes the past from behind: whatever is still told is what it was
    moments = city.moments()
    cut = moments[len(done) % len(moments)]
    city.hub.settings.keep_history_years, city.hub.settings.keep_landing_days = 1, 36500
    with clock.override(cut.replace(year=cut.year + 1)):
        retention.retain(city.hub)
    with city.hub.read() as connection:
        since = records.complete_since(connection, "stall") or START
    for moment in moments:
        if moment >= since:
            assert city.held(moment) == city.oracle(moment), f"known at {moment}, cut at {since}"


def test_known_time_has_an_order_whatever_clocks_do(city: City) -> None:
    city.clear()
    city.change("full", 1, CONTENTS[0])
    city.read("full")
    first = city.now
    city.change("full", 1, CONTENTS[1])
    city.now = first - timedelta(hours=3)
    city.read("full")
    with city.hub.read() as connection:
        known = connection.execute(text("SELECT known_at FROM hub.batch ORDER BY seq")).scalars().all()
        assert records.horizon(connection, "stall") == {"full_stalls": known[-1]}
    assert known == [first, first + timedelta(microseconds=1)]
    assert city.held(first) == {("full", 1): CONTENTS[0]} and city.held(known[1]) == {("full", 1): CONTENTS[1]}


def test_a_batch_behind_a_replay_is_known_after_it(city: City) -> None:
    city.clear()
    city.change("full", 1, CONTENTS[0])
    city.read("full")
    city.change("full", 1, CONTENTS[1])
    city.land("full")
    replayed = city.now + timedelta(minutes=2)
    with city.hub.begin() as connection:  # a row of the first batch was mended while the second waited
        columns = "feed, system, dataset, mode, contract_version, contract_sha, system_sha, publication, actor"
        connection.execute(
            text(
                f"INSERT INTO hub.batch (id, origin, state, landed_at, known_at, merged_at, {columns}) SELECT gen_random_uuid(), "
                f"'replay', 'delivered', :at, :at, :at, {columns} FROM hub.batch ORDER BY seq LIMIT 1"
            ),
            {"at": replayed},
        )
    city.load("full")
    with city.hub.read() as connection:
        row = connection.execute(text("SELECT _known_from FROM records.stall")).one()
        ended = connection.execute(text("SELECT _known_from < _known_to FROM records.stall_history")).scalar_one()
    assert row[0] == replayed + timedelta(microseconds=1) and ended


def test_what_a_person_lets_in_is_known_since_they_did(city: City) -> None:
    city.clear()
    city.change("full", 1, CONTENTS[0])
    city.land("full")
    batch = city.waiting["full"][0]
    with city.hub.begin() as connection:
        made = decisions.record(
            connection, "let_in", "full_stalls.stall", reason="已核对", actor=SYSTEM, batch_id=batch
        )
        undone = decisions.record(
            connection, "let_in", "full_stalls.stall", reason="误点", actor=SYSTEM, batch_id=batch
        )
        decisions.undo(connection, undone.id, reason="更正", actor=SYSTEM)
    city.load("full")
    with city.hub.read() as connection:
        rows = connection.execute(text("SELECT b.known_at, s._known_from FROM hub.batch b, records.stall s")).all()
    assert {*rows} == {(made.at, made.at)}
    assert city.held(made.at - timedelta(seconds=1)) == {}
