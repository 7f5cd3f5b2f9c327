"""Former numbers and names, second numbers: one subject, because its register says so, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from libraries import golden
from tests.libraries.registry import Registry, values

OLD, NEW, THIRD = "11010519491231002X", "440524188001010014", "430903198001011233"
CODE, REGNO = "91350100M000100Y43", "430900000000014"


@pytest.fixture
def city(registry: Registry) -> Registry:
    """With public security and the market's register connected."""
    registry.publish("resident", "change", "firm", "firm_change")
    return registry


def account(no: str, name: str | None, number: str | None, **more: Any) -> dict[str, Any]:
    return {"account_no": no, "holder_name": name, "holder_no": number, "status": "open", **more}


def employer(no: str, name: str | None, number: str) -> dict[str, Any]:
    return {"account_no": no, "status": "open", "employer_no": number, "employer_name": name}


def resident(id: str, name: str, number: str) -> dict[str, Any]:
    return {"id": id, "name": name, "number": number, "ethnicity": "01"}


def change(no: str, of: str, kind: str, before: str) -> dict[str, Any]:
    return {"change_id": no, "person_id": of, "kind": kind, "before": before}


def entities(registry: Registry, library: str) -> dict[str, str]:
    """Number → entity, of those who have a golden record."""
    with registry.hub.read() as connection:
        rows = connection.execute(
            text(
                "SELECT e.id_value, e.id FROM libraries.entity e JOIN libraries.golden g ON g.entity_id = e.id "
                "WHERE e.library = :l"
            ),
            {"l": library},
        )
        return {row.id_value: str(row.id) for row in rows}


def linked(registry: Registry, dataset: str) -> list[str | None]:
    """The numbers of the entities that a dataset's mentions are linked to."""
    return [entity for of, _, _, _, _, _, entity, _ in registry.links() if of == dataset]


def test_a_corrected_number_stays_one_person_with_its_entity(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", OLD))
    city.put("account", account("1", "李小明", OLD, phone="13800000001"))
    city.refresh()
    before = entities(city, "population")
    city.put("resident", resident("r", "李小明", NEW))
    city.put("change", change("c", "r", "corrected", OLD.lower()))
    city.refresh()
    (record,) = city.golden("population")
    assert values(record)["citizen_no"] == NEW and values(record)["former_numbers"] == [OLD]
    assert values(record)["phone"] == "13800000001" and values(record)["birth"] == "1880-01-01"
    assert entities(city, "population") == {NEW: before[OLD]}
    assert linked(city, "account") == [NEW] and linked(city, "change") == [NEW]
    city.remove("change", change("c", "r", "corrected", OLD))
    city.refresh()
    assert linked(city, "account") == [OLD] and len(city.golden("population")) == 2


def test_a_change_that_comes_before_its_person_is_used_when_the_person_comes(city: Registry) -> None:
    city.put("change", change("c", "r", "renamed", "李晓明"))
    city.put("account", account("1", "李晓明", OLD))
    city.refresh()
    city.put("resident", resident("r", "李小明", OLD))
    city.refresh()
    (record,) = city.golden("population")
    assert values(record)["name"] == "李小明" and values(record)["former_names"] == ["李晓明"]
    assert linked(city, "account") == [OLD]


def test_without_a_registered_change_another_name_is_a_conflict(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", OLD))
    city.put("account", account("1", "李晓明", OLD))
    city.refresh()
    assert linked(city, "account") == [None]
    city.put("change", change("c", "r", "other", "李晓明"))
    city.refresh()
    assert linked(city, "account") == [None]
    city.put("change", change("c", "r", "renamed", "李晓明"))
    city.refresh()
    assert linked(city, "account") == [OLD]
    city.put("change", change("c", "r", "renamed", "张大"))
    city.refresh()
    assert linked(city, "account") == [None]


def test_a_number_given_to_two_is_told_apart_by_name_once_one_is_corrected(city: Registry) -> None:
    city.put("resident", resident("a", "李小明", OLD), resident("b", "张大", OLD))
    city.put("account", account("1", "李小明", OLD), account("2", "张大", OLD), account("3", None, OLD))
    city.refresh()
    assert len(city.golden("population")) == 2 and linked(city, "account").count(None) == 1
    before = by_name(city)
    city.put("resident", resident("b", "张大", NEW))
    city.put("change", change("c", "b", "corrected", OLD))
    city.refresh()
    assert by_name(city) == before and entities(city, "population") == {OLD: before["李小明"], NEW: before["张大"]}
    assert sorted(filter(None, linked(city, "account"))) == sorted(
        [OLD, NEW]
    )  # whose the nameless one is, nobody knows


def by_name(registry: Registry) -> dict[str, str]:
    """Name → the id of the entity that goes by it and has a golden record."""
    with registry.hub.read() as connection:
        rows = connection.execute(
            text("SELECT e.name, e.id::text FROM libraries.entity e JOIN libraries.golden g ON g.entity_id = e.id")
        )
        return {row.name: row.id for row in rows}


def test_two_whom_a_register_has_on_one_number_are_two(city: Registry) -> None:
    city.put("resident", resident("a", "李小明", OLD), resident("b", "张大", OLD))
    city.put("change", change("1", "a", "renamed", "张大"), change("2", "b", "renamed", "王五"),
             change("3", "a", "renamed", "王五"))  # fmt: skip
    city.put("account", account("1", "李小明", OLD, phone="13800000001"), account("2", "张大", OLD, phone="13800000002"),
             account("3", "王五", OLD, phone="13800000003"), account("4", "赵六", OLD, phone="13800000004"))  # fmt: skip
    result = city.refresh()
    phones = {values(one)["name"]: values(one).get("phone") for one in city.golden("population")}
    # one's own name counts before another's former one; a former name of both is nobody's
    assert phones == {"李小明": "13800000001", "张大": "13800000002"}
    assert (result.created, result.conflicts) == (2, 4)  # two of the register, two accounts that are nobody's
    before = by_name(city)
    with city.hub.read() as connection:
        for name, id in before.items():
            found = golden.find(connection, "population", OLD, name)
            assert found is not None and str(found.entity_id) == id
    city.put("resident", resident("c", "张大", OLD))  # twice by that name now
    city.refresh()
    assert by_name(city) == before
    city.remove("resident", resident("a", "李小明", OLD))
    city.refresh()
    assert linked(city, "account").count(None) == 2 and set(by_name(city)) == {
        "张大"
    }  # the former name is his alone now


def test_a_stranger_under_a_former_number_is_somebody_else(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", NEW))
    city.put("change", change("c", "r", "corrected", OLD))
    city.put("account", account("1", "张大", OLD), account("2", "李小明", OLD))
    city.refresh()
    assert {values(one)["name"] for one in city.golden("population")} == {"李小明", "张大"}
    assert sorted(filter(None, linked(city, "account"))) == sorted([OLD, NEW])


def test_former_numbers_follow_one_another(city: Registry) -> None:
    city.put("account", account("1", "李小明", OLD), account("2", "李晓明", NEW))
    city.put("resident", resident("r", "李小明", THIRD))
    city.put("change", change("1", "r", "corrected", OLD), change("2", "r", "corrected", NEW))
    city.put("change", change("3", "r", "renamed", "李晓明"))
    city.refresh()
    (record,) = city.golden("population")
    assert values(record)["former_numbers"] == sorted([OLD, NEW])
    assert linked(city, "account") == [THIRD, THIRD]


def test_look_ups_know_the_other_numbers_and_names_before_any_refresh(city: Registry) -> None:
    city.put("resident", resident("r", "李小明", NEW))
    city.put("change", change("1", "r", "corrected", OLD), change("2", "r", "renamed", "李晓明"))

    def known(forms: list[str], names: list[str]) -> set[tuple[str, str]]:
        with city.hub.read() as connection:
            rows = connection.execute(
                text("SELECT kind, value FROM libraries.also_known(:forms, :names)"), {"forms": forms, "names": names}
            )
            return {(row.kind, row.value) for row in rows}

    everything = {("number", OLD), ("number", NEW), ("name", "李小明"), ("name", "李晓明")}
    assert known([OLD], ["李小明"]) == known([NEW], ["李晓明"]) == everything
    assert known([OLD], ["张大"]) == known([THIRD], ["李小明"]) == set()


def firm(id: str, code: str | None, registration: str | None, name: str | None) -> dict[str, Any]:
    return {"id": id, "code": code, "registration_no": registration, "name": name, "status": "existing"}


def test_numbers_of_nine_fifteen_and_eighteen_characters_are_one_firm(city: Registry) -> None:
    name = "示范贸易有限公司"
    city.put("firm", firm("f", CODE, REGNO, name))
    city.put("account", *(employer(str(n), name, number) for n, number in enumerate((CODE, CODE[8:17], REGNO))))
    city.refresh()
    (record,) = city.golden("legal_entity")
    assert values(record)["credit_code"] == CODE and values(record)["registration_no"] == REGNO
    assert record["organisation_code"]["value"] == CODE[8:17]
    assert linked(city, "account") == [CODE[8:17]] * 3


def test_a_firm_gets_its_credit_code_and_stays_the_same(city: Registry) -> None:
    name = "示范贸易有限公司"
    city.put("firm", firm("f", None, REGNO, name))
    city.put("account", employer("1", name, REGNO), employer("2", name, CODE))
    city.refresh()
    before = entities(city, "legal_entity")
    assert before.keys() == {REGNO, CODE[8:17]}
    city.put("firm", firm("f", CODE, REGNO, name))
    city.refresh()
    assert entities(city, "legal_entity") == {CODE[8:17]: min(before.values())}
    assert linked(city, "account") == [CODE[8:17]] * 2


def test_a_firm_is_known_by_its_former_name(city: Registry) -> None:
    city.put("account", employer("1", "老店有限公司", REGNO))
    city.put("firm_change", {"change_id": "c", "firm_id": "f", "before": "老店有限公司"})
    city.put("firm", firm("f", CODE, REGNO, "新店有限公司"))
    city.refresh()
    (record,) = city.golden("legal_entity")
    assert values(record)["name"] == "新店有限公司" and values(record)["former_names"] == ["老店有限公司"]
    assert linked(city, "account") == [CODE[8:17]]


def test_a_business_without_a_trade_name_has_its_number(city: Registry) -> None:
    city.put("firm", firm("f", CODE, None, None))
    city.put("account", employer("1", "甲", CODE), employer("2", "乙", CODE))
    city.refresh()
    (record,) = city.golden("legal_entity")
    assert record["status"]["value"] == "existing" and linked(city, "firm") == [CODE[8:17]]


NAMES = ("李小明", "张大")
NUMBERS = (OLD, NEW)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("account"), st.sampled_from("12"), st.sampled_from(NUMBERS), st.sampled_from((*NAMES, None))),
        st.tuples(st.just("resident"), st.sampled_from("ab"), st.sampled_from(NUMBERS), st.sampled_from(NAMES)),
        st.tuples(
            st.just("change"), st.sampled_from("12"), st.sampled_from("ab"), st.sampled_from((*NUMBERS, *NAMES, None))
        ),
        st.tuples(st.just("resident"), st.sampled_from("ab"), st.none(), st.none()),
    ),
    min_size=1,
    max_size=12,
)


def row(dataset: str, key: str, one: str | None, other: str | None) -> tuple[dict[str, Any], bool]:
    """A row, and whether it is there."""
    match dataset:
        case "account":
            return account(key, other, one), True
        case "resident":
            return resident(key, other or "", one or ""), one is not None
        case _:
            return change(
                key, one or "", "corrected" if other in NUMBERS else "renamed", other or ""
            ), other is not None


def bring(registry: Registry, held: dict[tuple[str, str], dict[str, Any]], step: Any) -> None:
    """Put what a step says into the library, or take it out; `held` is what is there."""
    dataset, key, one, other = step
    made, there = row(dataset, key, one, other)
    if there:
        registry.put(dataset, made)
        held[dataset, key] = made
    elif held.pop((dataset, key), None):
        registry.remove(dataset, made)


def clear(registry: Registry) -> None:
    with registry.hub.begin() as connection:
        connection.execute(
            text("TRUNCATE libraries.mention, libraries.entity, libraries.golden, libraries.known_as, libraries.judged")
        )
        connection.execute(text("TRUNCATE hub.decision CASCADE"))
        for dataset in ("account", "resident", "change"):
            connection.execute(text(f"TRUNCATE records.{dataset}"))


def state(registry: Registry) -> Any:
    """The library without what says when a value came."""
    records = [
        {name: {"value": one["value"], "dataset": one.get("dataset")} for name, one in record.items()}
        for record in registry.golden("population")
    ]
    with registry.hub.read() as connection:
        whose = connection.execute(
            text("SELECT m.dataset, m.key, m.role, e.name FROM libraries.mention m JOIN libraries.entity e "
                 "ON e.id = m.entity_id ORDER BY 1, 2, 3")
        )  # fmt: skip
        return records, registry.links(), [tuple(line) for line in whose]


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps, st.sets(st.integers(0, 11)), st.randoms(use_true_random=False))
def test_any_order_of_batches_ends_in_the_same_library(
    city: Registry, done: list[Any], refreshed: set[int], random: Any
) -> None:
    clear(city)
    held: dict[tuple[str, str], dict[str, Any]] = {}
    for n, step in enumerate(done):
        bring(city, held, step)
        if n in refreshed:
            city.refresh(chunk=1)
    city.refresh(chunk=1)
    outcome = state(city)
    assert not any(pending for *_, pending in outcome[1])
    assert city.refresh(chunk=1).refreshed == 0

    clear(city)
    rows = [(dataset, made) for (dataset, _), made in held.items()]
    random.shuffle(rows)
    for dataset, made in rows:
        city.put(dataset, made)
    city.refresh()
    assert state(city) == outcome
