"""What callers may not do: send too much, guess too often, learn from a failure; and what they are told when it is ours."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import exc
from structlog.testing import capture_logs

from api.limits import BODY_BYTES, Failures
from catalog_registry import clients
from certificates import receipt
from core import rotation
from core.actor import SYSTEM
from core.errors import DatabaseUnavailable
from tests.certificates.town import CLIENT, DEPARTMENT, Town, person, question

ASK, TOKEN, SETTLED = "/v1/certificates/queries", "/v1/oauth2/token", "fund_loan_settled"
SECRET_WORDS = "Key (number)=(11010519491231002X) 张三丰"


def body(**changed: Any) -> dict[str, Any]:
    return question(person(), SETTLED).model_dump() | changed


def test_a_body_beyond_the_limit(api: TestClient, bearer: dict[str, str]) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(BODY_BYTES // 1000 + 2):
            yield b" " * 1000

    for content in (b" " * (BODY_BYTES + 1), in_pieces()):
        answer = api.post(ASK, content=content, headers=bearer | {"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:hutong:problem:too_large")
        assert answer.json()["remedy_en"] == "A body has at most 64 KiB. At most 20 certificates at once."
    elsewhere = api.post("/v1/quarantine/decisions", content=b" " * (BODY_BYTES + 1), headers=bearer)
    assert (elsewhere.status_code, elsewhere.json()["remedy_en"]) == (413, "A body has at most 64 KiB.")
    largest = body(case_no="号" * 100, operator="员" * 100, basis={"kind": "statutory", "reference": "法" * 100})
    assert api.post(ASK, json=largest, headers=bearer).status_code == 200


def test_without_a_token_nothing_is_said_about_the_body(api: TestClient) -> None:
    assert api.post(ASK, json={"nonsense": 1}).status_code == 401


def test_a_receipt_is_no_token(api: TestClient, town: Town) -> None:
    claims = {"iss": "hutong", "aud": "hutong", "client_id": CLIENT, "exp": 9999999999}
    signed = town.hub.keys.sign(json.dumps(claims).encode())  # as receipts are: by the same key, without typ
    assert api.post(ASK, json=body(), headers={"Authorization": f"Bearer {signed}"}).status_code == 401


def test_an_ended_client_is_refused_and_the_refusal_audited(api: TestClient, town: Town) -> None:
    with town.hub.begin() as connection:
        secret = clients.add(connection, "ending", "将停用", DEPARTMENT)
    form = {"grant_type": "client_credentials", "client_id": "ending", "client_secret": secret}
    bearer = {"Authorization": f"Bearer {api.post(TOKEN, data=form).json()['access_token']}"}
    assert api.post(ASK, json=body(), headers=bearer).status_code == 200
    with town.hub.begin() as connection:
        clients.end(connection, "ending")
    answer = api.post(ASK, json=body(), headers=bearer)
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    entry = town.audit()[-1]
    assert (entry["kind"], entry["client"], entry["department"]) == ("certificate.refused", "ending", DEPARTMENT)
    assert api.post(TOKEN, data=form).status_code == 401


def test_keys_rotate_under_a_running_api(api: TestClient, town: Town, bearer: dict[str, str]) -> None:
    before = api.post(ASK, json=body(), headers=bearer)
    old = town.hub.keys.files.listed("signing")[-1].kid
    made, _ = rotation.rotate(town.hub, "signing", SYSTEM)
    after = api.post(ASK, json=body(), headers=bearer)
    assert [answer.status_code for answer in (before, after)] == [200, 200], "tokens of the old key go on"
    assert kid_of(before.json()["receipt"]) == old and kid_of(after.json()["receipt"]) == made.kid
    published = [key["kid"] for key in api.get("/v1/keys").json()["keys"]]
    assert {old, made.kid} <= set(published)
    for answer in (before, after):
        receipt.verify(town.hub.keys, answer.json())
    rotation.destroy(town.hub, old, SYSTEM, losing=True)
    assert api.post(ASK, json=body(), headers=bearer).status_code == 401, "a token verified before is not remembered"


def kid_of(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def test_a_renewed_secret_ends_the_tokens_of_the_one_before(api: TestClient, town: Town) -> None:
    with town.hub.begin() as connection:
        secrets = [clients.add(connection, "renewing", "将换密钥", DEPARTMENT)]
    bearers = []
    for renewed in (False, True):
        if renewed:
            with town.hub.begin() as connection:
                secrets.append(clients.renew(connection, "renewing"))
        form = {"grant_type": "client_credentials", "client_id": "renewing", "client_secret": secrets[-1]}
        bearers.append({"Authorization": f"Bearer {api.post(TOKEN, data=form).json()['access_token']}"})
    assert [api.post(ASK, json=body(), headers=bearer).status_code for bearer in bearers] == [401, 200]


@pytest.mark.parametrize(
    "changed",
    [
        {"certificates": [{"type": "fund_loan_setled"}]},
        {"certificates": [{"type": "credit_check"}]},
        {"subject": {"kind": "identity_card", "number": "110105194912310021", "name": "张三"}},
        {"service_item": "nothing"},
    ],
)
def test_refusals_are_audited(api: TestClient, town: Town, bearer: dict[str, str], changed: dict[str, Any]) -> None:
    before = len(town.audit())
    assert api.post(ASK, json=body(**changed), headers=bearer).status_code == 422
    entries = town.audit()
    assert len(entries) == before + 1
    assert (entries[-1]["kind"], entries[-1]["reason"]) == ("certificate.refused", "invalid")


def test_what_was_sent_is_not_repeated(api: TestClient, bearer: dict[str, str]) -> None:
    number = "11010519491231002X"
    subject = {"kind": number, "number": number, "name": "张三"}
    for changed in (
        {number: 1}, {"subject": subject}, {"service_item": number}, {"certificates": [{"type": number}]},
        {"certificates": [{"type": SETTLED, "parameters": {number: 1}}]}, {"basis": {"kind": number, "reference": "x"}},
    ):  # fmt: skip
        answer = api.post(ASK, json=body(**changed), headers=bearer)
        assert answer.status_code == 422 and "110105" not in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        b"[" * 30_000, b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"case_no": "\\ud800"}', b"1" * 5000, b"NaN",
        b'{"certificates": [{"type": "fund_contributions", "parameters": {"months": 1e400}}]}',
        b'{"certificates": [{"type": "fund_contributions", "parameters": {"months": true}}]}',
        json.dumps(question(person(), SETTLED).model_dump() | {"operator": "\ud800"}).encode(),
        json.dumps(question(person(), "fund_contributions").model_dump() | {
            "certificates": [{"type": "fund_contributions", "parameters": {"months": 10**30}}]}).encode(),
        json.dumps(question(person(), SETTLED).model_dump() | {"subject": {
            "kind": "identity_card", "number": "\ud800", "name": "\ud800"}}).encode(),
    ],
)  # fmt: skip
def test_whatever_is_sent_is_a_problem_of_the_caller(api: TestClient, bearer: dict[str, str], sent: bytes) -> None:
    answer = api.post(ASK, content=sent, headers=bearer | {"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["type"]


@pytest.mark.parametrize(
    "url",
    [
        "/v1/resources?after=%E5%BC%A0", "/v1/resources?after=///", "/v1/resources?limit=0", "/v1/resources?limit=x",
        "/v1/resources?after=" + "A" * 201, "/v1/resources?q='%20|%20!%26(:*", "/v1/resources?q=%F0%9F%98%80",
        "/v1/resources?department=%27%20or%201=1", "/v1/resources/%F0%9F%98%80", "/v1/resources/..%2f..%2fetc",
        "/v1/resources?total=maybe", "/v1/resources?q=" + "a" * 101, "/v1/resources?after=7f_f", "/v1/resources?q=%ed%a0%80",
    ],
)  # fmt: skip
def test_odd_addresses_never_stumble(api: TestClient, url: str) -> None:
    assert api.get(url).status_code in (200, 404, 422)


def test_guessing_is_slowed_and_others_go_on(api: TestClient, town: Town) -> None:
    guess = {"grant_type": "client_credentials", "client_id": "guessed", "client_secret": "x"}
    answers = [api.post(TOKEN, data=guess) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 61 and answers[-1].json()["error_description"]
    good = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": town.secret}
    assert api.post(TOKEN, data=good).status_code == 200


def test_failures_are_forgotten_and_bounded() -> None:
    seen = Failures(2, seconds=0.05, remembered=3)
    for who in "abcd":
        seen.count(who)
        seen.count(who)
    assert seen.wait("a") == 0 and seen.wait("d") == 1
    time.sleep(0.06)
    assert seen.wait("d") == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (psycopg.errors.UniqueViolation(SECRET_WORDS), 500),
        (ValueError(SECRET_WORDS), 500),
        (exc.OperationalError(SECRET_WORDS, None, Exception()), 503),
        (exc.TimeoutError(SECRET_WORDS), 503),
        (DatabaseUnavailable("away"), 503),
    ],
)
def test_our_own_failures_tell_and_log_no_values(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, status: int
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("catalog_registry.resources.listed", fail)
    with caplog.at_level(logging.DEBUG), capture_logs() as lines:
        answer = TestClient(api.app).get("/v1/resources")  # raises if anything is left to the server to log
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert ("retry-after" in answer.headers) == (status == 503) and "x-content-type-options" in answer.headers
    told = answer.text + json.dumps(lines, default=str) + " ".join(record.getMessage() for record in caplog.records)
    assert "11010519491231002X" not in told and "张三丰" not in told


def test_what_only_publication_changes_has_a_tag(api: TestClient) -> None:
    for url in ("/v1/certificates/types", "/v1/departments", "/v1/systems"):
        first = api.get(url)
        again = api.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
