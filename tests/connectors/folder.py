"""A drop folder and what people put into it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

import connectors
from tests.connectors.standard import Row, Source, feed, system, taken

HEADER = "id,name,changed\n"


TWO = HEADER + "K1,王一,2024-01-01\nK2,王二,2024-01-02\n"


class Folder:
    """A drop folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()
        self.secret = {"url": path.as_uri()}

    def deliver(self, name: str, files: dict[str, bytes], /, *, at: str = "2024-01-01T08:00:00", **said: Any) -> Path:
        """A whole delivery; `said` overrides what the manifest says of every file."""
        folder = self.path / name
        folder.mkdir()
        listed = []
        for file, content in files.items():
            (folder / file).write_bytes(content)
            listed.append({"name": file, "rows": None, "sha256": hashlib.sha256(content).hexdigest(), **said})
        manifest = {"id": f"id-{name}", "delivered_at": at, "files": listed}
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        return folder

    def extract(self, since: str | None = None, *, chunk_rows: int = 1000, source: Any = None, **changes: Any) -> Any:
        said = feed(source or {"pattern": "thing*"}, **{"mode": "full", **changes})
        return connectors.extract(system("files"), said, self.secret, since, chunk_rows=chunk_rows)

    def read(self, since: str | None = None, **changes: Any) -> tuple[list[dict[str, Any]], Any]:
        return taken(self.extract(since, **changes))


def workbook(
    path: Path, lines: Sequence[Sequence[Any]], *, sheets: dict[str, Sequence[Sequence[Any]]] | None = None
) -> bytes:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm"})
    for name, content in {**(sheets or {}), "Sheet": lines}.items():
        sheet = book.add_worksheet(name)
        for number, line in enumerate(content):
            sheet.write_row(number, 0, line)
    book.close()
    return path.read_bytes()


class Deliveries(Source):
    """Each addition is a delivery of its own, all at one moment: only their ids order them."""

    kind = "files"

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.secret = folder.secret
        self.count = 0

    def add(self, added: list[Row]) -> None:
        self.count += 1
        text = HEADER + "".join(",".join(row) + "\n" for row in added)
        self.folder.deliver(f"d{self.count}", {"thing.csv": text.encode()}, rows=len(added))

    def stop(self) -> None:
        shutil.rmtree(self.folder.path)

    def feed(self, **changes: Any) -> Any:
        return feed({"pattern": "thing*"}, **changes)
