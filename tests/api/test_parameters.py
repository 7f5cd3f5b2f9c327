"""Query parameters of every route that the application has: an unknown one is refused by name, with those there are."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from core.settings import Settings


def routes() -> list[tuple[str, str, list[str]]]:
    """Method, address with something in place of its parameters, and the query parameters, of every operation."""
    document = create_app(Settings()).openapi()
    found = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            query = sorted(one["name"] for one in said.get("parameters", ()) if one["in"] == "query")
            found.append((method, path.replace("{", "").replace("}", ""), query))
    return [*found, ("get", "/docs", []), ("get", "/docs/style.css", [])]


@pytest.mark.parametrize(("method", "path", "query"), routes())
def test_an_unknown_query_parameter_is_refused(api: TestClient, method: str, path: str, query: list[str]) -> None:
    answer = api.request(method, path, params={"stat": "open", query[0] if query else "stat": "x"})
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert told["errors"] == [
        {"pointer": "/stat", "detail": "没有这个查询参数", "detail_en": "is no query parameter here"}
    ]
    assert "stat" in told["title"] and all(name in told["remedy_en"] for name in query)


def test_a_name_that_could_be_a_number_is_not_repeated(api: TestClient) -> None:
    answer = api.get("/v1/resources?11010519491231002X=1&stat=2")
    assert answer.status_code == 422 and "11010519491231002X" not in answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["", "/stat"]


def test_the_near_miss_is_named(api: TestClient) -> None:
    assert "Did you mean state?" in api.get("/v1/resources?stat=fresh").json()["remedy_en"]
