"""Delimited text (CSV): encoding, separator and header found by looking, then streamed as text columns by Arrow."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from connectors import refusals
from connectors.tabular import HEADER_WITHIN, Sheet, checked, find_header, no_header
from core.errors import BatchBlocked
from core.text import T

BLOCK_BYTES = 4 << 20
_PIECE = 1 << 20
_TELLING = 100  # separators in a line of a cell that make it a row; a pattern of thousands is refused
_SEPARATORS = (",", "\t", ";", "|")
# A stray byte in a long UTF-8 text is damage; a GB18030 text fails as UTF-8 within its first few characters.
_SURELY_UTF8 = 20
_NO_ENCODINGS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})


def read(
    path: Path, file: str, known: frozenset[str], said: str | None = None
) -> Iterator[tuple[Sheet, pa.RecordBatch]]:
    """The rows of one file, in blocks. Raises BatchBlocked(unreadable) naming the file, never its content."""
    encoding = encoding_of(path, file, said)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as lines:
        separator, names, skip = _header(lines, file, known)
        lines.seek(0)
        for _ in range(skip):
            lines.readline()
        sheet = checked(file, names)
        yield sheet, sheet.empty()
        stream = _Utf8(lines)
        if stream.is_empty():
            return
        wrong = _WrongRows(sheet, skip, separator)
        columns = [str(number) for number in range(len(names))]
        try:
            reader = pcsv.open_csv(
                stream,
                # One thread: as fast here, and the only way to learn the number of a wrong row.
                read_options=pcsv.ReadOptions(column_names=columns, block_size=BLOCK_BYTES, use_threads=False),
                parse_options=pcsv.ParseOptions(
                    delimiter=separator, newlines_in_values=True, invalid_row_handler=wrong.judge
                ),
                convert_options=pcsv.ConvertOptions(
                    column_types={name: pa.string() for name in columns}, strings_can_be_null=True, null_values=[""]
                ),
            )
            quotes = _Quotes(stream, separator, len(names))
            for batch in reader:
                quotes.look(batch.columns)
                yield sheet, sheet.clean(batch.columns)
        except pa.ArrowInvalid:
            raise wrong.refusal() from None
        if quotes.one_is_open():
            raise _broken(file, T("有引号没有配对", "a quote is never closed"))


def is_encoding(name: str) -> bool:
    """Is it the name of an encoding of text? Python has others, of bytes and of its own sources, under the same roof."""
    try:
        whole = all(character.encode(name).decode(name) == character for character in "A,\n")
        return whole and codecs.lookup(name).name.replace("_", "-") not in _NO_ENCODINGS
    except (LookupError, ValueError, AttributeError):
        return False


def encoding_of(path: Path, file: str, said: str | None = None) -> str:
    """What the system document says, else UTF-8 with or without BOM, UTF-16 with BOM, or GB18030; proved by decoding the
    whole file strictly."""
    with path.open("rb") as raw:
        start = raw.read(4)
    if said is not None:
        candidates = [_codec(said)]
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig"] if start.startswith(codecs.BOM_UTF8) else ["utf-8", "gb18030"]
    for encoding in candidates:
        failed, foreign = _decodes(path, encoding)
        if not failed:
            return encoding
        if encoding == "utf-8" and foreign >= _SURELY_UTF8:
            break
    if said is not None:
        raise _broken(file, T(f"编码不是 {said}", f"it is not whole {said}"))
    raise _broken(file, T("编码既不是 UTF-8 也不是 GB18030", "it is neither whole UTF-8 nor whole GB18030"))


def _codec(said: str) -> str:
    """GB2312 and GBK in name are GB18030 in fact, and any UTF-8 may have a BOM."""
    name = codecs.lookup(said).name
    return {"gb2312": "gb18030", "gbk": "gb18030", "utf-8": "utf-8-sig"}.get(name, name)


def _decodes(path: Path, encoding: str) -> tuple[bool, int]:
    """Did decoding fail, and how many characters outside ASCII were read up to there."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    foreign = 0
    with path.open("rb") as raw:
        while True:
            piece = raw.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                start = error.object[: error.start].decode(encoding, "ignore")
                return True, foreign + sum(character > "\x7f" for character in start)
            except UnicodeError:  # UTF-16 or UTF-32 without a mark
                return True, foreign
            if not piece:
                return False, foreign
            # Counting only decides between two encodings; the first characters do.
            if foreign < _SURELY_UTF8:
                foreign += sum(character > "\x7f" for character in text)


def _header(lines: io.TextIOWrapper, file: str, known: frozenset[str]) -> tuple[str, list[str | None], int]:
    """The separator, the names, and how many lines stand before the data."""
    for separator in _SEPARATORS:
        lines.seek(0)
        rows = csv.reader(lines, delimiter=separator)
        ends: list[int] = []
        head: list[list[str]] = []
        try:
            for row in islice(rows, HEADER_WITHIN):
                head.append(row)
                ends.append(rows.line_num)
        except csv.Error:
            pass  # what was read before may hold the header
        found = find_header(head, known)
        if found is not None:
            return separator, found[1], ends[found[0]]
    raise no_header(file)


class _Utf8(io.RawIOBase):
    """A text stream as UTF-8 bytes, for Arrow."""

    def __init__(self, lines: io.TextIOWrapper) -> None:
        self._lines = lines
        self.quotes = 0
        self.end = ""
        self._ahead = lines.read(_PIECE)

    def is_empty(self) -> bool:
        """Nothing but white space stands below the header."""
        return not self._ahead.strip() and len(self._ahead) < _PIECE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # A character takes four bytes at most, and Arrow takes no more than it asked for.
        count = max(1, size // 4) if size >= 0 else len(self._ahead)
        if not self._ahead:
            self._ahead = self._lines.read(_PIECE)
        text, self._ahead = self._ahead[:count], self._ahead[count:]
        self.quotes += text.count('"')
        self.end = text[-1:] or self.end
        return text.encode()


class _Quotes:
    """Notices a quote that is never closed: Arrow takes the rows below it, to the next quote or the end, for one cell.

    A lone quote inside a cell (`5" pipe`) is let pass, a cell of several lines too, unless a line of it is a whole row.
    """

    def __init__(self, stream: _Utf8, separator: str, columns: int) -> None:
        self._stream = stream
        within = f"{re.escape(separator)}[^\n]*"
        self._row = f"\n[^\n]*{within * min(max(2, columns - 1), _TELLING)}"
        self._lines = self._swallowed = False

    def look(self, columns: Sequence[pa.Array]) -> None:
        """Look through some rows."""
        if not self._stream.quotes:
            return
        for column in columns:
            several = pc.match_substring(column, "\n")
            if pc.any(several).as_py():
                self._lines = True
                held = column.filter(several)
                self._swallowed |= bool(pc.any(pc.match_substring_regex(held, self._row)).as_py())

    def one_is_open(self) -> bool:
        """After the last row: is a quote open, or was one?"""
        odd = self._stream.quotes % 2 == 1
        return self._swallowed or (odd and (self._lines or self._stream.end not in "\r\n"))


class _WrongRows:
    """Rows with another number of cells: totals and blanks are let go, anything else stops the file."""

    def __init__(self, sheet: Sheet, skipped: int, separator: str) -> None:
        self._sheet = sheet
        self._skipped = skipped
        self._separator = separator
        self._found: tuple[int | None, int, int] | None = None

    def judge(self, row: Any) -> str:
        try:
            cells = next(csv.reader([row.text], delimiter=self._separator), [])
        except csv.Error:  # a cell larger than any
            cells = [row.text]
        if not "".join(cells).strip():
            return "skip"
        if "".join(cells[0].split()).rstrip(":：") in {"合计", "总计", "小计"}:
            self._sheet.totals += 1
            return "skip"
        self._found = self._found or (row.number, row.expected_columns, row.actual_columns)
        return "error"

    def refusal(self) -> BatchBlocked:
        if self._found is None:
            return _broken(self._sheet.file, T("不是完整的 CSV", "it is not whole CSV"))
        number, expected, actual = self._found
        row = self._skipped + (number or 0)
        return _broken(
            self._sheet.file,
            T(f"第 {row} 行有 {actual} 格,应为 {expected} 格", f"row {row} has {actual} cells instead of {expected}"),
        )


def _broken(file: str, why: T) -> BatchBlocked:
    return refusals.unreadable(
        file, why, T("请部门重新导出并交换该文件。", "Ask the department to export and deliver it again.")
    )
