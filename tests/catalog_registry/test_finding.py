"""The catalogue as it answers: ranking, near misses, facets, pages."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Invalid
from core.hub import Hub
from tests.catalog_registry.small import ask, found


@pytest.mark.parametrize(
    "q", ["权利登记", "bdcql", "djxx", "home", "budongchan", "ＨＯＭＥＳ", "不动产 市住房局", "权利，登记"]
)
def test_a_resource_is_found_by(standing: Hub, q: str) -> None:
    page = ask(standing, q)
    assert page.stage == "exact" and "homes" in found(page)


@pytest.mark.parametrize("q", ["!!", "😀", "' | !&(:*", "\\", "%", "'; DROP TABLE hub.resource; --", "𠀂𠀂", "_"])
def test_what_means_nothing_finds_nothing(standing: Hub, q: str) -> None:
    assert ask(standing, q, total=True, facets=True).total == 0
    assert len(ask(standing).lines) == 6


def test_title_before_summary_before_item(standing: Hub) -> None:
    for q in ("建筑面积", "jzmj"):
        assert found(ask(standing, q))[0] == "civil_floors"
    page = ask(standing, "建筑面积")
    assert found(page) == ["civil_floors", "civil_marriages", "civil_graves"]
    assert [line["matches"][0]["in"] for line in page.lines] == ["title", "summary", "item"]
    held = ask(standing, "jzmj", of_items=True)
    assert [(line["name"], line["resource"]["dataset"], line["share_type"]) for line in held.lines] == [
        ("jzmj", "civil_graves", 1)
    ]


@pytest.mark.parametrize(
    "q", ["建筑面基", "建筑积面", "建筑面", "建筑的面积", "建住面积", "jzmk", "jzjm", "jianzhumianj", "jianzumianji"]
)
def test_a_near_miss_is_found_and_said_to_be_one(standing: Hub, q: str) -> None:
    page = ask(standing, q)
    assert "civil_graves" in found(page)
    assert page.stage == ("exact" if q in ("建筑面", "jianzhumianj") else "near")
    if page.stage == "near":
        assert "建筑面积" in page.suggestions and page.hedge.en
        assert all(match["how"] != "text" for line in page.lines for match in line["matches"])


def test_words_run_together_share_their_bigrams(standing: Hub) -> None:
    page = ask(standing, "公积金账户余额查询")
    assert (page.stage, found(page)[0], page.suggestions) == ("overlap", "fund", [])


def test_facets_count_what_another_choice_would_give(standing: Hub) -> None:
    page = ask(standing, facets=True, total=True, filters={"share_type": ["1"], "state": ["listed"]})
    assert page.total == 2 == len(page.lines) and page.facets is not None

    def counts(name: str) -> dict[str, int]:
        assert page.facets is not None
        return {value["value"]: value["count"] for value in page.facets[name]}

    assert counts("department") == {"civil": 2}
    assert counts("share_type") == {"1": 2, "2": 1}  # of those listed only
    assert counts("state") == {"listed": 2, "never": 3}  # of those shared unconditionally
    assert counts("cycle") == {"6": 1, "8": 1} and counts("format") == {"spreadsheet": 1, "electronic_file": 1}
    assert page.facets["department"][0] | {"count": 0} == {
        "value": "civil", "label": "市民政局", "label_en": "Civil affairs bureau", "count": 0,
    }  # fmt: skip
    both = ask(
        standing, filters={"state": ["listed", "尚未归集"], "department": ["市民政局", "Housing bureau"]}, total=True
    )
    assert both.total == 5


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"department": ["civill"]}, "civil"),
        ({"share_type": ["4"]}, "1"),
        ({"cycle": ["dayly"]}, "2"),
        ({"state": ["lsted"]}, "listed"),
    ],
)
def test_an_unknown_value_of_a_filter_names_the_known_ones(
    standing: Hub, filters: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ask(standing, filters=filters)
    assert said in str(refused.value.remedy) and refused.value.pointer == f"/{next(iter(filters))}"


@pytest.mark.parametrize("order", ["relevance", "code", "name", "updated"])
@pytest.mark.parametrize(
    ("q", "of_items"), [("", False), ("信息", False), ("建筑面基", False), ("m", True), ("公积金账户余额查询", False)]
)
def test_pages_follow_one_another_in_every_order(standing: Hub, order: Any, q: str, of_items: bool) -> None:
    def key(line: dict[str, Any]) -> tuple[str, str]:
        return line.get("code", ""), line.get("name", "") + line.get("resource", {}).get("code", "")

    whole = [key(line) for line in ask(standing, q, of_items=of_items, order=order).lines]
    seen: list[tuple[str, str]] = []
    cursor = ""
    while True:
        page = ask(standing, q, of_items=of_items, order=order, limit=1, cursor=cursor)
        seen += [key(line) for line in page.lines]
        if page.next is None:
            break
        cursor = page.next
    assert seen == whole and len(set(seen)) == len(seen) and (seen or of_items)
