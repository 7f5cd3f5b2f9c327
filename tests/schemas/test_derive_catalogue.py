"""What the catalogue and the masks make of a contract."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from schemas import contract
from schemas.derive import catalogue, masking
from schemas.parts import Cycle
from schemas.types import TYPES
from tests.schemas.documents import CONTRACTS, SMALL, changed


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_every_shipped_contract_is_a_complete_resource(path: Path) -> None:
    found = catalogue.resource(contract.load(path))
    assert found.items
    assert found.share_type != 2 or found.share_condition
    assert all(item.type in catalogue.ITEM_TYPES for item in found.items)


@pytest.mark.parametrize(
    ("cycle", "code"),
    [(Cycle(5, "min"), 1), (Cycle(1, "h"), 1), (Cycle(24, "h"), 2), (Cycle(1, "d"), 2), (Cycle(7, "d"), 3), (Cycle(1, "w"), 3),
     (Cycle(1, "mo"), 4), (Cycle(3, "mo"), 5), (Cycle(6, "mo"), 7), (Cycle(1, "y"), 6)],
)  # fmt: skip
def test_update_cycle_codes_of_the_guideline(cycle: Cycle, code: int) -> None:
    assert catalogue.update_cycle(cycle)[0] == code


@pytest.mark.parametrize(
    ("kind", "letter"),
    [("text", "C"), ("citizen_no", "C"), ("money", "Y"), ("decimal", "N"), ("integer", "I"), ("date", "D"), ("month", "D"),
     ("timestamp", "T"), ("boolean", "L")],
)  # fmt: skip
def test_item_types_of_the_guideline(kind: str, letter: str) -> None:
    assert catalogue.item_type(TYPES[kind]) == letter


def test_an_item_may_be_shared_less_than_its_resource() -> None:
    text = changed(
        "businessName: 面积, logicalType: number",
        "businessName: 面积, logicalType: number, customProperties: [{property: shareType, value: 3}]",
    )
    items = {item.name: item.share_type for item in catalogue.resource(contract.load(text)).items}
    assert (items["area"], items["state"]) == (3, 1)


def test_masking_hides_personal_items_and_drops_unknown_columns() -> None:
    rows = pa.RecordBatch.from_pydict(
        {"permit_no": ["A1"], "holder_name": ["欧阳明"], "holder_no": ["11010519491231002X"], "secret": ["x"]}
    )
    shown = masking.mask(contract.load(SMALL), rows, "list")
    assert shown.schema.names == ["permit_no", "holder_name", "holder_no"]
    assert shown["permit_no"].to_pylist() == ["A1"]
    assert "11010519491231002X" not in shown["holder_no"].to_pylist()
    assert "欧阳明" not in shown["holder_name"].to_pylist()
