"""What every kind of connector must do, whatever it reads: inherit `Standard` and say how to fill and stop a source."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import URL

import connectors
from connectors.extraction import Extraction
from core.errors import SourceDown

COLUMNS = {"id": "key", "name": "holder", "changed": "updated_at"}
Row = tuple[str, str, str]


def rows(count: int, *, first: int = 1, changed: str = "2024-03-01 08:00:00") -> list[Row]:
    return [(f"K{number:05}", f"王{number}", changed) for number in range(first, first + count)]


def system(kind: str) -> Any:
    return SimpleNamespace(id="test_system", connector=kind, timezone="Asia/Shanghai")


def feed(source: dict[str, Any], **changes: Any) -> Any:
    said = {
        "id": "test_system.thing", "dataset": "thing", "system": "test_system", "source": source, "mode": "incremental",
        "watermark": "changed", "timezone": "Asia/Shanghai", "columns": COLUMNS, "ignore": (), "codes": {},
    }  # fmt: skip
    return SimpleNamespace(**{"only": (), **said, **changes})


def taken(extraction: Extraction) -> tuple[list[dict[str, Any]], Extraction]:
    """All rows, and the extraction after it was left."""
    with extraction as run:
        return [row for batch in run for row in batch.to_pylist()], run


class Source(ABC):
    """One real source of a kind, holding rows of `COLUMNS`."""

    kind: str
    secret: dict[str, Any]
    words: tuple[str, ...] = ()
    """What must never be seen in an error: passwords, tokens."""

    @abstractmethod
    def add(self, added: list[Row]) -> None:
        """More rows (in a way the source would really have them)."""

    @abstractmethod
    def stop(self) -> None:
        """From now on the source does not answer."""

    @abstractmethod
    def feed(self, **changes: Any) -> Any:
        """The feed that reads it."""

    def extract(self, since: str | None = None, *, chunk_rows: int = 200_000, **changes: Any) -> Extraction:
        return connectors.extract(
            system(self.kind), self.feed(**changes), self.secret, since, chunk_rows=chunk_rows
        )  # fmt: skip


class Table(Source):
    """A database with the table `thing`; `said` is what stands under `source`."""

    kind = "sql"
    #: as the database writes a value's place
    mark = "%s"

    def __init__(self, url: URL, created: str) -> None:
        self.url = url
        self.secret = {"url": url.render_as_string(hide_password=False)}
        self.said: dict[str, Any] = {"table": "thing"}
        self.run(f"CREATE TABLE thing ({created})")

    @abstractmethod
    def run(self, statement: str, many: list[Any] | None = None) -> None:
        """A statement, or one for each of many rows."""

    def add(self, added: list[Row]) -> None:
        self.run(f"INSERT INTO thing VALUES ({self.mark}, {self.mark}, {self.mark})", added)

    def stop(self) -> None:
        self.secret = {"url": self.url.set(port=1).render_as_string(hide_password=False)}

    def feed(self, **changes: Any) -> Any:
        return feed(**{"source": self.said, **changes})


def execute(cursor: Any, statement: str, many: list[Any] | None) -> None:
    """Once, or once for each of many."""
    cursor.execute(statement) if many is None else cursor.executemany(statement, many)


class Standard:
    """The shared suite. A subclass gives a fixture `source` with a filled-on-demand `Source`."""

    def test_rows_come_as_they_are(self, source: Source) -> None:
        source.add(rows(7))
        got, run = taken(source.extract())
        assert sorted((r["id"], r["name"]) for r in got) == [(r[0], r[1]) for r in rows(7)]
        assert run.rows == 7
        assert run.source_rows in {7, None}

    def test_schema_is_the_same_in_every_batch(self, source: Source) -> None:
        source.add(rows(10))
        with source.extract(chunk_rows=3) as run:
            known = run.schema
            batches = list(run)
        assert [batch.num_rows for batch in batches] == [3, 3, 3, 1]
        assert all(batch.schema.equals(known) for batch in batches)
        assert set(COLUMNS) <= set(known.names)

    def test_an_empty_source_has_a_schema_and_no_rows(self, source: Source) -> None:
        source.add([])
        with source.extract() as run:
            assert list(run) == []
        assert set(COLUMNS) <= set(run.schema.names)

    def test_the_watermark_resumes(self, source: Source) -> None:
        source.add(rows(3))
        _, first = taken(source.extract())
        source.add(rows(2, first=50, changed="2024-03-02 09:30:00"))
        mark = json.loads(json.dumps(first.watermark))
        got, second = taken(source.extract(mark))
        assert {"K00050", "K00051"} <= {row["id"] for row in got}
        assert second.watermark is not None
        assert first.watermark is not None
        assert second.watermark > first.watermark

    def test_a_row_that_ties_with_the_watermark_is_not_lost(self, source: Source) -> None:
        source.add(rows(3))
        _, first = taken(source.extract())
        source.add(rows(1, first=9))
        got, second = taken(source.extract(first.watermark))
        assert "K00009" in {row["id"] for row in got}
        assert second.schema.equals(first.schema)

    def test_nothing_new_keeps_the_watermark(self, source: Source) -> None:
        source.add(rows(3))
        _, first = taken(source.extract())
        _, second = taken(source.extract(first.watermark))
        assert second.watermark == first.watermark

    def test_a_source_that_is_down_is_tried_later(self, source: Source) -> None:
        source.add(rows(1))
        source.stop()
        with pytest.raises(SourceDown) as caught:
            taken(source.extract())
        assert caught.value.remedy

    def test_secrets_are_never_in_errors(self, source: Source) -> None:
        source.add(rows(1))
        source.stop()
        with pytest.raises(SourceDown) as caught:
            taken(source.extract())
        error: BaseException | None = caught.value
        while error is not None:
            text = f"{error!s} {error!r} {error.args}"
            assert not [word for word in source.words if word in text]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    def test_it_can_be_left_half_way(self, source: Source) -> None:
        source.add(rows(10))
        with source.extract(chunk_rows=2) as run:
            assert next(iter(run)).num_rows == 2
        got, _ = taken(source.extract())
        assert len(got) == 10

    def test_another_thread_may_read_on(self, source: Source) -> None:
        source.add(rows(10))
        seen: list[int] = []
        with source.extract(chunk_rows=4) as run:
            reader = threading.Thread(target=lambda: seen.extend(batch.num_rows for batch in run))
            reader.start()
            reader.join()
        assert seen == [4, 4, 2]
