"""Where in a text of the catalogue a question was found, as positions in the text as it is shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from catalog_registry import search
from catalog_registry.finding import Stage
from catalog_registry.lexemes import SPELLED, bigrams, spelling
from catalog_registry.search import Word

How = Literal["text", "synonym", "pinyin", "near", "shared"]


def marks(label: str, words: Sequence[Word], stage: Stage) -> tuple[How, list[tuple[int, int]]]:
    """How a label was found, and the [start, end) of each found piece, in order and apart. What is near is marked only
    when nothing was found as typed, and bigrams only when nothing was near."""
    plain, places = _plain(label)
    spelt = spelling(plain) if len(plain) <= SPELLED else ()
    how: How = "shared"
    pieces: set[tuple[int, int]] = set()
    if stage == "overlap":
        pairs = {pair for word in words for pair in bigrams(word.raw)}
        pieces = {span for pair in pairs for span in _spans(re.escape(pair), plain)}
    else:
        for word in words:
            for kind, spans in _ways(word, plain, spelt, near=stage == "near"):
                if found := list(spans):
                    how = kind if _RANK[kind] < _RANK[how] else how
                    pieces.update(found)
                    break
    return how, _joined([(places[start], places[end - 1] + 1) for start, end in pieces])


_RANK = {how: rank for rank, how in enumerate(("text", "synonym", "pinyin", "near", "shared"))}


def _ways(
    word: Word, plain: str, spelt: tuple[tuple[int, str], ...], *, near: bool
) -> Iterator[tuple[How, Iterator[tuple[int, int]]]]:
    """The ways a word may stand in a text, the plainest first."""
    yield "text", _spans(re.escape(word.raw), plain)
    yield "synonym", (span for other in word.others for span in _spans(re.escape(other), plain))
    sounds = re.escape(word.pinyin if word.hanzi else word.raw)
    if not word.hanzi:
        yield "pinyin", _spelt(sounds, spelt, initials=True)
        yield "pinyin", _spelt(sounds, spelt, initials=False)
    if not near:
        return
    if search.near(word) is not None:
        mistaken = search.mistaken(word.raw).pattern
        yield "near", _spans(mistaken, plain)
        if not word.hanzi:
            yield "near", _spelt(mistaken, spelt, initials=True)
            yield "near", _spelt(mistaken, spelt, initials=False)
    if sounds:
        yield "near", _spelt(sounds, spelt, initials=False)


def _spans(pattern: str, plain: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in re.finditer(pattern, plain))


def _spelt(pattern: str, spelt: tuple[tuple[int, str], ...], *, initials: bool) -> Iterator[tuple[int, int]]:
    """The characters whose pinyin, or its initials, hold the pattern."""
    letters = [(at, letter) for at, syllable in spelt for letter in (syllable[0] if initials else syllable)]
    for match in re.finditer(pattern, "".join(letter for _, letter in letters)):
        yield letters[match.start()][0], letters[match.end() - 1][0] + 1


def _plain(label: str) -> tuple[str, list[int]]:
    """The normalised text (lexemes.normal) and, for each of its characters, where it stands in the label."""
    if label.isalnum() and unicodedata.is_normalized("NFKC", label) and len(label.lower()) == len(label):
        return label.lower(), list(range(len(label)))  # nearly all of them
    out: list[str] = []
    places: list[int] = []
    for at, char in enumerate(label):
        for each in unicodedata.normalize("NFKC", char).lower():
            if not each.isspace() or (out and out[-1] != " "):
                out.append(" " if each.isspace() else each)
                places.append(at)
    return "".join(out), places


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
