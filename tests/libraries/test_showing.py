"""One golden record shown to an operator: by number and name together, and in the audit log whatever comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from core.actor import Actor
from core.errors import Invalid, NotFound
from libraries import showing
from schemas import published
from tests.libraries.registry import Registry

LI, OLD = "11010519491231002X", "440524188001010014"
CLERK = Actor(operator="clerk", client="cli")


@pytest.fixture
def city(shipped: Registry) -> Registry:
    shipped.put(
        "household_person",
        {
            "person_id": "r", "citizen_no": LI, "name": "李小明", "ethnicity": "01", "status": "normal",
            "household_kind": "family_farm", "marital_status": "20",
        },
    )  # fmt: skip
    shipped.put(
        "household_change", {"change_id": "c", "person_id": "r", "kind": "number_corrected", "before": OLD.lower()}
    )
    shipped.refresh()
    return shipped


def entries(registry: Registry) -> list[dict[str, Any]]:
    with registry.hub.read() as connection:
        rows = connection.execute(text("SELECT operator, kind, canonical FROM hub.audit ORDER BY at")).all()
    return [{**json.loads(row.canonical), "operator": row.operator, "kind": row.kind} for row in rows]


@pytest.mark.parametrize("number", [LI, OLD])
def test_a_record_opens_by_any_of_its_numbers_with_the_name(city: Registry, number: str) -> None:
    found = showing.show(city.hub, "population", number, "李小明", CLERK, reason="核对")
    assert found.attributes["citizen_no"].value == LI and found.attributes["former_numbers"].value == [OLD]
    assert found.attributes["marital_status"].status == "declared"
    (entry,) = entries(city)
    assert (entry["operator"], entry["kind"], entry["reason"], entry["found"]) == (
        "clerk",
        "library.shown",
        "核对",
        True,
    )
    assert number not in json.dumps(entry) and "李小明" not in json.dumps(entry, ensure_ascii=False)


@pytest.mark.parametrize(("number", "name"), [(LI, "张大"), (OLD[:-1] + "5", "李小明"), ("x", "李小明")])
def test_what_is_not_found_is_in_the_log_too(city: Registry, number: str, name: str) -> None:
    with pytest.raises(NotFound) as refused:
        showing.show(city.hub, "population", number, name, CLERK, reason="核对")
    assert number not in str(refused.value) or number == "x"
    assert [entry["found"] for entry in entries(city)] == [False]


@pytest.mark.parametrize("reason", [" ", f"与{LI}核对", "致电13800001111"])
def test_a_reason_is_needed_that_names_nobodys_number(city: Registry, reason: str) -> None:
    with pytest.raises(Invalid):
        showing.show(city.hub, "population", LI, "李小明", CLERK, reason=reason)
    assert entries(city) == []


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_shows_each_attribute_with_its_source(
    city: Registry, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    with city.hub.read() as connection:
        published.write_snapshot(connection, city.hub.home)
    monkeypatch.setenv("HUTONG_HOME", str(city.hub.home))
    monkeypatch.setenv("HUTONG_DATABASE_URL", city.hub.url)
    arguments = ["library", "show", "population", "--reason", "核对", *(["--json"] if as_json else [])]
    done = CliRunner().invoke(app, arguments, input=f"{LI}\n李小明\n", catch_exceptions=False)
    assert done.exit_code == 0
    if not as_json:
        assert "市公安局" in done.stdout and OLD in done.stdout and "01 汉族" in done.stdout
        return
    shown = {row["name"]: row for row in json.loads(done.stdout)["attributes"]}
    assert (shown["ethnicity"]["label"], shown["ethnicity"]["label_en"]) == ("汉族", "Han")
    assert (shown["sex"]["label_en"], shown["name"]["label"], shown["former_numbers"]["label"]) == (
        "Female",
        None,
        [None],
    )
    assert shown["household_status"]["label_en"] == "normal"
    assert shown["ethnicity"]["department"] == "市公安局" and shown["ethnicity"]["dataset"] == "household_person"
    assert shown["former_numbers"]["value"] == [OLD] and shown["former_numbers"]["dataset"] == "household_change"
    assert shown["sex"]["status"] == "derived" and shown["phone"]["status"] == "not_given"
