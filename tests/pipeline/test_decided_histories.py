"""Any history of loads, decisions, undoings and replays ends as a plain model says: of each record what the source says, or
what was decided of its waiting row, or what was held before that row came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text

from core import clock, decisions
from core.actor import Actor
from libraries import records
from pipeline import deciding, journey, undoing, worklist
from pipeline.rebuild.whole import rebuild
from pipeline.worklist import Filter
from schemas.published import current
from tests.pipeline.small import CONTRACT, FEED, SYSTEM_TEXT, Small, row

WHO = Actor("steward")
#: what the source says of a record: a weight (201 and more break a rule, or 902), or nothing
SAID = st.sampled_from([None, 5, 6, 901, 902])
TAGS = ("A", "B")
STEP = st.one_of(
    st.tuples(st.just("load"), SAID, SAID),
    st.tuples(st.just("late"), st.sampled_from(TAGS), SAID),
    st.tuples(st.just("rule"), st.sampled_from([200, 901]), st.none()),
    st.tuples(st.just("wait"), st.none(), st.none()),
    st.tuples(st.just("fix"), st.sampled_from(TAGS), st.integers(20, 22)),
    st.tuples(st.just("excuse"), st.sampled_from(TAGS), st.none()),
    st.tuples(st.just("dismiss"), st.sampled_from(TAGS), st.none()),
    st.tuples(st.just("undo"), st.integers(0, 5), st.none()),
    st.tuples(st.just("replay"), st.none(), st.none()),
)


class Source:
    """A table that says what a full reading finds or what has changed last, or a log of flagged states. One that comes late
    is older than the last two changes."""

    def __init__(self, small: Small, mode: str) -> None:
        self.small, self.mode, self.second = small, mode, 10
        self.read_to = 0
        self.log: dict[str, list[tuple[int, int | None]]] = {tag: [] for tag in TAGS}

    def say(self, tag: str, weight: int | None) -> None:
        """What the record is from now on."""
        if not self.log[tag] or self.log[tag][-1][1] != weight:
            self.second += 10
            self.log[tag].append((self.second, weight))

    def late(self, tag: str, weight: int | None) -> None:
        """An older state, told only now."""
        self.second += 1
        self.log[tag] = sorted([*self.log[tag], (self.second - 20, weight)])

    def said(self) -> dict[str, list[tuple[int, int | None]]]:
        """The states that the table holds of each record, oldest first."""
        return {tag: log if self.mode == "flagged" else log[-1:] for tag, log in self.log.items()}

    def read(self) -> dict[str, list[tuple[int, int | None]]]:
        """Those of them that a reading brings now."""
        if self.mode != "incremental":
            return self.said()
        there = {tag: [one for one in log if one[1] is not None] for tag, log in self.said().items()}
        since, self.read_to = self.read_to, max([self.read_to, *(at for log in there.values() for at, _ in log)])
        return {tag: [one for one in log if one[0] >= since] for tag, log in there.items()}

    def write(self) -> None:
        """Make the table that the feed reads."""
        rows = []
        for tag, log in self.said().items():
            for second, weight in log:
                changed = str(datetime(2026, 3, 1) + timedelta(seconds=second))
                if self.mode == "flagged" or weight is not None:
                    rows.append(row(tag, weight=weight, changed=changed, note="D" if weight is None else "U"))
        self.small.write(rows)


@dataclass
class Waiting:
    """A row that waits, in the model: when it is from and what it says, what was held when it came, and what was decided of it."""

    at: int
    said: int
    before: int | None
    decided: list[tuple[UUID, str, int]] = field(default_factory=list)
    applied: bool = False

    @property
    def dismissed(self) -> bool:
        return bool(self.decided) and self.decided[-1][1] == "dismiss"

    @property
    def counts(self) -> bool:
        """Whether it is to be in the library."""
        return self.status in ("fixed", "excused")

    def value(self) -> int | None:
        """What the library should hold."""
        last = max((at for at, (_, kind, _) in enumerate(self.decided) if kind == "dismiss"), default=-1)
        counting = self.decided[last + 1 :]
        if not counting:
            return self.before
        fixes = [weight for _, kind, weight in counting if kind == "fix"]
        return fixes[-1] if fixes else self.said

    @property
    def status(self) -> str:
        if self.dismissed:
            return "dismissed"
        last = max((at for at, (_, kind, _) in enumerate(self.decided) if kind == "dismiss"), default=-1)
        kinds = {kind for _, kind, _ in self.decided[last + 1 :]}
        return "excused" if "excuse" in kinds else "fixed" if kinds else "open"


@dataclass
class Model:
    """What should be. `stated` is when what is held is from, `waited` the latest that ever waited: what is older comes late."""

    held: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    stated: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TAGS, 0))
    waited: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TAGS, 0))
    most: int = 200

    def replay(self) -> None:
        for tag, one in self.waiting.items():
            one.applied = one.counts
            self.put(tag, one.value())

    def load(self, said: dict[str, list[tuple[int, int | None]]]) -> None:
        self.replay()
        for tag, log in said.items():
            for at, weight in log:
                self.say(tag, at, weight)

    def say(self, tag: str, at: int, weight: int | None) -> None:
        known = self.waiting.get(tag)
        stands = max(self.stated[tag], known.at if known and known.applied else 0)
        if weight is not None and weight > self.most:
            if at >= max(stands, self.waited[tag]) and (known is None or (known.at, known.said) != (at, weight)):
                self.leave(tag)
                self.waiting[tag] = Waiting(at, weight, self.held.get(tag))
                self.waited[tag] = at
        elif at >= stands:
            if known and known.at > at:
                known.before = weight
            elif known:
                self.leave(tag)
            self.stated[tag] = at
            self.put(tag, weight)

    def expire(self) -> None:
        """Excuses have run out."""
        for one in self.waiting.values():
            one.decided = [decision for decision in one.decided if decision[1] != "excuse"]

    def leave(self, tag: str) -> None:
        """The row waits no more: what was made of it stays, as of its time."""
        known = self.waiting.pop(tag, None)
        if known and known.applied:
            self.stated[tag] = known.at

    def put(self, tag: str, weight: int | None) -> None:
        if weight is None:
            self.held.pop(tag, None)
        else:
            self.held[tag] = weight


def walk(small: Small, mode: str, steps: list[tuple[Any, ...]]) -> None:
    hub, model, source, made = small.hub, Model(), Source(small, mode), list[tuple[UUID, str]]()
    seen: dict[datetime, dict[str, int]] = {}
    days = 0
    for step in [("load", None, None), ("load", 5, 901), *steps, ("replay", None, None)]:
        days += 31 if step[0] == "wait" else 0
        with clock.override(datetime.now(UTC) + timedelta(days=days)):
            take(small, mode, model, source, made, step)
            if step[0] in ("load", "late", "replay"):
                seen[horizon(small)] = dict(model.held)

    assert len(seen) > 1
    for moment, state in seen.items():
        assert known(small, moment) == state, f"what was known at {moment} is another since"
    if len(steps) > 7:  # it takes as long as all the rest
        again = rebuild(hub)
        assert again.same, [found for found in again.tables if not found.same]


def take(
    small: Small, mode: str, model: Model, source: Source, made: list[tuple[UUID, str]], step: tuple[Any, ...]
) -> None:
    """One step, in the hub and in the model, which say the same after it."""
    hub, (kind, one, two) = small.hub, step
    if kind == "load":
        source.say("A", one)
        source.say("B", two)
    elif kind == "rule":
        model.most = one
        publish(small, mode, one)
    elif kind == "wait":
        model.expire()
    elif kind == "late" and mode == "flagged":
        source.late(one, two)
    if kind in ("load", "late"):
        source.write()
        journey.run(hub, FEED)
        model.load(source.read())
    elif kind == "replay":
        journey.replay(hub, FEED)
        model.replay()
    elif kind == "undo":
        if made:
            id, tag = made.pop(one % len(made))
            with hub.begin() as connection:
                undoing.undo(hub, connection, id, reason="看错", actor=WHO)
            if tag in model.waiting:
                case = model.waiting[tag]
                case.decided = [decision for decision in case.decided if decision[0] != id]
    elif one in model.waiting:
        with hub.begin() as connection:
            which = case_of(small, one)
            decision = decide(small, connection, kind, which, two)
        model.waiting[one].decided.append((decision.id, kind, two or 0))
        made.append((decision.id, one))
    if kind in ("load", "late", "replay"):
        assert held(small) == model.held, step
        if kind == "replay":
            assert statuses(small) == {tag: one.status for tag, one in model.waiting.items()}, step


def system_of(mode: str) -> str:
    """The source's document: flagged states may come late."""
    mark = {"full": "", "incremental": "watermark: GXSJ", "flagged": "watermark: GXSJ\n  late: 30d"}[mode]
    made = SYSTEM_TEXT.format(mode=mode, watermark=mark, minimum=0, shrink="100%")
    flag = "flag: {column: BZ, removed: [D], kept: [U]}"
    return made.replace("ignore: [BZ]", {"full": "ignore: [BZ, GXSJ]", "flagged": flag}.get(mode, "ignore: [BZ]"))


def publish(small: Small, mode: str, most: int) -> None:
    """Put the documents into force, with a rule of how much a dog weighs at most."""
    small.publish(mode=mode, system=system_of(mode), contract=CONTRACT.replace("maximum: 200", f"maximum: {most}"))


def decide(small: Small, connection: Any, kind: str, which: tuple[UUID, int], weight: int | None) -> decisions.Decision:
    facts: dict[str, Any] = {"reason": "核实", "actor": WHO}
    if kind == "fix":
        return deciding.fix(small.hub, connection, which, {"weight_kg": str(weight)}, **facts)
    if kind == "excuse":
        until = clock.today() + timedelta(days=30)
        return deciding.excuse(small.hub, connection, [which], ["range"], until, **facts)[0]
    return deciding.dismiss(small.hub, connection, [which], **facts)[0]


def live(small: Small) -> list[dict[str, Any]]:
    with small.hub.read() as connection:
        rows = worklist.page(connection, current(small.hub.home), Filter(status=None), limit=200).rows
    return [found for found in rows if found["status"] != "closed_by_source"]


def case_of(small: Small, tag: str) -> tuple[UUID, int]:
    (found,) = [found for found in live(small) if found["key"][1] == tag]
    return UUID(found["batch"]), found["row_no"]


def statuses(small: Small) -> dict[str, str]:
    return {found["key"][1]: found["status"] for found in live(small)}


def held(small: Small) -> dict[str, int]:
    with small.hub.read() as connection:
        return {line.tag: int(line.weight_kg) for line in connection.execute(text("SELECT * FROM records.pet_licence"))}


def horizon(small: Small) -> datetime:
    with small.hub.read() as connection:
        (moment,) = records.horizon(connection, "pet_licence").values()
        return moment


def known(small: Small, moment: datetime) -> dict[str, int]:
    contract = current(small.hub.home).contracts["pet_licence"]
    with small.hub.read() as connection:
        rows = list(records.read(connection, contract, known_at=moment))
    assert len(rows) == len({line["tag"] for line in rows}), "a record has one version at a moment"
    return {line["tag"]: int(line["weight_kg"]) for line in rows}


@pytest.mark.parametrize("mode", ["full", "incremental", "flagged"])
@hypothesis.settings(
    max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[hypothesis.Phase.generate]
)
@given(steps=st.lists(STEP, min_size=4, max_size=9))
def test_any_history_ends_as_the_model_says(small: Small, mode: str, steps: list[tuple[Any, ...]]) -> None:
    small.write([])
    publish(small, mode, 200)
    with small.hub.begin() as connection:
        connection.execute(text("TRUNCATE records.pet_licence, records.pet_licence_history, libraries.mention"))
        connection.execute(text("TRUNCATE hub.batch CASCADE"))
    walk(small, mode, steps)
