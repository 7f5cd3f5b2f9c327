"""Search words and queries: whatever a title holds, a piece of it finds it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from catalog_registry import search
from core.hub import Hub

hanzi = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=20)


@given(title=hanzi, data=st.data())
def test_every_piece_of_a_title_is_among_its_tokens(title: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(title) - 2))
    piece = title[start : data.draw(st.integers(start + 2, len(title)))]
    terms = search.query(piece).split(" & ")
    assert {term.strip("'") for term in terms} <= set(search.tokens([title]))


@given(st.text(max_size=40))
def test_a_query_holds_only_quoted_words(typed: str) -> None:
    for term in filter(None, search.query(typed).split(" & ")):
        word = term.removesuffix(":*")
        assert word[0] == word[-1] == "'" and not set(word[1:-1]) & set("'\\\\:&|!()<>* ")


def test_initials_from_any_character_on() -> None:
    words = search.tokens([], initials_of="不动产权利登记信息")
    assert "bdcqldjxx" in words and "djxx" in words
    assert search.initials("重庆") == "cq"  # a polyphone, by its word


def test_what_is_typed_reaches_the_server_safely(hub: Hub) -> None:
    with hub.read() as connection:
        for typed in ("a' | 'b", "公积'金", "!!&|", "(", "50%", "\\"):
            connection.execute(text("SELECT to_tsquery('simple', :q)"), {"q": search.query(typed)})
