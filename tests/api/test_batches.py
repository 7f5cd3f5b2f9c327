"""Batches, their evidence and findings of checks over HTTP: for stewards of the departments concerned, and admins."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from catalog_registry import clients, quality
from core.errors import BatchBlocked
from pipeline import checks, journey
from tests.libraries.registry import Registry
from tests.pipeline.small import FEED, Small, row
from tests.pipeline.test_checks import registry
from tests.pipeline.test_rulings import with_rule

__all__ = ["registry"]
CLIENTS = {
    "pets": ("city_management", "steward"), "fund": ("provident_fund", "steward"), "police": ("public_security", "steward"),
    "head": ("data_bureau", "admin"), "window": ("provident_fund", "department"),
}  # fmt: skip


def test_batches_and_findings_over_http(registry: Registry, tmp_path: Path) -> None:
    hub = registry.hub
    small = Small(hub, tmp_path / "pets.db")
    small.publish()
    for rows in (
        [row("A1"), row("A2"), row("A3", weight=-1)],
        [row("A1"), row("A2", weight=20)],
        [row("A1"), row("A2")],
    ):
        small.write(rows)
        assert journey.run(hub, FEED) is not None
    checks.run(hub)
    quality.measure_due(hub)
    with TestClient(create_app(hub.settings), raise_server_exceptions=False) as api:
        headers = {}
        for id, (department, role) in CLIENTS.items():
            with hub.begin() as connection:
                secret = clients.add(connection, id, id, department, role=role)  # type: ignore[arg-type]
            form = {"grant_type": "client_credentials", "client_id": id, "client_secret": secret}
            token = api.post("/v1/oauth2/token", data=form).json()["access_token"]
            headers[id] = {"Authorization": f"Bearer {token}", "Hutong-Operator": "li.lei"}

        def get(who: str, path: str, **query: Any) -> Any:
            return api.get(path, params=query, headers=headers[who])

        assert 'hutong_quality_ratio{dataset="pet_licence",dimension="accuracy"} 1.0' in api.get("/metrics").text
        _batches(get, api, headers)
        _findings(get, api, headers)
        _rulings(small, get, api, headers)


def _batches(get: Any, api: TestClient, headers: dict[str, dict[str, str]]) -> None:
    assert get("window", "/v1/batches").status_code == 403 and api.get("/v1/batches").status_code in (401, 422)
    assert len(get("pets", "/v1/batches").json()["batches"]) == 3 and not get("fund", "/v1/batches").json()["batches"]
    first = get("head", "/v1/batches", dataset="pet_licence", limit=2)
    rest = get("head", "/v1/batches", dataset="pet_licence", after=first.json()["next"]).json()["batches"]
    assert rest == api.get(first.links["next"]["url"], headers=headers["head"]).json()["batches"]
    listed = first.json()["batches"] + rest
    assert [one["number"] for one in listed] == sorted((one["number"] for one in listed), reverse=True)
    assert "next" not in get("head", "/v1/batches").links
    one = get("pets", f"/v1/batches/{listed[-1]['id']}")
    assert get("fund", f"/v1/batches/{listed[-1]['id']}").status_code == 403
    told = one.json()
    assert (told["adds_up"], told["problems"], told["evidence"]["quarantined"]) == (True, [], 1)
    scores = {measure["code"]: measure["score"] for measure in told["quality"]}
    assert len(scores) == 6 and scores["accuracy"] < 100 and scores["completeness"] == scores["accessibility"] == 100


def _rulings(small: Small, get: Any, api: TestClient, headers: dict[str, dict[str, str]]) -> None:
    """Two batches that a guard stopped: one let in by a steward of the department, one dropped by an admin and read again."""

    def stopped() -> dict[str, Any]:
        with pytest.raises(BatchBlocked):
            journey.run(small.hub, FEED)
        (found,) = get("pets", "/v1/batches", state="blocked").json()["batches"]
        return dict(found)

    def rule(who: str, batch: dict[str, Any], **body: str) -> Any:
        return api.post(f"/v1/batches/{batch['id']}/rulings", json=body, headers=headers[who])

    small.publish(shrink="20%")
    small.write([row("A2")])
    batch = stopped()
    assert (batch["guard"], batch["acceptable"], batch["landed_rows"]) == ("shrink", True, 1)
    said = {"ruling": "accept", "guard": "shrink", "reason": "部门来函确认"}
    assert rule("window", batch, **said).status_code == rule("fund", batch, **said).status_code == 403
    assert rule("pets", batch, ruling="accept", reason="部门来函确认").status_code == 422, "which guard was seen?"
    assert rule("pets", batch, ruling="accept", guard="shrink", reason="").status_code == 422
    assert rule("pets", batch, **said | {"guard": "empty"}).status_code == 412
    assert rule("pets", {"id": str(uuid4())}, **said).status_code == 404
    merged = rule("pets", batch, **said)
    assert (merged.status_code, merged.json()["state"], merged.json()["guard"]) == (200, "delivered", None)
    assert rule("pets", batch, **said).json() == merged.json(), "the same ruling twice changes nothing"
    assert rule("pets", batch, ruling="drop", reason="重推").status_code == 409
    (told,) = get("pets", f"/v1/batches/{batch['id']}").json()["rulings"]
    assert (told["ruling"], told["guard"], told["operator"], told["reason"]) == (
        "accept",
        "shrink",
        "li.lei",
        "部门来函确认",
    )
    small.write([])
    batch = stopped()
    assert rule("head", batch, ruling="drop", reason="推送不完整,部门将重推").json()["state"] == "dropped"
    assert rule("head", batch, ruling="drop", reason="再次提交").status_code == 200
    assert not get("pets", "/v1/batches", state="blocked").json()["batches"]
    small.write([row("A2"), row("A5")])
    again = journey.run(small.hub, FEED)
    assert again is not None and again.evidence["inserted"] == 1
    two = with_rule()
    small.publish(shrink="20%", contract=two)
    small.write([row("A5", number=None)])
    batch = stopped()
    still = rule("pets", batch, **said).json()
    assert (still["state"], still["guard"], still["acceptable"]) == ("blocked", "table_rule/owner_no_numbers", True)
    assert rule("pets", batch, **said | {"guard": still["guard"]}).json()["state"] == "delivered"


def _findings(get: Any, api: TestClient, headers: dict[str, dict[str, str]]) -> None:
    (finding,) = get("fund", "/v1/checks/findings").json()["findings"]
    assert [record["key"] for record in finding["records"]] == ["1", "F1"]
    assert not get("police", "/v1/checks/findings").json()["findings"]
    counted = {one["id"]: one["findings"]["open"] for one in get("head", "/v1/checks").json()["checks"]}
    assert counted == {"employer_gone": 1, "twice": 0, "changed": 0}
    path = f"/v1/checks/findings/{finding['id']}/dismissal"
    assert api.post(path, json={"reason": "核实"}, headers=headers["police"]).status_code == 404
    assert api.post(path, json={"reason": ""}, headers=headers["fund"]).status_code == 422
    made = api.post(path, json={"reason": "核实无误"}, headers=headers["fund"]).json()
    assert api.post(path, json={"reason": "核实无误"}, headers=headers["fund"]).status_code == 409
    assert not get("fund", "/v1/checks/findings").json()["findings"]
    (dismissed,) = get("head", "/v1/checks/findings", status="dismissed").json()["findings"]
    assert dismissed["id"] == finding["id"]
    path = f"/v1/checks/findings/{finding['id']}/reversals"
    assert api.post(path, json={"reason": "看错"}, headers=headers["police"]).status_code == 404
    assert api.post(path, json={"reason": ""}, headers=headers["fund"]).status_code == 422
    undone = api.post(path, json={"reason": "看错"}, headers=headers["fund"])
    assert (undone.status_code, undone.json()["undoes"]) == (201, made["decision"])
    assert api.post(path, json={"reason": "看错"}, headers=headers["fund"]).status_code == 409
    (open_again,) = get("fund", "/v1/checks/findings").json()["findings"]
    assert open_again["id"] == finding["id"]
    again = api.post(path.replace("reversals", "dismissal"), json={"reason": "再核实"}, headers=headers["fund"])
    assert again.status_code == 201 and again.json()["decision"] != made["decision"]
