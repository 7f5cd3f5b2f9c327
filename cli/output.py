"""How the command line speaks: one place for tables, steps, JSON and refusals.

On a terminal rich tables and spinners; without one plain aligned lines; with --json exactly one JSON document on
standard output. Refusals are one paragraph on standard error, and with --json that document.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.status import Status
from rich.table import Table

from core.errors import DocumentRefused, HutongError
from core.text import T

Json = Annotated[bool, typer.Option("--json", help=str(T("输出一个 JSON 文档", "print one JSON document")))]
Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a table: the key in each row, its heading, numbers to the right."""

    key: str
    title: T
    right: bool = False


class Line:
    """A step while it runs; `detail` is what is printed beside its title when it is done."""

    def __init__(self, title: T, status: Status | None = None) -> None:
        self.title = title
        self.detail = ""
        self._status = status

    def tell(self, what: str) -> None:
        """What the step is at, shown on a terminal while it runs."""
        if self._status is not None:
            self._status.update(f"{self.title} {what}")


class Step(Protocol):
    """Something that shows a step while its block runs."""

    def __call__(self, title: T) -> AbstractContextManager[Line]:
        """Show the step until the block ends."""


def console() -> Console:
    """Standard output as it is now."""
    return Console(highlight=False)


def document(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def table(rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool = False, empty: T | None = None) -> None:
    """Rows as a table; as JSON, the list of rows whole."""
    if as_json:
        document(list(rows))
        return
    if not rows:
        print(empty or T("没有记录。", "Nothing to show."))
        return
    cells = [[shown(row.get(column.key)) for column in columns] for row in rows]
    out = console()
    if out.is_terminal:
        drawn = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            drawn.add_column(str(column.title), justify="right" if column.right else "left")
        for line in cells:
            drawn.add_row(*line)
        out.print(drawn)
        return
    lines = [[str(column.title) for column in columns], *cells]
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = (
            " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        print("  ".join(padded).rstrip())


def facts(values: Mapping[str, Any], titles: Mapping[str, T], *, as_json: bool = False) -> None:
    """One thing, a line for each of its facts."""
    if as_json:
        document(values)
        return
    width = max(cell_len(str(title)) for title in titles.values())
    for key, title in titles.items():
        print(f"{title!s}{' ' * (width - cell_len(str(title)))}  {shown(values.get(key))}")


def shown(value: object) -> str:
    """A value as people read it: thousands separated, times without seconds in the city's zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(T("是", "yes")) if value else str(T("否", "no"))
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple) and not isinstance(value, T):
        return ", ".join(shown(part) for part in value)
    return str(value)


def named(title: object, id: str) -> str:
    """What something is called, and the id that commands and filters take."""
    return id if str(title) == id else f"{title} {id}"


@contextmanager
def step(title: T) -> Iterator[Line]:
    """A step of long work: a spinner while it runs, one line with its time when it is done."""
    out, began = console(), time.monotonic()
    if out.is_terminal:
        with out.status(str(title)) as status:
            line = Line(title, status)
            yield line
    else:
        line = Line(title)
        yield line
    told = f"{title} {line.detail}".strip()
    room = max(2, 66 - cell_len(told))
    out.print(f"[green]✔[/] {told}{' ' * room}{time.monotonic() - began:5.1f} s", soft_wrap=True)


@contextmanager
def silent(title: T) -> Iterator[Line]:
    """A step nobody is told of (--json)."""
    yield Line(title)


def steps(as_json: bool) -> Step:
    """How long work is shown: not at all under --json."""
    return silent if as_json else step


def complain(message: T | str) -> None:
    """One paragraph on standard error."""
    sys.stderr.write(f"✘ {message}\n")


def refuse(error: HutongError, *, as_json: bool = False) -> None:
    """What went wrong and the remedy, one paragraph on standard error; with --json also `{"error": …}` on standard output."""
    if as_json:
        told = {"code": error.code or type(error).__name__, "message": str(error.message), "remedy": str(error.remedy)}
        where = {"file": error.file, "path": error.path} if isinstance(error, DocumentRefused) else {}
        document({"error": told | where})
    place = ""
    if isinstance(error, DocumentRefused):
        place = f"{error.file}: {error.path}: " if error.path else f"{error.file}: "
    complain(place + " ".join(part for part in (str(error.message), str(error.remedy)) if part))


def _plain(value: object) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
