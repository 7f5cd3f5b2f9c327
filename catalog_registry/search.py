"""What somebody typed, as questions to the terms of the catalogue.

A word of Chinese is looked for as written; a word of Latin letters as written, as pinyin and as pinyin's initials.
When nothing has all the words, a *near miss* is one character away (wrong, missing, too many, or two swapped), or
sounds the same; when nothing is near either, what shares most of the bigrams is offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from catalog_registry.lexemes import HANZI, RUN, bigrams, normal, spelling
from core.errors import Invalid
from core.text import T

MAX = 100  # characters of a question
_WORDS = 12
_SPELT = 24  # a longer word is a sentence, in which one character decides nothing


@dataclass(frozen=True)
class Word:
    """One run of the question. `others` mean the same."""

    raw: str
    others: tuple[str, ...] = ()

    @property
    def hanzi(self) -> bool:
        """Whether it is Chinese; else it is Latin letters and digits."""
        return bool(HANZI.match(self.raw))

    @property
    def pinyin(self) -> str:
        """How it sounds; empty when a character has no known reading."""
        spelt = spelling(self.raw)
        return "".join(syllable for _, syllable in spelt) if len(spelt) == len(self.raw) else ""


def parse(typed: str, synonyms: Mapping[str, tuple[str, ...]] | None = None) -> list[Word]:
    """The words of a question, at most a dozen. Raises Invalid when it is longer than `MAX`."""
    if len(typed) > MAX:
        raise Invalid(
            T(f"检索词超过 {MAX} 个字符。", f"The search is longer than {MAX} characters."),
            remedy=T("请只写关键词。", "Use a few key words."), pointer="/q",
        )  # fmt: skip
    runs = [run.strip("_") for run in RUN.findall(normal(typed))]
    words = list(dict.fromkeys(run for run in runs if run))[:_WORDS]
    return [Word(word, (synonyms or {}).get(word, ())) for word in words]


def exact(raw: str) -> str:
    """The `tsquery` every term must answer that holds a word; Chinese must still be looked at as written."""
    if not HANZI.match(raw):
        return f"'{raw[:60]}':*"
    return _all(bigrams(raw) or [raw])


def overlap(words: list[Word]) -> list[str]:
    """A `tsquery` for each bigram of the question; none when they would say too little."""
    pairs = list(dict.fromkeys(pair for word in words if word.hanzi for pair in bigrams(word.raw)))
    return [f"'{pair}'" for pair in pairs] if len(pairs) > 2 else []


def near(word: Word) -> str | None:
    """A `tsquery` for the terms that may hold a near miss of the word; None when it is too short for one."""
    raw = word.raw
    if not 2 <= len(raw) <= _SPELT:
        return None
    if word.hanzi:
        kept = [raw[:i] + raw[i + 1 :] for i in range(len(raw))] if len(raw) > 2 else [raw]
        clauses = [_all(list(each)) for each in dict.fromkeys(kept)]
        return _any([*clauses, f"'{word.pinyin[:60]}':*"] if word.pinyin else clauses)
    if len(raw) < 4:
        return None
    half = len(raw) // 2
    # one mistake leaves the beginning or the end as it is, unless it swaps the two in the middle
    swapped = raw[: half - 1] + raw[half] + raw[half - 1] + raw[half + 1 :]
    shortest = 2 if len(raw) < 6 else 3 if len(raw) < 9 else 4  # of an end: what fewer letters begin is everywhere
    ends = [raw[start:] for start in range(half, len(raw) - shortest + 1)]
    return _any([f"'{part}':*" for part in dict.fromkeys([raw[:half], swapped, *ends])])


@lru_cache(maxsize=1024)
def mistaken(raw: str) -> re.Pattern[str]:
    """What the word could have been meant as, were one character of it wrong, missing, too many, or two swapped."""
    size = len(raw)
    forms = [raw[: i - 1] + raw[i] + raw[i - 1] + raw[i + 1 :] for i in range(1, size)]
    literal = [re.escape(form) for form in forms]
    literal += [re.escape(raw[:i]) + r"\S" + re.escape(raw[i:]) for i in range(1, size)]
    if size > 2:
        literal += [re.escape(raw[:i]) + r"\S" + re.escape(raw[i + 1 :]) for i in range(size)]
    if size > 3:
        literal += [re.escape(raw[:i] + raw[i + 1 :]) for i in range(size)]
    return re.compile("|".join(dict.fromkeys(literal)))


def like(raw: str, text: str) -> bool:
    """Whether a text holds a near miss of the word. The pattern is asked only where most of the letters are in place."""
    return fuzz.partial_ratio(raw, text) >= 100 * (1 - 1.5 / len(raw)) and mistaken(raw).search(text) is not None


def _all(parts: list[str]) -> str:
    return "(" + " & ".join(f"'{part}'" for part in dict.fromkeys(parts)) + ")"


def _any(clauses: list[str]) -> str:
    return " | ".join(clauses)
