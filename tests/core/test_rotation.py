"""Keys change while the installation runs: what the old ones made still holds, and nothing is lost by a crash."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import text

from core import audit, clock, rotation, secrets
from core.actor import SYSTEM, Actor
from core.audit import Entry
from core.errors import Conflict, Invalid, NotFound, NotReady, Unauthorised
from core.hub import Hub
from core.ids import uuid7
from core.key_files import KINDS
from core.keys import Keys

PERSON = "11010519491231002X"


def test_a_running_process_signs_with_the_new_key_and_verifies_what_the_old_one_signed(hub: Hub) -> None:
    running = Keys(hub.keys.folder)  # as another process that opened the folder before
    before = running.sign(b"answer")
    made, _ = rotation.rotate(hub, "signing", SYSTEM)
    after = running.sign(b"answer")
    assert running.verify(before) == running.verify(after) == b"answer"
    assert [key["kid"] for key in running.public()["keys"]][-1] == made.kid
    assert len(running.public()["keys"]) == 2 and all("d" not in key for key in running.public()["keys"])


def test_of_an_older_signing_key_only_the_public_half_is_kept(hub: Hub) -> None:
    for _ in range(3):
        rotation.rotate(hub, "signing", SYSTEM)
    *older, newest = hub.keys.files.listed("signing")
    assert all("d" not in json.loads(file.read()) for file in older) and "d" in json.loads(newest.read())
    assert hub.keys.files.states()[older[0].kid] == "verifies"
    rotated = {file.kid: file.created for file in older}
    assert all(file.created <= newest.created for file in older) and len(rotated) == 3


def test_secrets_are_encrypted_anew_and_the_old_key_can_go(hub: Hub) -> None:
    with hub.begin() as connection:
        for name in ("fund", "register"):
            secrets.put(connection, hub.keys, name, {"url": name})
    old = hub.keys.files.listed("encryption")[0]
    with pytest.raises(Conflict):
        rotation.destroy(hub, old.kid, SYSTEM, losing=True)  # the one in use
    made, renewed = rotation.rotate(hub, "encryption", SYSTEM)
    assert renewed == 2
    with hub.read() as connection:
        assert {one.kid for one in secrets.listed(connection)} == {made.kid}
    rotation.destroy(hub, old.kid, SYSTEM)
    assert [hub.secret(name) for name in ("fund", "register")] == [{"url": "fund"}, {"url": "register"}]
    with pytest.raises(NotFound):
        rotation.destroy(hub, old.kid, SYSTEM)


def test_an_encryption_key_that_a_secret_needs_is_not_destroyed(hub: Hub) -> None:
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "fund", {"url": "fund"})
    old = hub.keys.files.listed("encryption")[0]
    with hub.keys.files.lock():
        hub.keys.make("encryption")  # as a rotation killed before its transaction
    with pytest.raises(Conflict, match="rotate"):
        rotation.destroy(hub, old.kid, SYSTEM, losing=True)
    assert hub.secret("fund") == {"url": "fund"}, "the old key still works"


@pytest.mark.parametrize("dies_in", ["encrypting", "commit"])
def test_a_rotation_that_died_is_finished_by_the_next(hub: Hub, dies_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "fund", {"url": "fund"})

    def die(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*((secrets, "encrypt_again") if dies_in == "encrypting" else (rotation.events, "record")), die)
        rotation.rotate(hub, "encryption", SYSTEM)
    assert hub.secret("fund") == {"url": "fund"}
    assert len(hub.keys.files.listed("encryption")) == 2
    made, renewed = rotation.rotate(hub, "encryption", SYSTEM)
    assert renewed == 1 and made == hub.keys.files.listed("encryption")[-1]
    assert len(hub.keys.files.listed("encryption")) == 2, "finished, not begun once more"
    assert hub.secret("fund") == {"url": "fund"}


def test_secrets_stored_while_keys_rotate_are_all_readable(hub: Hub) -> None:
    failures: list[Exception] = []

    def store(name: str) -> None:
        keys = Keys(hub.keys.folder)
        try:
            for n in range(20):
                with hub.begin() as connection:
                    secrets.put(connection, keys, name, {"n": n})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=store, args=(f"s{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        rotation.rotate(hub, "encryption", SYSTEM)
    for thread in threads:
        thread.join()
    assert not failures
    assert [hub.secret(f"s{n}") for n in range(3)] == [{"n": 19}] * 3


def entry(keys: Keys, number: str, case: str) -> Entry:
    kid, subject = keys.pseudonym(number)
    return Entry(
        id=uuid7(), at=clock.now(), kind="certificate.answered", department="d", client="c", operator="o", service_item="s",
        case_no=case, subject=subject, kid=kid, body={},
    )  # fmt: skip


def test_a_person_is_found_in_the_log_under_every_pseudonym_key(hub: Hub) -> None:
    for case in ("first", "second", "third"):
        with hub.begin() as connection:
            connection.exec_driver_sql(audit.INSERT, entry(hub.keys, PERSON, case).parameters())
            connection.exec_driver_sql(audit.INSERT, entry(hub.keys, "110105194912310038", case).parameters())
        rotation.rotate(hub, "pseudonym", SYSTEM)
    with hub.begin() as connection:
        found = audit.search(connection, hub.keys, PERSON, Actor("auditor"), reason="complaint 7")
    assert [one.case_no for one in found] == ["third", "second", "first"]
    assert len({one.kid for one in found}) == 3
    with hub.begin() as connection:
        again = audit.search(connection, hub.keys, PERSON, Actor("auditor"), reason="complaint 7")
    assert (again[0].kind, again[0].operator) == (audit.SEARCHED, "auditor"), "looking leaves an entry too"
    assert again[0].reason == "complaint 7"


def test_every_kind_of_entry_has_words() -> None:
    # that every room leaves entries of these kinds only is held by the type
    assert set(get_args(audit.Kind)) == set(audit.KINDS)
    assert all(re.search("[\u4e00-\u9fff]", words.zh) and words.en for words in audit.KINDS.values())


def test_a_reason_is_shown_without_numbers_and_a_question_by_its_basis(hub: Hub) -> None:
    made = entry(hub.keys, PERSON, "1")
    bases: list[dict[str, Any]] = [
        {"basis": {"kind": "authorisation", "reference": "SQ-17"}, "reason": "no_grant"},
        {"basis": "", "reason": f"about {PERSON}"},
        {"basis": "statutory:art. 9", "reason": ""},
    ]
    with hub.begin() as connection:
        for at, body in enumerate(bases):
            one = replace(made, id=uuid7(), at=clock.now() + timedelta(seconds=at), body=body)
            connection.exec_driver_sql(audit.INSERT, one.parameters())
        found = audit.search(connection, hub.keys, PERSON, Actor("auditor"), reason="complaint 7")
    assert [one.reason for one in reversed(found)] == ["SQ-17", "about 110105****002X", "statutory:art. 9"]


@pytest.mark.parametrize("reason", [" ", f"about {PERSON}"])
def test_a_search_has_a_reason_that_names_nobodys_number(hub: Hub, reason: str) -> None:
    with pytest.raises(Invalid), hub.begin() as connection:
        audit.search(connection, hub.keys, PERSON, Actor("auditor"), reason=reason)
    with hub.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM hub.audit")).scalar_one() == 0


def test_references_of_a_department_change_with_the_key(hub: Hub) -> None:
    before = hub.keys.pseudonym(PERSON, "housing")
    made, _ = rotation.rotate(hub, "pseudonym", SYSTEM)
    after = hub.keys.pseudonym(PERSON, "housing")
    assert after[0] == made.kid and before[1] != after[1]
    assert before in hub.keys.pseudonyms(PERSON, "housing")


def test_what_is_lost_with_a_key_is_said_before_it_goes(hub: Hub) -> None:
    with hub.begin() as connection:
        connection.exec_driver_sql(audit.INSERT, entry(hub.keys, PERSON, "first").parameters())
    signed = hub.keys.sign(b"answer")
    old = [hub.keys.files.listed(kind)[0] for kind in ("signing", "pseudonym")]
    for file in old:
        rotation.rotate(hub, file.kind, SYSTEM)
        with pytest.raises(Conflict, match="--yes"):
            rotation.destroy(hub, file.kid, SYSTEM)
        rotation.destroy(hub, file.kid, SYSTEM, losing=True)
    with pytest.raises(Unauthorised):
        hub.keys.verify(signed)


def test_keys_made_at_once_by_two_processes_are_one_each(tmp_path: Path) -> None:
    threads = [threading.Thread(target=Keys(tmp_path / "keys").ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [file.kind for file in Keys(tmp_path / "keys").files.listed()] == sorted(KINDS)


def test_a_missing_key_is_said_with_its_id(hub: Hub) -> None:
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "fund", {"url": "fund"})
    file = hub.keys.files.listed("encryption")[0]
    with hub.keys.files.lock():
        hub.keys.make("encryption")
    hub.keys.files.remove(file)
    with pytest.raises(NotReady, match=file.kid):
        hub.secret("fund")


def test_rotations_are_events(hub: Hub) -> None:
    made = [rotation.rotate(hub, kind, Actor("keeper"))[0] for kind in KINDS]
    with hub.read() as connection:
        rows = connection.execute(
            text(
                "SELECT about, body->>'kid', actor->>'operator' FROM hub.event WHERE type = 'key.rotated' ORDER BY seq"
            )
        ).all()
    assert [tuple(row) for row in rows] == [(f"key/{file.kind}", file.kid, "keeper") for file in made]
