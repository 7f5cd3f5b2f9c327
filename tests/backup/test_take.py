"""Taking a backup: once whole or not at all, nothing copied twice, and every damage found."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path

import pytest

from core.backup import manifest as manifests
from core.backup.take import take, verify
from core.errors import Invalid, NotFound, NotReady, Stop
from core.hub import Hub
from core.settings import Settings
from pipeline import journey
from tests import forked
from tests.pipeline.crash_child import arm
from tests.pipeline.small import FEED, Small, row

POINTS = [
    "core.backup.take:_snapshot:after",
    "core.backup.postgres:dump:before",
    "core.backup.postgres:dump:after",
    "core.backup.census:take:after",
    "core.backup.take:_copy_in:before",
    "core.backup.take:_copy_in:after",
    "core.backup.manifest:Manifest.write:before",
    "core.backup.manifest:Manifest.write:after",
]


def interrupted(point: str, home: str, url: str, folder: str) -> None:
    """In the child: take a backup into its death."""
    arm(point)
    take(Hub.open(Settings(home=home, database_url=url)), Path(folder))


@pytest.mark.parametrize("point", POINTS)
def test_an_interrupted_backup_is_none(small: Small, tmp_path: Path, point: str) -> None:
    small.write([row("A1")])
    small.publish()
    journey.run(small.hub, FEED)
    folder = tmp_path / "backup"
    process = forked.context().Process(
        target=interrupted, args=(point, str(small.hub.home), small.hub.url, str(folder))
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert manifests.names(folder) == []
    with pytest.raises(NotFound):
        manifests.read(folder)
    made = take(small.hub, folder)
    assert manifests.names(folder) == [made.name] and not list(folder.glob(f"*{manifests.UNFINISHED}"))
    assert verify(folder, None) == []


def test_what_the_folder_has_is_not_copied_again(alone: Small, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    first = take(alone.hub, folder)
    before = {path: path.stat().st_ino for path in (folder / "landing").rglob("*") if path.is_file()}
    alone.write([row("C1")])
    journey.run(alone.hub, FEED)
    second = take(alone.hub, folder)
    after = {path: path.stat().st_ino for path in (folder / "landing").rglob("*") if path.is_file()}
    assert before.items() <= after.items() and len(after) > len(before)
    assert set(first.landing) < set(second.landing)
    assert manifests.names(folder) == [first.name, second.name]
    assert verify(folder, first.name) == verify(folder, second.name) == []


def test_backups_within_a_second_have_names_of_their_own(hub: Hub, tmp_path: Path) -> None:
    names = [take(hub, tmp_path / "backup").name for _ in range(3)]
    assert manifests.names(tmp_path / "backup") == names and len(set(names)) == 3


def test_everything_is_for_its_owner_only(lived: Small, tmp_path: Path) -> None:
    take(lived.hub, tmp_path / "backup")
    for path in (tmp_path / "backup").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("change", ["flip", "cut", "remove"])
def test_any_damage_is_found_without_restoring(lived: Small, tmp_path: Path, change: str) -> None:
    folder = tmp_path / "backup"
    made = take(lived.hub, folder)
    for file in (made.database, made.landing[0], made.landing[-1]):
        path = folder / file.path
        body = path.read_bytes()
        if change == "remove":
            path.unlink()
        else:
            path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]) if change == "flip" else body[:-1])
        assert [file.path in str(wrong) for wrong in verify(folder, None)] == [True]
        path.write_bytes(body)
    assert verify(folder, None) == []


def test_an_altered_manifest_is_refused(lived: Small, tmp_path: Path) -> None:
    made = take(lived.hub, tmp_path / "backup")
    path = tmp_path / "backup" / made.name / manifests.NAME
    body = json.loads(path.read_text("utf-8"))
    body["census"]["hub.audit"][0] += 1
    path.write_text(json.dumps(body), "utf-8")
    with pytest.raises(Stop) as refused:
        manifests.read(tmp_path / "backup")
    assert refused.value.code == "backup_damaged"


def test_a_manifest_says_what_it_was_told(lived: Small, tmp_path: Path) -> None:
    made = take(lived.hub, tmp_path / "backup")
    assert manifests.read(tmp_path / "backup") == made
    assert (
        made.batches == {"delivered": 2}
        and made.publication > 0
        and set(made.keys) == {"signing", "pseudonym", "encryption"}
    )


def test_a_missing_landed_file_is_no_backup(alone: Small, tmp_path: Path) -> None:
    part = next(path for path in Path(alone.hub.landing.root).rglob("part-*") if path.is_file())
    body = part.read_bytes()
    for change in (b"", body[:-1] + bytes([body[-1] ^ 1]), None):
        part.write_bytes(change) if change is not None else part.unlink()
        with pytest.raises(Stop) as refused:
            take(alone.hub, tmp_path / "backup")
        assert refused.value.code == "landing_checksum" and part.name in str(refused.value)
        assert manifests.names(tmp_path / "backup") == []
    part.write_bytes(body)
    take(alone.hub, tmp_path / "backup")


def test_not_into_what_is_backed_up_and_not_twice_at_once(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        take(hub, Path(hub.landing.root) / "backup")
    folder = tmp_path / "backup"
    seen = []

    def again(what: str) -> None:
        if what == "pg_dump":
            with pytest.raises(NotReady) as refused:
                take(hub, folder)
            seen.append(refused.value.code)

    take(hub, folder, again)
    assert seen == ["busy"]


def test_a_tool_of_the_database_learns_no_secret(lived: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump's arguments and variables, read from /proc by a program put in its place."""
    from core.backup import postgres

    told = tmp_path / "told"
    spy = tmp_path / "pg_dump"
    real = postgres.programs() / "pg_dump"
    spy.write_text(f'#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >> {told}\nexec {real} "$@"\n')
    spy.chmod(0o700)
    monkeypatch.setattr(postgres, "_tool", lambda name, dsn: str(spy))
    monkeypatch.setenv("HUTONG_SECRET_FUND", '{"password": "sesame"}')
    take(lived.hub, tmp_path / "backup")
    password = lived.hub.engine.url.password or ""
    assert password and password.encode() not in told.read_bytes() and b"sesame" not in told.read_bytes()
    assert b"service=hutong" in told.read_bytes()
