"""What a text is found by, what a question becomes, and where the answer is marked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog_registry import cursors, finding, highlights, lexemes, search, synonyms
from core.errors import DocumentRefused, Invalid
from core.hub import Hub

hanzi = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=20)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(title=hanzi, data=st.data())
def test_every_piece_of_a_title_is_among_its_lexemes(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 2))
    piece = title[start : data.draw(st.integers(start + 2, len(title)))]
    made = lexemes.term(title)
    assert {part.strip("'() ") for part in search.exact(piece).split("&")} <= set(made.lexemes)
    assert made.initials[-1] in made.lexemes and made.initials in made.lexemes and made.pinyin[:60] in made.lexemes


def test_pinyin_from_any_character_on() -> None:
    made = lexemes.term("不动产权利登记信息")
    assert {"bdcqldjxx", "djxx", "dengjixinxi"} <= set(made.lexemes)
    assert lexemes.term("重庆").initials == "cq"  # a polyphone, by its word
    assert lexemes.term("Ａ类企业").initials == "alqy"
    assert lexemes.term("一" * (lexemes.SPELLED + 1)).initials == ""


@given(anything)
@example("İ ㎡ ﬁ")
@example("𠮷野家")
def test_a_spelling_stands_at_its_characters(typed: str) -> None:
    plain = lexemes.normal(typed)
    assert all(plain[at].isascii() == (plain[at] == syllable) for at, syllable in lexemes.spelling(plain))


@given(anything)
@example("a' | 'b")
@example("50% \\ !&|(:*)")
def test_a_question_holds_only_quoted_words(typed: str) -> None:
    for word in search.parse(typed):
        for query in (search.exact(word.raw), search.near(word) or "''", *search.overlap([word])):
            for part in query.replace("(", " ").replace(")", " ").replace("&", "|").split("|"):
                quoted = part.strip().removesuffix(":*")
                assert quoted[0] == quoted[-1] == "'" and not set(quoted[1:-1]) & set("'\\:&|!()<>* ")


def test_what_is_typed_reaches_the_server_safely(hub: Hub) -> None:
    with hub.read() as connection:
        for typed in ("a' | 'b", "公积'金", "!!&|", "(", "50%", "\\", "x" * 100, "金" * 100, "😀", "ＡＢ", "a_b__"):
            for word in search.parse(typed):
                for query in (search.exact(word.raw), search.near(word) or "'a'"):
                    connection.execute(text("SELECT CAST(:q AS tsquery)"), {"q": query})
    with pytest.raises(Invalid):
        search.parse("x" * 101)


def edits(word: str) -> st.SearchStrategy[str]:
    """The word with one character wrong, missing, too many, or two swapped."""
    letters = st.sampled_from("abcxyz" if word.isascii() else "天地玄黄")
    places = st.integers(0, len(word) - 1)
    return st.one_of(
        st.builds(lambda i, c: word[:i] + c + word[i + 1 :], places, letters),
        st.builds(lambda i, c: word[:i] + c + word[i:], places, letters),
        st.builds(lambda i: word[:i] + word[i + 1 :], st.integers(1, len(word) - 2)),
        st.builds(lambda i: word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :], st.integers(1, len(word) - 1)),
    )


@given(data=st.data(), word=st.sampled_from(["建筑面积", "不动产权利", "统一社会信用代码", "jzmj", "bdcqldjxx"]))
def test_one_slip_is_a_near_miss_that_the_index_can_find(data: st.DataObject, word: str) -> None:
    typed = data.draw(edits(word))
    assume(len(typed) >= 4 and typed not in word)
    assert search.like(typed, word)
    asked = search.near(search.Word(typed))
    held = set(lexemes.term(word).lexemes)
    assert asked and any(
        all(
            any(one.startswith(part.strip("'")) for one in held) if prefix else part.strip("'") in held
            for part, prefix in ((each.strip().removesuffix(":*"), each.strip().endswith(":*")) for each in clause.strip("() ").split("&"))
        )
        for clause in asked.split("|")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "typed", "how", "found"),
    [
        ("房屋建筑面积", "建筑面积", "text", ["建筑面积"]),
        ("房屋建筑面积（㎡）", "m2", "text", ["㎡"]),
        ("建筑面积", "jzmj", "pinyin", ["建筑面积"]),
        ("建筑面积", "mianji", "pinyin", ["面积"]),
        ("公民身份号码", "身份证号", "synonym", ["公民身份号码"]),
        ("建筑面积", "建住面积", "near", ["建筑面积"]),
        ("户籍人口信息", "户藉", "near", ["户籍"]),
        ("ＡＢ类企业 名录", "ab 名录", "text", ["ＡＢ", "名录"]),
    ],
)
def test_marks_are_where_the_reader_sees_them(label: str, typed: str, how: str, found: list[str]) -> None:
    words = search.parse(typed, synonyms.of(Path("nowhere")))
    said, spans = highlights.marks(label, words, "near" if how == "near" else "exact")
    assert (said, [label[start:end] for start, end in spans]) == (how, found)


@given(label=anything, typed=anything)
def test_marks_lie_in_the_text_in_order_and_apart(label: str, typed: str) -> None:
    for stage in finding.STAGES:
        _, spans = highlights.marks(label, search.parse(typed), stage)
        flat = [place for span in spans for place in span]
        assert flat == sorted(set(flat)) and all(0 <= place <= len(label) for place in flat)


def test_synonyms_are_a_citys_to_choose(tmp_path: Path) -> None:
    assert "资源目录" in synonyms.of(tmp_path)["政务数据目录"]
    (tmp_path / synonyms.FILE).write_text("groups: [[甲词, 乙词, 丙词], [乙词, 丁词]]\n")
    assert synonyms.of(tmp_path)["乙词"] == ("甲词", "丙词", "丁词")
    (tmp_path / synonyms.FILE).write_text("group: []\n")
    with pytest.raises(DocumentRefused, match="group"):
        synonyms.of(tmp_path)


@given(
    order=st.sampled_from(["relevance", "code", "updated"]), stage=st.sampled_from(finding.STAGES),
    numbers=st.tuples(st.integers(-(2**60), 2**60), st.integers(0, 2**31 - 1), st.integers(0, 32767)),
)  # fmt: skip
def test_a_cursor_says_where_it_was(order: finding.Order, stage: finding.Stage, numbers: tuple[int, int, int]) -> None:
    key, sequence, position = numbers
    there = finding.Position(stage, key, "101001", sequence, position)
    assert cursors.read(cursors.write(order, there), order) == there
    with pytest.raises(Invalid):
        cursors.read(cursors.write(order, there), "name")


@given(st.text(max_size=80))
def test_what_is_no_cursor_is_refused(typed: str) -> None:
    assume(typed)
    with pytest.raises(Invalid):
        cursors.read(typed, "code")
