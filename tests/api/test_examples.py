"""Examples of the API's document name what is there: service items of the demo city, datasets, items, codes, feeds, types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from catalog_registry import service_items
from schemas.derive import expectations
from tests.house.tree import ROOT
from tests.libraries.registry import SHIPPED

EXAMPLES = json.loads(resources.files("api").joinpath("pages/examples.json").read_text("utf-8"))
ITEMS = {one.id: one for one in map(service_items.load, (ROOT / "demo/data/service_items").glob("*.yaml"))}
SYSTEMS = {path.stem for path in (ROOT / "connectors/systems").rglob("*.yaml")}
TYPES = {path.stem for path in (ROOT / "schemas/certificates").glob("*.yaml")}


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in an example, at whatever depth."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(child)


@pytest.mark.parametrize("operation", EXAMPLES)
def test_examples_name_what_there_is(operation: str) -> None:
    for said in objects(EXAMPLES[operation]):
        if (dataset := said.get("dataset")) is not None:
            contract = SHIPPED.contracts[dataset]
            for code in [said["code"]] if "raw" in said and "code" in said else said.get("suggestions", ()):
                code = code if isinstance(code, str) else code["code"]
                assert contract.item(said["item"]).label(code), (operation, code)
            assert said.get("rule") is None or said["rule"] in expectations.rules(contract), operation
            assert isinstance(said.get("key"), list | str | None) or set(said["key"]) == set(contract.key), operation
        if isinstance(said.get("feed"), str):
            system, _, dataset = said["feed"].partition(".")
            assert system in SYSTEMS and dataset in SHIPPED.contracts, operation
        if isinstance(said.get("system"), str):
            assert said["system"] in SYSTEMS, operation


def test_the_question_is_one_that_the_demo_city_answers() -> None:
    asked = EXAMPLES["post /v1/certificates/queries"]
    item = ITEMS[asked["request"]["service_item"]]
    assert {one["type"] for one in asked["request"]["certificates"]} <= set(item.types) <= TYPES
    assert asked["200"]["service_item"] == {"id": item.id, "name": item.name}
    (listed,) = EXAMPLES["get /v1/service-items"]["200"]["service_items"]
    assert listed["id"] in ITEMS and {one["type"] for one in listed["certificates"]} <= set(ITEMS[listed["id"]].types)
