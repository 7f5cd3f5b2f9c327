"""The demo's own arithmetic, against published samples and an implementation of somebody else's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2, mod_11_10

from demo import numbers

SEVENTEEN = st.integers(10**16, 10**17 - 1).map(str)
BODY = st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_samples_of_the_standard_check(number: str) -> None:
    assert numbers.citizen(np.array([number[:17]]))[0] == number


@given(st.lists(SEVENTEEN, min_size=1, max_size=20))
def test_citizen_numbers_check(first: list[str]) -> None:
    made = numbers.citizen(np.array(first))
    assert all(mod_11_2.is_valid(number) for number in made.tolist())


@given(SEVENTEEN)
def test_one_wrong_digit_is_always_noticed(first: str) -> None:
    wrong = numbers.mistyped(numbers.citizen(np.array([first])))[0]
    assert not mod_11_2.is_valid(str(wrong))


def test_the_fifteen_digit_form_drops_century_and_check() -> None:
    assert numbers.short(np.array(["11010519491231002X"]))[0] == "110105491231002"


@given(BODY)
def test_credit_codes_check(body8: str) -> None:
    body = np.array([body8])
    body = np.strings.add(body, numbers.body_check(body))
    code = str(numbers.credit_code(np.array(["91430903"]), body)[0])
    assert uscc.is_valid(code)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L", "11370800MB28559184"])
def test_published_credit_codes(code: str) -> None:
    assert numbers.credit_code(np.array([code[:8]]), np.array([code[8:17]]))[0] == code


@given(st.lists(st.integers(0, 10**14 - 1).map(lambda number: f"{number:014d}"), min_size=1, max_size=20))
def test_registration_numbers_check(first: list[str]) -> None:
    assert all(mod_11_10.is_valid(number) for number in numbers.registration(np.array(first)).tolist())


def test_a_licence_of_2015_checks() -> None:
    assert numbers.registration(np.array(["50022501701968"]))[0] == "500225017019686"


def test_numbers_differ_even_in_a_crowd() -> None:
    crowd = 900
    made = numbers.citizens(
        np.random.default_rng(1),
        np.full(crowd, "430903"),
        np.full(crowd, np.datetime64("1980-05-05")),
        np.arange(crowd) % 2 == 0,
    )
    assert len(set(made.tolist())) == crowd
    assert all(int(number[16]) % 2 == (row % 2 == 0) for row, number in enumerate(made.tolist()))
