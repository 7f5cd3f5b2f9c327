"""Lists show only who is on them now; what is withheld gives nothing from the day it is, batch or no batch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from core import clock
from libraries import lookup
from tests.libraries.registry import Registry

CODE = "91350100M000100Y43"
BEFORE, AFTER = datetime(2026, 11, 20, 4, tzinfo=UTC), datetime(2026, 12, 1, 4, tzinfo=UTC)


def entry(**more: Any) -> dict[str, Any]:
    return {
        "entry_id": "1", "party_name": "示范贸易有限公司", "credit_code": CODE, "list_kind": "unpaid_wages",
        "entered_on": date(2025, 1, 1), "status": "listed", **more,
    }  # fmt: skip


def lists(registry: Registry) -> list[Any]:
    return [one.get("default_lists", {}).get("value") for one in registry.golden("legal_entity")]


def test_a_firm_taken_off_the_list_is_off_it(shipped: Registry) -> None:
    shipped.put(
        "market_entity", {"entity_id": "f", "credit_code": CODE, "name": "示范贸易有限公司", "status": "existing"}
    )
    shipped.put("serious_default", entry())
    shipped.refresh()
    assert lists(shipped) == [["unpaid_wages"]]
    shipped.put("serious_default", entry(status="removed"))
    shipped.refresh()
    assert lists(shipped) == [None]


def test_a_day_that_comes_takes_effect_without_a_batch(shipped: Registry) -> None:
    shipped.put(
        "market_entity", {"entity_id": "f", "credit_code": CODE, "name": "示范贸易有限公司", "status": "existing"}
    )
    shipped.put("serious_default", entry(removed_on=date(2026, 11, 30)))
    with clock.override(BEFORE):
        assert shipped.refresh().refreshed == 2 and lists(shipped) == [["unpaid_wages"]]
        assert shipped.refresh().refreshed == 0
    with clock.override(AFTER):
        assert shipped.refresh().refreshed == 1 and lists(shipped) == [None]
        assert shipped.refresh().refreshed == 0


def test_nothing_withheld_is_shown_before_the_refresh_that_notices(shipped: Registry) -> None:
    shipped.put(
        "market_entity", {"entity_id": "f", "credit_code": CODE, "name": "示范贸易有限公司", "status": "existing"}
    )
    shipped.put("serious_default", entry(removed_on=date(2026, 11, 30)))

    def shown() -> Any:
        with shipped.hub.read() as connection:
            found = lookup.find(connection, "legal_entity", CODE, "示范贸易有限公司", today=clock.today())
        assert found is not None and found.attributes["status"].value == "existing"
        return found.attributes["default_lists"].value

    with clock.override(BEFORE):
        shipped.refresh()
        assert shown() == ["unpaid_wages"]
        shipped.put("serious_default", entry(status="removed"))
        assert shown() is None
        shipped.put("serious_default", entry(removed_on=date(2026, 11, 30)))
        shipped.refresh()
        assert shown() == ["unpaid_wages"]
    with clock.override(AFTER):
        assert shown() is None


def test_bodies_of_other_registers_are_shown_unverified(shipped: Registry) -> None:
    organ = "11430900006285019T"
    shipped.put(
        "real_estate_right",
        {
            "right_id": "1", "holder_seq": 1, "status": "current", "holder_name": "某局", "holder_no": organ,
            "holder_no_kind": "organisation_code",
        },
    )  # fmt: skip
    shipped.refresh()
    (record,) = shipped.golden("legal_entity")
    assert {name: record[name]["status"] for name in ("credit_code", "name")} == dict.fromkeys(
        ("credit_code", "name"), "unverified"
    )
