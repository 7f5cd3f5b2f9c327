"""Tables from contracts, on a real PostgreSQL."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from core.errors import Retry, Stop
from core.hub import Hub
from schemas.contract import load
from schemas.derive import sql
from tests.schemas.documents import CONTRACTS, SMALL, changed


def _columns(conn: Connection, table: str) -> dict[str, str]:
    rows = conn.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) AS kind FROM pg_attribute"
            " WHERE attrelid = cast(:t AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ),
        {"t": f'records."{table}"'},
    )
    return {row.attname: row.kind for row in rows}


def _indexed(conn: Connection, table: str) -> set[str]:
    rows = conn.execute(
        text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'records' AND tablename = :t"), {"t": table}
    )
    return {row.indexdef.partition(" WITH ")[0].rpartition("(")[2].rstrip(")") for row in rows}


def test_every_shipped_contract_makes_its_tables(hub: Hub) -> None:
    with hub.begin() as conn:
        for path in CONTRACTS:
            contract = load(path)
            sql.apply(conn, None, contract)
            sql.apply(conn, None, contract)  # safe to repeat
            now, then = _columns(conn, contract.id), _columns(conn, contract.id + "_history")
            assert list(now) == [name for name, _ in sql.columns(contract)]
            assert list(then) == [*now, "_known_to", "_ended", "_ended_by"]
            for item in contract.items:
                assert now[item.name] == item.type.sql.replace("timestamptz", "timestamp with time zone")
            looked_up = {subject.id for subject in contract.subjects} | {link.item for link in contract.relationships}
            assert looked_up | {"_key"} <= _indexed(conn, contract.id)
            texts = {name for name in sql.indexed(contract) if contract.item(name).type.sql == "text"}
            assert _indexed(conn, contract.id + "_history") == {"_key"} | {f"{name} text_bloom_ops" for name in texts}


def test_histories_made_before_get_the_filters_that_new_ones_have(hub: Hub) -> None:
    filters = text(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'records' AND indexdef LIKE '%bloom%'"
    )
    migration = Path(str(resources.files("core") / "migrations" / "versions" / "0017_history_by_number.sql"))
    with hub.begin() as conn:
        for path in CONTRACTS:
            sql.apply(conn, None, load(path))
        long = re.sub(r"\bpermit\b", "p" * 40, SMALL).replace("holder_no", "n" * 40)
        sql.apply(conn, None, load(long))
        made = dict(conn.execute(filters).all())
        assert len(made) > 20 and any(len(name) == 59 for name in made), "also one whose name is cut"
        for name in made:
            conn.exec_driver_sql(f"DROP INDEX records.{sql.quote(name)}")
        for _ in range(2):
            conn.exec_driver_sql(migration.read_text("utf-8").replace("%", "%%"))
            assert dict(conn.execute(filters).all()) == made


def test_only_the_key_is_constrained(hub: Hub) -> None:
    contract = load(SMALL)
    with hub.begin() as conn:
        sql.apply(conn, None, contract)
        conn.exec_driver_sql("INSERT INTO records.permit (_key) VALUES ('\\x00')")
        assert conn.exec_driver_sql("SELECT count(*) FROM records.permit WHERE permit_no IS NULL").scalar() == 1


def test_an_additive_version_alters_both_tables_and_keeps_the_rows(hub: Hub) -> None:
    old = load(SMALL)
    new = load(changed("  quality:", "  - {name: note, logicalType: string}\n  quality:"))
    with hub.begin() as conn:
        sql.apply(conn, None, old)
        conn.exec_driver_sql("INSERT INTO records.permit (_key, permit_no) VALUES ('\\x01', 'A')")
        sql.apply(conn, old, new)
        assert _columns(conn, "permit")["note"] == "text"
        assert _columns(conn, "permit_history")["note"] == "text"
        assert conn.exec_driver_sql("SELECT permit_no, note FROM records.permit").one() == ("A", None)


def test_a_breaking_version_is_refused_with_what_to_do(hub: Hub) -> None:
    old, new = load(SMALL), load(changed("logicalType: date}", "logicalType: timestamp}"))
    with hub.begin() as conn:
        sql.apply(conn, None, old)
        with pytest.raises(Stop) as refused:
            sql.apply(conn, old, new)
        assert refused.value.code == "breaking_change"
        assert "starts_on" in str(refused.value)
        assert refused.value.remedy
        assert _columns(conn, "permit")["starts_on"] == "date"


def test_a_publication_does_not_queue_behind_a_running_merge(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "LOCK_TIMEOUT", "50ms")
    old, new = load(SMALL), load(changed("  quality:", "  - {name: note, logicalType: string}\n  quality:"))
    with hub.begin() as conn:
        sql.apply(conn, None, old)
    with hub.begin() as merge, pytest.raises(Retry), hub.begin() as conn:
        merge.exec_driver_sql("LOCK TABLE records.permit IN ROW EXCLUSIVE MODE")
        sql.apply(conn, old, new)


def test_long_names_get_distinct_indexes() -> None:
    dataset = "d" * 40
    names = {sql._index(dataset, "i" * 39 + end) for end in "abc"}
    assert len(names) == 3
    assert all(len(name) <= 63 for name in names)
    with pytest.raises(ValueError, match="identifier"):
        sql.quote("x" * 64)
    assert sql.quote('a"b') == '"a""b"'


def test_totals_count_what_the_rules_speak_of(hub: Hub) -> None:
    quality = (
        "  quality:\n  - {id: empty_area, type: library, metric: nullValues, arguments: {properties: [area]}, mustBe: 0}\n"
        "  - {id: twice, type: library, metric: duplicateValues, arguments: {properties: [permit_no, state]}, mustBe: 0}\n"
    )
    contract = load(changed("  quality:\n", quality))
    rows = [
        ("1", "A", "open", 5),
        ("2", "A", "open", None),
        ("3", "A", "closed", 1),
        ("4", None, "open", 1),
        ("5", None, "open", 1),
    ]
    with hub.begin() as conn:
        sql.apply(conn, None, contract)
        for key, number, state, area in rows:
            conn.execute(
                text(
                    "INSERT INTO records.permit (_key, _system, permit_no, state, area) "
                    "VALUES (cast(:k AS bytea), 'one', :n, :s, :a)"
                ),
                {"k": key, "n": number, "s": state, "a": area},
            )
        totals = text(sql.totals(contract, sql.current("permit")))
        found = conn.execute(totals, {"system": "one"}).mappings().one()
        assert conn.execute(totals, {"system": "another"}).scalar_one() == 0
    assert dict(found) == {"rows": 5, "empty_area": 1, "twice": 1}
