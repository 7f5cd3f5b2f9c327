"""Contracts: every shipped one loads; every broken one is refused at its place with a remedy."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from core.errors import DocumentRefused
from schemas import contract
from schemas.contract import Contract
from tests.schemas.documents import CONTRACTS, SMALL, changed


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_shipped_contract(path: Path) -> None:
    found = contract.load(path)
    assert path.name == f"{found.id}.odcs.yaml"
    assert path.parent.name == found.department
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in item.title) for item in found.items)
    for subject in found.subjects:  # numbers and names of persons are personal
        if found.item(subject.id).type.name in ("citizen_no", "identity_no"):
            assert found.item(subject.id).personal
            assert subject.name is None or found.item(subject.name).personal
    for item in found.items:
        if item.type.name in ("citizen_no", "identity_no", "person_name", "phone"):
            assert item.personal, item.name


def test_there_are_contracts() -> None:
    assert len(CONTRACTS) >= 11


def test_compiled_view() -> None:
    found = contract.load(SMALL)
    assert found.key == ("permit_no",)
    assert found.item("area").options.maximum == 1000
    assert found.item("state").enum == {"open": ("有效", "open"), "closed": ("失效", "closed")}
    assert found.item("state").type.name == "code"
    assert (found.item("holder_no").separator, found.item("holder_no").pair) == ("、", None)
    assert found.arrow_schema.field("starts_on").type == pa.date32()
    assert found.relationships[0].other_item == "permit_no"
    assert found.cycle.period.days == 1
    with pytest.raises(KeyError):
        found.item("nothing")


def test_multiplier_pair_and_composite_key() -> None:
    text = changed(
        "logicalTypeOptions: {minimum: 0, maximum: 1000}",
        "customProperties: [{property: valueType, value: money}, {property: multiplier, value: 10000}]",
    )
    text = changed("separator: 、", 'separator: ";", pair: ":"', text)
    text = changed("logicalType: date}", "logicalType: date, primaryKey: true, primaryKeyPosition: 1}", text)
    text = changed("primaryKey: true, required", "primaryKey: true, primaryKeyPosition: 2, required", text)
    found: Contract = contract.load(text)
    assert found.item("area").options.multiplier == 10000
    assert found.item("holder_no").pair == ":"
    assert found.item("holder_name").pair is None
    assert found.key == ("starts_on", "permit_no")


_OPTIONS = "schema[0].properties[4].logicalTypeOptions"
_STARTS = "schema[0].properties[6]"
_ROWS = "type: library, metric: rowCount, mustBeGreaterOrEqualTo: 1"
_OWN = "type: custom, engine: great-expectations, implementation: "
_RULE = "schema[0].quality[0]"
_LEFT_OUT = ("quality: [{id: odd, type: custom, engine: great-expectations, severity: warning, "
             "implementation: {type: expect_column_values_to_be_between, kwargs: {max_value: 500}}, "
             "customProperties: [{property: keepValue, value: false}]}]")  # fmt: skip
_AREA = "{minimum: 0, maximum: 1000}}"
_AREA_RULE = "schema[0].properties[4].quality[0]"


def _left_out(old: str = "", new: str = "") -> str:
    """The area's line with a rule that leaves doubtful values out, one piece of it replaced."""
    assert old in _LEFT_OUT
    return _AREA[:-1] + ", " + _LEFT_OUT.replace(old, new, 1) + "}"


BROKEN = [
    ("businessName: 面积", "busnessName: 面积", "schema[0].properties[4].busnessName", "businessName"),
    ("slaProperties:", "slaPropertys:", "slaPropertys", "slaProperties"),
    ("value: identity_no", "value: identity_number", "schema[0].properties[3].valueType", "identity_no"),
    ("value: identity_kind", "value: identity_kinds", "schema[0].properties[2].codeList", "identity_kind"),
    ("name: area", "name: Area", "schema[0].properties[4].name", "lower-case"),
    ("name: area", "name: 面积", "schema[0].properties[4].name", "businessName"),
    ("name: area", "name: a__reasons", "schema[0].properties[4].name", "single underscores"),
    ("name: area", "name: state", "schema[0].properties[5].name", "Rename"),
    ("name: area", "name: " + "a" * 41, "schema[0].properties[4].name", "40 characters"),
    ("separator: 、", "separator: ～", "schema[0].subjects[0].separator", "、"),
    ("separator: 、", "seperator: 、", "schema[0].subjects[0].seperator", "separator"),
    ("id: holder_no,", "id: holder_nr,", "schema[0].subjects[0].id", "holder_no"),
    ("name: holder_name, separator", "name: holder, separator", "schema[0].subjects[0].name", "holder_name"),
    ("role: holder, when", "role: owner, when", "schema[0].contributes[0].role", "holder"),
    ("citizen_no: holder_no", "citizen_no: holder", "schema[0].contributes[0].items.citizen_no", "holder_no"),
    ("[identity_card]", "[identity_crad]", "schema[0].contributes[0].when.holder_kind", "identity_card"),
    ("value: holder_kind", "value: holder_kinds", "schema[0].properties[3].kindItem", "holder_kind"),
    ("value: holder_kind", "value: state_of", "schema[0].properties[3].kindItem", "state"),
    ("property: kindItem", "property: kindItme", "schema[0].properties[3].customProperties[1].property", "kindItem"),
    ("property: catalogue", "property: catalog", "schema[0].customProperties[2].property", "catalogue"),
    ("shareType: 1", "shareType: 2", "schema[0].catalogue", "Correct"),
    ("shareType: 1", "shareType: 9", "schema[0].catalogue.shareType", "Correct"),
    ("from: permit.permit_no", "from: permit.permit", "schema[0].relationships[0].from", "permit_no"),
    ("from: permit.permit_no", "from: licence.permit_no", "schema[0].relationships[0].from", "permit"),
    ("primaryKey: true, ", "", "schema[0].properties", "primaryKey"),
    ("primaryKey: true", "primaryKey: true, primaryKeyPosition: 3", "schema[0].properties", "primaryKeyPosition"),
    ("minimum: 0, maximum: 1000", "minimum: 10, maximum: 1", _OPTIONS, "Correct"),
    ("minimum: 0, maximum: 1000", "multipleOf: 5", "schema[0].properties[4].logicalTypeOptions.multipleOf", "minimum"),
    ("logicalType: date}", "logicalType: date, logicalTypeOptions: {minimum: 1949-13-01}}",
     _STARTS + ".logicalTypeOptions.minimum", "1949-10-01"),
    ("logicalType: date}", "logicalType: dat}", "schema[0].properties[6].logicalType", "date"),
    ("logicalType: date}", "logicalType: string, customProperties: [{property: valueType, value: date}]}",
     _STARTS + ".logicalType", "date"),
    ("logicalType: date}", "logicalType: time}", "schema[0].properties[6].logicalType", "timestamp"),
    ("logicalType: date}", "logicalType: date, unique: true}", "schema[0].properties[6].unique", "enum"),
    ("{value: open, label: 有效}", "{value: Open, label: 有效}", "schema[0].properties[5].enum[0].value", "lower-case"),
    ("{value: open, label: 有效}", "{value: open}", "schema[0].properties[5].enum[0].label", "label"),
    ("{value: open, label: 有效}", "{value: closed, label: 有效}", "schema[0].properties[5].enum[1].value", "one"),
    ("classification: personal}", "classification: private}", "schema[0].properties[1].classification", "personal"),
    ("metric: rowCount", "metric: invalidValues", "schema[0].quality[0].metric", "rowCount"),
    ("metric: rowCount", "metric: nullValues", "schema[0].quality[0]", "item"),
    ("severity: error", "severity: fatal", "schema[0].quality[0].severity", "error"),
    ("type: library, metric: rowCount", "type: sql, query: select 1", "schema[0].quality[0].type", "library"),
    (_ROWS, _OWN + "{type: expect_column_values_to_match_regex}", _RULE + ".implementation.type", "expect_column_values"),
    (_ROWS, _OWN + "{type: expect_column_values_to_not_be_null, kwargs: {column: aera}}",
     _RULE + ".implementation.kwargs.column", "area"),
    (_ROWS, "type: custom, engine: soda, implementation: x", _RULE + ".engine", "great-expectations"),
    (_AREA, _left_out("property: keepValue", "property: keepvalue"), _AREA_RULE + ".customProperties[0].property", "keepValue"),
    (_AREA, _left_out("value: false", "value: 'no'"), _AREA_RULE + ".keepValue", "keepValue: false"),
    (_AREA, _left_out("severity: warning", "severity: error"), _AREA_RULE + ".severity", "severity: warning"),
    (_AREA, _left_out("{max_value: 500}", "{column: starts_on}"), _AREA_RULE + ".keepValue", "own quality"),
    (_ROWS, _ROWS + ", customProperties: [{property: keepValue, value: false}]", _RULE + ".keepValue", "own quality"),
    ("property: frequency", "property: frequenzy", "slaProperties[0].property", "frequency"),
    ("unit: d}", "unit: fortnight}", "slaProperties[0].unit", "d"),
    ("value: 1, unit: d", "value: 0, unit: d", "slaProperties[0].value", "Correct"),
    ("slaProperties: [{property: frequency, value: 1, unit: d}]", "slaProperties: []", "slaProperties", "frequency"),
    ("id: permit\n", "id: permit_history\n", "id", "_history"),
    ("id: permit\n", "id: permits\n", "schema[0].name", "permits"),
    ("domain: parks\n", "", "domain", "Add"),
    ("kind: DataContract\n", "", "kind", "Add"),
    ("version: 1.0.0", "version: v1", "version", "1.0.0"),
    ("apiVersion: v3.2.0", "apiVersion: v4.0.0", "apiVersion", "v3"),
    ("apiVersion: v3.2.0", "apiVersion: v2.2.2", "apiVersion", "v3.2.0"),
    ("status: active\n", "status: active\nservers: []\n", "servers", "Known"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"), BROKEN, ids=lambda part: part[:40] if isinstance(part, str) else None
)
def test_broken_contract_is_refused_at_its_place(old: str, new: str, path: str, remedy: str, tmp_path: Path) -> None:
    file = tmp_path / "permit.odcs.yaml"
    file.write_text(changed(old, new), "utf-8")
    with pytest.raises(DocumentRefused) as refused:
        contract.load(file)
    assert refused.value.file == str(file)
    assert refused.value.path == path
    assert remedy in refused.value.remedy.en  # type: ignore[union-attr]
    assert refused.value.remedy.zh  # type: ignore[union-attr]
    assert "line " in refused.value.message.en or not refused.value.path  # type: ignore[union-attr]


def test_a_doubtful_value_may_be_left_out() -> None:
    found = contract.load(changed(_AREA, _left_out()))
    assert found.unkept == {"area"}
    assert contract.load(changed(_AREA, _left_out("value: false", "value: true"))).unkept == frozenset()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name: area,", "name: area, primaryKey: true, primaryKeyPosition: 2,", "part of the key"),
        ("name: area,", "name: area, required: true,", "required"),
        ("name: holder_name, separator: 、", "name: area", "a subject's name"),
        ("id: holder_no, name: holder_name, separator: 、", "id: holder_no, otherwise: area", "a subject's number"),
        ("from: permit.permit_no", "from: permit.area", "the end of a relationship"),
        ("property: subjects", "property: withheld, value: [{area: {above: 5}}]}\n  - {property: subjects",
         "a condition of what is withheld"),
        ("when: {", "succession: area, when: {", "a condition of a contribution"),
    ],
)  # fmt: skip
def test_what_a_row_hangs_on_is_never_left_out(old: str, new: str, why: str) -> None:
    text = changed(_AREA, _left_out())
    if "primaryKey" in new:
        text = changed("primaryKey: true, required", "primaryKey: true, primaryKeyPosition: 1, required", text)
    with pytest.raises(DocumentRefused) as refused:
        contract.load(changed(old, new, text))
    assert refused.value.path == "schema[0].properties[4].quality[0].keepValue"
    assert f"area is {why}" in refused.value.message.en  # type: ignore[union-attr]


@pytest.mark.parametrize("word", ["validFrom", "validTo"])
def test_the_time_of_a_row_is_never_left_out(word: str) -> None:
    text = changed("{name: starts_on, businessName: 起, logicalType: date}",
                   "{name: starts_on, businessName: 起, logicalType: date, " + _LEFT_OUT.replace("max_value: 500", "") + "}")  # fmt: skip
    text = changed("property: subjects", f"property: {word}, value: starts_on}}\n  - {{property: subjects", text)
    with pytest.raises(DocumentRefused) as refused:
        contract.load(text)
    assert "the time a row is valid" in refused.value.message.en  # type: ignore[union-attr]
