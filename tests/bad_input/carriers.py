"""The same rows brought in four ways: a GB18030 CSV, a workbook, a JSON service, a database. Each row is a dict of text."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter

from core.database import libpq
from tests.connectors.service import Answer, Server

CARRIERS = ("csv", "xlsx", "rest", "sql")
Row = dict[str, str | None]


class Carrier(ABC):
    """One way of bringing rows in. `kind` and `source` stand in the system document, `secret` beside it."""

    kind = "files"
    secret: dict[str, Any]
    #: what this way cannot carry at all
    cannot: tuple[str, ...] = ()

    @property
    @abstractmethod
    def source(self) -> str:
        """What stands under `source`."""

    @abstractmethod
    def bring(self, rows: Sequence[Row]) -> None:
        """These rows and no others."""

    def close(self) -> None:  # noqa: B027 - files need no closing
        """End it."""


class Files(Carrier):
    """A drop folder; every bringing is a delivery of its own."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.secret = {"url": folder.as_uri()}
        self.count = 0

    @property
    def source(self) -> str:
        return '{pattern: "*"}'

    def deliver(self, name: str, content: bytes) -> None:
        """A file as it is."""
        self.count += 1
        folder = self.folder / f"d{self.count:03}"
        folder.mkdir()
        (folder / name).write_bytes(content)
        at = f"2026-03-01T{self.count // 60:02}:{self.count % 60:02}:00+08:00"
        manifest = {"id": folder.name, "delivered_at": at, "files": [{"name": name}]}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


class Csv(Files):
    """Text in GB18030."""

    def bring(self, rows: Sequence[Row]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        self.deliver("pets.csv", text.getvalue().encode("gb18030"))


class Xlsx(Files):
    """A workbook whose cells are all text."""

    cannot = ("\x00",)  # XML has no such character

    def bring(self, rows: Sequence[Row]) -> None:
        self.deliver("pets.xlsx", workbook(rows))


def workbook(rows: Sequence[Row]) -> bytes:
    """A workbook of text cells."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(rows[0]))
        for number, row in enumerate(rows, 1):
            for place, cell in enumerate(row.values()):
                if cell is not None:
                    sheet.write_string(number, place, cell)
    return content.getvalue()


class Rest(Carrier):
    """A service whose JSON is pure ASCII, so that characters beyond the BMP come as two escapes."""

    kind = "rest"

    def __init__(self) -> None:
        self.body = b""
        self.server = Server(self._answer)
        self.secret = {"base_url": self.server.url}

    @property
    def source(self) -> str:
        return "{endpoint: /pets, records: items}"

    def bring(self, rows: Sequence[Row]) -> None:
        self.body = json.dumps({"items": list(rows)}).encode("ascii")

    def close(self) -> None:
        self.server.close()

    def _answer(self, *_: Any) -> Answer:
        return 200, {"Content-Type": "application/json"}, self.body


class Sql(Carrier):
    """A table of text columns in PostgreSQL."""

    kind = "sql"
    cannot = ("\x00",)

    def __init__(self, url: str) -> None:
        self.dsn = libpq(url)
        self.secret = {"url": url}

    @property
    def source(self) -> str:
        return "{table: pets}"

    def bring(self, rows: Sequence[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join(["%s"] * len(rows[0]))
        with psycopg.connect(self.dsn) as link, link.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pets")
            cursor.execute(f"CREATE TABLE pets ({', '.join(f'{chr(34)}{name}{chr(34)} text' for name in rows[0])})")
            cursor.executemany(f"INSERT INTO pets ({names}) VALUES ({marks})", [tuple(row.values()) for row in rows])
