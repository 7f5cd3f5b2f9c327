"""Real sources of every kind, holding the same rows, and how each goes wrong: what a fault is differs by transport."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connectors import postgresql, rest, sftp
from connectors.http import Patience
from core import store
from core.database import libpq
from tests.connectors.object_store import ObjectStore
from tests.connectors.service import Answer, Server, as_json
from tests.connectors.sftp_server import SftpServer
from tests.faults.proxy import Proxy

COLUMNS = ("ND", "QP", "SYR", "TZ", "GXSJ")
FAULTS = ("down", "hang", "reset", "garbled", "slow")
Row = tuple[str, ...]
PAGE = 70  # no divisor of what is put: a page that comes twice would be taken for a circle
_FEED = """
system: pets
title: 养犬管理系统
department: city_management
connector: {kind}
secret: pets
feeds:
- contract: pet_licence
  source: {source}
  mode: incremental
  watermark: GXSJ
  columns: {{ND: year, QP: tag, SYR: owner_name, TZ: weight_kg}}
  covers: {{divisions: ["430900"]}}
"""


def rows(count: int, *, first: int = 1, at: int = 1) -> list[Row]:
    """Rows with marks of second `at`."""
    return [
        ("2026", f"T{n:06}", "王小明", f"{n % 200}", f"2026-03-01 08:00:{at:02}") for n in range(first, first + count)
    ]


class Source(ABC):
    """One source. `put` adds rows the way such a source does; a fault holds while the block of `broken` runs."""

    kind = ""
    proxy: Proxy
    #: bytes of the source's words after which a fault shows: in the middle of the rows, behind every greeting
    after = 0
    secret: dict[str, Any]

    def system(self) -> str:
        """The system document."""
        return _FEED.format(kind=self.kind, source=self.source())

    @abstractmethod
    def source(self) -> str:
        """What stands under `source`."""

    @abstractmethod
    def put(self, added: list[Row]) -> None:
        """More rows."""

    @contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Go wrong in that way for a while; it must have been met."""
        self.proxy.break_(fault, self.after)
        try:
            yield
            assert self.proxy.hits, "the fault was not met"
        finally:
            self.proxy.mend()

    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: B027 - a folder has no patience to lose
        """Give up sooner than in earnest."""

    def close(self) -> None:
        """End it."""
        self.proxy.close()


class Rest(Source):
    """A JSON service, page by page."""

    kind = "rest"
    after = 4_000

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.server = Server(self._answer)
        self.proxy = Proxy(int(self.server.url.rsplit(":", 1)[1]))
        self.secret = {"base_url": f"http://127.0.0.1:{self.proxy.port}"}

    def source(self) -> str:
        return "{endpoint: /pets, records: items, paging: cursor, next: next, total: total, params: {since: '{since}'}}"

    def put(self, added: list[Row]) -> None:
        self.rows += added

    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rest, "PATIENCE", Patience(tries=2, first_s=0.01, total_s=2, silence_s=0.5))

    def close(self) -> None:
        super().close()
        self.server.close()

    def _answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        found = [row for row in self.rows if row[4] >= query.get("since", "")]
        start = int(query.get("cursor", 0))
        items = [dict(zip(COLUMNS, row, strict=True)) for row in found[start : start + PAGE]]
        following = str(start + PAGE) if start + PAGE < len(found) else None
        status, said, body = as_json({"items": items, "next": following, "total": len(found)})
        return status, {**said, "Connection": "close"}, body


class Database(Source):
    """A PostgreSQL."""

    kind = "sql"
    after = 9_000

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.proxy = Proxy(int(self.url.port or 0))
        self.secret = {"url": self.url.set(port=self.proxy.port).render_as_string(hide_password=False)}
        self._run(f"CREATE TABLE pets ({', '.join(f'{chr(34)}{name}{chr(34)} text' for name in COLUMNS)})")

    def source(self) -> str:
        return "{table: pets, timeout_s: 2}"

    def put(self, added: list[Row]) -> None:
        self._run("INSERT INTO pets VALUES (%s, %s, %s, %s, %s)", added)

    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgresql, "GRACE_S", -1.2)

    def _run(self, statement: str, many: list[Row] | None = None) -> None:
        with psycopg.connect(libpq(self.url)) as link, link.cursor() as cursor:
            cursor.executemany(statement, many) if many is not None else cursor.execute(statement)


class Drop(Source):
    """A folder on this machine: its faults are those of disks and of senders."""

    kind = "files"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.secret = {"url": folder.as_uri()}
        self.count = 0

    def source(self) -> str:
        return '{pattern: "*.csv"}'

    def put(self, added: list[Row]) -> None:
        self.count += 1
        self.deliver(f"d{self.count}", added)

    def deliver(self, name: str, added: list[Row], id: str | None = None) -> Path:
        """A whole delivery."""
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *added])
        content = text.getvalue().encode("gb18030")
        folder = self.folder / name
        folder.mkdir()
        (folder / "pets.csv").write_bytes(content)
        said = {"name": "pets.csv", "rows": len(added), "sha256": hashlib.sha256(content).hexdigest()}
        manifest = {"id": id or name, "delivered_at": "2026-03-01T08:00:00+08:00", "files": [said]}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        return folder

    @contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        last = self.folder / f"d{self.count}"
        if fault == "down":
            away = self.folder.with_name("away")
            self.folder.rename(away)
            yield
            away.rename(self.folder)
            return
        file, manifest = last / "pets.csv", last / "manifest.json"
        whole, said = file.read_bytes(), manifest.read_text("utf-8")
        if fault == "reset":  # the sender stopped in the middle of a file that its manifest names
            file.write_bytes(whole[: len(whole) // 2])
        elif fault == "garbled":
            file.write_bytes(whole[:200] + bytes(byte ^ 0x5A for byte in whole[200:220]) + whole[220:])
        elif fault == "slow":  # it still comes in while it is copied
            threading.Thread(target=self._trickle, args=(file, whole), daemon=True).start()
            time.sleep(0.05)
        elif fault == "hang":  # the manifest never comes
            manifest.unlink()
        yield
        time.sleep(0.3 if fault == "slow" else 0)
        file.write_bytes(whole)
        manifest.write_text(said, "utf-8")

    @staticmethod
    def _trickle(file: Path, whole: bytes) -> None:
        with file.open("wb") as stream:
            for at in range(0, len(whole), len(whole) // 8 + 1):
                stream.write(whole[at : at + len(whole) // 8 + 1])
                stream.flush()
                time.sleep(0.02)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Sftp(Drop):
    """The same folder behind SFTP."""

    after = 12_000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = SftpServer(folder)
        self.proxy = Proxy(self.server.port)
        key = self.server.host_key.split(" ", 1)[1]
        self.secret = {**self.server.secret(), "url": f"sftp://hub@127.0.0.1:{self.proxy.port}/", "host_key": key}

    broken = Source.broken  # type: ignore[assignment]

    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sftp, "TIMEOUT_S", 0.7)
        monkeypatch.setattr(sftp, "CONNECT_TIMEOUT_S", 1)

    def close(self) -> None:
        self.proxy.close()
        self.server.close()
        super().close()


class Bucket(Drop):
    """The same folder in an object store."""

    after = 2_000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = ObjectStore()
        self.bucket = self.server.bucket()
        self.proxy = Proxy(int(self.server.endpoint.rsplit(":", 1)[1]))
        self.secret = {**self.server.secret(self.bucket), "endpoint": f"http://127.0.0.1:{self.proxy.port}"}

    broken = Source.broken  # type: ignore[assignment]

    def deliver(self, name: str, added: list[Row], id: str | None = None) -> Path:
        folder = super().deliver(name, added, id)
        self.server.upload(folder, self.bucket, f"{name}/")
        return folder

    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "_TIMEOUT_S", 1)
        monkeypatch.setattr(store, "_CONNECT_TIMEOUT_S", 1)
        monkeypatch.setattr(store, "_TRIES", 1)

    def close(self) -> None:
        self.proxy.close()
        self.server.close()
        super().close()
