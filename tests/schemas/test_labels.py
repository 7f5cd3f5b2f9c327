"""What codes are called, in both languages: whatever is shipped says so, and nobody need translate a code by heart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from core.errors import DocumentRefused
from core.text import T
from libraries import labels
from schemas import contract, library
from schemas.codes import lists, names
from schemas.derive import expectations
from tests.libraries.registry import SHIPPED
from tests.schemas.documents import CONTRACTS, LIBRARIES, SMALL, changed

HANZI = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_every_code_of_a_contract_has_an_english_label_of_its_own(path: Path) -> None:
    for table in yaml.safe_load(path.read_text("utf-8"))["schema"]:
        for item in table["properties"]:
            for value in item.get("enum", ()):
                said = {one["property"]: one["value"] for one in value.get("customProperties", ())}
                assert said.get("english") and not HANZI.search(said["english"]), (item["name"], value)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_every_rule_of_a_contract_says_what_is_wrong_in_both(path: Path) -> None:
    for code, rule in expectations.rules(contract.load(path)).items():
        assert HANZI.search(rule.message.zh) and rule.message.en and not HANZI.search(rule.message.en), code
        assert "is not met" not in rule.message.en, f"{code} has no English of its own"


def test_without_its_english_a_rule_is_called_by_its_name() -> None:
    rule = (
        "  quality:\n  - {id: order, name: 次序, type: custom, engine: great-expectations, implementation: {type: "
        "expect_one_of_two_items_to_be_present, kwargs: {column_A: permit_no, column_B: area}}%s}\n"
    )

    def said(more: str) -> T:
        (made,) = contract.load(changed("  quality:\n", rule % more)).row_rules
        return made.title

    assert said("") == T("次序", "The rule order is not met")
    assert said(", customProperties: [{property: english, value: In order}]") == T("次序", "In order")


@pytest.mark.parametrize("name", names())
def test_every_code_of_a_list_has_both(name: str) -> None:
    made = lists(name)
    for code in list(made.values)[:300]:
        label = made.label(code)
        assert HANZI.search(label.zh) or label.zh.isascii(), code
        assert label.en and not HANZI.search(label.en), (code, label)


def test_a_division_is_told_from_itself_up() -> None:
    assert lists("division").label("430903") == T("湖南省益阳市赫山区", "Heshan District, Yiyang, Hunan Province")
    assert lists("division").label("110000").en == "Beijing"
    assert lists("division").label("999999") == T("999999", "999999")


def test_without_an_english_label_a_code_is_read_as_words() -> None:
    made = contract.load(SMALL.replace("value: closed,", "value: long_closed,"))
    assert made.item("state").label("long_closed") == T("失效", "long closed")
    assert made.item("state").label("nothing") is None
    said = "{value: open, label: 有效, customProperties: [{property: english, value: in force}]}"
    assert contract.load(SMALL.replace("{value: open, label: 有效}", said)).item("state").label("open") == T(
        "有效", "in force"
    )
    with pytest.raises(DocumentRefused, match="german"):
        contract.load(SMALL.replace("{value: open, label: 有效}", said.replace("english", "german")))


def test_whatever_code_a_library_can_hold_has_a_label() -> None:
    for id, made in SHIPPED.libraries.items():
        for dataset, contributing in SHIPPED.contracts.items():
            for contribution in contributing.contributes:
                for attribute, name in contribution.items.items() if contribution.library == id else ():
                    item = contributing.item(name)
                    if made.attributes[attribute].value_type != "code" or not (item.enum or item.code_list):
                        continue
                    codes = set(item.enum) or set(lists(str(item.code_list)).values)
                    for code in {contribution.codes.get(attribute, {}).get(code, code) for code in codes}:
                        found = labels.label(SHIPPED, id, attribute, code, dataset)
                        assert found and HANZI.search(found.zh) and found.en, (id, attribute, code)
                        if attribute not in ("status", "type"):  # of another dataset's codes they may be other words
                            assert labels.label(SHIPPED, id, attribute, code)


def test_a_librarys_own_words_come_first() -> None:
    assert labels.label(SHIPPED, "license", "status", "superseded") == T("已换发", "superseded")
    assert labels.label(SHIPPED, "license", "type", "title_certificate") == T("不动产权证书", "title certificate")
    assert labels.label(SHIPPED, "population", "sex", "2") == T("女性", "Female")
    assert labels.label(SHIPPED, "population", "household_division", "430903") is not None
    assert labels.label(SHIPPED, "population", "name", "李小明") is None


def test_a_list_that_is_none_is_refused() -> None:
    text = next(path for path in LIBRARIES if path.stem == "population").read_text("utf-8")
    with pytest.raises(DocumentRefused, match="sexes"):
        library.load(text.replace("codes: sex", "codes: sexes"))
