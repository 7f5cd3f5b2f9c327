"""Any history of batches, judgements and undoings ends in what the judgements in force make of the records."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.errors import Conflict, Invalid
from libraries import naming
from tests.libraries.registry import Registry
from tests.libraries.test_judgements import Pair, city, judge, undo
from tests.libraries.test_known_as import NAMES, NUMBERS, bring, clear, state, steps

__all__ = ["city"]  # the fixture

CLAIMS = [(number, name) for number in NUMBERS for name in (*NAMES, "李晓明")]
judged_steps = st.lists(
    st.one_of(
        st.tuples(st.just("judge"), st.sampled_from(["same", "different", "unsure"]), st.sampled_from(CLAIMS), st.sampled_from(CLAIMS)),
        st.tuples(st.just("undo"), st.integers(0, 5), st.none(), st.none()),
        steps.map(lambda listed: listed[0]),
    ),
    min_size=2,
    max_size=14,
)  # fmt: skip


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(judged_steps, st.sets(st.integers(0, 13)), st.randoms(use_true_random=False))
def test_the_outcome_is_that_of_the_judgements_in_force(
    city: Registry, done: list[Any], refreshed: set[int], random: Any
) -> None:
    clear(city)
    held: dict[tuple[str, str], dict[str, Any]] = {}
    standing: dict[UUID, tuple[str, Pair]] = {}
    for n, (what, one, other, third) in enumerate(done):
        if what == "judge":
            try:
                made = judge(city, one, other, third, unseen=True)
            except (Conflict, Invalid):
                continue
            pair: Pair = (other, third)
            standing = {id: kept for id, kept in standing.items() if set(kept[1]) != set(pair)}
            standing[made.decision.id] = (one, pair)
        elif what == "undo":
            if standing:
                id = list(standing)[one % len(standing)]
                undo(city, id)
                standing.pop(id)
        else:
            bring(city, held, (what, one, other, third))
        if n in refreshed:
            city.refresh(chunk=1)
    city.refresh(chunk=1)
    outcome = state(city)
    assert not any(pending for *_, pending in outcome[1])
    assert city.refresh(chunk=1).refreshed == 0
    nobody_elses(city)

    clear(city)
    again: list[tuple[str, Any]] = [
        *(("put", one) for one in held.items()),
        *(("judge", one) for one in standing.values()),
    ]
    random.shuffle(again)
    for what, one in again:
        if what == "put":
            city.put(one[0][0], one[1])
        else:
            judge(city, one[0], *one[1], unseen=True)
    city.refresh()
    assert state(city) == outcome


def nobody_elses(registry: Registry) -> None:
    """Whoever is asked about by a claim that is linked, nothing that is linked to somebody else is taken for theirs."""
    linked = {(number, name): entity for *_, number, name, entity, _ in registry.links() if number and name and entity}
    with registry.hub.read() as connection:
        for (number, name), entity in linked.items():
            named = naming.resolve(connection, number, name)
            assert named is not None
            theirs = {of for claim, of in linked.items() if named.owns(*claim)}
            assert theirs == {entity}, (number, name, theirs)
