"""What names of persons and organisations share: odd rows, middle dots, blanks, characters that were lost.

Names are never rewritten by NFKC: it would replace rare hanzi by their look-alikes.
"""

from __future__ import annotations

import re

import pyarrow as pa

from core.text import T
from schemas.types import columns
from schemas.types.base import Rule

# Private use (U+E000–F8FF and planes 15, 16), the replacement character, and question marks left by a lossy encoding
LOST = r"[?？\x{FFFD}\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFD}]"

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_DOTS = re.compile("\\s*[\u00b7\u2022\u30fb\u2027\u2219\u22c5\uff65\u25cf\u318d\u0387\u16eb]\\s*")
_FULL_STOP = re.compile(f"(?<=[{_HANZI}])\\s*[.\uff0e]\\s*(?=[{_HANZI}])")
_BLANK_IN_HANZI = re.compile(f"(?<=[{_HANZI}·])\\s+(?=[{_HANZI}·])|\\s+(?=[（）()])|(?<=[（）()])\\s+")
_UNTIDY = re.compile(f"{_DOTS.pattern}|[.\uff0e\\s\u200b-\u200d\u2060\ufeff]")
_BLANKS = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")


def odd_bytes(data: columns.Bytes) -> columns.Bools:
    """Bytes that hanzi of the basic plane never have: such rows need a closer look."""
    if data.size and data.min() >= 0x80 and data.max() <= 0xE9:  # no ASCII, no private use, no full-width forms
        return (data >= 0xC0) & (data < 0xE4)
    return (data < 0x80) | ((data >= 0xC0) & (data < 0xE4)) | (data > 0xE9)


def tidy(name: str) -> str | None:
    """One middle dot (·), no blanks between hanzi, single blanks elsewhere."""
    if not _UNTIDY.search(name):
        return name
    return close_up(_FULL_STOP.sub("·", _DOTS.sub("·", name)))


def close_up(text: str) -> str | None:
    """No blanks between hanzi or around brackets, single ones elsewhere."""
    return _BLANK_IN_HANZI.sub("", _BLANKS.sub(" ", text).strip()) or None


def lost_rule(name: str) -> Rule:
    """The rule for characters that were lost or live in a private area."""
    return Rule(
        f"{name}.lost_character",
        "warning",
        "accuracy",
        T(
            "含有“?”、替代符或私有区字符，疑为生僻字丢失",
            "Holds ?, a replacement or a private-use character: a rare hanzi was probably lost",
        ),
        T("对照证件补录生僻字（GB 18030）", "Enter the rare hanzi from the document (GB 18030)"),
    )


def found_in(column: pa.Array, rows: columns.Rows, pattern: str) -> columns.Rows:
    """Those of some rows in which the pattern is found."""
    return rows[columns.matches(column.take(pa.array(rows)), pattern)] if rows.size else rows
