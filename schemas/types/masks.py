"""Display forms that hide a value. Defaults of practice, no norm fixes the digits."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

#: digits enough for somebody's number: in one run, or after one that was cut off
_NUMBER = re.compile(r"\d{9}|\d.*\d{8}", re.DOTALL)
_LONGEST_TIME = 14  # digits of a day with a time, which are no number


def holds_number(text: str) -> bool:
    """Whether a text holds digits enough for somebody's number, blanks between them or not, whatever item it stands in."""
    return (
        (bool(_NUMBER.search("".join(text.split()))) and not _TIME.fullmatch(text.strip()))
        or sum(each.isdigit() for each in text) > _LONGEST_TIME
    )  # fmt: skip


#: a day and a time as sources write them, possible or not
_TIME = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]*(\d{1,2}(:\d{1,2}){0,2})?")


def hidden(values: pa.Array) -> pa.Array:
    """Three stars for every value."""
    return pc.if_else(pc.is_valid(values), "***", pa.scalar(None, pa.string()))


def ends(values: pa.Array, head: int, tail: int) -> pa.Array:
    """The first `head` and last `tail` characters of an identifier around stars, one star per hidden character.

    One too short to hide at least four characters shows its last two, one shorter than six nothing; neither does a cell
    that is no single identifier (several numbers, names beside numbers).
    """
    length = pc.utf8_length(values)
    stars = pc.binary_repeat("*", pc.max_element_wise(pc.subtract(length, head + tail), 0))
    shown = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, head), stars, last(values, tail), "")
    short = pc.binary_join_element_wise("****", last(values, 2), "")
    shown = pc.if_else(pc.greater_equal(length, head + tail + 4), shown, short)
    single = pc.match_substring_regex(values, r"^[0-9A-Za-z.\-]{6,}$")
    return pc.if_else(single, shown, hidden(values))


def ends_of(value: str, head: int, tail: int) -> str:
    """`ends` of one single identifier long enough to hide at least four characters."""
    return f"{value[:head]}{'*' * (len(value) - head - tail)}{value[-tail:]}"


def last(values: pa.Array, count: int) -> pa.Array:
    """The last `count` characters; none for 0."""
    return pc.utf8_slice_codeunits(values, -count) if count else pc.utf8_slice_codeunits(values, 0, 0)


def start(values: pa.Array, pattern: str) -> pa.Array:
    """What the pattern's groups keep, then three stars; a value the pattern does not match is hidden."""
    kept = pc.replace_substring_regex(values, pattern, r"\1\2***")
    return pc.if_else(pc.match_substring_regex(values, pattern), kept, hidden(values))
