"""Workbooks (.xlsx, .xls, .ods) by calamine: every cell as the text a person would read in it.

A spreadsheet keeps 15 digits of a number. Whole numbers beyond that are given as `4.30903199001010E+17`, so that
whoever judges the value sees that its end is lost; numbers typed as text keep every digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from connectors import refusals, workbook
from connectors.tabular import HEADER_WITHIN, Sheet, checked, find_header, no_header
from core.errors import BatchBlocked
from core.text import T

ROWS = 20_000
"""Rows turned into Arrow at a time."""

_EXACT = 10**15


def read(path: Path, file: str, known: frozenset[str], name: str | None) -> Iterator[tuple[Sheet, pa.RecordBatch]]:
    """The rows of the sheet of that name, or else of the first sheet with the expected header."""
    workbook.guard(path, file)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            for title in _candidates(book, file, name):
                rows = book.get_sheet_by_name(title).iter_rows()
                head = [[_text(cell) for cell in row] for row in islice(rows, HEADER_WITHIN)]
                found = find_header(head, known)
                if found is None:
                    continue
                sheet = checked(file, _trimmed(found[1]))
                yield sheet, sheet.empty()
                yield from _batches(sheet, _below(head[found[0] + 1 :], rows))
                return
    except (CalamineError, OSError) as error:
        raise _damaged(file, type(error).__name__) from None
    except BaseException as error:
        # A panic of the Rust library on a damaged file is not an Exception.
        if type(error).__name__ == "PanicException":
            raise _damaged(file, "PanicException") from None
        raise
    raise no_header(file)


def _candidates(book: Any, file: str, name: str | None) -> list[str]:
    titles: list[str] = book.sheet_names
    if name is None:
        return titles
    if name not in titles:
        raise refusals.unreadable(
            file,
            T(f"没有工作表 {name}", f"there is no sheet {name}"),
            T("请核对系统文档的 sheet。", "Check `sheet` in the system document."),
        )
    return [name]


def _below(head: list[list[str | None]], rows: Iterator[Sequence[Any]]) -> Iterator[list[str | None]]:
    yield from head
    for row in rows:
        if any(cell != "" for cell in row):  # a million formatted, empty rows cost nothing
            yield [_text(cell) for cell in row]


def _batches(sheet: Sheet, rows: Iterator[list[str | None]]) -> Iterator[tuple[Sheet, pa.RecordBatch]]:
    while chunk := list(islice(rows, ROWS)):
        width = max(len(sheet.names), *(len(row) for row in chunk))
        sheet.names += [None] * (width - len(sheet.names))
        padded = (row + [None] * (width - len(row)) for row in chunk)
        columns = [pa.array(column, pa.string()) for column in zip(*padded, strict=True)]
        yield sheet, sheet.clean(columns)


def _trimmed(names: list[str | None]) -> list[str | None]:
    while names and names[-1] is None:
        names = names[:-1]
    return names


def _text(cell: Any) -> str | None:
    """A cell as text: dates in ISO 8601, numbers with the 15 digits a spreadsheet keeps, text untouched."""
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not cell.is_integer():
            return f"{cell:.15g}"
        return str(int(cell)) if abs(cell) < _EXACT else f"{cell:.14E}"
    if isinstance(cell, datetime):
        midnight = not (cell.hour or cell.minute or cell.second or cell.microsecond)
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _damaged(file: str, kind: str) -> BatchBlocked:
    locked = kind == "PasswordError"
    return refusals.unreadable(
        file,
        T("工作簿有密码", "the workbook has a password")
        if locked
        else T("不是完好的工作簿", "it is not an intact workbook"),
        T(
            "请部门另存为没有密码的 .xlsx 后重新交换。",
            "Ask the department to save it as .xlsx without password and deliver again.",
        ),
    )
