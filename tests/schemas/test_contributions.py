"""Contributions through a reference, codes, holders: what is wrong is refused where it stands, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DocumentRefused
from schemas import contract, library, links
from tests.schemas.documents import LIBRARIES

CHANGE = """\
apiVersion: v3.2.0
kind: DataContract
id: change
name: 变动
version: 1.0.0
status: active
domain: police
schema:
- name: change
  logicalType: object
  properties:
  - {name: change_id, businessName: 编号, logicalType: string, primaryKey: true, required: true}
  - {name: person_id, businessName: 人员, logicalType: string}
  - {name: kind, businessName: 类型, logicalType: string, enum: [{value: renamed, label: 更名}, {value: other, label: 其他}]}
  - {name: before, businessName: 变动前, logicalType: string}
  - {name: witness_no, businessName: 证人, logicalType: string, customProperties: [{property: valueType, value: citizen_no}]}
  relationships:
  - {from: change.person_id, to: person.person_id}
  customProperties:
  - {property: subjects, value: [{role: witness, id: witness_no}]}
  - property: contributes
    value:
    - {library: population, through: person_id, role: resident, when: {kind: [renamed]}, items: {former_names: before}}
  - {property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface}}
slaProperties: [{property: frequency, value: 1, unit: d}]
"""
PERSON = """\
apiVersion: v3.2.0
kind: DataContract
id: person
name: 人员
version: 1.0.0
status: active
domain: police
schema:
- name: person
  logicalType: object
  properties:
  - {name: person_id, businessName: 编号, logicalType: string, primaryKey: true, required: true}
  - {name: citizen_no, businessName: 号码, logicalType: string, customProperties: [{property: valueType, value: citizen_no}]}
  customProperties:
  - {property: subjects, value: [{role: resident, id: citizen_no}]}
  - {property: catalogue, value: {resourceClass: base, shareType: 1, shareMethod: interface}}
slaProperties: [{property: frequency, value: 1, unit: d}]
"""
SHIPPED = {found.id: found for found in map(library.load, LIBRARIES)}
HERE = "schema[0].contributes[0]"


def refused(change: str, person: str = PERSON) -> DocumentRefused:
    others = {"person": contract.load(person)}
    with pytest.raises(DocumentRefused) as error:
        links.check(contract.load(change, file="change.yaml"), others.get, SHIPPED.get, file="change.yaml")
    assert error.value.file == "change.yaml"
    return error.value


def changed(old: str, new: str, text: str = CHANGE) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_a_contribution_through_a_reference_loads() -> None:
    found = contract.load(CHANGE)
    links.check(found, {"person": contract.load(PERSON)}.get, SHIPPED.get, file="change.yaml")
    assert found.contributes[0].through == "person_id" and found.referred("person_id").dataset == "person"
    links.check(found, {}.get, SHIPPED.get, file="change.yaml")  # documents come in any order


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"),
    [
        ("through: person_id", "through: person", f"{HERE}.through", "person_id"),
        ("through: person_id", "through: before", f"{HERE}.through", "Write one relationship that starts at before"),
        ("through: person_id, role: resident", "through: person_id, role: witness", f"{HERE}.role", "dataset referred to"),
        ("role: resident", "role: residents", f"{HERE}.role", "resident"),
        ("former_names: before", "former_name: before", f"{HERE}.items.former_name", "former_names"),
        ("items: {former_names: before}", "items: {citizen_no: before}", f"{HERE}.items.citizen_no", "knownAs"),
        ("items: {former_names: before}", "items: {}", HERE, "Correct"),
        ("items: {former_names: before}", "items: {former_names: before}, holders: [witness]", f"{HERE}.holders", "Drop"),
        ("items: {former_names: before}", "items: {former_names: before}, holders: [witnes]", f"{HERE}.holders", "witness"),
        ("items: {former_names: before}", "items: {former_names: before}, succession: unit", f"{HERE}.succession", ""),
        ("{former_names: before}", "{former_names: kind}, codes: {former_names: {rename: 甲}}",
         f"{HERE}.codes.former_names", "renamed"),
        ("{former_names: before}", "{former_names: before}, codes: {name: {a: b}}", f"{HERE}.codes.name", "former_names"),
        ("id: witness_no}", "id: witness_no, otherwise: witnes_no}", "schema[0].subjects[0].otherwise", "witness_no"),
        ("id: witness_no}", "id: witness_no, otherwise: before, separator: ;}", "schema[0].subjects[0]", "Correct"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_refused_at_its_place(old: str, new: str, path: str, remedy: str) -> None:
    error = refused(changed(old, new))
    assert error.path == path and remedy in error.remedy.en  # type: ignore[union-attr]


def test_a_reference_leads_to_the_whole_key_of_one_subject() -> None:
    two = changed("role: resident, id: citizen_no", "role: resident, id: citizen_no, separator: 、", PERSON)
    assert refused(CHANGE, two).path == f"{HERE}.role"
    other = changed(
        "primaryKey: true, required: true}\n  - {name: citizen_no,",
        "required: true}\n  - {name: citizen_no, primaryKey: true,",
        PERSON,
    )
    error = refused(CHANGE, other)
    assert error.path == f"{HERE}.through" and "citizen_no" in error.remedy.en  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("file", "old", "new", "path"),
    [
        ("population", "only: true, many: true, knownAs: number", "many: true, knownAs: number", "attributes.former_numbers"),
        ("population", "knownAs: number", "knownAs: numbers", "attributes.former_numbers.knownAs"),
        ("population", "state: household_status", "state: household_statu", "state"),
        ("license", "face: [location]", "face: [locations]", "types.lease_filing.face"),
    ],
)  # fmt: skip
def test_a_wrong_library_is_refused_at_its_place(file: str, old: str, new: str, path: str) -> None:
    text = next(path for path in LIBRARIES if Path(path).stem == file).read_text("utf-8")
    with pytest.raises(DocumentRefused) as error:
        library.load(changed(old, new, text), file=f"{file}.yaml")
    assert error.value.path == path
