"""Batches, their evidence and findings of checks over HTTP: for stewards of the departments concerned, and admins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.app import create_app
from catalog_registry import clients, quality
from pipeline import checks, journey
from tests.libraries.registry import Registry
from tests.pipeline.small import FEED, Small, row
from tests.pipeline.test_checks import registry

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


def _batches(get: Any, api: TestClient, headers: dict[str, dict[str, str]]) -> None:
    assert get("window", "/v1/batches").status_code == 403 and api.get("/v1/batches").status_code in (401, 422)
    assert len(get("pets", "/v1/batches").json()["batches"]) == 3 and not get("fund", "/v1/batches").json()["batches"]
    first = get("head", "/v1/batches", dataset="pet_licence", limit=2)
    rest = api.get(first.links["next"]["url"], headers=headers["head"]).json()["batches"]
    listed = first.json()["batches"] + rest
    assert [one["number"] for one in listed] == sorted((one["number"] for one in listed), reverse=True)
    assert "next" not in get("head", "/v1/batches").links
    one = get("pets", f"/v1/batches/{listed[-1]['id']}")
    assert get("fund", f"/v1/batches/{listed[-1]['id']}").status_code == 403
    told = one.json()
    assert (told["adds_up"], told["problems"], told["evidence"]["quarantined"]) == (True, [], 1)
    scores = {measure["code"]: measure["score"] for measure in told["quality"]}
    assert len(scores) == 6 and scores["accuracy"] < 100 and scores["completeness"] == scores["accessibility"] == 100


def _findings(get: Any, api: TestClient, headers: dict[str, dict[str, str]]) -> None:
    (finding,) = get("fund", "/v1/checks/findings").json()["findings"]
    assert [record["key"] for record in finding["records"]] == ["1", "F1"]
    assert not get("police", "/v1/checks/findings").json()["findings"]
    counted = {one["id"]: one["findings"]["open"] for one in get("head", "/v1/checks").json()["checks"]}
    assert counted == {"employer_gone": 1, "twice": 0, "changed": 0}
    path = f"/v1/checks/findings/{finding['id']}/dismissal"
    assert api.post(path, json={"reason": "核实"}, headers=headers["police"]).status_code == 404
    assert api.post(path, json={"reason": ""}, headers=headers["fund"]).status_code == 422
    assert api.post(path, json={"reason": "核实无误"}, headers=headers["fund"]).status_code == 201
    assert api.post(path, json={"reason": "核实无误"}, headers=headers["fund"]).status_code == 409
    assert not get("fund", "/v1/checks/findings").json()["findings"]
    (dismissed,) = get("head", "/v1/checks/findings", status="dismissed").json()["findings"]
    assert dismissed["id"] == finding["id"]
