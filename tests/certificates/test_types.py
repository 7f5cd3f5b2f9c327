"""Every shipped certificate type, by the cases in cases/*.yaml: a type or an outcome without a case fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_registry.certificate_checks import load
from tests.certificates.town import Town, fill, firm, person

SHIPPED = sorted(Path("schemas/certificates").glob("*.yaml"))
CASES: dict[str, list[dict[str, Any]]] = {
    type: cases
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml"))
    for type, cases in yaml.safe_load(path.read_text("utf-8")).items()
}


ALL = [pytest.param(type, case, id=f"{type}: {case['why']}") for type, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(("type", "case"), ALL)
def test_case(town: Town, type: str, case: dict[str, Any]) -> None:
    made = load(Path(f"schemas/certificates/{type}.yaml"))
    who = person() if "person" in made.subject else firm()
    last = ""
    for row in case["rows"]:
        ((dataset, items),) = row.items()
        filled = fill(items, who, last)
        if any(value == "$new" for value in items.values()) and dataset not in ("fund_movement",):
            last = str(next(filled[item] for item, value in items.items() if value == "$new"))
        town.put(dataset, filled)
    line = town.line(who, type, parameters=case.get("parameters"))
    expect = case["expect"]
    assert {name: line[name] for name in ("state", "proved", "outcome")} == {
        name: expect[name] for name in ("state", "proved", "outcome")
    }
    assert [reason["code"] for reason in line["reasons"]] == expect.get("reasons", [])
    for name, value in expect.get("fields", {}).items():
        assert line["fields"][name]["value"] == value
    if line["state"] != "held":
        assert line["fields"] == {}
    if line["state"] == "not_held":
        assert line["label"].startswith("未查询到") and "截至" in line["label"] and "覆盖" in line["label"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_outcome_has_a_case(path: Path) -> None:
    made = load(path)
    reached = {case["expect"]["outcome"] for case in CASES.get(made.certificate, [])}
    assert {outcome.code for outcome in made.outcomes} <= reached
    assert made.certificate == path.stem
