"""What is wrong with a request is told by field and in words, in both languages; nothing that was sent is passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from catalog_registry import clients
from tests.api.test_roles import header
from tests.certificates.town import Town, person, question

ASK = "/v1/certificates/queries"
ID = "00000000-0000-4000-8000-000000000001"  # no other at each run: it is in the names of the tests
DECISIONS, RULINGS = "/v1/quarantine/decisions", f"/v1/batches/{ID}/rulings"
ROW: dict[str, Any] = {"batch": ID, "row_no": 1}
FIX: dict[str, Any] = {"kind": "fix", "reason": "核对", "rows": [ROW], "set": {"a": "1"}}
EXCUSE = {"kind": "excuse", "reason": "确有", "rows": [ROW], "rules": ["range"], "until": "2026-12-31"}
RECORDS, EXPLAIN = "/v1/records/queries", "/v1/libraries/population/explanations"
CASE = {"purpose": "核对", "case_no": "XF-1", "basis": {"kind": "statutory", "reference": "条例"}}
SUBJECT = {"subject": {"number": "11010519491231002X", "name": "李小明"}}
TITLE = CASE | {"dataset": "title"}
DISMISS = {"kind": "dismiss", "reason": "测试", "rows": [ROW]}


@pytest.fixture(scope="module")
def admin(api: TestClient, town: Town) -> dict[str, str]:
    with town.hub.begin() as connection:
        secret = clients.add(connection, "refusals", "管理员", "data_bureau", role="admin")
    return header(api, "refusals", secret)


def only(answer: Any) -> dict[str, str]:
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    (error,) = answer.json()["errors"]
    return dict(error)


@pytest.mark.parametrize(
    ("path", "body", "pointer", "told"),
    [
        (RULINGS, {"ruling": "drop", "reason": "重推", "guard": "shrink"}, "/guard", "leave it out"),
        (DECISIONS, DISMISS | {"set": {"a": "1"}}, "/set", "kind: fix"),
        (DECISIONS, DISMISS | {"until": "2026-12-31"}, "/until", "kind: excuse"),
        (DECISIONS, DISMISS | {"rules": ["range"]}, "/rules", "kind: excuse"),
        (DECISIONS, FIX | {"until": "2026-12-31"}, "/until", "kind: excuse"),
        (DECISIONS, FIX | {"rules": ["range"]}, "/rules", "kind: excuse"),
        (DECISIONS, EXCUSE | {"set": {"a": "1"}}, "/set", "kind: fix"),
    ],
)
def test_what_does_not_belong_is_refused(
    api: TestClient, admin: dict[str, str], path: str, body: dict[str, Any], pointer: str, told: str
) -> None:
    error = only(api.post(path, json=body, headers=admin))
    assert error["pointer"] == pointer and told in error["detail_en"] and error["detail"] != error["detail_en"]


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize(
    ("path", "body", "pointer", "told"),
    [
        (RULINGS, {"ruling": "accept", "reason": "来函"}, "/guard", "name the guard"),
        (DECISIONS, without(FIX, "set"), "/set", "new values"),
        (DECISIONS, FIX | {"rows": [ROW, ROW]}, "/rows", "one row"),
        (DECISIONS, without(FIX, "rows") | {"filter": {"rule": "range"}, "expected": 1}, "/filter", "one row"),
        (DECISIONS, FIX | {"expected": 3}, "/expected", "one row"),
        (DECISIONS, without(EXCUSE, "rules"), "/rules", "names the rules"),
        (DECISIONS, without(EXCUSE, "until"), "/until", "last day"),
        (DECISIONS, without(DISMISS, "rows") | {"filter": {"rule": "range"}}, "/expected", "how many"),
        (DECISIONS, without(DISMISS, "rows") | {"filter": {}, "expected": 1}, "/filter", "dataset, system, rule, item"),
        (DECISIONS, DISMISS | {"filter": {"rule": "range"}}, "/filter", "not both"),
        (DECISIONS, without(DISMISS, "rows"), "", "rows, or a filter"),
        (DECISIONS, EXCUSE | {"until": "2026-02-30"}, "/until", "must be a day"),
        (DECISIONS, DISMISS | {"rows": [ROW | {"row_no": 0}]}, "/rows/0/row_no", "at least 1"),
        (DECISIONS, DISMISS | {"rows": [ROW | {"batch": "x"}]}, "/rows/0/batch", "UUID"),
        (DECISIONS, EXCUSE | {"rules": ["range"] * 2, "reason": "x" * 101}, "/reason", "at most 100"),
        (RECORDS, TITLE, "", "key or subject"),
        (RECORDS, TITLE | SUBJECT | {"key": {"right_id": "t"}}, "/subject", "not both"),
        (RECORDS, TITLE | SUBJECT | {"known_at": "2026-01-01T00:00:00"}, "/known_at", "time zone"),
        (RECORDS, TITLE | SUBJECT | {"known_at": "yesterday"}, "/known_at", "moment"),
        (RECORDS, TITLE | SUBJECT | {"as_of": "2026-13-01"}, "/as_of", "must be a day"),
        (RECORDS, TITLE | SUBJECT | {"reveal": "maybe"}, "/reveal", "true or false"),
        (EXPLAIN, CASE | {"attribute": "name"}, "", "entity or subject"),
        (EXPLAIN, CASE | SUBJECT | {"attribute": "name", "entity": ID}, "/subject", "not both"),
        *((path, body, "", "JSON object") for path in (DECISIONS, RULINGS, RECORDS, EXPLAIN) for body in ([], None)),
    ],
)
def test_what_is_wrong_between_fields_and_beyond_bounds_is_told(
    api: TestClient, admin: dict[str, str], path: str, body: Any, pointer: str, told: str
) -> None:
    answer = api.post(path, content=json.dumps(body), headers=admin | {"Content-Type": "application/json"})
    error = only(answer)
    assert error["pointer"] == pointer and told in error["detail_en"] and error["detail"] != error["detail_en"]
    assert "11010519491231002X" not in answer.text


NUMBER = SUBJECT["subject"]["number"]
WITH_NUMBER = {"kind": "statutory", "reference": f"授权书{NUMBER}"}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (ASK, {"case_no": f"办件 {NUMBER}"}, "/case_no"), (ASK, {"operator": NUMBER}, "/operator"),
        (ASK, {"basis": WITH_NUMBER}, "/basis/reference"),
        *(
            (path, CASE | SUBJECT | more | wrong, pointer)
            for path, more in ((RECORDS, {"dataset": "real_estate_right"}), (EXPLAIN, {"attribute": "name"}))
            for wrong, pointer in (
                ({"case_no": NUMBER}, "/case_no"), ({"basis": WITH_NUMBER}, "/basis/reference"),
                ({"purpose": f"核对{NUMBER}"}, "/purpose"), ({"purpose": "致电13800001111"}, "/purpose"),
            )
        ),
    ],
)  # fmt: skip
def test_nobodys_number_goes_where_others_read_it(
    api: TestClient, admin: dict[str, str], bearer: dict[str, str], path: str, body: dict[str, Any], pointer: str
) -> None:
    if path == ASK:
        answer = api.post(path, json=question(person(), "fund_loan_settled").model_dump() | body, headers=bearer)
    else:
        answer = api.post(path, json=body, headers=admin)
    error = only(answer)
    assert error["pointer"] == pointer and ("number" in error["detail_en"]) and "号" in error["detail"]
    assert NUMBER not in answer.text


def test_nobody_goes_by_their_number_as_operator(api: TestClient, admin: dict[str, str]) -> None:
    answer = api.get("/v1/batches", headers=admin | {"Hutong-Operator": NUMBER})
    assert only(answer)["pointer"] == "/Hutong-Operator" and NUMBER not in answer.text and answer.json()["remedy_en"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", "at least 1"), ("limit=201", "at most 200"), ("total=maybe", "true or false"),
        ("batch=x", "UUID"), ("days=-1", "at least 0"), ("dataset=" + "x" * 41, "at most 40"),
    ],
)  # fmt: skip
def test_bounds_of_parameters_are_told(api: TestClient, admin: dict[str, str], query: str, told: str) -> None:
    error = only(api.get(f"/v1/quarantine/rows?{query}", headers=admin))
    assert error["pointer"] == "/" + query.partition("=")[0] and told in error["detail_en"]


@pytest.mark.parametrize("sent", [b"[]", b"null", b'"x"'])
def test_a_body_that_is_no_object_is_told_so(api: TestClient, bearer: dict[str, str], sent: bytes) -> None:
    error = only(api.post("/v1/certificates/queries", content=sent, headers=bearer))
    assert error["pointer"] == "" and "JSON object" in error["detail_en"]


def test_a_parameter_of_no_kind_is_told_what_it_may_be(api: TestClient, bearer: dict[str, str]) -> None:
    asked = question(person(), "fund_contributions").model_dump()
    asked["certificates"] = [{"type": "fund_contributions", "parameters": {"months": True}}]
    error = only(api.post("/v1/certificates/queries", json=asked, headers=bearer))
    assert error["pointer"] == "/certificates/0/parameters/months" and "whole number or a text" in error["detail_en"]
