"""How much two identity claims look like one another: an aid for whoever judges, and kept with the judgement. It decides
nothing: name and number that are alike never link by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from pypinyin import lazy_pinyin
from rapidfuzz.distance import OSA

from core.text import T

#: what can be seen of two claims
REASONS = {
    "same_number": T("号码相同", "the same number"),
    "number_near": T("号码相差不超过两位或两位对调", "numbers at most two characters apart, or two exchanged"),
    "same_birth": T("证号中的出生日期相同", "the same date of birth in the numbers"),
    "same_name": T("名称相同", "the same name"),
    "same_sound": T("名称同音", "names of the same sound"),
    "name_near": T("名称相差一字", "names one character apart"),
}


@dataclass(frozen=True, slots=True)
class Likeness:
    """Between 0 and 1: the mean of how alike the numbers and the names are written; and what stands out."""

    score: float
    reasons: tuple[str, ...]


def of(library: str, number: str, name: str, other_number: str, other_name: str) -> Likeness:
    """The likeness of two claims of a library. Alike is 1 less the edits between them (insert, delete, replace, exchange
    neighbours) by the length of the longer."""
    numbers, names = OSA.normalized_similarity(number, other_number), OSA.normalized_similarity(name, other_name)
    seen = {
        "same_number": number == other_number,
        "number_near": number != other_number and OSA.distance(number, other_number) <= 2,
        "same_birth": library == "population" and _birth(number) is not None and _birth(number) == _birth(other_number),
        "same_name": name == other_name,
        "same_sound": name != other_name and lazy_pinyin(name) == lazy_pinyin(other_name),
        "name_near": name != other_name and OSA.distance(name, other_name) == 1,
    }
    return Likeness(round((numbers + names) / 2, 3), tuple(code for code, there in seen.items() if there))


def _birth(number: str) -> str | None:
    """The eight digits of the date in a citizen's number (GB 11643 clause 4.2)."""
    return number[6:14] if len(number) == 18 and number[:17].isdigit() else None
