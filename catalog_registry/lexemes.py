"""A text of the catalogue as it is looked for: characters and bigrams as written, pinyin in full and by initials.

No dictionary and no extension: a `tsvector` with a GIN index. Pinyin is kept from every character on, so that a piece
of it is found by its beginning.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple, cast

from pypinyin import lazy_pinyin

# hanzi, also those outside the basic plane (names of places use them)
RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[a-z0-9_]+")
HANZI = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
#: a longer text is a sentence: nobody types its initials
SPELLED = 24
_MAX_WORD = 60


class Place(IntEnum):
    """Where a text stands in the catalogue; the higher, the more it says about the resource."""

    DEPARTMENT = 1
    SYSTEM = 2
    ITEM = 3
    SUMMARY = 4
    DATASET = 5
    TITLE = 6


class Term(NamedTuple):
    """One distinct text with everything it is found by. `text` is normalised."""

    text: str
    initials: str
    pinyin: str
    lexemes: list[str]


def normal(text: str) -> str:
    """Full-width and compatibility forms made plain (NFKC), lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def term(text: str) -> Term:
    """The term of a text."""
    plain = normal(text)
    found: set[str] = set()
    for run in RUN.findall(plain):
        found |= (
            {run[:_MAX_WORD]} | set(run.split("_")) - {""} if not HANZI.match(run) else set(run) | set(bigrams(run))
        )
    if len(plain) > SPELLED:
        return Term(plain, "", "", sorted(found))
    syllables = [syllable for _, syllable in spelling(plain)]
    letters = "".join(syllable[0] for syllable in syllables)
    found |= {letters[start:] for start in range(len(letters))}
    found |= {"".join(syllables[start:])[:_MAX_WORD] for start in range(len(syllables))}
    return Term(plain, letters, "".join(syllables), sorted(found))


@lru_cache(maxsize=16384)
def spelling(plain: str) -> tuple[tuple[int, str], ...]:
    """(position, pinyin) of each character of a normalised text that can be typed; Latin letters and digits stand for
    themselves. Polyphones are read by their word (重庆 chongqing)."""
    syllables = lazy_pinyin(plain, errors=cast("Any", list))  # one for each character, whatever it is
    return tuple((at, each) for at, each in enumerate(syllables) if each.isascii() and each.isalnum())


def bigrams(run: str) -> list[str]:
    """Every two neighbouring characters."""
    return [run[i : i + 2] for i in range(len(run) - 1)]
