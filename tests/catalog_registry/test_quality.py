"""Quality in six dimensions: fractions that can be counted by hand, of a batch and of what is held now."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog_registry import quality
from core.errors import BatchBlocked
from core.hub import Hub
from monitoring import health
from pipeline import check_findings, checks, journey
from pipeline import quality as formulas
from pipeline.quality import Measure
from schemas import contract, published
from tests.libraries.registry import Registry
from tests.pipeline.small import CONTRACT, FEED, Small, row
from tests.pipeline.test_checks import CODE, EMPLOYER, STEWARD, account, document, found, registry

__all__ = ["registry"]


def measured(hub: Hub, dataset: str = "pet_licence") -> quality.Quality:
    quality.measure_due(hub)
    with hub.read() as connection:
        found = quality.read(connection, published.current(hub.home), dataset)
    assert found is not None
    return found


def small_of(hub: Hub, tmp_path: Path) -> Small:
    small = Small(hub, tmp_path / "pets.db")
    small.publish()
    return small


def test_elements_are_what_the_contract_asks_of_a_row() -> None:
    found = formulas.elements(contract.load(CONTRACT))
    needed = CONTRACT.replace("name: weight_kg,", "name: weight_kg, required: true,")
    assert formulas.elements(contract.load(needed)) == found + Counter(completeness=1)
    listed = CONTRACT.replace("businessName: 犬牌号,", "businessName: 犬牌号, enum: [{value: a1, label: 一}],")
    assert formulas.elements(contract.load(listed))["conformity"] == found["conformity"] + 1


def test_a_batch_and_what_is_held_are_counted_in_elements(hub: Hub, tmp_path: Path) -> None:
    small = small_of(hub, tmp_path)
    per_row = formulas.elements(contract.load(CONTRACT))
    small.write([row("A1"), row("A2", weight=-1), row("A3", number="110105194912310021"), row("A4", owner="")])
    batch = journey.run(hub, FEED)
    assert batch is not None
    own = formulas.in_evidence(batch.evidence)
    for one in (own, measured(hub).measures):
        assert one["completeness"] == Measure(4 * per_row["completeness"] - 1, 4 * per_row["completeness"])
        assert one["accuracy"] == Measure(4 * per_row["accuracy"] - 2, 4 * per_row["accuracy"])
        assert one["consistency"].score == 100.0
        assert one["timeliness"].score == one["accessibility"].score == 100.0
    small.write([row("A1"), row("A2"), row("A3"), row("A4")])
    journey.run(hub, FEED)
    assert {one.score for one in measured(hub).measures.values()} == {100.0}
    (line,) = [one for one in health.datasets(hub) if one.dataset == "pet_licence"]
    assert line.quality == 100.0 and set(line.dimensions.values()) == {100.0}


def test_runs_that_brought_nothing_and_late_data_are_said(hub: Hub, tmp_path: Path) -> None:
    small = small_of(hub, tmp_path)
    small.write([row("A1")])
    journey.run(hub, FEED)
    small.write([])
    with pytest.raises(BatchBlocked):
        journey.run(hub, FEED)
    assert measured(hub).measures["accessibility"] == Measure(1, 2)
    small.write([row("A1"), row("A2")])
    with hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET landed_at = landed_at - interval '10 days'"))
    batch = journey.run(hub, FEED)
    assert batch is not None
    own = formulas.in_evidence(batch.evidence)
    assert (
        own["accessibility"] == Measure(1, 2) and 9.5 < (own["timeliness"].score or 0) <= 10
    )  # a daily promise, ten days
    with hub.begin() as connection:
        connection.execute(text("UPDATE hub.batch SET landed_at = landed_at - interval '30 days'"))
    assert 4 < (measured(hub).measures["timeliness"].score or 0) < 6  # a day and a half of grace, thirty days


def test_what_checks_find_counts_in_their_dimension(registry: Registry) -> None:
    hub = registry.hub
    checks.run(hub)
    with hub.begin() as connection:
        for dataset in ("account", "firm"):
            quality.measure(connection, published.current(hub.home), dataset)
        rows = {
            (line.dataset, line.dimension): (line.good, line.assessed)
            for line in connection.execute(text("SELECT * FROM hub.quality"))
        }
    for dataset, held in (("account", 3), ("firm", 2)):
        per_row = formulas.elements(registry.contract(dataset))["consistency"]
        assert rows[dataset, "consistency"] == (held * (per_row + 1) - 1, held * (per_row + 1))


def test_what_is_set_aside_lowers_nothing_and_what_is_behind_is_not_timely(registry: Registry) -> None:
    """A check of timeliness takes its share of 时效性; a finding that a person set aside takes none."""
    hub = registry.hub
    checks.run(hub)
    (finding,) = found(hub, "employer_gone")
    now = published.current(hub.home)

    def share(dataset: str, dimension: str) -> float:
        with hub.begin() as connection:
            quality.measure(connection, now, dataset)
            line = connection.execute(
                text("SELECT good, assessed FROM hub.quality WHERE (dataset, dimension) = (:dataset, :dimension)"),
                {"dataset": dataset, "dimension": dimension},
            ).one()
            return float(line.good / line.assessed)

    assert share("account", "consistency") < 1.0 and share("account", "timeliness") == 1.0
    with hub.begin() as connection:
        check_findings.dismiss(connection, finding.id, reason="分公司承接", actor=STEWARD)
    assert share("account", "consistency") == 1.0
    registry.publish(
        extra=[document(EMPLOYER.replace("remedy", "dimension: timeliness\nremedy").replace("1.0.0", "1.0.1"))]
    )
    registry.put("account", account("2", CODE, "一号茶业有限公司"))
    registry.refresh()
    checks.run(hub)
    assert share("account", "timeliness") == 2 / 3 and share("account", "consistency") == 1.0


@given(good=st.integers(0, 10**7), bad=st.integers(0, 10**7))
def test_a_hundred_is_said_only_when_nothing_is_amiss(good: int, bad: int) -> None:
    measure = Measure(good, good + bad)
    if good + bad:
        assert (measure.score == 100.0) == (bad == 0)
        assert (formulas.overall({"x": measure, "y": Measure(0, 0)}) == 100.0) == (bad == 0)
    else:
        assert measure.score is None and formulas.overall({"x": measure}) is None


def test_a_cycle_is_kept_or_kept_in_part() -> None:
    day = timedelta(days=1)
    assert formulas.kept(day, timedelta(hours=3)).score == 100.0
    assert formulas.kept(day, 4 * day).score == 25.0
