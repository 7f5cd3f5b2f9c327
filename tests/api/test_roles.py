"""Roles: what a token's client may do is asked of the database at every call; the person behind it is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.roles import Admin, Steward
from catalog_registry import clients
from core.errors import Invalid
from tests.certificates.town import CLIENT, Town

WHO = {"Hutong-Operator": "zhang.wei"}


@pytest.fixture(scope="module")
def guarded(town: Town) -> Iterator[TestClient]:
    """The application with two routes more, each demanding a role."""
    app = create_app(town.hub.settings)

    @app.get("/steward/{department}", include_in_schema=False)
    def steward(acting: Steward, department: str) -> dict[str, Any]:
        acting.require(department)
        return {"scope": acting.scope, **acting.actor.as_dict()}

    @app.get("/admin", include_in_schema=False)
    def admin(acting: Admin) -> dict[str, Any]:
        return {"scope": acting.scope}

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def header(api: TestClient, client: str, secret: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    return WHO | {"Authorization": f"Bearer {api.post('/v1/oauth2/token', data=form).json()['access_token']}"}


@pytest.fixture(scope="module")
def people(guarded: TestClient, town: Town) -> dict[str, dict[str, str]]:
    with town.hub.begin() as connection:
        secrets = {
            "s": clients.add(connection, "s", "专员", "housing", role="steward"),
            "a": clients.add(connection, "a", "管理员", "data_bureau", role="admin"),
        } | {CLIENT: town.secret}
    return {name: header(guarded, name, secret) for name, secret in secrets.items()}


def test_a_department_may_not_a_steward_may_on_its_own_an_admin_on_all(
    guarded: TestClient, people: dict[str, dict[str, str]]
) -> None:
    told = guarded.get("/steward/housing", headers=people["s"]).json()
    assert told == {
        "scope": "housing", "operator": "zhang.wei", "client": "s", "department": "housing", "system": "hutong",
    }  # fmt: skip
    assert guarded.get("/steward/elsewhere", headers=people["a"]).json()["scope"] is None
    assert guarded.get("/admin", headers=people["a"]).status_code == 200
    for path, who in (("/steward/housing", CLIENT), ("/steward/elsewhere", "s"), ("/admin", "s"), ("/admin", CLIENT)):
        answer = guarded.get(path, headers=people[who])
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:hutong:problem:forbidden")
        assert answer.headers["content-type"] == "application/problem+json" and answer.json()["remedy"]


def test_the_person_is_named_and_may_be_chinese(guarded: TestClient, people: dict[str, dict[str, str]]) -> None:
    told = guarded.get("/steward/housing", headers=people["s"] | {"Hutong-Operator": quote("张伟")}).json()
    assert told["operator"] == "张伟"
    unnamed = {"Authorization": people["s"]["Authorization"]}
    for headers in (unnamed, people["s"] | {"Hutong-Operator": " "}, people["s"] | {"Hutong-Operator": "%00%FF"}):
        answer = guarded.get("/steward/housing", headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Hutong-Operator")
    assert guarded.get("/steward/housing", headers=WHO).status_code == 401


def test_a_role_ends_with_its_client_at_once(guarded: TestClient, town: Town) -> None:
    with town.hub.begin() as connection:
        secret = clients.add(connection, "leaver", "离任", "housing", role="steward")
    headers = header(guarded, "leaver", secret)
    assert guarded.get("/steward/housing", headers=headers).status_code == 200
    with town.hub.begin() as connection:
        renewed = clients.renew(connection, "leaver")
    assert guarded.get("/steward/housing", headers=headers).status_code == 401
    headers = header(guarded, "leaver", renewed)
    assert guarded.get("/steward/housing", headers=headers).status_code == 200
    with town.hub.begin() as connection:
        clients.end(connection, "leaver")
    answer = guarded.get("/steward/housing", headers=headers)
    assert answer.status_code == 401 and "invalid_token" in answer.headers["www-authenticate"]


def test_no_other_role_is_given(town: Town) -> None:
    with pytest.raises(Invalid), town.hub.begin() as connection:
        clients.add(connection, "king", "王", "housing", role="king")  # type: ignore[arg-type]
