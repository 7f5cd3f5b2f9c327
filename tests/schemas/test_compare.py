"""Two versions of a contract: what survives and what does not."""

from __future__ import annotations

import pytest

from schemas.compare import breaking, compare
from schemas.contract import load
from tests.schemas.documents import SMALL, changed

NEW_ITEM = "  - {name: note, businessName: 备注, logicalType: string}\n  quality:"

ADDITIVE = [
    ("  quality:", NEW_ITEM, "note"),
    ("businessName: 面积", "businessName: 用地面积", "area"),
    ("maximum: 1000", "maximum: 2000", "area"),
    ("maximum: 1000", "maximum: 500", "area"),
    ("{value: open, label: 有效}", "{value: open, label: 有效}, {value: paused, label: 暂停}", "state"),
    ("{value: open, label: 有效}", "{value: open, label: 生效}", "state"),
    ("name: starts_on, businessName: 起", "name: starts_on, required: true, businessName: 起", "starts_on"),
    ("classification: personal}", "classification: sensitive}", "holder_name"),
    ("name: 许可", "name: 行政许可", ""),
    ("value: 1, unit: d", "value: 1, unit: w", ""),
    ("mustBeGreaterOrEqualTo: 1", "mustBeGreaterOrEqualTo: 2", ""),
]
BREAKING = [
    ("logicalType: date}", "logicalType: timestamp}", "starts_on"),
    ("name: area", "name: surface", "area"),
    (
        "businessName: 起, logicalType: date}",
        "businessName: 起, logicalType: date, primaryKey: true, primaryKeyPosition: 2}",
        "",
    ),
    ("{value: open, label: 有效}, ", "", "state"),
    ("value: identity_no}, {property: kindItem, value: holder_kind}", "value: citizen_no}", "holder_no"),
    ("value: identity_kind", "value: sex", "holder_kind"),
    ("separator: 、", "separator: ;", "holder_no"),
    ("domain: parks", "domain: gardens", ""),
]


@pytest.mark.parametrize(("old", "new", "item"), ADDITIVE)
def test_additive(old: str, new: str, item: str) -> None:
    changes = compare(load(SMALL), load(changed(old, new)))
    assert [(change.kind, change.item) for change in changes] == [("additive", item)]
    assert changes[0].message.zh
    assert changes[0].remedy.en


@pytest.mark.parametrize(("old", "new", "item"), BREAKING)
def test_breaking(old: str, new: str, item: str) -> None:
    # Its contribution would name a value that is gone with the code list.
    after = changed(old, new).replace("when: {holder_kind: [identity_card]}, " if "sex" in new else "\0", "")
    changes = breaking(load(SMALL), load(after))
    assert item in [change.item for change in changes]
    assert all(change.remedy.zh and change.message.en for change in changes)
    assert compare(load(SMALL), load(after))[0].kind == "breaking"


def test_the_same_contract_has_no_changes() -> None:
    assert compare(load(SMALL), load(SMALL.replace("status: active", "status: draft"))) == []
