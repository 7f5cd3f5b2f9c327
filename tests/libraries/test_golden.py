"""Golden records: who is who, whose word counts, what is not known, and that only what changed is made again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from libraries import golden
from tests.libraries.registry import Registry, values

LI, WANG = "11010519491231002X", "440524188001010014"
CODE = "91350100M000100Y43"


def account(no: str, name: str, number: str | None, **more: Any) -> dict[str, Any]:
    return {"account_no": no, "holder_name": name, "holder_no": number, "status": "open", **more}


def title(no: str, name: str, number: str | None, seq: int = 1, **more: Any) -> dict[str, Any]:
    return {"right_id": no, "seq": seq, "holder_name": name, "holder_no": number, **more}


def test_a_person_of_two_departments_is_one_entity_with_sources(registry: Registry) -> None:
    fund = registry.put("account", account("1", "李小明", LI, phone="13800000001"))
    registry.put("title", title("a", "李小明", LI, phone="13800000002"))
    result = registry.refresh()
    assert (result.created, result.linked, result.conflicts) == (1, 2, 0)
    (record,) = registry.golden("population")
    assert values(record) == {
        "citizen_no": LI, "name": "李小明", "birth": "1949-12-31", "sex": "2", "phone": "13800000001"
    }  # fmt: skip
    assert record["name"] == {
        "value": "李小明", "status": "unverified", "department": "provident_fund", "dataset": "account",
        "batch": str(fund), "known_from": "2026-11-01T00:00:00+00:00",
    }  # fmt: skip
    assert record["phone"]["status"] == "declared"
    assert record["birth"]["derived_from"] == "citizen_no"


def test_a_number_with_another_name_stays_unlinked_and_is_told(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI), account("2", "李小明", LI))
    registry.put("title", title("a", "张大", LI))
    result = registry.refresh()
    assert (result.created, result.linked, result.conflicts) == (1, 2, 1)
    assert [(dataset, name, entity) for dataset, _, _, _, _, name, entity, _ in registry.links()] == [
        ("account", "李小明", LI), ("account", "李小明", LI), ("title", "张大", None)
    ]  # fmt: skip
    with registry.hub.read() as connection:
        body = connection.execute(text("SELECT body FROM hub.event WHERE type = 'libraries.conflict'")).scalar_one()
    assert body["count"] == 1 and body["mentions"][0]["dataset"] == "title"
    assert LI not in str(body) and "张大" not in str(body)
    assert registry.refresh().conflicts == 0  # told once


def test_a_conflict_resolves_when_the_other_claim_goes(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI))
    registry.put("title", title("a", "张大", LI))
    registry.refresh()
    registry.remove("account", account("1", "李小明", LI))
    registry.refresh()
    (record,) = registry.golden("population")
    assert record["name"]["value"] == "张大"


def test_names_only_and_masked_numbers_stay_unlinked(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", None), account("2", "王五", "1101**********002X"))
    result = registry.refresh()
    assert (result.created, result.linked) == (0, 0)
    assert not any(pending for *_, pending in registry.links())
    assert registry.golden("population") == []


def test_a_mention_that_gives_nothing_links_but_makes_nobody(registry: Registry) -> None:
    registry.put("penalty", {"id": "x", "name": "李小明", "number": LI})
    assert registry.refresh().created == 0
    registry.put("account", account("1", "李小明", LI))
    result = registry.refresh()
    assert (result.created, result.linked) == (1, 2)


def test_when_reads_the_record(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI) | {"status": "void"})
    assert registry.refresh().created == 0
    assert registry.golden("population") == []


def test_several_persons_in_a_cell_are_several_entities(registry: Registry) -> None:
    registry.put("title", title("a", "李小明、王五", f"{LI}、{WANG}", certificate_no="示范市不动产权第1号"))
    assert registry.refresh().created == 3
    assert [values(record)["name"] for record in registry.golden("population")] == ["李小明", "王五"]
    (license_,) = registry.golden("license")
    assert sorted(license_["holder_name"]["value"]) == ["李小明", "王五"]


def test_nine_and_eighteen_characters_are_one_firm(registry: Registry) -> None:
    nine = {"employer_no": CODE[8:17], "employer_name": "示范贸易有限公司"}
    registry.put("account", account("1", "李小明", LI, **nine))
    registry.refresh()
    (record,) = registry.golden("legal_entity")
    assert values(record) == {"organisation_code": CODE[8:17], "name": "示范贸易有限公司"}
    registry.put("account", account("2", "李小明", LI, employer_no=CODE, employer_name="示范贸易有限公司"))
    registry.refresh()
    (record,) = registry.golden("legal_entity")
    assert values(record) == {"credit_code": CODE, "organisation_code": CODE[8:17], "name": "示范贸易有限公司"}
    assert record["name"]["status"] == "unverified"


def test_a_licence_keeps_all_holders_and_gets_a_provisional_identifier(registry: Registry) -> None:
    number = "示范省(2020)示范市不动产权第0000001号"
    registry.put(
        "title", title("a", "李小明", LI, certificate_no=number), title("a", "王五", WANG, 2, certificate_no=number)
    )
    registry.refresh()
    (record,) = registry.golden("license")
    assert record["holder_name"]["value"] == sorted(["李小明", "王五"])
    assert record["identifier_assigned_by"]["value"] == "hub_provisional"
    first = record["identifier"]["value"]
    assert first.startswith("1.2.156.3005.2.11100000MB03271699001.11370800MB28559184.")
    registry.remove("title", title("a", "李小明", LI))
    registry.refresh()
    (record,) = registry.golden("license")
    assert record["identifier"]["value"] == first and record["holder_name"]["value"] == ["王五"]


def test_the_authority_decides_once_connected(registry: Registry) -> None:
    registry.put("account", account("1", "李晓明", LI))
    registry.refresh()
    registry.publish("resident")
    registry.put("resident", {"id": "r", "name": "李小明", "number": LI, "sex": "1", "ethnicity": "01"})
    registry.refresh()
    (record,) = registry.golden("population")
    assert values(record) == {
        "citizen_no": LI, "name": "李小明", "sex": "1", "birth": "1949-12-31", "ethnicity": "01"
    }  # fmt: skip
    assert {name: one["status"] for name, one in record.items()} == dict.fromkeys(record, "verified")


def test_only_what_changed_is_made_again(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI), account("2", "王五", WANG))
    assert registry.refresh().refreshed == 2
    assert registry.refresh().refreshed == 0
    registry.put("account", account("2", "王五", WANG, phone="13800000009"))
    assert registry.refresh().refreshed == 1
    assert registry.golden("population")[1]["phone"]["value"] == "13800000009"


def test_nobody_left_in_any_record_leaves_the_library(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI))
    registry.refresh()
    registry.remove("account", account("1", "李小明", LI))
    result = registry.refresh()
    assert result.removed == 1 and registry.golden("population") == []
    with registry.hub.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM hub.event WHERE type = 'libraries.emptied'")).scalar() == 1
    registry.put("account", account("1", "李小明", LI))
    assert registry.refresh().created == 0  # the entity is known: the same one comes back


def test_find_needs_number_and_name_and_says_what_is_not_known(registry: Registry) -> None:
    registry.put("account", account("1", "李小明", LI))
    registry.refresh()
    with registry.hub.read() as connection:
        found = golden.find(connection, "population", LI.lower(), " 李小明 ")
        assert found is not None
        assert found.attributes["name"].value == "李小明"
        assert found.attributes["ethnicity"].status == "not_collected" and found.attributes["ethnicity"].value is None
        assert found.attributes["phone"].status == "not_given"
        assert golden.get(connection, "population", found.entity_id) == found
        assert golden.find(connection, "population", LI, "张大") is None
        assert golden.find(connection, "population", WANG, "李小明") is None
        assert golden.find(connection, "population", "", "李小明") is None


def test_names_beside_numbers_of_any_kind_are_written_as_each_kind_is(shipped: Registry) -> None:
    firm = {"entity_id": "f", "credit_code": CODE, "name": "示范（集团）有限公司", "status": "existing"}
    shipped.put("market_entity", firm)
    shipped.put("credit_penalty", {"record_id": "1", "party_name": "示范(集团)有限公司", "credit_code": CODE})
    shipped.put("fund_account", {"account_no": "1", "name": "王五", "id_no": WANG, "id_kind": "identity_card"})
    right = {"right_id": "1", "holder_seq": 1, "holder_no": WANG, "holder_no_kind": "identity_card"}
    shipped.put("real_estate_right", {**right, "holder_name": "王 五"})
    assert shipped.refresh().conflicts == 0
    assert len(shipped.golden("legal_entity")) == len(shipped.golden("population")) == 1
