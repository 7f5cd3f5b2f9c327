"""Licences as they stand when they are read: metadata, holders and whether they still are, terms, what came before and after."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from libraries import golden
from schemas.types import check
from tests.libraries.registry import Registry

LI, WANG = "11010519491231002X", "440524188001010014"
CODE = "91350100M000100Y43"
UNIT = "110105001002GB00003F00010001"
FIRST, SECOND, THIRD = (f"示范省(20{year})示范市不动产权第000000{year % 10}号" for year in (11, 15, 21))


def right(id: str, number: str, name: str, of: str, status: str, on: date, seq: int = 1) -> dict[str, Any]:
    return {
        "right_id": id, "holder_seq": seq, "certificate_no": number, "unit_no": UNIT, "status": status, "registered_on": on,
        "holder_name": name, "holder_no": of, "holder_no_kind": "identity_card", "area_m2": 89,
    }  # fmt: skip


def licence(registry: Registry, number: str, name: str, today: date | None = None) -> golden.Golden:
    with registry.hub.read() as connection:
        found = golden.find(connection, "license", number, name, today=today)
    assert found is not None
    return found


def value(found: golden.Golden, attribute: str) -> Any:
    return found.attributes[attribute].value


def sold(registry: Registry) -> None:
    """A flat that went from Li to Wang, and from Wang to both."""
    registry.put(
        "real_estate_right",
        right("1", FIRST, "李小明", LI, "historical", date(2011, 1, 1)),
        right("2", SECOND, "王五", WANG, "historical", date(2015, 1, 1)),
        right("3", THIRD, "李小明", LI, "current", date(2021, 1, 1)),
        right("3", THIRD, "王五", WANG, "current", date(2021, 1, 1), seq=2),
    )


def test_metadata_of_a_title_certificate(shipped: Registry) -> None:
    sold(shipped)
    shipped.refresh()
    found = licence(shipped, THIRD, "李小明")
    assert value(found, "type") == "title_certificate" and value(found, "status") == "valid"
    assert value(found, "type_name") == "不动产权证书" and value(found, "defining_body") == "自然资源部"
    assert value(found, "issuing_body_code") == shipped.published.departments["natural_resources"].credit_code
    assert value(found, "issued_on") == "2021-01-01" and float(value(found, "area_m2")) == 89
    assert value(found, "identifier_assigned_by") == "hub_provisional"
    assert check("license_id", [value(found, "identifier")])[0].findings == ()
    assert "capital" not in found.attributes  # on the face of another type
    assert [(one.name, one.kind, one.number, one.state) for one in found.holders] == [
        ("李小明", "identity_card", LI, None), ("王五", "identity_card", WANG, None)
    ]  # fmt: skip


def test_titles_of_one_unit_follow_one_another(shipped: Registry) -> None:
    sold(shipped)
    shipped.refresh()
    first, second, third = (licence(shipped, *one) for one in ((FIRST, "李小明"), (SECOND, "王五"), (THIRD, "李小明")))
    assert value(first, "predecessor") is None and value(third, "successor") is None
    assert value(first, "successor") == value(third, "predecessor") == value(second, "identifier")
    assert value(second, "successor") == value(third, "identifier")
    assert value(second, "predecessor") == value(first, "identifier")
    assert [value(one, "status") for one in (first, second, third)] == ["superseded", "superseded", "valid"]
    assert third.attributes["predecessor"].source["derived_from"] == "unit_no"


def test_two_valid_titles_of_one_unit_do_not_follow_one_another(shipped: Registry) -> None:
    shipped.put(
        "real_estate_right",
        right("1", FIRST, "李小明", LI, "current", date(2011, 1, 1)),
        right("2", SECOND, "王五", WANG, "current", date(2015, 1, 1)),
    )
    shipped.refresh()
    for found in (licence(shipped, FIRST, "李小明"), licence(shipped, SECOND, "王五")):
        assert value(found, "predecessor") is None and value(found, "successor") is None


def test_a_licence_issued_twice_is_one(shipped: Registry) -> None:
    again = right("2", FIRST, "李小明", LI, "current", date(2012, 1, 1))
    shipped.put("real_estate_right", right("1", FIRST, "李小明", LI, "current", date(2011, 1, 1)), again)
    shipped.refresh()
    assert len(shipped.golden("license")) == 1 and len(licence(shipped, FIRST, "李小明").holders) == 1


def test_the_term_of_a_lease_passes_without_any_batch(shipped: Registry) -> None:
    lease = {
        "filing_no": "B1", "landlord_name": "王五", "landlord_no": WANG, "tenant_name": "李小明", "tenant_no": LI,
        "starts_on": date(2025, 1, 1), "ends_on": date(2026, 12, 31), "status": "valid",
    }  # fmt: skip
    shipped.put("housing_lease", lease)
    shipped.refresh()
    assert value(licence(shipped, "B1", "李小明", date(2026, 12, 31)), "status") == "valid"
    expired = licence(shipped, "B1", "李小明", date(2027, 1, 1)).attributes["status"]
    assert (expired.value, expired.source["derived_from"]) == ("expired", "valid_to")
    assert [one.role for one in licence(shipped, "B1", "李小明").holders] == ["landlord", "tenant"]
    shipped.put("housing_lease", lease | {"status": "cancelled"})
    shipped.refresh()
    assert value(licence(shipped, "B1", "李小明", date(2027, 1, 1)), "status") == "cancelled"


@pytest.mark.parametrize(
    ("state", "status"),
    [("existing", "valid"), ("revoked", "revoked"), ("cancelled", "cancelled"), ("annulled", "annulled")],
)
def test_what_becomes_of_a_firm_becomes_of_its_licence(shipped: Registry, state: str, status: str) -> None:
    firm = {
        "entity_id": "f", "credit_code": CODE, "name": "示范贸易有限公司", "kind": "1130", "status": "existing",
        "registrar": "示范市市场监督管理局", "approved_on": date(2020, 1, 1),
    }  # fmt: skip
    shipped.put("market_entity", firm)
    shipped.refresh()
    shipped.put("market_entity", firm | {"status": state})
    shipped.refresh()
    found = licence(shipped, CODE, "示范贸易有限公司")
    assert value(found, "status") == status and value(found, "issuing_body") == "示范市市场监督管理局"
    assert [one.state for one in found.holders] == [state]


def test_a_death_is_seen_on_what_the_dead_holds(shipped: Registry) -> None:
    person = {"person_id": "r", "citizen_no": LI, "name": "李小明", "status": "normal", "household_kind": "family_farm"}
    sold(shipped)
    shipped.put("household_person", person)
    shipped.refresh()
    assert [one.state for one in licence(shipped, THIRD, "李小明").holders] == ["normal", None]
    shipped.put("household_person", person | {"status": "dead", "ended_on": date(2026, 11, 1)})
    shipped.refresh()
    found = licence(shipped, THIRD, "李小明")
    assert [one.state for one in found.holders] == ["dead", None] and value(found, "status") == "valid"


def test_proofs_of_registration_are_of_mortgages_and_advance_notices_only(shipped: Registry) -> None:
    limits = [
        {"limit_id": f"L{n}", "kind": kind, "status": "current", "unit_no": UNIT, "holder_name": "某银行"}
        for n, kind in enumerate(("mortgage", "advance_notice", "seizure"))
    ]
    shipped.put("real_estate_limit", *limits)
    shipped.refresh()
    assert [one["proven"]["value"] for one in shipped.golden("license")] == ["mortgage", "advance_notice"]
    assert value(licence(shipped, "L0", "某银行"), "type_name") == "不动产登记证明"
