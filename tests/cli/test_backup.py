"""backup, verify, restore as an operator types them: an external database, and the embedded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.instance import Instance
from core.hub import Hub
from core.settings import Settings
from tests.backup.conftest import Place, alone, elsewhere, small
from tests.backup.lived import live, rows, tables
from tests.cli.program import hutong, of
from tests.pipeline.small import Small

__all__ = ["alone", "elsewhere", "small"]
PASSPHRASE = "a sentence that nobody guesses"


def test_an_external_database(alone: Small, elsewhere: Place, tmp_path: Path) -> None:
    hub, folder, keys = alone.hub, str(tmp_path / "backup"), str(tmp_path / "safe" / "keys.json")
    here = {"HUTONG_DATABASE_URL": hub.url}
    beside = hutong(hub.home, "backup", folder, "--keys", f"{folder}/keys.json", stdin=PASSPHRASE, **here)
    assert beside.returncode == 1 and "must not lie inside" in beside.stderr
    made = of(hutong(hub.home, "backup", folder, "--keys", keys, "--json", stdin=PASSPHRASE, **here))
    assert made["batches"] == 2 and len(made["kids"]) == 3
    assert [one["name"] for one in of(hutong(hub.home, "backup", "list", folder, "--json"))] == [made["name"]]
    assert of(hutong(hub.home, "backup", "verify", folder, "--json"))["wrong"] == []
    assert "is whole" in hutong(hub.home, "backup", "verify", folder).stdout

    target = elsewhere()
    there = {"HUTONG_DATABASE_URL": target.url}
    without = hutong(target.home, "restore", folder, **there)
    assert without.returncode == 1 and "--new-keys" in without.stderr
    wrong = hutong(target.home, "restore", folder, "--keys", keys, stdin="not the passphrase", **there)
    assert wrong.returncode == 1 and "passphrase" in wrong.stderr
    told = hutong(target.home, "restore", folder, "--keys", keys, stdin=PASSPHRASE, **there)
    assert told.returncode == 0, told.stderr
    assert any("records.pet_licence_history" in line and line.endswith("yes") for line in told.stdout.splitlines())
    for table in tables(hub):
        if table != 'hub."event"':
            assert rows(target, table) == rows(hub, table)
    again = hutong(target.home, "restore", folder, "--keys", keys, stdin=PASSPHRASE, **there)
    assert again.returncode == 1 and "empty place" in again.stderr and "HUTONG_HOME" in again.stderr
    assert of(hutong(target.home, "key", "list", "--json", **there)) == of(
        hutong(hub.home, "key", "list", "--json", **here)
    )


def test_the_embedded_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    instances = [Instance(Settings(home=home)) for home in homes]
    folder, keys, file = str(tmp_path / "backup"), str(tmp_path / "keys.json"), tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    try:
        monkeypatch.setenv("HUTONG_HOME", str(homes[0]))
        hub = instances[0].database()
        live(Small(hub, tmp_path / "pets.db"))
        of(hutong(homes[0], "backup", folder, "--keys", keys, "--passphrase-file", str(file), "--json"))
        running = hutong(homes[0], "restore", folder, "--new-keys")
        assert running.returncode == 1 and "empty place" in running.stderr
        found = of(hutong(homes[1], "restore", folder, "--keys", keys, "--passphrase-file", str(file), "--json"))
        assert all(one["same"] for one in found["compared"])
        assert instances[1].embedded.pid() is None, "what was started for it is stopped"
        monkeypatch.setenv("HUTONG_HOME", str(homes[1]))
        restored = instances[1].database()
        assert rows(restored, "records.pet_licence") == rows(hub, "records.pet_licence")
        assert restored.secret("pets") == hub.secret("pets")
        for one in (hub, restored):
            one.close()
    finally:
        for instance in instances:
            instance.down()


@pytest.mark.parametrize("arguments", [("list",), ("verify",), ()])
def test_where_there_is_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = hutong(tmp_path / "home", "backup", *arguments, str(tmp_path / "none"))
    expected = {("list",): 0, ("verify",): 1, (): 1}[arguments]
    assert done.returncode == expected and (done.stdout if expected == 0 else done.stderr)


def test_a_passphrase_is_no_argument(hub: Hub, tmp_path: Path) -> None:
    done = hutong(hub.home, "backup", "make", "--help")
    assert done.returncode == 0 and "--passphrase-file" in done.stdout and "--passphrase " not in done.stdout
    short = hutong(
        hub.home,
        "backup",
        str(tmp_path / "b"),
        "--keys",
        str(tmp_path / "k"),
        stdin="short",
        HUTONG_DATABASE_URL=hub.url,
    )
    assert short.returncode == 1 and "12" in short.stderr and list(tmp_path.glob("[bk]*")) == []
