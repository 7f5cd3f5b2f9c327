"""Any history of loads, decisions, undoings and replays ends as a plain model says: of each record what the source says, or
what was decided of its waiting row, or what was held before that row came."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text

from core import clock, decisions
from core.actor import Actor
from libraries import records
from pipeline import deciding, journey, undoing, worklist
from pipeline.worklist import Filter
from schemas.published import current
from tests.pipeline.small import FEED, Small, row

WHO = Actor("steward")
#: what the source says of a record: a weight (201 and more break a rule), or nothing
SAID = st.sampled_from([None, 5, 6, 901, 902])
TAGS = ("A", "B")
STEP = st.one_of(
    st.tuples(st.just("load"), SAID, SAID),
    st.tuples(st.just("fix"), st.sampled_from(TAGS), st.integers(20, 22)),
    st.tuples(st.just("excuse"), st.sampled_from(TAGS), st.none()),
    st.tuples(st.just("dismiss"), st.sampled_from(TAGS), st.none()),
    st.tuples(st.just("undo"), st.integers(0, 5), st.none()),
    st.tuples(st.just("replay"), st.none(), st.none()),
)


@dataclass
class Waiting:
    """A row that waits, in the model: what it says, what was held when it came, and what was decided of it."""

    said: int
    before: int | None
    decided: list[tuple[UUID, str, int]] = field(default_factory=list)

    @property
    def dismissed(self) -> bool:
        return bool(self.decided) and self.decided[-1][1] == "dismiss"

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
    """What should be."""

    held: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)

    def replay(self) -> None:
        for tag, one in self.waiting.items():
            self.put(tag, one.value())

    def load(self, said: dict[str, int | None]) -> None:
        self.replay()
        for tag, weight in said.items():
            known = self.waiting.get(tag)
            if weight is not None and weight > 200:
                if known is None or known.said != weight:
                    self.waiting[tag] = Waiting(weight, self.held.get(tag))
            else:
                self.waiting.pop(tag, None)
                self.put(tag, weight)

    def put(self, tag: str, weight: int | None) -> None:
        if weight is None:
            self.held.pop(tag, None)
        else:
            self.held[tag] = weight


def walk(small: Small, steps: list[tuple[Any, ...]]) -> None:
    hub, model, made = small.hub, Model(), list[tuple[UUID, str]]()
    source: dict[str, int | None] = {"A": 5, "B": None}
    seen: dict[datetime, dict[str, int]] = {}
    for step in [("load", None, None), ("load", 5, 901), *steps, ("replay", None, None)]:
        kind, one, two = step
        if kind == "load":
            source = {"A": one, "B": two}
            small.write([row(tag, weight=weight) for tag, weight in source.items() if weight is not None])
            journey.run(hub, FEED)
            model.load(source)
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
        if kind in ("load", "replay"):
            assert held(small) == model.held, step
            seen[horizon(small)] = dict(model.held)
            if kind == "replay":
                assert statuses(small) == {tag: one.status for tag, one in model.waiting.items()}, step

    assert len(seen) > 1
    for moment, state in seen.items():
        assert known(small, moment) == state, f"what was known at {moment} is another since"


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


@hypothesis.settings(
    max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[hypothesis.Phase.generate]
)
@given(steps=st.lists(STEP, min_size=4, max_size=9))
def test_any_history_ends_as_the_model_says(small: Small, steps: list[tuple[Any, ...]]) -> None:
    small.write([])
    small.publish(shrink="100%")
    walk(small, steps)
