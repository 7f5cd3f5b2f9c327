"""Dates, figures, codes and names: the forms they arrive in, what is found, and round trips."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.types import TYPES, Options, get
from schemas.types.title_certificate_no import components, statuses
from tests.types.plain_rules import OPTIONS, all_findings, findings, severities, standard

DAY = date(2020, 1, 5)


@pytest.mark.parametrize(
    "written",
    [
        "20200105",
        "2020-01-05",
        "2020/1/5",
        "2020.01.05",
        "2020年1月5日",
        "２０２０年１月５日",
        "2020-01-05 13:00:00",
        "20200105130000",
    ],
)
def test_one_day_in_many_forms(written: str) -> None:
    assert standard("date", [written, None]) == [DAY, None]
    assert findings("date", written) == set()


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("20200230", None, {"date.impossible"}),
        ("2021-02-29", None, {"date.impossible"}),
        ("1900-01-01", date(1900, 1, 1), {"date.placeholder"}),
        ("00000000", None, {"date.placeholder"}),
        ("43835", None, {"date.serial"}),
        ("长期", date(9999, 12, 31), set()),
        ("去年", None, {"date.format"}),
    ],
)
def test_days_that_are_none(written: str, value: date | None, broken: set[str]) -> None:
    assert standard("date", [written]) == [value]
    assert findings("date", written) == broken


def test_spreadsheet_serials_only_when_declared() -> None:
    declared = replace(OPTIONS, formats=("excel_serial",))
    assert standard("date", ["43835", "43835.5"], declared) == [DAY, DAY]
    assert findings("date", "43835", declared) == set()


@given(st.lists(st.dates(), max_size=20), st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]))
def test_every_day_is_read(days: list[date], form: str) -> None:
    written = [day.strftime(form).zfill(len(date.today().strftime(form))) for day in days]
    assert standard("date", pa.array(written, pa.string())) == days


def test_native_dates_and_times() -> None:
    evening = datetime(2020, 1, 4, 17, tzinfo=UTC)  # the fifth in Shanghai
    for column in (
        pa.array([DAY], pa.date32()),
        pa.array([DAY], pa.date64()),
        pa.array([20200105]),
        pa.array([evening], pa.timestamp("us", "UTC")),
        pa.array([datetime(2020, 1, 5, 1)], pa.timestamp("ns")),
    ):
        assert standard("date", column) == [DAY]
        assert standard("month", column) == [date(2020, 1, 1)]


@pytest.mark.parametrize("kind", ["decimal", "money", "integer"])
@pytest.mark.parametrize("digits", [38, 39, 45, 52, 300])
def test_more_digits_than_arrow_reads_are_too_large(kind: str, digits: int) -> None:
    for column in (["9" * digits], ["1", "9" * digits, "-" + "9" * digits]):
        values = standard(kind, column)
        assert [value is None for value in values] == [len(cell) > 1 for cell in column]
    assert findings(kind, "9" * digits) == {f"{kind}.too_large"}


@pytest.mark.parametrize("kind", ["date", "month", "timestamp"])
@pytest.mark.parametrize("days", [-719_529, 2_932_898, 5_959_711])  # the year 0, 10000, 18287
def test_native_days_of_no_calendar_wait(kind: str, days: int) -> None:
    for column in (pa.array([days], pa.int32()).cast(pa.date32()), pa.array([days * 86_400], pa.timestamp("s"))):
        values, reasons = get(kind).standardise(column, OPTIONS)
        assert values.to_pylist() == [None]
        assert reasons.tolist() == [get(kind).bit("impossible")]


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("202001", date(2020, 1, 1), set()),
        ("2020-01", date(2020, 1, 1), set()),
        ("2020年1月", date(2020, 1, 1), set()),
        ("20200105", date(2020, 1, 1), set()),
        ("202013", None, {"month.impossible"}),
        ("000000", None, {"month.placeholder"}),
        ("190001", date(1900, 1, 1), {"month.placeholder"}),
        ("20", None, {"month.format"}),
    ],
)
def test_months(written: str, value: date | None, broken: set[str]) -> None:
    assert standard("month", [written]) == [value]
    assert findings("month", written) == broken


MOMENT = datetime(2020, 1, 5, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2020-01-05 09:02:03",
        "2020/01/05 09:02:03",
        "2020-01-05T09:02:03",
        "20200105090203",
        "2020-01-05T01:02:03Z",
        "2020-01-05 10:02:03+09:00",
        "2020年1月5日 9时02分03秒",
        "1578186123000",
    ],
)
def test_one_moment_in_many_forms(written: str) -> None:
    assert standard("timestamp", [written, None]) == [MOMENT, None]
    assert findings("timestamp", written) == set()


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        ("2020-01-05 25:00:00", "timestamp.impossible"),
        ("2020-02-30 10:00:00", "timestamp.impossible"),
        ("1900-01-01 00:00:00", "timestamp.placeholder"),
        ("昨天", "timestamp.format"),
    ],
)
def test_moments_that_are_none(written: str, broken: str) -> None:
    assert findings("timestamp", written) == {broken}


@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1)))
def test_naive_times_are_those_of_the_zone(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    shanghai = moment.replace(tzinfo=timezone(timedelta(hours=8)))  # no summer time there since 1991
    written = moment.isoformat(" ")
    assert standard("timestamp", [written]) == [shanghai.astimezone(UTC)]
    assert standard("timestamp", pa.array([moment], pa.timestamp("us"))) == [shanghai.astimezone(UTC)]


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("1,234.5", Decimal("1234.50"), set()),
        ("￥12", Decimal("12.00"), set()),
        ("１２.５元", Decimal("12.50"), set()),
        ("1.2万元", Decimal("12000.00"), set()),
        ("(5)", Decimal("-5.00"), set()),
        ("0.125", Decimal("0.13"), {"money.rounded"}),
        ("1_000", None, {"money.format"}),
        ("一百", None, {"money.format"}),
        ("99999999999999999", None, {"money.too_large"}),
        (float("nan"), None, {"money.format"}),
        (2.5, Decimal("2.50"), set()),
        (7, Decimal("7.00"), set()),
        (Decimal("7.1"), Decimal("7.10"), set()),
        (Decimal("7.126"), Decimal("7.13"), {"money.rounded"}),
    ],
)
def test_money(written: object, value: Decimal | None, broken: set[str]) -> None:
    assert standard("money", [written]) == [value]
    assert findings("money", written) == broken


def test_the_unit_of_the_source_multiplies_and_a_unit_in_the_cell_wins() -> None:
    wan = replace(OPTIONS, multiplier=Decimal(10000))
    assert standard("money", ["1.5", "0.000001", "3.25万元"], wan) == [
        Decimal("15000.00"),
        Decimal("0.01"),
        Decimal("32500.00"),
    ]
    assert standard("money", [2], wan) == [Decimal("20000.00")]
    assert standard("money", ["1.5"], replace(OPTIONS, multiplier=Decimal("7.1"))) == [Decimal("10.65")]


@given(st.lists(st.decimals(-(10**15), 10**15, places=2), min_size=1, max_size=30), st.booleans())
def test_amounts_survive_in_clean_and_dirty_columns(amounts: list[Decimal], commas: bool) -> None:
    written = [f"{amount:,}" if commas else str(amount) for amount in amounts]
    assert standard("money", written) == amounts
    assert standard("money", [*written, "无"]) == [*amounts, None]
    assert all_findings("money", pa.array([*written, "无"])) == [[]] * len(amounts) + [["money.format"]]


@pytest.mark.parametrize(
    ("written", "value"), [("50%", "0.5"), ("1/2", "0.5"), ("0.5", "0.5"), ("1,000.25", "1000.25"), (0.1, "0.1")]
)
def test_decimals_and_shares(written: object, value: str) -> None:
    assert standard("decimal", [written]) == [Decimal(value)]
    assert findings("decimal", written) == set()


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("1,000", 1000, set()),
        ("12.0", 12, set()),
        (12.0, 12, set()),
        ("1.5", None, {"integer.format"}),
        (1.5, None, {"integer.format"}),
        ("0x1F", None, {"integer.format"}),
        ("9" * 19, None, {"integer.too_large"}),
    ],
)
def test_whole_numbers(written: object, value: int | None, broken: set[str]) -> None:
    assert standard("integer", [written]) == [value]
    assert findings("integer", written) == broken


def test_yes_and_no() -> None:
    assert standard("boolean", ["是", "N", "1", " 否 ", "也许", None]) == [True, False, True, False, None, None]
    assert standard("boolean", ["甲"], replace(OPTIONS, mapping={"甲": "true"})) == [True]
    assert findings("boolean", "也许") == {"boolean.format"}


def test_codes_are_mapped_and_an_unmapped_one_waits() -> None:
    options = replace(OPTIONS, mapping={"01": "identity_card", "02": "passport"}, code_list="identity_kind")
    assert standard("code", ["01", "1", " ０２ ", "03", None], options) == [
        "identity_card",
        "identity_card",
        "passport",
        None,
        None,
    ]
    assert findings("code", "03", options) == {"code.unmapped"}
    assert severities("code", {"code.unmapped"}) == {"error"}
    assert standard("code", [1, 2], options) == ["identity_card", "passport"]


def test_codes_without_a_mapping_belong_to_their_list() -> None:
    ethnicity = replace(OPTIONS, code_list="ethnicity")
    assert standard("code", ["1", "01", "土家族", "98"], ethnicity) == ["01", "01", "15", "98"]
    assert findings("code", "57", ethnicity) == {"code.unknown"}
    assert findings("code", "sealed", replace(OPTIONS, enum=("current",))) == {"enum"}


def test_retired_divisions_name_a_warning_and_follow_to_the_present() -> None:
    assert findings("division", "412723") == {"division.retired"}
    assert findings("division", "411623") == set()
    assert findings("division", "430971") == {"division.unlisted"}
    assert findings("division", "999999") == {"division.unknown"}
    assert findings("division", "4309") == {"division.format"}
    assert severities("division", {"division.retired", "division.unlisted"}) == {"warning"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("张　三", "张三"),
        (" 欧阳 修", "欧阳修"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
        ("J. Smith", "J. Smith"),
        ("John   Smith", "John Smith"),
        ("𠮷田﨑", "𠮷田﨑"),  # NFKC would turn the last into 崎
    ],
)
def test_names_of_persons(written: str, value: str) -> None:
    assert standard("person_name", [written]) == [value]
    assert findings("person_name", written) == set()


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        ("张?", "person_name.lost_character"),
        ("王\ue123", "person_name.lost_character"),
        ("王\ufffd", "person_name.lost_character"),
        ("张三、李四", "person_name.several"),
        ("测试", "person_name.test"),
        ("张三1", "person_name.unusual"),
        ("张*", "person_name.short"),
        ("张", "person_name.short"),
    ],
)
def test_doubtful_names(written: str, broken: str) -> None:
    assert findings("person_name", written) == {broken}
    lost = {rule.code for rule in get("person_name").rules if rule.code.endswith("lost_character")}
    assert severities("person_name", lost) == {"warning"}


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("益阳市某某有限公司(长沙分公司)", "益阳市某某有限公司（长沙分公司）", set()),
        ("益阳ＡＢＣ 商行 （有限合伙）", "益阳ABC 商行（有限合伙）", set()),
        ("某某软件测试有限公司", "某某软件测试有限公司", set()),
        ("测试单位", "测试单位", {"organisation_name.test"}),
        ("某某（有限", "某某（有限", {"organisation_name.brackets"}),
        ("***", None, {"organisation_name.placeholder"}),
        ("个体工商户", None, {"organisation_name.placeholder"}),
        ("无字号", None, {"organisation_name.placeholder"}),
        ("无名小店", "无名小店", set()),
    ],
)
def test_names_of_organisations(written: str, value: str | None, broken: set[str]) -> None:
    assert standard("organisation_name", [written]) == [value]
    assert findings("organisation_name", written) == broken


@pytest.mark.parametrize(
    ("written", "value", "broken"),
    [
        ("138 1234 5678", "13812345678", set()),
        ("+86-13812345678", "13812345678", set()),
        ("（0737）4221234", "07374221234", set()),
        ("11111111111", None, {"phone.placeholder"}),
        ("13888888888", "13888888888", {"phone.placeholder"}),
        ("没有", None, {"phone.format"}),
        (13812345678, "13812345678", set()),
    ],
)
def test_telephones_warn_at_most(written: object, value: str | None, broken: set[str]) -> None:
    assert standard("phone", [written]) == [value]
    assert findings("phone", written) == broken
    assert severities("phone", broken) <= {"warning"}


def test_prose_keeps_its_punctuation_and_identifiers_do_not() -> None:
    assert standard("text", ["ＡＢ１，见（附件）。"]) == ["AB1，见（附件）。"]
    assert standard("address", ["益阳市 赫山区 康富路　１２号"]) == ["益阳市赫山区康富路 12号"]
    assert findings("address", "益阳") == {"address.short"}
    assert findings("address", "益阳市赫山区?家湾12号") == {"address.lost_character"}


@pytest.mark.parametrize(
    ("written", "value", "status"),
    [
        ("湘（2021）益阳市不动产权第0001234号", "湘(2021)益阳市不动产权第0001234号", "title"),
        ("湘〔2021〕 益阳市不动产证明第0001234号", "湘(2021)益阳市不动产证明第0001234号", "proof_of_registration"),
        ("益房权证赫山字第00012345号", "益房权证赫山字第00012345号", "legacy_house"),
        ("益国用（2005）第12345号", "益国用(2005)第12345号", "legacy_land"),
        ("不详", "不详", "unparsed"),
    ],
)
def test_title_certificates_and_their_legacy_forms(written: str, value: str, status: str) -> None:
    assert standard("title_certificate_no", [written]) == [value]
    assert statuses(pa.array([value])).to_pylist() == [status]
    assert findings("title_certificate_no", written) == (
        {"title_certificate_no.unparsed"} if status == "unparsed" else set()
    )


def test_parts_of_a_title_certificate() -> None:
    read = components(pa.array(["湘(2021)益阳市不动产权第0001234号", "益国用(2005)第12345号"])).to_pylist()
    assert read == [{"province": "湘", "year": "2021", "place": "益阳市", "kind": "权", "serial": "0001234"}, None]
    assert findings("title_certificate_no", "湘(2031)益阳市不动产权第0001234号") == {"title_certificate_no.year"}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_required_is_common_and_a_blank_is_missing(name: str) -> None:
    required = replace(OPTIONS, required=True)
    assert all_findings(name, pa.array([None, "", " 　"], pa.string()), required) == [["required"]] * 3
    assert all_findings(name, pa.array([None, "", " 　"], pa.string())) == [[]] * 3
    assert [rule.code for rule in get(name).rules[:3]] == ["required", "range", "enum"]


@pytest.mark.parametrize(
    ("name", "low", "inside", "high", "bounds"),
    [
        ("date", "2019-12-31", "2020-01-01", "2021-01-02", ("2020-01-01", "2021-01-01")),
        ("month", "201912", "202001", "202102", ("2020-01-01", "2021-01-01")),
        (
            "timestamp",
            "2019-12-31 23:59:59",
            "2020-01-01 00:00:00",
            "2021-01-02",
            ("2020-01-01T00:00+08:00", "2021-01-01T00:00+08:00"),
        ),
        ("money", "-0.01", "0", "10.01", (0, 10)),
        ("decimal", "-0.01", "0", "10.01", (Decimal(0), "10")),
        ("integer", "-1", "0", "11", (0, 10.5)),
    ],
)
def test_range_is_common(name: str, low: str, inside: str, high: str, bounds: tuple[object, object]) -> None:
    options = replace(OPTIONS, minimum=bounds[0], maximum=bounds[1])
    assert all_findings(name, pa.array([low, inside, high, None]), options) == [["range"], [], ["range"], []]


arbitrary = st.lists(
    st.text(max_size=12) | st.sampled_from(["2020-01-05", "1,234.5万", "张 三", "１２", "（A）", "是"]), max_size=8
)


@pytest.mark.parametrize("name", sorted(TYPES))
@settings(max_examples=30, deadline=None)  # for each of the types
@given(values=arbitrary)
def test_any_text_is_standardised_once_and_for_all(name: str, values: list[str]) -> None:
    """Anything may arrive; strings of a type, standardised again, stay as they are; slices and chunks agree."""
    kind, raw = get(name), pa.array(values, pa.string())
    once, reasons = kind.standardise(raw, OPTIONS)
    assert once.type == kind.arrow
    assert len(kind.judge(once, OPTIONS)) == len(reasons) == len(values)
    if kind.arrow == pa.string():
        assert kind.standardise(once, OPTIONS)[0].equals(once)
    alone = [kind.standardise(raw.slice(row, 1), OPTIONS) for row in range(len(raw))]
    assert [value.to_pylist()[0] for value, _ in alone] == once.to_pylist()
    assert [bits[0] for _, bits in alone] == reasons.tolist()
    assert (
        kind.standardise(pa.chunked_array([raw, raw]).cast(pa.large_string()), OPTIONS)[0].to_pylist()
        == once.to_pylist() * 2
    )


def test_rules_are_said_in_both_languages_with_a_remedy() -> None:
    for kind in TYPES.values():
        codes = [rule.code for rule in kind.rules]
        assert len(codes) == len(set(codes)) <= 32
        for rule in kind.rules:
            assert all(rule.message) and all(rule.remedy) and rule.message.zh != rule.message.en


def test_an_unknown_type_names_its_near_miss() -> None:
    with pytest.raises(KeyError, match="citizen_no"):
        get("citizen_number")


def test_options_stand_for_today_by_themselves() -> None:
    assert isinstance(Options().today, date)
