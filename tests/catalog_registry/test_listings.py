"""What changes the catalogue: listings beside contracts, new names, retirement; and what that does to a search."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from catalog_registry import departments, index, publication, resources, systems
from core.actor import SYSTEM
from core.errors import DocumentRefused
from core.hub import Hub
from schemas import published
from tests.catalog_registry.small import LISTING, ask, department, found, listing
from tests.catalog_registry.test_registry import contract


def test_the_whole_before_its_beginning_before_a_part(hub: Hub) -> None:
    titles = ["个人公积金账户", "公积金账户明细", "公积金账户", "公积金余额"]
    publication.register(hub, [contract(f"d{n}", title) for n, title in enumerate(titles)], SYSTEM)
    for q in ("公积金账户", "gjjzh", "gongjijinzhanghu"):
        assert [line["title"] for line in ask(hub, q).lines] == ["公积金账户", "公积金账户明细", "个人公积金账户"]


def test_a_near_miss_never_stands_beside_what_matches(city: Hub) -> None:
    publication.register(city, [contract("typo", "建筑面基")], SYSTEM)
    page = ask(city, "建筑面基", total=True)
    assert (page.stage, found(page), page.total, page.suggestions) == ("exact", ["typo"], 1, [])
    narrowed = ask(city, "建筑面基", total=True, filters={"department": ["civil"]})
    assert (narrowed.stage, narrowed.total) == ("exact", 0)


def test_words_of_2016_and_2025_mean_the_same(hub: Hub) -> None:
    publication.register(hub, [contract("lists", "政务信息资源目录"), contract("new", "政务数据目录")], SYSTEM)
    assert found(ask(hub, "政务数据目录")) == ["new", "lists"] and found(ask(hub, "政务信息资源目录")) == [
        "lists",
        "new",
    ]


def test_orders_are_what_they_say(city: Hub) -> None:
    assert [line["title"] for line in ask(city, order="name").lines][:3] == [
        "不动产权利登记信息",
        "公积金贷款",
        "公积金账户",
    ]
    publication.register(city, [contract("fund", "公积金个人账户")], SYSTEM)
    assert found(ask(city, order="updated"))[0] == "fund"
    codes = [line["code"] for line in ask(city, order="code").lines]
    assert codes == sorted(codes, key=lambda code: (code.split("/")[0], int(code.split("/")[1])))


def test_a_listed_resource_keeps_its_code_when_it_is_connected(city: Hub) -> None:
    with city.read() as connection:
        before = resources.detail(connection, published.current(city.home), resources.find(connection, "civil_graves"))
    assert not before["live"] and before["freshness"] is None
    assert [item["share_type"] for item in before["items"]] == [1, 1, 1]
    publication.register(city, [contract("civil_graves", "公墓信息", "civil", "department")], SYSTEM)
    with city.read() as connection:
        after = resources.detail(connection, published.current(city.home), resources.find(connection, "civil_graves"))
    assert after["code"] == before["code"] and after["live"] and after["freshness"]["state"] == "never"
    publication.register(city, [listing(LISTING.replace("2026-06-30", "2026-07-31"))], SYSTEM)
    assert {line["dataset"]: line["live"] for line in ask(city, "公墓").lines} == {"civil_graves": True}


def test_what_is_no_longer_listed_is_retired_and_its_code_is_not_given_again(city: Hub) -> None:
    [gone] = [line for line in ask(city, "公墓").lines if line["dataset"] == "civil_graves"]
    start, end = LISTING.index("- id: civil_graves"), LISTING.index("- id: civil_floors")
    less = LISTING[:start] + LISTING[end:]
    publication.register(city, [listing(less)], SYSTEM)
    assert (
        ask(city, "公墓信息").total is None and "civil_graves" not in found(ask(city)) and not ask(city, "公墓").lines
    )
    with city.read() as connection:
        told = resources.detail(connection, published.current(city.home), resources.find(connection, "civil_graves"))
    assert (told["status"], told["code"]) == ("retired", gone["code"])
    publication.register(city, [listing(less.replace("civil_floors", "civil_other"))], SYSTEM)
    assert gone["code"] not in {line["code"] for line in ask(city).lines}
    publication.register(city, [listing()], SYSTEM)
    assert {line["dataset"]: line["code"] for line in ask(city).lines}["civil_graves"] == gone["code"]


def test_only_what_changed_is_updated(city: Hub) -> None:
    before = {line["dataset"]: line["updated_at"] for line in ask(city).lines}
    publication.register(city, [listing(LISTING.replace("title: 公墓信息", "title: 经营性公墓信息"))], SYSTEM)
    after = {line["dataset"]: line["updated_at"] for line in ask(city).lines}
    assert {dataset for dataset in after if after[dataset] != before[dataset]} == {"civil_graves"}


def test_departments_say_what_they_have_and_silence_is_not_zero(city: Hub) -> None:
    zero = (
        "listing: empty\nreportedOn: 2026-06-30\nzeroReport: true\nsystems: [{id: empty_desk, title: 综合办公系统}]\n"
    )
    publication.register(
        city, [department("empty", "市档案馆", "Archives"), department("mute", "市外事办", "Abroad"), listing(zero, "empty")], SYSTEM
    )  # fmt: skip
    now = published.current(city.home)
    assert not now.texts("listing"), "listings stay out of the snapshot"
    with city.read() as connection:
        told = {each["id"]: each for each in departments.counted(connection, now, systems.counts(connection, now))}
        known = systems.known(connection, now)
    assert {id: each["report"]["state"] for id, each in told.items()} == {
        "a": "registered", "civil": "registered", "empty": "zero", "mute": "silent",
    }  # fmt: skip
    assert told["civil"]["resources"] == {"total": 3, "live": 0, "listed": 3} and told["civil"]["systems"] == 1
    assert [(each["id"], each["connected"], each["department_name_en"]) for each in known] == [
        ("civil_marriage", False, "Civil affairs bureau"), ("empty_desk", False, "Archives"),
    ]  # fmt: skip


def test_a_departments_new_name_finds_its_resources(city: Hub) -> None:
    publication.register(city, [department("civil", "市社会事务局", "Social affairs")], SYSTEM)
    assert len(ask(city, "社会事务局").lines) == 3 and not ask(city, "民政局").lines


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("listing: civil", "listing: civl"), "listing"),
        (("format: spreadsheet", "format: database"), "resources"),
        (("cycle: yearly", "cycle: sometimes"), "resources"),
        (("system: civil_marriage", "system: civil_mariage"), "resources"),
        (("title: 公墓信息", "title: 婚姻登记信息"), "resources"),
        (("id: civil_graves", "id: civil_floors"), "resources"),
        (("  shareCondition: 办理婚姻相关事项\n", ""), "resources"),
        (("xm: 姓名", "Xm: 姓名"), "resources"),
        (("reportedOn: 2026-06-30", "reportedOn: 2026-06-30\nzeroReport: true"), "zeroReport"),
        (("  items: {mc: 公墓名称", "  item: {mc: 公墓名称"), "resources"),
        (("id: civil_marriages", "id: homes_of_others"), ""),
    ],
)
def test_a_wrong_listing_is_refused_at_its_place(city: Hub, change: tuple[str, str], place: str) -> None:
    assert change[0] in LISTING
    other = change[1].endswith("homes_of_others")
    body = LISTING.replace(*change)
    if other:  # an id that another department has
        publication.register(
            city, [listing(LISTING.replace("listing: civil", "listing: a").replace("civil_", "homes_of_"), "a")], SYSTEM
        )
        body = LISTING.replace("civil_marriages", "homes_of_marriages")
    with pytest.raises(DocumentRefused) as refused:
        publication.register(city, [listing(body, "civl" if place == "listing" else "civil")], SYSTEM)
    assert refused.value.path.startswith(place)


def test_older_rules_are_indexed_anew(city: Hub) -> None:
    with city.begin() as connection:
        connection.execute(text("UPDATE hub.resource SET indexed = 0, described = '{}'"))
        index.clear(connection)
    assert not ask(city, "建筑面积").lines
    publication.ensure_shipped(city)
    assert "civil_graves" in found(ask(city, "建筑面积")) and "homes" in found(ask(city, "不动产"))
