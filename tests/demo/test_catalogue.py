"""The city's metadata in full size: as many as it says, the same every time, and what a registry accepts."""

from __future__ import annotations

from collections import Counter

import pytest

from connectors import system
from demo import catalogue
from schemas import contract, department, listing
from schemas.listing import Listing
from schemas.published import shipped


@pytest.fixture(scope="module")
def listings() -> dict[str, Listing]:
    return {unit.id: listing.load(unit.listing, file=unit.id) for unit in catalogue.units()}


def test_sixty_units_397_systems_and_2066_resources(listings: dict[str, Listing]) -> None:
    assert len(listings) == 60 and all(unit == each.department for unit, each in listings.items())
    assert sum(len(each.systems) for each in listings.values()) == catalogue.SYSTEMS
    having = [each for each in listings.values() if each.resources]
    assert len(having) == 48 and sum(len(each.resources) for each in having) == catalogue.RESOURCES
    assert {len(each.items) for one in having for each in one.resources} <= set(range(5, 26))
    assert Counter(each.zero_report for each in listings.values() if not each.resources) == {True: 7, False: 5}
    ids = [one.id for each in listings.values() for one in each.resources]
    assert len(set(ids)) == len(ids)
    for unit in catalogue.units():
        if unit.department:
            department.load(unit.department)


def test_it_is_a_city_and_not_one_row_many_times(listings: dict[str, Listing]) -> None:
    every = [one for each in listings.values() for one in each.resources]
    assert {one.share_type for one in every} == {1, 2, 3} and len({one.cycle for one in every}) == 8
    assert (
        len({one.format for one in every}) >= 6
        and len({item.title for one in every for item in one.items.values()}) > 1000
    )
    assert len({one.title for one in every}) > 0.99 * len(every)


def test_the_same_seed_gives_the_same_city() -> None:
    assert catalogue.units(7) == catalogue.units(7) != catalogue.units(8)


def test_it_stands_beside_what_is_connected(listings: dict[str, Listing]) -> None:
    documents = shipped([("system", path) for path in system.paths()])
    connected = {doc.id for doc in documents if doc.kind == "system"}
    assert connected <= {one.id for each in listings.values() for one in each.systems}
    assert {unit.id for unit in catalogue.units() if unit.department is None} == {
        doc.id for doc in documents if doc.kind == "department"
    }
    for doc in documents:
        if doc.kind == "contract":
            made = contract.load(doc.text, file=doc.path, vouched=True)
            assert made.title not in {one.title for one in listings[made.department].resources}
