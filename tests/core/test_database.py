"""The hub's database: refused when wrong, made once, and written to by the answering role only as it may."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from core import database as databases
from core import events, secrets
from core.actor import SYSTEM
from core.errors import DatabaseUnavailable, NotReady
from core.hub import Hub
from core.settings import Settings


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", "database_url"),
        ("mysql://u:p@127.0.0.1/x", "database_url"),
        ("postgresql://u:hidden@127.0.0.1:1/x", "database_down"),
    ],
)
def test_a_wrong_dsn_is_refused_with_a_remedy(url: str, code: str) -> None:
    with pytest.raises(DatabaseUnavailable if code == "database_down" else NotReady) as caught:
        databases.connect(url)
    assert caught.value.code == code
    assert caught.value.remedy
    assert "hidden" not in str(caught.value)


def test_an_old_server_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MINIMUM", 990000)
    with pytest.raises(NotReady) as caught:
        databases.connect(database)
    assert caught.value.code == "database_old"
    assert "18" in str(caught.value)


def test_set_up_twice_at_once_is_set_up_once(database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=database)
    failures: list[Exception] = []

    def set_up() -> None:
        try:
            Hub.set_up(settings).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=set_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    Hub.open(settings).close()


def test_a_database_that_was_not_set_up_is_said_so(database: str, tmp_path: Path) -> None:
    with pytest.raises(NotReady) as caught:
        Hub.open(Settings(home=tmp_path, database_url=database))
    assert caught.value.code == "not_migrated"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hub.audit",
        "SELECT * FROM hub.audit",
        "SELECT * FROM hub.secret",
        "INSERT INTO hub.access_grant SELECT * FROM hub.access_grant",
        "UPDATE hub.client SET name = name",
        "CREATE TABLE hub.mine (x int)",
    ],
)
def test_the_answering_role_may_not(hub: Hub, statement: str) -> None:
    with (
        psycopg.connect(hub.dsn, options="-c role=hutong_answer") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("table", ["hub.event", "hub.audit"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET at = now()"])
def test_nobody_changes_what_was_recorded(hub: Hub, table: str, change: str) -> None:
    with hub.begin() as connection:
        events.record(connection, "test", "x", {}, SYSTEM)
        connection.execute(
            text(
                "INSERT INTO hub.audit VALUES (gen_random_uuid(), now(), 'k', 'd', 'c', 'o', 's', 'n', 'p', 'kid', '', '')"
            )
        )
    with pytest.raises(Exception, match="append-only"), hub.begin() as connection:
        connection.execute(text(change.format(table)))


def test_an_event_that_commits_late_is_not_skipped(hub: Hub) -> None:
    late = hub.engine.connect()
    transaction = late.begin()
    events.record(late, "late", "a", {}, SYSTEM)
    with hub.begin() as connection:
        events.record(connection, "early", "a", {}, SYSTEM)
    with hub.read() as connection:
        first, cursor = events.read_since(connection, events.Cursor(0, 0, 0))
    assert first == [], "nothing is given out while an older transaction runs"
    transaction.commit()
    late.close()
    with hub.read() as connection:
        found, cursor = events.read_since(connection, cursor)
        assert [event["type"] for event in found] == ["late", "early"]
        assert events.read_since(connection, cursor)[0] == []


def test_events_of_another_server_come_first_whatever_its_transaction_ids(hub: Hub) -> None:
    with hub.begin() as connection:
        events.record(connection, "before", "a", {}, SYSTEM)
        connection.execute(  # as restored from a server that had counted further
            text(
                "INSERT INTO hub.event (xid, id, type, about, body, actor) "
                "VALUES ('4000000000', gen_random_uuid(), 'elsewhere', 'a', '{}', '{}')"
            )
        )
    with hub.begin() as connection:
        events.begin_epoch(connection)
        events.record(connection, "restored", "a", {}, SYSTEM)
    with hub.read() as connection:
        found, cursor = events.read_since(connection, events.Cursor(0, 0, 0))
    assert [event["type"] for event in found] == ["before", "elsewhere", "restored"]
    with hub.begin() as connection:
        events.record(connection, "after", "a", {}, SYSTEM)
    with hub.read() as connection:
        assert [event["type"] for event in events.read_since(connection, cursor)[0]] == ["after"]


def test_secrets_are_encrypted_and_overridden_by_the_environment(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "fund", {"url": "sqlite:///fund.db"})
    assert hub.secret("fund") == {"url": "sqlite:///fund.db"}
    with hub.read() as connection:
        stored = connection.execute(text("SELECT ciphertext FROM hub.secret")).scalar_one()
    assert b"sqlite" not in bytes(stored)
    monkeypatch.setenv("HUTONG_SECRET_FUND", '{"url": "other"}')
    assert hub.secret("fund") == {"url": "other"}
    with pytest.raises(NotReady) as caught:
        hub.secret("unknown")
    assert "HUTONG_SECRET_UNKNOWN" in str(caught.value)
