"""Query parameters of every route that the application has: an unknown one, or a word that nothing goes by, is refused with what
there is; every list is paged alike."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.routers import batches, quarantine, records
from catalog_registry import clients
from core.settings import Settings
from libraries.rules import KINDS
from pipeline.batch import STATE_NAMES
from pipeline.cases import STATUS_NAMES
from pipeline.check_findings import STATUSES
from tests.api.test_roles import header
from tests.certificates.town import Town


def routes() -> list[tuple[str, str, list[str]]]:
    """Method, address with something in place of its parameters, and the query parameters, of every operation."""
    document = create_app(Settings()).openapi()
    found = []
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            query = sorted(one["name"] for one in said.get("parameters", ()) if one["in"] == "query")
            found.append((method, path.replace("{", "").replace("}", ""), query))
    return [one for one in found if one[1].startswith("/v1/")]


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/docs"])
def test_probes_metrics_and_pages_take_what_a_machine_adds(api: TestClient, path: str) -> None:
    assert api.get(path, params={"nocache": "17"}).status_code == 200


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


@pytest.fixture(scope="module")
def admin(api: TestClient, town: Town) -> dict[str, str]:
    with town.hub.begin() as connection:
        secret = clients.add(connection, "parameters", "管理员", "data_bureau", role="admin")
    return header(api, "parameters", secret)


WORDS = [
    ("/v1/batches", "feed=x.y"), ("/v1/batches", "dataset=titel"), ("/v1/batches", "state=blockd"),
    ("/v1/checks/findings", "check=x"), ("/v1/checks/findings", "status=opne"),
    ("/v1/conflicts", "library=x"), ("/v1/conflicts", "attribute=nmae"), ("/v1/conflicts", "department=housin"),
    *((path, word) for path in ("/v1/quarantine/rows", "/v1/quarantine/groups")
      for word in ("status=opne", "dataset=titel", "system=x", "severity=err", "dimension=x", "rule=x", "item=nmae")),
    ("/v1/systems", "department=housin"), ("/v1/resources", "department=housin"), ("/v1/items", "state=x"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "word"), WORDS)
def test_a_word_that_nothing_goes_by_is_refused(api: TestClient, admin: dict[str, str], path: str, word: str) -> None:
    answer = api.get(f"{path}?{word}", headers=admin)
    told = answer.json()
    assert (answer.status_code, told["errors"][0]["pointer"]) == (422, "/" + word.partition("=")[0])
    assert any(
        said in told["remedy_en"] + told["errors"][0]["detail_en"].lower()
        for said in ("Known", "known", "mean", "Remove")
    )


@pytest.mark.parametrize(
    "place",
    [dict.fromkeys("abcde", "x"), ["population", f"urn:uuid:{uuid4()}", "a", "b", "c"],
     ["population", str(uuid4()), "\ud800", "b", "c"], ["population", str(uuid4()), "\x00", "b", "c"], "abcde", 5],
    ids=lambda place: type(place).__name__,
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/conflicts", "/v1/quarantine/rows", "/v1/resources"])
def test_a_page_that_was_not_given_out_is_refused(
    api: TestClient, admin: dict[str, str], path: str, place: Any
) -> None:
    after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    answer = api.get(path, params={"after": after}, headers=admin)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/after")


def test_the_words_of_closed_lists_are_the_products() -> None:
    assert get_args(batches.State) == tuple(STATE_NAMES) and get_args(batches.Status) == tuple(STATUSES)
    assert get_args(quarantine.Status) == (*STATUS_NAMES, "all") and set(get_args(records.Library)) == set(KINDS)


def test_every_list_that_has_pages_is_paged_alike() -> None:
    paged = [query for _, _, query in routes() if "limit" in query or "after" in query]
    assert len(paged) == 6 and all("limit" in query and "after" in query for query in paged)
    assert not any({"cursor", "before", "offset", "page"} & set(query) for _, _, query in routes())
