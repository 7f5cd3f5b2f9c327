"""The application as callers see it: tokens, questions, catalogue, problems, documentation; and what its log may hold."""

from __future__ import annotations

import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from structlog.testing import capture_logs

from catalog_registry import service_items
from catalog_registry.service_items import Demand, ServiceItem
from certificates import receipt
from core import clock
from core.actor import SYSTEM
from tests.certificates.town import CLIENT, DEPARTMENT, Town, person, question

ASK = "/v1/certificates/queries"
SETTLED = "fund_loan_settled"


def body(*types: str, **changed: Any) -> dict[str, Any]:
    return question(person(), *types or (SETTLED,)).model_dump() | changed


def test_a_token_by_form_and_by_basic(api: TestClient, town: Town) -> None:
    form = {"grant_type": "client_credentials"}
    for more in (
        {"data": form | {"client_id": CLIENT, "client_secret": town.secret}},
        {"data": form, "auth": (CLIENT, town.secret)},
    ):
        answer = api.post("/v1/oauth2/token", **more)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        assert answer.json()["token_type"] == "Bearer" and answer.json()["expires_in"] == 3600


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        ({}, None, 400, "invalid_request"),
        ({"grant_type": "password"}, None, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, (CLIENT, "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_secret": "x"}, (CLIENT, "x"), 400, "invalid_request"),
    ],
)
def test_oauth_errors(api: TestClient, form: dict[str, str], auth: Any, status: int, error: str) -> None:
    answer = api.post("/v1/oauth2/token", data=form, auth=auth)
    told = answer.json()
    assert (answer.status_code, told["error"]) == (status, error)
    # RFC 6749 §5.2: of these characters only
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", told["error_description"])
    assert told["error_description_zh"] and CLIENT not in answer.text
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_question_is_answered_signed_and_audited(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    answer = api.post(ASK, json=body(), headers=bearer)
    assert answer.status_code == 200
    told = answer.json()
    receipt.verify(town.hub.keys, told)
    assert told["answers"][0]["state"] == "not_held" and town.audit()[-1]["id"] == told["id"]
    assert api.get("/v1/keys").json()["keys"][0].keys() >= {"kid", "kty", "crv", "x"}
    assert "d" not in api.get("/v1/keys").json()["keys"][0]


def test_tokens_missing_forged_and_expired(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    forged = bearer["Authorization"][:-4] + "AAAA"
    for header in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer x.y.z"}, {"Authorization": forged}):
        answer = api.post(ASK, json=body(), headers=header)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    with clock.override(clock.now() + timedelta(hours=2)):
        assert api.post(ASK, json=body(), headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"case_no": ""}, "/case_no"),
        ({"operator": None}, "/operator"),
        ({"certificates": []}, "/certificates"),
        ({"certificates": [{"type": SETTLED, "parameter": {}}]}, "/certificates/0/parameter"),
        ({"basis": {"kind": "curiosity", "reference": "x"}}, "/basis/kind"),
        ({"subject": {"kind": "identity_card", "number": {"x": "11010519491231002X"}, "name": "x"}}, "/subject/number"),
        ({"subject": {"kind": "identity_card", "number": "110105194912310021", "name": "张三"}}, "/subject/number"),
        ({"certificates": [{"type": "fund_loan_setled"}]}, "/certificates/0/type"),
        ({"service_item": "nothing"}, "/service_item"),
    ],
)
def test_problems_point_at_the_mistake_and_repeat_nothing(
    api: TestClient, bearer: dict[str, str], changed: dict[str, Any], pointer: str
) -> None:
    answer = api.post(ASK, json=body(**changed), headers=bearer)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    told = answer.json()
    assert told["type"] == "urn:hutong:problem:invalid" and told["title"] and told["status"] == 422
    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert not re.search(r"\d{17}", answer.text)


def test_allowed_values_are_named_and_broken_json_has_a_place(api: TestClient, bearer: dict[str, str]) -> None:
    told = api.post(ASK, json=body(basis={"kind": "curiosity", "reference": "x"}), headers=bearer).json()
    assert "statutory, authorisation" in told["errors"][0]["detail_en"]
    headers = bearer | {"Content-Type": "application/json"}
    (error,) = api.post(ASK, content=b'{"case_no": }', headers=headers).json()["errors"]
    assert error["pointer"] == "" and "12" in error["detail"]


def test_a_service_item_alone_asks_for_all_of_it(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    guide = (Demand(type="lease_filed", material="租赁备案证明"), Demand(type=SETTLED))
    with town.hub.begin() as connection:
        item = ServiceItem(service_item="whole", name="事项", department=DEPARTMENT, certificates=guide)
        service_items.put(connection, item, SYSTEM)
        for type in item.types:
            town.grant(connection, type, item=item.id)
    sent = body(service_item="whole")
    del sent["certificates"], sent["declared"]
    told = api.post(ASK, json=sent, headers=bearer).json()
    assert [(line["type"], line["material"]["name"]) for line in told["answers"]] == [
        ("lease_filed", "租赁备案证明"), (SETTLED, "公积金贷款结清情况"),
    ]  # fmt: skip


def test_control_characters_are_refused_not_stumbled_over(api: TestClient, bearer: dict[str, str]) -> None:
    for changed in ({"case_no": "a\x00"}, {"service_item": "\x00"}, {"certificates": [{"type": "\x00"}]}):
        assert api.post(ASK, json=body(**changed), headers=bearer).status_code == 422
    for url in (
        "/v1/resources?q=%00a",
        "/v1/resources?department=%00",
        "/v1/resources/%00",
        "/v1/resources?after=AAAA",
    ):
        assert api.get(url).status_code == 422
    form = {"grant_type": "client_credentials", "client_id": "\x00", "client_secret": "x"}
    assert api.post("/v1/oauth2/token", data=form).status_code == 401


def test_no_audit_is_503_without_an_answer(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    with town.hub.begin() as connection:
        connection.execute(text("REVOKE INSERT ON hub.audit FROM hutong_answer"))
    try:
        answer = api.post(ASK, json=body(), headers=bearer)
    finally:
        with town.hub.begin() as connection:
            connection.execute(text("GRANT INSERT ON hub.audit TO hutong_answer"))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:hutong:problem:audit_unavailable")
    assert "retry-after" in answer.headers and "answers" not in answer.json()


def test_no_number_reaches_a_log(api: TestClient, bearer: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    sent = body()
    with caplog.at_level(logging.DEBUG), capture_logs() as lines:  # before the log's own redaction
        api.post(ASK, json=sent, headers=bearer)
        api.get(f"/v1/resources?q={sent['subject']['number']}")
        api.get(f"/v1/resources/{sent['subject']['number']}")
        api.get(f"/{sent['subject']['number']}")
    told = json.dumps(lines, ensure_ascii=False) + " ".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("httpx")
    )
    assert len(lines) >= 4 and sent["subject"]["number"] not in told and sent["subject"]["name"] not in told
    assert sent["subject"]["number"] not in api.get("/metrics").text


def test_resources_page_by_link(api: TestClient, town: Town) -> None:
    everything = api.get("/v1/resources", params={"total": True, "limit": 200}).json()
    assert everything["total"] == len(everything["resources"]) == len(town.published.contracts)
    seen: list[str] = []
    url = "/v1/resources?limit=3"
    while url:
        page = api.get(url)
        seen += [row["code"] for row in page.json()["resources"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', page.headers.get("link", ""))
        url = link[1] if link else ""
    assert seen == [row["code"] for row in everything["resources"]]
    assert api.get("/v1/resources?after=%ff").status_code == 422
    assert {row["department"]["id"] for row in api.get("/v1/resources?department=housing").json()["resources"]} == {
        "housing"
    }
    assert api.get("/v1/resources?q=gjj").json()["resources"]


def test_one_resource_by_dataset_and_by_code(api: TestClient, town: Town) -> None:
    for id, contract in town.published.contracts.items():
        told = api.get(f"/v1/resources/{id}").json()
        assert [item["name"] for item in told["items"]] == [item.name for item in contract.items]
        assert told["freshness"]["state"] == "fresh" and told["quality"]["landed"] == 10
        assert [one["code"] for one in told["quality"]["dimensions"]][-2:] == ["timeliness", "accessibility"]
        assert api.get(f"/v1/resources/{told['code'].replace('/', '-')}").json()["dataset"] == id
    assert api.get("/v1/resources/nothing").status_code == 404


def test_the_other_lists(api: TestClient, town: Town) -> None:
    assert len(api.get("/v1/departments").json()["departments"]) == len(town.published.departments)
    assert len(api.get("/v1/systems").json()["systems"]) == len(town.published.texts("system"))
    assert "test_item" in [item["id"] for item in api.get("/v1/service-items").json()["service_items"]]
    types = api.get("/v1/certificates/types").json()["types"]
    assert {type["type"] for type in types} == set(town.published.texts("certificate"))


def test_every_operation_is_documented_offline(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    page = api.get("/docs")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text and not re.search(r'(src|href)="(https?:)?//', page.text)
    assert api.get("/docs/style.css").headers["content-type"].startswith("text/css")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text and operation["summary"]
            if path != "/metrics":
                success = next(status for status in operation["responses"] if status.startswith("2"))
                assert operation["responses"][success]["content"]["application/json"]["example"]
    known = set(document["components"]["schemas"])
    assert set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document))) <= known


def test_examples_are_of_the_form_the_api_gives(api: TestClient, bearer: dict[str, str]) -> None:
    document = api.get("/openapi.json").json()
    for path in (
        "/v1/resources",
        "/v1/certificates/types",
        "/v1/departments",
        "/v1/systems",
        "/v1/service-items",
        "/readyz",
    ):
        example = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        asked = {"total": True, "facets": True, "q": "gjj"} if path == "/v1/resources" else {}
        _same_keys(example, api.get(path, params=asked).json())
    ask = document["paths"][ASK]["post"]
    sent = ask["requestBody"]["content"]["application/json"]["example"]
    told = api.post(ASK, json=sent | {"service_item": "test_item"}, headers=bearer)
    assert told.status_code == 200
    _same_keys(ask["responses"]["200"]["content"]["application/json"]["example"], told.json())


def _same_keys(example: Any, real: Any) -> None:
    if isinstance(example, dict) and isinstance(real, dict):
        assert example.keys() <= real.keys()
        for name in example:
            if name not in ("fields", "parameters"):  # keyed by what a type says
                _same_keys(example[name], real[name])
    elif isinstance(example, list) and isinstance(real, list) and example and real:
        _same_keys(example[0], real[0])


def test_alive_ready_and_counted(api: TestClient) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json()["status"] == "ok"
    api.get("/v1/resources/" + "x" * 30)
    api.get("/nowhere/at/all")
    told = api.get("/metrics").text
    assert 'route="/v1/resources/{key}"' in told and "xxx" not in told and "nowhere" not in told


def test_unknown_addresses_and_methods_are_problems(api: TestClient, bearer: dict[str, str]) -> None:
    for answer, status in ((api.get("/nowhere"), 404), (api.delete("/v1/keys"), 405)):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "/docs" in answer.json()["remedy"] and "/docs" in answer.json()["remedy_en"]
    assert api.post(ASK, content=b"{").status_code == 401  # who asks is looked at before what is asked
    broken = api.post(ASK, content=b"{", headers={"Content-Type": "application/json", **bearer})
    assert broken.status_code == 422 and broken.headers["content-type"] == "application/problem+json"
