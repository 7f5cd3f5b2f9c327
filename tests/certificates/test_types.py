"""Every shipped certificate type, by the cases in cases/*.yaml: a type or an outcome without a case fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_registry.certificate_checks import in_force, load
from tests.certificates.town import Someone, Town, fill, firm, former_name, person, title, unit

SHIPPED = sorted(Path("schemas/certificates").glob("*.yaml"))
CASES: dict[str, list[dict[str, Any]]] = {
    type: cases
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for type, cases in yaml.safe_load(path.read_text("utf-8")).items()
}


ALL = [pytest.param(type, case, id=f"{type}: {case['why']}") for type, cases in CASES.items() for case in cases]


def _subject(case: dict[str, Any], who: Someone) -> Someone:
    """Whom the case asks about: the new subject, or the same by another number or name."""
    by = case.get("by", "")
    return {
        "": who,
        "title": replace(who, kind="title_certificate", number=title(who)),
        "unit": replace(who, kind="real_estate_unit", number=unit(who)),
        "organisation": replace(who, kind="organisation_code", number=who.old_number),
        "registration": replace(who, kind="registration_no", number=who.registration),
        "former_name": replace(who, name=former_name(who)),
    }[by]


@pytest.mark.parametrize(("type", "case"), ALL)
def test_case(town: Town, type: str, case: dict[str, Any]) -> None:
    made = in_force(town.published.texts("certificate"), type)
    who = firm() if made.subject[0] == "firm" or case.get("firm") else person()
    other = person(case.get("age"))
    last = ""
    for row in case.get("rows", ()):
        ((dataset, items),) = row.items()
        filled = fill(items, who, other, last)
        if any(value == "$new" for value in items.values()) and dataset not in ("fund_movement",):
            last = str(next(filled[item] for item, value in items.items() if value == "$new"))
        town.put(dataset, filled)
    declared = [replace(other, relation=case["declared"])] if "declared" in case else []
    line = town.line(_subject(case, who), type, parameters=case.get("parameters"), declared=declared)
    expect = case["expect"]
    assert {name: line[name] for name in ("state", "proved", "outcome")} == {
        name: expect[name] for name in ("state", "proved", "outcome")
    }
    assert [reason["code"] for reason in line["reasons"]] == expect.get("reasons", [])
    for name, value in expect.get("fields", {}).items():
        assert (line["fields"][name]["value"] if value is not None else line["fields"].get(name)) == value
    if line["state"] != "held":
        assert line["fields"] == {}
    if line["state"] == "not_held":
        assert line["label"].startswith("未查询到") and "截至" in line["label"] and "覆盖" in line["label"]
    if "members" in expect:
        assert [(one["relation"], one["outcome"]) for one in line["members"]] == [
            tuple(one) for one in expect["members"]
        ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_outcome_has_a_case(path: Path) -> None:
    made = load(path)
    reached = {case["expect"]["outcome"] for case in CASES.get(made.certificate, [])}
    assert {outcome.code for outcome in made.outcomes} <= reached and CASES[made.certificate]
    assert made.certificate == path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_not_held_is_said_as_not_found(path: Path) -> None:
    for outcome in load(path).outcomes:
        assert (outcome.state == "not_held") == outcome.label.zh.startswith("未查询到"), outcome.code
