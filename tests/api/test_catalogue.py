"""The catalogue through HTTP: questions, pages, tags, refusals. What is found is tests/catalog_registry's to say."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from catalog_registry import publication
from core.actor import SYSTEM
from schemas.published import Document
from tests.certificates.town import Town

LISTS = ("/v1/resources", "/v1/resources?q=gjj&facets=true", "/v1/items?q=jzmj", "/v1/departments", "/v1/systems")


@pytest.mark.parametrize("order", ["relevance", "code", "name", "updated"])
@pytest.mark.parametrize("path", ["/v1/resources?q=信息", "/v1/resources?q=住房公积全", "/v1/items?q=bh"])
def test_every_order_pages_by_link(api: TestClient, path: str, order: str) -> None:
    def lines(url: str) -> tuple[list[str], str]:
        answer = api.get(url)
        assert answer.status_code == 200
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        body = answer.json()
        return [str(line) for line in body.get("resources", body.get("items"))], link[1] if link else ""

    whole, _ = lines(f"{path}&order={order}&limit=200")
    seen: list[str] = []
    url = f"{path}&order={order}&limit=2"
    while url:
        page, url = lines(url)
        seen += page
    assert seen == whole and len(seen) > 2


def test_who_holds_an_item(api: TestClient) -> None:
    for q in ("建筑面积", "jzmj", "建筑面基"):
        told = api.get("/v1/items", params={"q": q, "total": True}).json()
        assert {line["title"] for line in told["items"]} == {"建筑面积"} and told["total"] == len(told["items"])
        assert {line["department"]["id"] for line in told["items"]} == {"natural_resources", "housing"}
        assert all(line["share_type"] and line["matches"][0]["marks"] == [[0, 4]] for line in told["items"])
        assert told["match"] == ("near" if q == "建筑面基" else "exact")
    assert api.get("/v1/items").json()["items"] == []


def test_a_tag_holds_until_the_catalogue_changes(api: TestClient, town: Town) -> None:
    tags = {}
    for url in (*LISTS, "/v1/resources/real_estate_right"):
        first = api.get(url)
        tags[url] = first.headers["etag"]
        for known in (tags[url], f'"other", {tags[url]}', "*"):
            again = api.get(url, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[url])
        assert api.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    old = town.published.raw["department", "natural_resources"].text
    body = old.replace("name: 市自然资源局", "name: 市自然资源和规划局")
    publication.register(town.hub, [Document("department", "natural_resources", "", body, "department.yaml")], SYSTEM)
    for url, tag in tags.items():
        same = url.startswith("/v1/resources?q=gjj")
        assert (api.get(url, headers={"If-None-Match": tag}).status_code == 304) == same, url


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("department=housin", "/department"), ("share_type=9", "/share_type"), ("cycle=x", "/cycle"), ("format=pdf", "/format"),
        ("state=dead", "/state"), ("resource_class=b", "/resource_class"), ("order=best", "/order"), ("q=" + "字" * 500, "/q"),
        ("after=WyJjb2RlIl0", "/after"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_what_can(api: TestClient, query: str, pointer: str) -> None:
    for path in ("/v1/resources", "/v1/items"):
        answer = api.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert answer.json()["remedy"]
    if pointer == "/department":
        assert "housing" in answer.json()["remedy"]


@pytest.mark.parametrize(
    "q", ["'; DROP TABLE hub.resource; --", "a' | 'b:*", "😀", "ＧＪＪ", "%_\\", "(((", "!", "x", " ", "𠀂"]
)
def test_whatever_is_typed_is_an_answer(api: TestClient, q: str) -> None:
    for path in ("/v1/resources", "/v1/items"):
        answer = api.get(path, params={"q": q, "facets": True, "total": True})
        assert answer.status_code == 200 and answer.json()["match"] in ("exact", "near", "overlap")
    assert api.get("/v1/resources", params={"q": "ＧＪＪ"}).json()["resources"]


def test_both_languages_stand_side_by_side(api: TestClient) -> None:
    told = api.get("/v1/resources/real_estate_right").json()
    assert told["sources"][0]["covers"]["division_names_en"] == ["Yiyang"]
    assert told["department"]["name_en"] and told["format"]["label_en"] and told["items"][0]["share_label_en"]
    facets = api.get("/v1/resources?facets=true").json()["facets"]
    assert all(value["label_en"] for values in facets.values() for value in values)


def test_systems_of_one_department(api: TestClient) -> None:
    told = api.get("/v1/systems?department=housing").json()["systems"]
    assert [(each["department"], each["connected"]) for each in told] == [("housing", True)] and told[0]["feeds"]
