"""Libraries and departments as data."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DocumentRefused
from schemas import contract, department, library, links
from tests.schemas.documents import CONTRACTS, DEPARTMENTS, LIBRARIES

SHIPPED = {found.id: found for found in map(library.load, LIBRARIES)}


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.name)
def test_shipped_library(path: Path) -> None:
    found = library.load(path)
    assert found.id == path.stem
    assert found.attributes[found.identity].authority


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_contracts_contribute_what_the_libraries_have_and_may_take(path: Path) -> None:
    contracts = {found.id: found for found in map(contract.load, CONTRACTS)}
    found = contract.load(path)
    links.check(found, contracts.get, SHIPPED.get, file=path.name)
    for contribution in found.contributes:
        target = SHIPPED[contribution.library]
        for name in {*contribution.items, *contribution.values}:
            attribute = target.attributes[name]
            # a claim that may never count would be a promise nobody keeps
            assert (
                found.department in attribute.authority
                or attribute.unverified
                or attribute.declared
                or not attribute.only
            )
        if found.id != "subsidised_housing" and contribution.through is None:
            assert target.identity in contribution.items


def test_license_types_are_those_that_contracts_give() -> None:
    given = {
        contribution.values["type"]
        for found in map(contract.load, CONTRACTS)
        for contribution in found.contributes
        if contribution.library == "license"
    }
    assert given == set(SHIPPED["license"].types)


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"),
    [
        ("authority: [provident_fund]}", "authorities: [provident_fund]}", "attributes.employer_no.authorities", "authority"),
        ("valueType: person_name, authority: [public_security, p", "valueType: persons_name, authority: [public_security, p",
         "attributes.name.valueType", "person_name"),
        ("identity: citizen_no", "identity: citizen", "identity", "citizen_no"),
        ("derive: citizen_no.birth", "derive: citizen_no.age", "attributes.birth.derive", "citizen_no.birth"),
        ("authority: [provident_fund]}", "only: true}", "attributes.employer_no", "Correct"),
    ],
)  # fmt: skip
def test_broken_library_is_refused_at_its_place(old: str, new: str, path: str, remedy: str) -> None:
    text = next(path for path in LIBRARIES if path.stem == "population").read_text("utf-8")
    assert old in text
    with pytest.raises(DocumentRefused) as refused:
        library.load(text.replace(old, new, 1), file="population.yaml")
    assert (refused.value.file, refused.value.path) == ("population.yaml", path)
    assert remedy in refused.value.remedy.en  # type: ignore[union-attr]


@pytest.mark.parametrize("path", DEPARTMENTS, ids=lambda path: path.parent.name)
def test_shipped_department(path: Path) -> None:
    assert department.load(path).id == path.parent.name


def test_a_department_needs_a_valid_credit_code() -> None:
    text = DEPARTMENTS[0].read_text("utf-8")
    code = department.load(text).credit_code
    wrong = code[:-1] + ("1" if code[-1] != "1" else "2")
    with pytest.raises(DocumentRefused, match="credit_code"):
        department.load(text.replace(code, wrong))
