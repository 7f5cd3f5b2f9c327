"""docs/how-to/list-resources.md: the example is listed, found, and becomes live under the code it was given."""

from __future__ import annotations

from pathlib import Path

from catalog_registry import publication, resources
from catalog_registry.pages import Asked
from core.actor import SYSTEM
from core.hub import Hub

EXAMPLE = Path(__file__).parents[2] / "docs" / "how-to" / "example"


def test_the_example_is_listed_then_connected(hub: Hub) -> None:
    listed = [
        publication.load("department", EXAMPLE / "department.yaml"),
        publication.load("listing", EXAMPLE / "dogs.listing.yaml"),
    ]
    publication.register(hub, listed, SYSTEM)

    def lines(q: str) -> list[tuple[str, str, bool]]:
        with hub.read() as connection:
            page = resources.listed(hub, connection, Asked(q))
        return [(line["dataset"], line["code"], line["live"]) for line in page.lines]

    [(dataset, code, live), *_] = lines("养犬")
    assert (dataset, live) == ("dog_licence", False) and lines("qzbh")[0][0] == "dog_licence"
    publication.register(hub, [publication.load("contract", EXAMPLE / "dog_licence.odcs.yaml")], SYSTEM)
    assert lines("养犬")[0] == ("dog_licence", code, True)
