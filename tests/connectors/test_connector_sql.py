"""Databases: PostgreSQL by ADBC and SQLite by rows, both real."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import make_url

import connectors
from core import clock
from core.database import libpq
from core.errors import BatchBlocked, DocumentRefused, NotReady, SourceDown
from tests.connectors.standard import Standard, Table, execute, feed, rows, system, taken


class Postgres(Table):
    """A PostgreSQL."""

    def __init__(self, url: str) -> None:
        super().__init__(make_url(url), "id text, name varchar(20), changed timestamp")
        self.words = (str(self.url.password),)

    def run(self, statement: str, many: list[Any] | None = None) -> None:
        with psycopg.connect(libpq(self.url)) as link, link.cursor() as cursor:
            execute(cursor, statement, many)


class Sqlite(Table):
    """A file of SQLite."""

    mark = "?"

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(make_url(f"sqlite:///{path}"), "id TEXT, name TEXT, changed TEXT")
        self.secret = {"url": f"sqlite:///{path}"}

    def run(self, statement: str, many: list[Any] | None = None) -> None:
        with closing(sqlite3.connect(self.path)) as link, link:
            execute(link, statement, many)

    def stop(self) -> None:
        self.path.unlink()


S = TypeVar("S", Postgres, Sqlite)


@pytest.fixture
def postgresql(database: str) -> Postgres:
    return Postgres(database)


@pytest.fixture
def sqlite(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path / "基金 50%.db")


class TestPostgres(Standard):
    @pytest.fixture
    def source(self, postgresql: Postgres) -> Postgres:
        return postgresql


class TestPostgresQuery(Standard):
    """The same with a query, which is wrapped."""

    @pytest.fixture
    def source(self, postgresql: Postgres) -> Postgres:
        query = "select id, name, changed from thing where name <> ':x' -- all\n;"
        return _with(postgresql, {"query": query})


class TestPostgresPlacedBound(Standard):
    """The same with a query that places its bound itself."""

    @pytest.fixture
    def source(self, postgresql: Postgres) -> Postgres:
        return _with(postgresql, {"query": "select *, '12:30'::text as t from thing where changed >= :since"})


class TestSqlite(Standard):
    @pytest.fixture
    def source(self, sqlite: Sqlite) -> Sqlite:
        return sqlite


class TestSqlitePlacedBound(Standard):
    @pytest.fixture
    def source(self, sqlite: Sqlite) -> Sqlite:
        return _with(sqlite, {"query": "select *, '12:30' as t from thing where changed >= :since"})


def _with(source: S, said: dict[str, Any]) -> S:
    source.said = said
    return source


def test_postgresql_types(postgresql: Postgres) -> None:
    postgresql.run(
        """CREATE TABLE kinds AS SELECT 12345678901234.56::numeric(16,2) AS amount, 0.1::numeric AS free,
           'NaN'::numeric(5,1) AS none, 3::smallint AS small, true AS flag, date '2024-02-29' AS day,
           timestamp '2024-02-29 23:59:59.5' AS naive, timestamptz '2024-02-29 23:59:59+08' AS aware,
           'infinity'::date AS ends, '-infinity'::timestamp AS begins, 'infinity'::timestamptz AS forever,
           '{"a": 1}'::jsonb AS doc, ARRAY[1,2] AS list, '10.1.0.0/16'::inet AS net, time '08:30' AS at,
           '12.30'::money::numeric AS cash, interval '1 day' AS lasts, 'x'::bytea AS raw, NULL::text AS nothing"""
    )
    [row], run = taken(postgresql.extract(mode="full", source={"table": "kinds"}))
    assert row["amount"] == Decimal("12345678901234.56")
    assert row["free"] == "0.1"
    assert row["none"] is None
    assert (row["small"], row["flag"], row["day"]) == (3, True, date(2024, 2, 29))
    assert row["naive"] == datetime(2024, 2, 29, 23, 59, 59, 500_000)
    assert row["aware"] == datetime(2024, 2, 29, 15, 59, 59, tzinfo=UTC)
    assert row["ends"] == date(9999, 12, 31)
    assert row["begins"] == datetime(1, 1, 1)
    assert row["forever"].year == 9999
    assert (row["doc"], row["list"], row["net"]) == ('{"a": 1}', "{1,2}", "10.1.0.0/16")
    assert row["lasts"] == "1 day"
    assert row["nothing"] is None
    assert run.schema.field("amount").type == pa.decimal128(16, 2)
    assert run.source_rows == 1


@pytest.mark.parametrize(
    ("declared", "values", "mark"),
    [
        ("timestamp", ["2024-01-01 00:00:00", "2024-01-02 00:00:00.000001"], "2024-01-02T00:00:00.000001"),
        ("timestamptz", ["2024-01-01 00:00:00+08", "2024-01-02 00:00:00+08"], "2024-01-01T16:00:00+00:00"),
        ("date", ["2024-01-01", "2024-01-02"], "2024-01-02"),
        ("bigint", ["9", "10"], "10"),
        ("numeric", ["9.5", "10.25"], "10.25"),
        ("numeric(8,2)", ["9.5", "10.25"], "10.25"),
        ("text", ["a'b", "b\\'c"], "b\\'c"),
    ],
)
def test_a_watermark_keeps_its_type(postgresql: Postgres, declared: str, values: list[str], mark: str) -> None:
    postgresql.run(f"CREATE TABLE marks (id int, changed {declared})")
    postgresql.run("INSERT INTO marks VALUES (%s, %s)", list(enumerate(values)))
    source = {"table": "marks"}
    _, first = taken(postgresql.extract(source=source))
    assert first.watermark == mark
    got, second = taken(postgresql.extract(mark, source=source))
    assert [row["id"] for row in got] == [1]
    assert (second.watermark, second.source_rows) == (mark, 1)


@pytest.mark.parametrize("declared", ["INTEGER", "TEXT", "NUMERIC", ""])
def test_sqlite_compares_marks_as_it_stores_them(sqlite: Sqlite, declared: str) -> None:
    sqlite.run(f"CREATE TABLE marks (id INTEGER, changed {declared})")
    sqlite.run("INSERT INTO marks VALUES (?, ?)", [(1, 9), (2, 10), (3, None)])
    _, first = taken(sqlite.extract(source={"table": "marks"}))
    assert first.watermark == "10"
    got, _ = taken(sqlite.extract("10", source={"table": "marks"}))
    assert {"2", "3"} <= {row["id"] for row in got}


def test_rows_without_a_mark_are_read_every_time(postgresql: Postgres) -> None:
    postgresql.add(rows(1))
    postgresql.run("INSERT INTO thing VALUES ('K-null', 'x', NULL)")
    got, _ = taken(postgresql.extract("2024-05-01T00:00:00"))
    assert [row["id"] for row in got] == ["K-null"]


@pytest.mark.parametrize("which", ["postgresql", "sqlite"])
def test_a_mark_in_the_future_does_not_hide_later_changes(which: str, request: pytest.FixtureRequest) -> None:
    source: Table = request.getfixturevalue(which)
    source.add([*rows(1), *rows(1, first=2, changed="2099-01-01 00:00:00")])
    _, run = taken(source.extract())
    assert str(run.watermark).replace("T", " ") == "2024-03-01 08:00:00"


def test_now_is_judged_in_the_source_s_zone(postgresql: Postgres) -> None:
    postgresql.add(rows(1, changed="2026-03-01 07:59:59"))
    postgresql.add(rows(1, changed="2026-03-01 08:00:01"))
    with clock.override(datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC)):
        _, run = taken(postgresql.extract())
    assert run.watermark == "2026-03-01T07:59:59"


def test_sqlite_values_of_mixed_types_stay_exact(sqlite: Sqlite) -> None:
    sqlite.run("CREATE TABLE mixed (a NUMERIC, b)")
    sqlite.run("INSERT INTO mixed VALUES (?, ?)", [(1200, 2**60), (1200.55, "x"), (None, b"\x01\xff")])
    got, run = taken(sqlite.extract(mode="full", source={"table": "mixed"}, chunk_rows=1))
    assert [row["a"] for row in got] == ["1200", "1200.55", None]
    assert [row["b"] for row in got] == [str(2**60), "x", "01ff"]
    assert set(run.schema.types) == {pa.string()}


def test_full_reads_everything_and_keeps_no_mark(postgresql: Postgres) -> None:
    postgresql.add(rows(3))
    got, run = taken(postgresql.extract("2030-01-01T00:00:00", mode="full"))
    assert (len(got), run.source_rows) == (3, 3)


@pytest.mark.parametrize("which", ["postgresql", "sqlite"])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"table": "nowhere"}, "query"),
        ({"query": "select nothing_such from thing"}, "query"),
        ({"query": "selec 1"}, "query"),
        ({"query": "select id, id from thing"}, "query"),
        ({"query": "select id from thing"}, "missing_column"),
    ],
)
def test_a_wrong_query_blocks(which: str, said: dict[str, Any], code: str, request: pytest.FixtureRequest) -> None:
    source: Table = request.getfixturevalue(which)
    with pytest.raises(BatchBlocked) as caught:
        taken(source.extract(source=said))
    assert caught.value.code == code


def test_a_value_is_never_quoted_in_an_error(postgresql: Postgres) -> None:
    postgresql.run("INSERT INTO thing VALUES ('430903199001011234', 'x', now())")
    for query in (
        "select id::int as changed from thing",
        "select (case when i > 200000 then t.id else '1' end)::int8::int4 as changed from generate_series(1, 300000) i, thing t",
    ):
        with pytest.raises(BatchBlocked) as caught:
            taken(postgresql.extract(source={"query": query}, mode="full"))
        assert "43090" not in f"{caught.value!s}{caught.value!r}"


def test_writing_is_impossible(postgresql: Postgres) -> None:
    postgresql.run("CREATE FUNCTION spoil() RETURNS int LANGUAGE sql AS 'INSERT INTO thing VALUES (1) RETURNING 1'")
    with pytest.raises((BatchBlocked, SourceDown)):
        taken(postgresql.extract(source={"query": "select spoil()"}, mode="full"))
    assert taken(postgresql.extract())[0] == []


def test_a_slow_query_is_cut_off(postgresql: Postgres) -> None:
    said = {"query": "select id, name, changed, pg_sleep(20)::text as s from thing", "timeout_s": 1}
    postgresql.add(rows(3))
    with pytest.raises(SourceDown):
        taken(postgresql.extract(source=said))


def test_a_slow_sqlite_query_is_cut_off(sqlite: Sqlite) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) as i from n"
    with pytest.raises(SourceDown):
        taken(sqlite.extract(mode="full", source={"query": endless, "timeout_s": 1}))


def test_a_wrong_password_is_denied_without_being_shown(postgresql: Postgres) -> None:
    postgresql.secret = {"url": postgresql.url.set(password="wr0ng-w0rd").render_as_string(hide_password=False)}
    with pytest.raises(BatchBlocked) as caught:
        taken(postgresql.extract())
    assert caught.value.code == "denied"
    assert "wr0ng" not in f"{caught.value!s}{caught.value!r}"


def test_a_table_without_permission_is_denied(postgresql: Postgres) -> None:
    postgresql.run("CREATE ROLE reader_t LOGIN PASSWORD 'r3ader'")
    try:
        url = postgresql.url.set(username="reader_t", password="r3ader")
        postgresql.secret = {"url": url.render_as_string(hide_password=False)}
        with pytest.raises(BatchBlocked) as caught:
            taken(postgresql.extract())
        assert caught.value.code == "denied"
    finally:
        postgresql.run("DROP ROLE reader_t")


def test_a_file_that_is_no_database_is_unreadable(sqlite: Sqlite) -> None:
    sqlite.path.write_bytes(b"this is not a database, whatever its name says" * 99)
    with pytest.raises(BatchBlocked) as caught:
        taken(sqlite.extract())
    assert caught.value.code == "unreadable"


def test_a_missing_sqlite_file_is_not_created(sqlite: Sqlite) -> None:
    sqlite.path.unlink()
    with pytest.raises(SourceDown):
        taken(sqlite.extract())
    assert not sqlite.path.exists()


@pytest.mark.parametrize("url", ["nonsense", "", "nodialect://u:s3cret@h/d"])
def test_an_unusable_address_says_what_it_should_be(url: str) -> None:
    with pytest.raises(NotReady) as caught:
        connectors.extract(system("sql"), feed({"table": "t"}), {"url": url}, None)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_kind_or_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(DocumentRefused, match="rest"):
        connectors.extract(system("rset"), feed({}), {}, None)
    with pytest.raises(DocumentRefused, match="query"):
        connectors.extract(system("sql"), feed({"qurey": "select 1"}), {}, None)


def test_a_query_with_a_bound_needs_a_watermark(postgresql: Postgres) -> None:
    with pytest.raises(BatchBlocked):
        taken(postgresql.extract(mode="full", source={"query": "select * from thing where changed >= :since"}))


def test_count_and_rows_share_a_snapshot(postgresql: Postgres) -> None:
    postgresql.add(rows(5))
    with postgresql.extract() as run:
        postgresql.add(rows(5, first=20))
        assert sum(batch.num_rows for batch in run) == 5
    assert run.source_rows == 5


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.glob("*.db-journal"))
