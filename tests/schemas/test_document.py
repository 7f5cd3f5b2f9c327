"""Documents come from strangers: what YAML allows and a document does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DocumentRefused
from schemas.document import MAX_BYTES, near, read

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text(st.characters(categories=["L", "Nd"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), plain, max_size=4))
def test_plain_trees_come_back_as_written(tree: dict[str, object]) -> None:
    assert read(yaml.safe_dump(tree, allow_unicode=True)).tree == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("01", "01"), ("1", 1), ("-3", -3), ("1.50", 1.5), ("yes", "yes"), ("off", "off"), ("true", True), ("~", None),
        ("2015-01-01", "2015-01-01"), ("12:30", "12:30"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("1.0.0", "1.0.0"),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2_and_leading_zeros_stay_text(text: str, value: object) -> None:
    found = read(f"a: {text}").tree["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &x [1]\nb: *x", 1),
        ("a: 1\nb: 2\na: 3", 3),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", 2),
        ("a: 1\n b: 2", 2),
        ("a: 1\nb: " + "[" * 60 + "]" * 60, 2),
        ("a: !!int '9" + "9" * 9000 + "'", 1),
    ],
)
def test_dangerous_or_ambiguous_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(DocumentRefused) as refused:
        read(text, file="x.yaml")
    assert refused.value.file == "x.yaml"
    assert f"line {line}" in refused.value.message.en  # type: ignore[union-attr]


def test_bombs_huge_files_other_encodings_and_missing_files_are_refused(tmp_path: Path) -> None:
    bomb = "a: &a [1,1]\n" + "\n".join(f"b{n}: &b{n} [*a,*a]" for n in range(30))
    with pytest.raises(DocumentRefused):
        read(bomb)
    big = tmp_path / "big.yaml"
    big.write_text("a: " + "x" * MAX_BYTES)
    latin = tmp_path / "gbk.yaml"
    latin.write_bytes("名: 值".encode("gb18030"))
    for path in (big, latin, tmp_path / "absent.yaml"):
        with pytest.raises(DocumentRefused) as refused:
            read(path)
        assert refused.value.file == str(path)


@pytest.mark.parametrize("text", ["", "- 1\n- 2", "just text", "[1"])
def test_a_document_is_a_mapping(text: str) -> None:
    with pytest.raises(DocumentRefused):
        read(text)


def test_remedies_name_the_near_miss_or_everything() -> None:
    assert near("citizen_number", ["citizen_no", "phone"]).en == "Did you mean citizen_no?"
    assert near("zzz", ["citizen_no", "phone"]).en == "Known: citizen_no, phone."
    assert near("zzz", [f"item_{n:04}" for n in range(2_000)]).en.endswith("item_0019 and others.")
