"""Cells of several parts, masks, verdicts, and the code lists."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codes
from schemas.codes import divisions
from schemas.types import TYPES, check, get, masks, split
from tests.types.plain_rules import DIVISIONS, OPTIONS, findings, standard

GOOD, OTHER, BAD = "11010519491231002X", "440524188001010014", "430302199312212519"


def test_split_gives_parts_with_their_rows() -> None:
    parts = split(pa.array([f"张三:{GOOD}；李四：{OTHER};王五", None, " ; "]), ";", ":")
    assert parts.parent.tolist() == [0, 0, 0]
    assert parts.names is not None and parts.names.to_pylist() == ["张三", "李四", "王五"]
    assert parts.numbers is not None and parts.numbers.to_pylist() == [GOOD, OTHER, None]
    alone = split(pa.array(["张三、李四", None, "王五"]), "、", None)
    assert (alone.parent.tolist(), alone.text.to_pylist(), alone.names, alone.numbers) == (
        [0, 0, 2],
        ["张三", "李四", "王五"],
        None,
        None,
    )


def test_a_cell_of_several_is_kept_and_judged_part_by_part() -> None:
    options = replace(OPTIONS, separator="、", required=True)
    cells = [f" {GOOD}、{OTHER} ", f"{GOOD}、{BAD}", " 、 ", None]
    values, reasons = get("citizen_no").standardise(pa.array(cells), options)
    assert values.to_pylist() == [f"{GOOD}、{OTHER}", f"{GOOD}、{BAD}", "、", None]
    kind = get("citizen_no")
    assert reasons.tolist() == [0, kind.bit("checksum"), kind.bit("required"), kind.bit("required")]
    assert kind.judge(values, options).tolist() == [0, 0, 0, 0]


def test_in_a_pair_each_type_judges_its_side() -> None:
    options = replace(OPTIONS, separator=";", pair=":")
    assert findings("identity_no", f"张?:{GOOD};李四:{BAD}", options) == {"citizen_no.checksum"}
    assert findings("person_name", f"张?:{GOOD};李四:{BAD}", options) == {"person_name.lost_character"}


def test_kinds_follow_their_parts() -> None:
    options = replace(OPTIONS, separator="、", kinds=pa.array(["passport", "identity_card"]))
    kind = get("identity_no")
    reasons = kind.standardise(pa.array(["E12345678、E7654321", f"{GOOD}、E12345678"]), options)[1]
    assert reasons.tolist() == [0, kind.bit("citizen_no.format")]


@given(st.lists(st.lists(st.text("张三李四王五", min_size=1, max_size=4), max_size=4), max_size=6))
def test_splitting_undoes_joining(rows: list[list[str]]) -> None:
    parts = split(pa.array(["、".join(row) for row in rows], pa.string()), "、", None)
    assert parts.text.to_pylist() == [name for row in rows for name in row]
    assert parts.parent.tolist() == [index for index, row in enumerate(rows) for _ in row]


@pytest.mark.parametrize(
    ("name", "value", "clerk", "listed"),
    [
        ("citizen_no", GOOD, "110105********002X", "110***********002X"),
        ("identity_no", "E12345678", "E******78", "E******78"),
        ("identity_no", f"张三:{GOOD}", "***", "***"),
        ("person_name", "张三", "张*", "张*"),
        ("person_name", "欧阳修", "欧阳*", "欧阳*"),
        ("person_name", "欧阳", "欧*", "欧*"),
        ("person_name", "张", "*", "*"),
        ("phone", "13812345678", "138****5678", "138****5678"),
        ("address", "益阳市赫山区康富路12号3栋", "益阳市赫山区康富路***", "益阳市***"),
        ("text", "6222021234567890123", "****0123", "****0123"),
        ("real_estate_unit", "110105001002GB00003F00010001", "110105001002" + "*" * 16, "110105" + "*" * 22),
    ],
)
def test_masks(name: str, value: str, clerk: str, listed: str) -> None:
    for level, shown in (("clerk", clerk), ("list", listed)):
        assert get(name).mask(pa.array([value, None]), level).to_pylist() == [shown, None]  # type: ignore[arg-type]


SAMPLES = [
    "11010519491231002X",
    "91350100M000100Y43",
    "2020-01-05",
    "2020-01-05 09:00:00",
    "13812345678",
    "430903",
    "12.5",
    "7",
    "是",
]


@pytest.mark.parametrize("name", sorted(TYPES))
@pytest.mark.parametrize("level", ["clerk", "list"])
@settings(max_examples=30, deadline=None)  # for each type and level
@given(values=st.lists(st.text(min_size=1, max_size=30) | st.sampled_from(SAMPLES), max_size=6))
def test_masks_never_leak(name: str, level: str, values: list[str]) -> None:
    """No mask shows the value, nor more than ten of its characters besides an address's or certificate's first part."""
    kind = get(name)
    typed = kind.standardise(pa.array(values, pa.string()), OPTIONS)[0]
    shown = kind.mask(typed, level)  # type: ignore[arg-type]
    assert shown.type == pa.string()
    for value, mask in zip(typed.cast(pa.string()).to_pylist(), shown.to_pylist(), strict=True):
        assert (value is None) == (mask is None)
        if value is not None:
            assert ("*" in mask and value not in mask.replace("*", "")) or set(value) <= {"*"}
            if name not in ("address", "title_certificate_no", "license_id", "real_estate_unit"):
                assert len(mask.replace("*", "")) <= 10


def test_verdicts_list_every_finding_and_the_worst_decides() -> None:
    good, bad, passport, mixed, empty = check("identity_no", [GOOD, BAD, "护照 E12345678", f"passport {GOOD}", ""])
    assert (good.verdict, good.standard, good.findings) == ("ok", GOOD, ())
    assert (bad.verdict, [f.rule for f in bad.findings]) == ("error", ["citizen_no.checksum"])
    assert (passport.verdict, passport.standard) == ("ok", "E12345678")
    assert (mixed.verdict, [f.rule for f in mixed.findings]) == ("warning", ["identity_no.kind"])
    assert (empty.verdict, [f.rule for f in empty.findings]) == ("error", ["required"])
    several = check("citizen_no", ["999999205002300000"])[0]
    assert {f.rule for f in several.findings} == {"citizen_no.mangled", "citizen_no.birth", "citizen_no.division"}
    assert check("date", ["2020年1月5日"])[0].standard == "2020-01-05"
    assert check("identity_no", []) == []


@pytest.mark.parametrize("name", codes.names())
def test_every_code_list_reads_back(name: str) -> None:
    code_list = codes.lists(name)
    assert code_list.values and code_list.source and all(code_list.title)
    for code, label in code_list.values.items():
        said = code_list.label(code)
        assert all(label) and said.zh == label.zh
        assert said.en == label.en or name == "division"  # the English names of divisions are made when asked for
    assert set(code_list.aliases.values()) | set(code_list.retired) <= set(code_list.values)


def test_national_codes() -> None:
    ethnicity = codes.lists("ethnicity")
    assert set(ethnicity.values) == {f"{code:02d}" for code in range(1, 57)} | {"97", "98"}
    assert ethnicity.code("汉") == "01" and ethnicity.code("Tujia") == "15" and ethnicity.code("火星") is None
    assert set(codes.lists("sex").values) == {"0", "1", "2", "9"}
    assert set(codes.lists("marital_status").values) == {"10", "20", "21", "22", "23", "30", "40", "90"}
    with pytest.raises(KeyError, match="identity_kind"):
        codes.lists("identity_kinds")


def test_divisions_have_a_history() -> None:
    assert len(DIVISIONS) > 5000
    assert divisions.successors("412723") == ("411623",)
    assert divisions.name("430903") == "湖南省益阳市赫山区"
    assert divisions.successors("430903") == () and divisions.name("999999") is None
    assert not divisions.current(2026)[412723] and divisions.current(1990)[412723]
    assert standard("division", ["430903"]) == ["430903"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("110105194912310021", True), ("110105 1949 1231 002X", True), ("110105-1949-1231-002X", True),
        ("１１０１０５１９４９１２３１００２１", True), ("138 0000 1111", True), ("2026-13-45 08:00:00", False),
        ("2026年3月1日", False), ("20260301", False), ("A1", False), ("", False),
    ],
)  # fmt: skip
def test_a_number_is_seen_in_any_item(text: str, holds: bool) -> None:
    assert masks.holds_number(text) is holds
