"""What is wrong with a request is told by field and in words, in both languages; nothing that was sent is passed over."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from catalog_registry import clients
from tests.api.test_roles import header
from tests.certificates.town import Town

ID = "00000000-0000-4000-8000-000000000001"  # no other at each run: it is in the names of the tests
DECISIONS, RULINGS = "/v1/quarantine/decisions", f"/v1/batches/{ID}/rulings"
ROW: dict[str, Any] = {"batch": ID, "row_no": 1}
FIX: dict[str, Any] = {"kind": "fix", "reason": "核对", "rows": [ROW], "set": {"a": "1"}}
EXCUSE = {"kind": "excuse", "reason": "确有", "rows": [ROW], "rules": ["range"], "until": "2026-12-31"}
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
