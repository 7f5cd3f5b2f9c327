"""Identifiers: the examples of the standards, random numbers against the plain rules, and numbers that were spoilt."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import clock
from schemas.types import Options, ValueType, citizen_no, get, license_id
from schemas.types.identity_no import kinds_of
from schemas.types.real_estate_unit import parcel
from tests.types.plain_rules import (
    CREDIT_ALPHABET,
    DIVISIONS,
    OPTIONS,
    all_findings,
    body_check,
    citizen_check,
    citizen_findings,
    credit_check,
    findings,
    severities,
    standard,
)

births = st.dates(min_value=date(1850, 1, 1), max_value=OPTIONS.today)


@st.composite
def citizens(draw: st.DrawFn) -> str:
    order = draw(st.integers(0, 999))
    first17 = f"{draw(st.sampled_from(DIVISIONS))}{draw(births):%Y%m%d}{order:03d}"
    return first17 + citizen_check(first17)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    body = draw(st.text(CREDIT_ALPHABET, min_size=8, max_size=8))
    first17 = f"{draw(st.sampled_from('123456789ANY'))}1{draw(st.sampled_from(DIVISIONS))}{body}{body_check(body)}"
    return first17 + credit_check(first17)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "110105491231002"])
def test_citizen_numbers_of_the_standard_pass(number: str) -> None:
    assert findings("citizen_no", number) == set()


@pytest.mark.parametrize(
    ("raw", "value", "broken"),
    [
        ("110105491231002", "11010519491231002X", set()),
        ("110105491231996", "110105184912319965", {"citizen_no.too_early"}),
        (" １１０１０５１９４９１２３１００２ｘ ", "11010519491231002X", set()),
        ("'110105 19491231 002x", "11010519491231002X", set()),
        ("430302199312212519", "430302199312212519", {"citizen_no.checksum"}),
        ("4.30903E+17", None, {"citizen_no.mangled"}),
        ("4309031980010100", None, {"citizen_no.format"}),
        ("430903198001010000", "430903198001010000", {"citizen_no.mangled"}),
        ("4309**********1234", None, {"citizen_no.masked"}),
        ("ABC123456789012", None, {"citizen_no.permanent_residence"}),
        (4.30903198001011e17, None, {"citizen_no.mangled"}),
        (110105491231002.0, "11010519491231002X", set()),
        (110105194912310029, "110105194912310029", {"citizen_no.checksum"}),
        (None, None, set()),
        ("  ", None, set()),
    ],
)
def test_citizen_number_as_it_arrives(raw: object, value: str | None, broken: set[str]) -> None:
    assert standard("citizen_no", [raw]) == [value]
    assert findings("citizen_no", raw) == broken


@given(st.lists(citizens(), min_size=1, max_size=30))
def test_valid_citizen_numbers_are_accepted(numbers: list[str]) -> None:
    assert standard("citizen_no", numbers) == numbers
    assert all_findings("citizen_no", pa.array(numbers)) == [[]] * len(numbers)


@settings(max_examples=30, deadline=None)  # each tries 160 changes
@given(citizens())
def test_any_changed_digit_of_a_citizen_number_is_refused(number: str) -> None:
    changed = [
        number[:place] + other + number[place + 1 :]
        for place in range(18)
        for other in ("0123456789X" if place == 17 else "0123456789")
        if other != number[place]
    ]
    for broken in all_findings("citizen_no", pa.array(changed)):
        assert "error" in severities("citizen_no", set(broken))


@given(st.lists(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True) | citizens(), min_size=1, max_size=40))
def test_citizen_numbers_judged_as_by_the_plain_rules(numbers: list[str]) -> None:
    assert [set(f) for f in all_findings("citizen_no", pa.array(numbers))] == [citizen_findings(n) for n in numbers]


@given(citizens())
def test_fifteen_digits_grow_into_the_same_eighteen(number: str) -> None:
    old = number[:6] + number[8:17]
    century = "18" if old.endswith(("996", "997", "998", "999")) else "19"
    first17 = old[:6] + century + old[6:]
    assert standard("citizen_no", [old]) == [first17 + citizen_check(first17)]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L", "11370800MB28559184"])
def test_credit_codes_of_the_standard_pass(code: str) -> None:
    assert findings("credit_code", code) == set()
    assert findings("organisation_no", code) == set()


def test_a_broken_body_check_is_a_warning() -> None:
    assert findings("credit_code", "N2110112MF0000123X") == {"credit_code.body"}
    assert severities("credit_code", {"credit_code.body"}) == {"warning"}


@pytest.mark.parametrize(
    "code", ["91350211M0000XUF46", "91350100M0001TGQXM", "91350203M0001FUE2P", "91350203M0001QKT19"]
)
def test_early_pilot_codes_are_a_warning_of_their_own(code: str) -> None:
    assert findings("credit_code", code) == {"credit_code.pilot"}
    assert severities("credit_code", {"credit_code.pilot"}) == {"warning"}


@pytest.mark.parametrize(
    ("raw", "broken"),
    [
        ("91350100M000100Y44", "credit_code.checksum"),
        ("9.135E+17", "credit_code.mangled"),
        ("913501000000000000", "credit_code.mangled"),
        ("91350100M000100YO3", "credit_code.format"),
        ("9135****M000100Y43", "credit_code.masked"),
    ],
)
def test_spoilt_credit_codes(raw: str, broken: str) -> None:
    assert findings("credit_code", raw) == {broken}


@given(st.lists(credit_codes(), min_size=1, max_size=20), st.integers(0, 17), st.sampled_from(CREDIT_ALPHABET))
def test_credit_codes_pass_and_one_changed_character_does_not(codes: list[str], place: int, other: str) -> None:
    assert all_findings("credit_code", pa.array([code.lower() for code in codes])) == [[]] * len(codes)
    for code in codes:
        changed = code[:place] + other + code[place + 1 :]
        assert changed == code or not findings("credit_code", changed).isdisjoint(
            {"credit_code.checksum", "credit_code.mangled", "credit_code.pilot"}
        )


@pytest.mark.parametrize(
    ("raw", "value", "broken"),
    [
        ("D2143569-X", "D2143569X", set()),
        ("D21435690", "D21435690", {"organisation_no.code_check"}),
        ("110108000000016", "110108000000016", set()),
        ("110108000000017", "110108000000017", {"organisation_no.registration_check"}),
        ("1234567", None, {"organisation_no.format"}),
        ("91350100M000100Y44", "91350100M000100Y44", {"credit_code.checksum"}),
    ],
)
def test_organisation_numbers_of_every_length(raw: str, value: str | None, broken: set[str]) -> None:
    assert standard("organisation_no", [raw]) == [value]
    assert findings("organisation_no", raw) == broken
    assert severities("organisation_no", {"organisation_no.code_check"}) == {"warning"}


def residence_card(first17: str) -> str:
    return first17 + citizen_check(first17)


RESIDENCE = residence_card("91184019810407001")


@pytest.mark.parametrize(
    ("kind", "number", "broken"),
    [
        ("identity_card", "11010519491231002X", set()),
        ("identity_card", "430302199312212519", {"citizen_no.checksum"}),
        ("identity_card", RESIDENCE, {"identity_no.kind"}),
        ("permanent_residence", RESIDENCE, set()),
        ("permanent_residence", "ABC123456789012", set()),
        ("permanent_residence", RESIDENCE[:-1] + "Y", {"identity_no.form", "identity_no.residence_check"}),
        ("passport", "E12345678", set()),
        ("passport", "11010519491231002X", {"identity_no.kind"}),
        ("hk_macao_permit", "H12345678", set()),
        ("hk_macao_permit", residence_card("81000019900101001"), set()),
        ("taiwan_permit", "12345678", set()),
        ("officer_card", "军字第0012345号", set()),
        ("household_book", "430302199312212519", {"citizen_no.checksum"}),
        ("household_book", "123456789", set()),
        ("business_licence", "91350100M000100Y43", set()),
        ("organisation_code", "D2143569-X", set()),
        ("passport", "4.30903E+17", {"citizen_no.mangled"}),
        ("identity_card", "4309**********1234", {"citizen_no.masked"}),
        ("other", "张三", {"identity_no.format"}),
        (None, "11010519491231002X", set()),
        (None, "430302199312212519", {"citizen_no.checksum"}),
        (None, "91350100M000100Y43", set()),
        (None, RESIDENCE, set()),
    ],
)
def test_identity_number_judged_with_its_kind(kind: str | None, number: str, broken: set[str]) -> None:
    options = replace(OPTIONS, kinds=pa.array([kind], pa.string()))
    assert findings("identity_no", number, options) == broken


@pytest.mark.parametrize(
    ("kind", "number"), [("passport", "AB12"), ("taiwan_permit", "T-12345"), ("hk_macao_permit", "P103265(1)")]
)
def test_an_unusual_foreign_document_is_at_most_a_warning(kind: str, number: str) -> None:
    broken = findings("identity_no", number, replace(OPTIONS, kinds=pa.array([kind])))
    assert severities("identity_no", broken) <= {"warning"}


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("11010519491231002X", "identity_card"),
        ("430302199312212519", "identity_card"),
        (RESIDENCE, "permanent_residence"),
        ("ABC123456789012", "permanent_residence"),
        ("913502006120495420", "business_licence"),
        ("91350100M000100Y43", "business_licence"),
        ("D2143569X", "organisation_code"),
        ("H12345678", "hk_macao_permit"),
        ("E12345678", "passport"),
        ("0012345", "other"),
    ],
)
def test_kind_inferred_from_the_number(number: str, kind: str) -> None:
    assert kinds_of(pa.array([number]), OPTIONS).to_pylist() == [kind]


@given(st.lists(citizens(), min_size=1, max_size=20))
def test_citizens_without_a_kind_are_citizens(numbers: list[str]) -> None:
    assert kinds_of(pa.array(numbers), OPTIONS).to_pylist() == ["identity_card"] * len(numbers)
    assert all_findings("identity_no", pa.array(numbers)) == [[]] * len(numbers)


@pytest.mark.parametrize(
    ("raw", "broken"),
    [
        ("110105001002GB00003F00010001", set()),
        ("110105001002ＧＢ00003f00010001", set()),
        ("110105001002GA00003F00010001", {"real_estate_unit.ownership_feature"}),
        ("110105001002JA00003F00010001", set()),
        ("110105001002GC00003F00010001", {"real_estate_unit.homestead_feature"}),
        ("110105001002GB00003W00000000", set()),
        ("110105001002GB00003W00010001", {"real_estate_unit.no_fixture"}),
        ("110105001002GB00003X00010001", {"real_estate_unit.format"}),
        ("110105001002GB00003F0001000", {"real_estate_unit.format"}),
        ("999999001002GB00003F00010001", {"real_estate_unit.division"}),
    ],
)
def test_real_estate_units(raw: str, broken: set[str]) -> None:
    assert findings("real_estate_unit", raw) == broken


def test_the_first_nineteen_name_the_parcel() -> None:
    assert parcel(pa.array(["110105001002GB00003F00010001", None])).to_pylist() == ["110105001002GB00003", None]


EXAMPLE = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"


def test_license_identifier_of_the_standard() -> None:
    assert findings("license_id", EXAMPLE) == set()
    assert license_id.make("11100000MB03271699022", "340100", "000000016", 1) == EXAMPLE
    assert findings("license_id", EXAMPLE[:-1] + "8") == {"license_id.checksum"}
    assert findings("license_id", EXAMPLE.removeprefix("1.2.")) == {"license_id.format"}
    with pytest.raises(ValueError, match="GB/T 36904"):
        license_id.make("11100000MB0327169902", "340100", "1")


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[0-9]{6}", fullmatch=True),
            st.from_regex(r"[0-9A-Z]{1,20}", fullmatch=True),
            st.integers(0, 999),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_made_license_identifiers_are_valid(parts: list[tuple[str, str, int]]) -> None:
    made = [license_id.make("11100000MB03271699022", *part) for part in parts]
    assert all_findings("license_id", pa.array(made)) == [[]] * len(made)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=20) | citizens() | credit_codes() | st.just(EXAMPLE), max_size=10))
def test_standardising_twice_changes_nothing(values: list[str]) -> None:
    for name in (
        "citizen_no",
        "credit_code",
        "organisation_no",
        "identity_no",
        "division",
        "real_estate_unit",
        "license_id",
    ):
        once = get(name).standardise(pa.array(values, pa.string()), OPTIONS)[0]
        assert get(name).standardise(once, OPTIONS)[0].equals(once), name


@pytest.mark.parametrize("name", ["citizen_no", "credit_code"])
@given(st.text(max_size=20) | citizens() | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True) | credit_codes())
def test_one_value_is_judged_as_in_a_column(name: str, value: str) -> None:
    kind = get(name)
    options = Options(today=date(2020, 2, 29))
    assert kind.one(value, options, "clerk") == ValueType.one(kind, value, options, "clerk")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("11010519491231002X", True), ("11010519491231002x", True), ("案卷11010519491231002X号", True),
        ("１１０１０５１９４９１２３１００２Ｘ", True), ("110105 1949 1231 002X", True), ("9911010519491231002X01", True),
        ("110105194912310021", False), ("11010519491331002X", False), ("2026-0001", False), ("", False), ("window-03", False),
    ],
)  # fmt: skip
def test_a_right_number_is_seen_anywhere_in_a_text(text: str, held: bool) -> None:
    assert citizen_no.held_in(text) is held


def test_a_case_numbered_by_division_day_and_sequence_is_no_persons_number() -> None:
    today = clock.today()
    cases = [f"110105{today:%Y%m%d}{sequence:04d}" for sequence in range(100)]
    assert not any(citizen_no.held_in(case) for case in cases)
    assert any(citizen_check(case[:17]) == case[17] for case in cases)
