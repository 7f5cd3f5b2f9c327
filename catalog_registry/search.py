"""Search words of the catalogue: Chinese as single characters and bigrams, every suffix of its pinyin initials, Latin
words as they stand. No dictionary, no extension: a `tsvector` with a GIN index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pypinyin import Style, lazy_pinyin

# hanzi, also those outside the basic plane (names of places use them)
_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[a-z0-9]+")
_HANZI = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_MAX_WORD = 60


def tokens(texts: Iterable[str], *, initials_of: str = "") -> list[str]:
    """The lexemes of a resource; `initials_of` is the title, found by its pinyin initials from any character on."""
    found: set[str] = set()
    for text in texts:
        for run in _RUN.findall(text.lower()):
            found |= _hanzi(run) if _HANZI.match(run) else {run[:_MAX_WORD]}
    for run in _RUN.findall(initials_of.lower()):
        if _HANZI.match(run):
            letters = initials(run)
            found |= {letters[start:] for start in range(len(letters))}
    return sorted(found)


def query(text: str) -> str:
    """A `to_tsquery` string: every bigram of the text, a lone character or the beginning of a word. Empty when the text
    holds nothing to search for."""
    terms: list[str] = []
    for run in _RUN.findall(text.lower())[:20]:
        if not _HANZI.match(run):
            terms.append(f"'{run[:_MAX_WORD]}':*")
        elif len(run) == 1:
            terms.append(f"'{run}'")
        else:
            terms += [f"'{run[i : i + 2]}'" for i in range(len(run) - 1)]
    return " & ".join(dict.fromkeys(terms))


def initials(hanzi: str) -> str:
    """The first letter of each character's pinyin."""
    return "".join(lazy_pinyin(hanzi, style=Style.FIRST_LETTER, errors="ignore"))


def _hanzi(run: str) -> set[str]:
    return set(run) | {run[i : i + 2] for i in range(len(run) - 1)}
