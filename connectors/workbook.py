"""How large a workbook really is, before it is opened.

Calamine holds the rectangle from A1 to the last cell, and all shared text. One stray cell at the far corner, a few
kilobytes of zeros packed a thousandfold, or a size that the file only claims would take the whole machine, so the parts
are unpacked and measured here first, a mebibyte at a time. XML can be written in more ways than are looked for; what gets
past this is stopped by the limit of the process that reads it (connectors/cells.py), later and with less memory left.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from connectors import refusals
from core.errors import BatchBlocked
from core.text import T

MAX_CELLS = 24_000_000
"""A million rows of 24 columns take 0.8 GB; more is refused."""

MAX_UNPACKED_BYTES = 2 << 30
MAX_SHARED_BYTES = 512 << 20
MAX_ROW_BYTES = 64 << 20

_PIECE = 1 << 20
_ADDRESS = re.compile(rb' r="([A-Z]{1,3})[0-9]')
_NUMBER = re.compile(rb'row (?:[^>]*? )?r="0*([0-9]{1,20})')
# Patterns that begin with plain bytes, and plain counting, are ten times as fast as others; the colon is for a prefix.
_ROWS = (b"<row ", b"<row>", b"<row/", b":row ", b":row>", b":row/")
_CELLS = (b"<c ", b"<c>", b"<c/", b":c ", b":c>", b":c/")


def guard(path: Path, file: str) -> None:
    """Refuse a workbook that would not fit into memory, or whose parts are not what they claim."""
    try:
        with zipfile.ZipFile(path) as parts:
            sizes = {part.filename: part.file_size for part in parts.infolist()}
            if sum(sizes.values()) > MAX_UNPACKED_BYTES or sizes.get("xl/sharedStrings.xml", 0) > MAX_SHARED_BYTES:
                raise too_large(file)
            for name in sizes:
                # To read a part to its end is also to check that it has the size and the checksum it claims.
                pieces = _pieces(parts, name)
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    if _cells(pieces, file) > MAX_CELLS:
                        raise too_large(file)
                else:
                    for _ in pieces:
                        pass
    except zipfile.BadZipFile:
        if zipfile.is_zipfile(path):
            raise refusals.unreadable(
                file,
                T("压缩包已损坏", "its packing is damaged"),
                T("请部门重新导出并交换该文件。", "Ask the department to export and deliver it again."),
            ) from None
        return  # not packed at all, as the older .xls: calamine reads it, or says what is wrong
    except (OSError, RuntimeError, NotImplementedError, zlib.error, EOFError):
        return  # encrypted or damaged: calamine says so


def _pieces(parts: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with parts.open(name) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _cells(pieces: Iterator[bytes], file: str) -> int:
    """The cells of the rectangle that a sheet spans."""
    width = height = 0
    held = b""
    for piece in pieces:
        held += piece
        start = max(held.rfind(row) for row in _ROWS)
        if len(held) - start > MAX_ROW_BYTES:
            raise too_large(file)
        if start > 0:
            columns, height = _measured(held[:start], height)
            width, held = max(width, columns), held[start:]
    columns, height = _measured(held, height)
    return max(width, columns) * height


def _measured(rows: bytes, height: int) -> tuple[int, int]:
    """The columns of some whole rows, and the number of the last. What has no address follows what stands before it."""
    numbers = _NUMBER.findall(rows)
    height = max(height, max(map(int, numbers), default=0))
    if (count := _count(rows, _ROWS)) > len(numbers):
        height += count
    addresses = _ADDRESS.findall(rows)
    columns = max(map(_column, set(addresses)), default=0)
    if _count(rows, _CELLS) > len(addresses):
        columns += max(_count(row, _CELLS) for row in rows.split(b"row"))
    return columns, height


def _count(text: bytes, words: tuple[bytes, ...]) -> int:
    return sum(map(text.count, words))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def too_large(file: str) -> BatchBlocked:
    """The refusal of a workbook that would not fit into memory."""
    return refusals.unreadable(
        file,
        T("表格区域过大", "its area is too large"),
        T(
            "请删除表格右侧和下方多余的单元格,或改用 CSV。",
            "Delete the stray cells right of and below the table, or deliver CSV.",
        ),
    )
