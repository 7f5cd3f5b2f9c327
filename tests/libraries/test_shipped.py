"""Every contribution that the product ships makes a golden record, whichever documents there are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from core import clock
from libraries import rules
from libraries.rules import KINDS, Giver
from schemas.contract import Contract, Item
from tests.libraries.registry import SHIPPED, Registry

RULES = {one.library.id: one for one in rules.of(SHIPPED, clock.today())}
OTHER_NUMBER = {"population": "440524188001010014", "legal_entity": "430900000000014"}
NUMBER = {"population": "11010519491231002X", "legal_entity": "91350100M000100Y43", "license": "示范第0000001号"}
CASES = [(one.library.id, giver) for one in RULES.values() for giver in one.givers]


def something(item: Item) -> Any:
    """Any typed value."""
    kind = item.type.arrow
    if pa.types.is_date(kind):
        return date(2020, 1, 1)
    if pa.types.is_timestamp(kind):
        return datetime(2020, 1, 1, tzinfo=UTC)
    if pa.types.is_decimal(kind):
        return Decimal("1.00")
    if pa.types.is_integer(kind):
        return 1
    if pa.types.is_boolean(kind):
        return True
    return "x"


def records(library: str, giver: Giver) -> list[tuple[Contract, dict[str, Any]]]:
    """A record that names one subject, in the giver's role, and makes it contribute; with the one it refers to, if any."""
    if giver.target is None:
        return [(giver.contract, row(giver.contract, library, giver))]
    target = next(
        one for of, one in CASES if of == library and (one.contract.id, one.role) == (giver.target, giver.role)
    )
    leading = {(one.role, one.through) for one in giver.contract.contributes if one.through}
    item = next(through for role, through in leading if role == giver.role)
    there = row(target.contract, library, target)
    made = {item.name: something(item) for item in giver.contract.items}
    made |= {name: values[0] for name, values in giver.when.items()} | {item: there[target.contract.key[0]]}
    for attribute, name in _items(giver.contract, library, giver).items():
        if (known_as := RULES[library].library.attributes[attribute].known_as) is not None:
            made[name] = OTHER_NUMBER[library] if known_as == "number" else "王小五"
    return [(target.contract, there), (giver.contract, made)]


def row(contract: Contract, library: str, giver: Giver) -> dict[str, Any]:
    """A record that names one subject, in the giver's role, and makes it contribute."""
    named = {
        name
        for subject in contract.subjects
        for name in (subject.id, subject.otherwise, subject.name)
        if name not in (None, *contract.key)
    }
    made = {item.name: None if item.name in named else something(item) for item in contract.items}
    subject = next(subject for subject in contract.subjects if subject.role == giver.role)
    for one in contract.contributes:
        made |= {one.items[attribute]: next(iter(codes)) for attribute, codes in one.codes.items()}
    made |= dict.fromkeys(item for where in contract.withheld for item in where)
    made |= {item: values[0] for item, values in giver.when.items()}
    made[subject.id] = f"李小明{subject.pair}{NUMBER[library]}" if subject.pair else NUMBER[library]
    if subject.name and KINDS[library].named:
        made[subject.name] = "李小明"
    kind_item = contract.item(subject.id).kind_item
    if kind_item and kind_item not in giver.when:
        made[kind_item] = "identity_card" if library == "population" else "business_licence"
    return made


def test_every_contribution_makes_a_golden_record(shipped: Registry) -> None:
    assert CASES and set(RULES) == set(KINDS)
    for library, giver in CASES:
        contract, made = giver.contract, records(library, giver)
        one = made[-1][1]
        for of, record in reversed(made):  # what refers comes before what it refers to
            shipped.put(of.id, record)
            shipped.refresh()
        found = shipped.golden(library)
        identity = RULES[library].library.identity
        assert [record[identity]["value"] for record in found] == [NUMBER[library]], (contract.id, giver.role)
        given = {claim.attribute for claim in giver.claims} - {"organisation_code"}
        missing = (
            given
            - found[0].keys()
            - {name for name, item in _items(contract, library, giver).items() if one[item] is None}
        )
        assert not missing, (contract.id, giver.role, missing)
        for of, record in made:
            shipped.remove(of.id, record)
            shipped.refresh()
        assert shipped.golden(library) == []


def _items(contract: Contract, library: str, giver: Giver) -> dict[str, str]:
    return next(
        dict(one.items)
        for one in contract.contributes
        if one.library == library and one.role == giver.role and one.when == giver.when
    )


@pytest.mark.parametrize("library", sorted(RULES))
def test_nothing_is_claimed_that_the_library_does_not_know(library: str) -> None:
    known = RULES[library].library.attributes
    for giver in RULES[library].givers:
        assert giver.claims, giver.contract.id
        assert {claim.attribute for claim in giver.claims} <= known.keys()


def test_licences_say_their_type() -> None:
    types = RULES["license"].library.types
    assert all(giver.type in types for giver in RULES["license"].givers)
