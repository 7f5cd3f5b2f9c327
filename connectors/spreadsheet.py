"""Workbooks (.xlsx, .xls, .ods) by calamine: every cell as the text a person would read in it.

A spreadsheet keeps 15 digits of a number. Whole numbers beyond that are given as `4.30903199001010E+17`, so that
whoever judges the value sees that its end is lost; numbers typed as text keep every digit. Files are opened by a process of
its own (connectors/cells.py), so that none can take ours with it.
"""

from __future__ import annotations

import marshal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors import cells, refusals, workbook
from connectors.tabular import Sheet, checked, find_header, no_header
from core.errors import BatchBlocked
from core.text import T

Rows = list[list[str | None]]


def read(path: Path, file: str, known: frozenset[str], name: str | None) -> Iterator[tuple[Sheet, pa.RecordBatch]]:
    """The rows of the sheet of that name, or else of the first sheet with the expected header."""
    workbook.guard(path, file)
    there = False
    with _opened(path, file, name) as (hear, answer):
        while (said := hear()) is not None:
            _, head = said
            there = True
            found = find_header(head, known)
            answer(found is not None)
            if found is None:
                continue
            sheet = checked(file, _trimmed(found[1]))
            yield sheet, sheet.empty()
            yield from _batches(sheet, [head[found[0] + 1 :]])
            yield from _batches(sheet, iter(hear, []))
            return
    if name is not None and not there:
        raise refusals.unreadable(
            file,
            T(f"没有工作表 {name}", f"there is no sheet {name}"),
            T("请核对系统文档的 sheet。", "Check `sheet` in the system document."),
        )
    raise no_header(file)


@contextmanager
def _opened(path: Path, file: str, name: str | None) -> Iterator[Any]:
    """What the other process says, thing by thing, and how it is answered. BatchBlocked when the file is damaged or would
    take more memory than there is for it."""
    command = [sys.executable, "-I", cells.__file__, str(path), *([name] if name is not None else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        assert reader.stdin is not None and reader.stdout is not None
        said, heard = reader.stdin, reader.stdout

        def hear() -> Any:
            try:
                thing = marshal.load(heard)  # noqa: S302 - of our own process
            except (EOFError, ValueError, TypeError):
                raise workbook.too_large(file) from None
            if isinstance(thing, tuple) and thing[0] == "" and isinstance(thing[1], str):
                raise workbook.too_large(file) if thing[1] == "MemoryError" else _damaged(file, thing[1])
            return thing

        def answer(wanted: bool) -> None:
            with suppress(BrokenPipeError):
                said.write(b"y" if wanted else b"n")
                said.flush()

        try:
            yield hear, answer
        finally:
            reader.kill()


def _batches(sheet: Sheet, chunks: Iterator[Rows] | Sequence[Rows]) -> Iterator[tuple[Sheet, pa.RecordBatch]]:
    for chunk in chunks:
        if not chunk:
            continue
        width = max(len(sheet.names), *(len(row) for row in chunk))
        sheet.names += [None] * (width - len(sheet.names))
        padded = (row + [None] * (width - len(row)) for row in chunk)
        columns = [pa.array(column, pa.string()) for column in zip(*padded, strict=True)]
        yield sheet, sheet.clean(columns)


def _trimmed(names: list[str | None]) -> list[str | None]:
    while names and names[-1] is None:
        names = names[:-1]
    return names


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
