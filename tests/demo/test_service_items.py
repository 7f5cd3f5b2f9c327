"""The city's service items ask for certificates that are there, with parameters that these take."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog_registry import service_items
from catalog_registry.certificate_checks import in_force
from certificates.parameters import understand
from schemas.document import read

TYPES = {path.stem: path.read_text("utf-8") for path in Path("schemas/certificates").glob("*.yaml")}


@pytest.mark.parametrize(
    "path", sorted(Path("demo/data/service_items").glob("*.yaml")), ids=lambda path: str(path.stem)
)
def test_a_service_item_asks_for_what_is_there(path: Path) -> None:
    item = service_items.load(path)
    service_items.check(item, TYPES, read(path))
    assert item.id == path.stem and item.certificates
    for demand in item.certificates:
        made = in_force(TYPES, demand.type)
        assert understand(made, demand.parameters, "") == dict(demand.parameters)
        assert demand.material and (not demand.declarable or made.authority is not None)
