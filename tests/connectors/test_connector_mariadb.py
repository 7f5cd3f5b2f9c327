"""MariaDB, real: the shared suite, and what is particular to its values and its server."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pytest
from sqlalchemy import URL

from connectors import rows as by_rows
from core.errors import BatchBlocked, SourceDown
from tests.connectors.mariadb import PASSWORD, Mariadb
from tests.connectors.standard import Standard, Table, execute, rows, taken


class Maria(Table):
    """A MariaDB."""

    words = (PASSWORD, quote_plus(PASSWORD))

    def __init__(self, server: Mariadb) -> None:
        self.server = server
        url = URL.create(
            "mysql+pymysql", "root", PASSWORD, host="127.0.0.1", port=server.port, database=server.database()
        )
        super().__init__(url, "id varchar(20), name varchar(20), changed datetime, KEY (changed)")

    def run(self, statement: str, many: list[Any] | None = None) -> None:
        with self.server.link() as link, link.cursor() as cursor:
            cursor.execute(f"USE {self.url.database}")
            execute(cursor, statement, many)


@pytest.fixture
def maria(mariadb: Mariadb) -> Maria:
    return Maria(mariadb)


class TestMariadb(Standard):
    @pytest.fixture
    def source(self, maria: Maria) -> Maria:
        return maria


class TestMariadbQuery(Standard):
    """The same with a query, which is wrapped."""

    @pytest.fixture
    def source(self, maria: Maria) -> Maria:
        maria.said = {"query": "select id, name, changed from thing where name <> ':x%' -- all\n;"}
        return maria


class TestMariadbPlacedBound(Standard):
    """The same with a query that places its bound itself."""

    @pytest.fixture
    def source(self, maria: Maria) -> Maria:
        maria.said = {"query": "select *, '12:30' as t from thing where changed >= :since"}
        return maria


def full(maria: Maria, table: str = "kinds", **changes: Any) -> tuple[list[dict[str, Any]], Any]:
    return taken(maria.extract(mode="full", source={"table": table}, **changes))


def test_values_are_as_the_server_wrote_them(maria: Maria) -> None:
    maria.run(
        """CREATE TABLE kinds (amount decimal(18,2), fine decimal(30,6), free double, large bigint unsigned, flag tinyint(1),
           month char(6), name varchar(20) CHARACTER SET utf8mb4, legacy varchar(20) CHARACTER SET gbk, raw varbinary(4),
           born date, at datetime(3), doc json, nothing int)"""
    )
    maria.run(
        """INSERT INTO kinds VALUES (1234567890123456.70, 0.000001, 0.1, 18446744073709551615, 1, '202603', '𠮷镕·阿卜杜拉',
           '王', x'01ff', '1944-02-29', '2024-02-29 23:59:59.500', '{"a": 1.50}', NULL)"""
    )
    [row], run = full(maria)
    assert row == {
        "amount": "1234567890123456.70", "fine": "0.000001", "free": "0.1", "large": "18446744073709551615",
        "flag": "1", "month": "202603", "name": "𠮷镕·阿卜杜拉", "legacy": "王", "raw": "01ff", "born": "1944-02-29",
        "at": "2024-02-29 23:59:59.500", "doc": '{"a": 1.50}', "nothing": None,
    }  # fmt: skip
    assert set(run.schema.types) == {pa.string()}


def test_a_zero_date_is_none_and_a_half_date_is_seen(maria: Maria) -> None:
    """Also when it comes long after the types of the columns were settled."""
    maria.run("CREATE TABLE kinds (id int, born date, at datetime, moment timestamp NULL)")
    good = ("2024-01-15", "2024-01-15 08:00:00", "2024-01-15 08:00:00")
    odd = [
        (3, "0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        (4, "2024-00-15", "2024-01-00 00:00:00", None),
    ]
    maria.run("INSERT INTO kinds VALUES (%s, %s, %s, %s)", [*((n, *good) for n in (1, 2)), *odd])
    got, _ = full(maria)
    assert list(got[2].values()) == ["3", None, None, None]
    assert list(got[3].values()) == ["4", "2024-00-15", "2024-01-00 00:00:00", None]


def test_a_moment_does_not_depend_on_the_server_s_zone(maria: Maria) -> None:
    """TIMESTAMP is written in the session's zone, DATETIME as it was put."""
    maria.run("CREATE TABLE kinds (id int, moment timestamp NULL, naive datetime)")
    maria.run("INSERT INTO kinds VALUES (1, '2024-03-01 08:00:00', '2024-03-01 08:00:00')")
    with maria.server.link() as link, link.cursor() as cursor:
        try:
            cursor.execute(f"SELECT UNIX_TIMESTAMP(moment) FROM {maria.url.database}.kinds")
            expected = datetime.fromtimestamp(int(cursor.fetchone()[0]), UTC)  # type: ignore[index]
            cursor.execute("SET GLOBAL time_zone = '-11:00'")
            [row], _ = full(maria)
        finally:
            cursor.execute("SET GLOBAL time_zone = 'SYSTEM'")
    assert (row["moment"], row["naive"]) == (expected, "2024-03-01 08:00:00")


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize(
    ("declared", "values", "mark"),
    [
        ("datetime(6)", ["2024-01-01 00:00:00", "2024-01-02 00:00:00.000001"], "2024-01-02 00:00:00.000001"),
        ("timestamp(6) NULL", ["2024-01-01 00:00:00", "2024-01-02 00:00:00.000001"], None),
        ("date", ["2024-01-01", "2024-01-02"], "2024-01-02"),
        ("bigint", ["-7", "9007199254740993"], "9007199254740993"),
        ("decimal(8,2)", ["-9.5", "10.25"], "10.25"),
        ("varchar(20)", ["a'b", "b\\c%"], "b\\c%"),
    ],
)
def test_a_watermark_keeps_its_type(
    maria: Maria, declared: str, values: list[str], mark: str | None, placed: bool
) -> None:
    maria.run(f"CREATE TABLE marks (id int, changed {declared})")
    maria.run("INSERT INTO marks VALUES (%s, %s)", list(enumerate(values)))
    source = {"query": "select * from marks where changed >= :since"} if placed else {"table": "marks"}
    got, first = taken(maria.extract(source=source))
    assert len(got) == 2
    assert mark is None or first.watermark == mark
    got, second = taken(maria.extract(first.watermark, source=source))
    assert [row["id"] for row in got] == ["1"]
    assert second.watermark == first.watermark


def test_rows_stream_with_the_count_of_one_snapshot(maria: Maria, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_rows, "FETCH_ROWS", 1000)
    maria.add(rows(5000))
    with maria.extract(chunk_rows=1000) as run:
        maria.add(rows(500, first=9000))
        assert sum(batch.num_rows for batch in run) == 5000
    assert run.source_rows == 5000


def test_a_reader_that_pauses_is_not_cut_off(maria: Maria, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's server hangs up after two seconds unless told otherwise (DEFAULT 60)."""
    monkeypatch.setattr(by_rows, "FETCH_ROWS", 1000)
    maria.run("CREATE TABLE wide AS SELECT seq AS id, repeat('x', 2000) AS name, now() AS changed FROM seq_1_to_20000")
    with maria.extract(mode="full", source={"table": "wide"}, chunk_rows=1000) as run:
        batches = iter(run)
        seen = next(batches).num_rows
        time.sleep(4)
        assert seen + sum(batch.num_rows for batch in batches) == 20_000


def test_one_that_is_left_does_not_read_the_rest(maria: Maria) -> None:
    """A hundred million rows would take minutes."""
    with maria.extract(
        mode="full", source={"query": "select seq as id, seq as changed from seq_1_to_100000000"}
    ) as run:
        next(iter(run))
        started = time.monotonic()
    assert time.monotonic() - started < 1


def test_a_server_that_dies_while_reading_is_down(maria: Maria) -> None:
    source = {"query": "select seq as id, repeat('x', 500) as name, 1 as changed from seq_1_to_3000000"}
    with maria.extract(mode="full", source=source, chunk_rows=1000) as run:
        batches = iter(run)
        next(batches)
        with maria.server.link() as link, link.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE info LIKE '%seq_1_to_3000000%' AND id <> connection_id()"
            )
            cursor.execute(f"KILL {cursor.fetchone()[0]}")  # type: ignore[index]
        with pytest.raises(SourceDown):
            list(batches)


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
def test_a_wrong_query_blocks(maria: Maria, said: dict[str, Any], code: str) -> None:
    with pytest.raises(BatchBlocked) as caught:
        taken(maria.extract(source=said))
    assert caught.value.code == code


def test_a_value_is_never_quoted_in_an_error(maria: Maria) -> None:
    query = "select json_value(extractvalue('<a/>', concat('~', '430903199001011234')), '$') as changed"
    with pytest.raises(BatchBlocked) as caught:
        taken(maria.extract(mode="full", source={"query": query}))
    assert "43090" not in f"{caught.value!s}{caught.value!r}"


def test_writing_is_impossible(maria: Maria) -> None:
    maria.run("CREATE FUNCTION spoil() RETURNS int BEGIN INSERT INTO thing VALUES ('x', 'x', now()); RETURN 1; END")
    with pytest.raises(BatchBlocked):
        taken(maria.extract(mode="full", source={"query": "select spoil() as id"}))
    assert full(maria, "thing")[0] == []


def test_a_slow_query_is_cut_off(maria: Maria) -> None:
    maria.add(rows(3))
    with pytest.raises(SourceDown, match=r"时限|time limit"):
        taken(maria.extract(source={"query": "select *, sleep(20) as s from thing", "timeout_s": 1}))


def test_a_wrong_password_is_denied_without_being_shown(maria: Maria) -> None:
    maria.secret = {"url": maria.url.set(password="wr0ng-w0rd").render_as_string(hide_password=False)}
    with pytest.raises(BatchBlocked) as caught:
        taken(maria.extract())
    assert caught.value.code == "denied"
    assert "wr0ng" not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize("right", ["", "GRANT SELECT (id) ON {db}.thing TO reader@localhost"])
def test_a_table_without_permission_is_denied(maria: Maria, right: str) -> None:
    maria.run("CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'r3ader'")
    if right:
        maria.run(right.format(db=maria.url.database))
    maria.secret = {"url": maria.url.set(username="reader", password="r3ader").render_as_string(hide_password=False)}
    with pytest.raises(BatchBlocked) as caught:
        taken(maria.extract())
    assert caught.value.code == "denied"


def test_readers_do_not_wait_for_writers(maria: Maria) -> None:
    maria.add(rows(3))
    with maria.server.link() as link, link.cursor() as cursor:
        cursor.execute(f"USE {maria.url.database}")
        cursor.execute("BEGIN")
        cursor.execute("UPDATE thing SET name = 'half done'")
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.extend(taken(maria.extract())[0]))
        reader.start()
        reader.join(20)
        cursor.execute("ROLLBACK")
    assert sorted(row["name"] for row in found) == ["王1", "王2", "王3"]
