"""A subject's number in every form records may hold it, and its name however it is written."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates.subject import KINDS, resolve, spellings
from core.errors import Invalid
from schemas.types import Options, get
from tests.certificates.town import firm, person


@pytest.mark.parametrize("made", [person(), firm()], ids=lambda made: made.kind)
def test_old_and_new_forms(made: object) -> None:
    who = resolve(made.kind, made.number.lower(), f" {made.name} ")  # type: ignore[attr-defined]
    assert who.forms == [made.number, made.old_number]  # type: ignore[attr-defined]
    assert who.is_named(made.name)  # type: ignore[attr-defined]


def test_fifteen_digits_are_the_same_person() -> None:
    assert resolve("identity_card", "110105491231002", "张三").forms == ["11010519491231002X", "110105491231002"]


def test_born_in_this_century_or_the_one_before_last_has_no_older_form() -> None:
    assert resolve("identity_card", "440524188001010014", "张三").forms == ["440524188001010014"]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("identity_card", "430302199312212519"), ("identity_card", "4.30903E+17"), ("identity_card", "430903********1234"),
     ("credit_code", "91350100M000100Y44"), ("credit_code", "M000100Y4"), ("no_such_kind", "1")],
)  # fmt: skip
def test_what_cannot_be_a_number_is_refused_unrepeated(kind: str, number: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolve(kind, number, "张三")
    assert number not in f"{refused.value.message}{refused.value.remedy}" or number == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_is_looked_up_as_records_hold_it_and_as_written(kind: str) -> None:
    # a waiting row's wrong number is in the audit log in its standard form, a refused question's as it was asked
    assert {"110105194912310021", "1101051949 12310021"} <= set(spellings(kind, "1101051949 12310021"))
    assert "12*4" in spellings(kind, "12*4")


@given(st.text("·•・．‧", min_size=1, max_size=1), st.text("·•・．‧", min_size=1, max_size=1))
def test_the_middle_dot_of_a_name_is_one_whatever_it_looks_like(one: str, other: str) -> None:
    assert resolve("identity_card", "11010519491231002X", f"阿依{one}古丽").is_named(f"阿依{other}古丽")


@given(
    st.sampled_from(["person_name", "organisation_name"]),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1),
)
def test_plain_hanzi_are_standard_as_they_stand(kind: str, name: str) -> None:
    assert get(kind).standardise(pa.array([name]), Options())[0][0].as_py() == name


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=30), st.text(min_size=1, max_size=30))
def test_anything_typed_is_resolved_or_refused(kind: str, number: str, name: str) -> None:
    try:
        assert resolve(kind, number, name).forms
    except Invalid as refused:
        assert refused.pointer.startswith("/subject/")
