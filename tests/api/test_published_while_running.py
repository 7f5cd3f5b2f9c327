"""What a steward puts into force is answered by the running application: no restart."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from catalog_registry import publication
from core.actor import SYSTEM
from schemas.published import Document
from tests.catalog_registry.test_registry import contract
from tests.certificates.town import Town, person, question

ASK = "/v1/certificates/queries"


def _body(type: str, **changed: Any) -> dict[str, Any]:
    return question(person(), type).model_dump() | changed


def test_published_while_running_answered_without_restart(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    old = town.published.raw["certificate", "employer_registered"].text
    new = old.replace("certificate: employer_registered", "certificate: employer_again")
    assert api.post(ASK, json=_body("employer_again"), headers=bearer).status_code == 422
    publication.register(town.hub, [Document("certificate", "employer_again", "1", new, "x.yaml")], SYSTEM)
    with town.hub.begin() as connection:
        town.grant(connection, "employer_again")
    subject = {"kind": "credit_code", "number": "91350100M000100Y43", "name": "某某有限公司"}
    answer = api.post(ASK, json=_body("employer_again", subject=subject), headers=bearer)
    assert answer.json()["answers"][0]["state"] == "not_held"
    publication.register(town.hub, [contract("brand_new", "全新资源", department="housing")], SYSTEM)
    assert api.get("/v1/resources?q=全新资源").json()["resources"][0]["dataset"] == "brand_new"
    assert api.get("/v1/resources/brand_new").json()["freshness"]["state"] == "never"
