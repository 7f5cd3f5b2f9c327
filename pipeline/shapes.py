"""How a column is written, without what it says: kinds and shapes of its values, and whether its characters are common ones.

Taken of the first rows of every batch and kept in its manifest, so that the next batch can tell a column that is written
otherwise: dates without dashes, letters where codes had been digits, text decoded by the wrong table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from schemas.types import columns

SAMPLE = 500  # rows
ENOUGH = 40  # cells below which nothing is concluded
_KEPT = 6  # shapes
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([ T].*)?|(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")
_RUN = re.compile(r"(.)\1+")


class _Signs(dict[int, str]):
    """What each character is shown as, found once."""

    def __missing__(self, code: int) -> str:
        sign = self[code] = _sign(chr(code))
        return sign


def _sign(character: str) -> str:
    if character.isascii():
        if character.isdigit():
            return "9"
        return ("A" if character.isupper() else "a") if character.isalpha() else character
    if "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff":
        return "汉"
    if "\uff01" <= character <= "\uff5e":
        return "全"
    strange = character == "\ufffd" or "\u0080" <= character <= "\u024f" or "\ue000" <= character <= "\uf8ff"
    return "?" if strange else character


_SIGNS = _Signs()


def of(column: pa.Array) -> dict[str, Any]:
    """The profile of a column's cells: how many, the kind most are of, the shares of their shapes, and of Chinese characters
    those that are common."""
    cells = [cell for cell in columns.text(column.slice(0, SAMPLE)).to_pylist() if cell is not None and cell.strip()]
    shapes = Counter(shape(cell) for cell in cells)
    han = [character for cell in cells for character in cell if "\u4e00" <= character <= "\u9fff"]
    return {
        "cells": len(cells),
        "kind": _kind(cells),
        "shapes": {name: round(count / len(cells), 3) for name, count in shapes.most_common(_KEPT)},
        "common": round(sum(map(_is_common, han)) / len(han), 3) if han else None,
    }


def shape(cell: str) -> str:
    """A value as runs of digits, letters and Chinese characters; nothing of what it says is left."""
    return _RUN.sub(r"\1", cell[:200].translate(_SIGNS))[:24]


def alike(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """How much two sets of shapes have in common, from 0 to 1."""
    return sum(min(share, other.get(name, 0.0)) for name, share in one.items())


def _kind(cells: list[str]) -> str:
    if not cells:
        return "empty"
    # a day in eight digits is a number too
    for kind, pattern in (("date", _DATE), ("number", _NUMBER)):
        if sum(1 for cell in cells if pattern.fullmatch(cell.strip())) >= 0.95 * len(cells):
            return kind
    return "text"


def _is_common(character: str) -> bool:
    """Whether a character is among the 3,755 common ones of GB 2312. Text decoded by the wrong table is mostly of others."""
    try:
        return 0xB0 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False
