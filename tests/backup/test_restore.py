"""Backup → restore gives back every row of every table, and an installation that goes on working."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from catalog_registry import clients
from core import database, events, rotation
from core.actor import SYSTEM
from core.backup import keyfile, restore, take
from core.backup.manifest import Manifest, read
from core.errors import Invalid, NotReady, Stop
from core.hub import Hub
from pipeline import journey
from schemas import published
from tests.backup.conftest import Place
from tests.backup.lived import CLIENT, live, rows, tables
from tests.pipeline.small import CONTRACT, FEED, Small, row

PASSPHRASE = "correct horse battery"


def ring(hub: Hub, folder: Path) -> keyfile.Keyring:
    """The keys of a hub by way of their file."""
    keyfile.write(folder / "keys.json", hub.keys.files, PASSPHRASE)
    return keyfile.read(folder / "keys.json", PASSPHRASE)


def put_back(source: Hub, target: Hub, folder: Path, apart: Path, name: str | None = None) -> Manifest:
    """Restore the latest backup of a folder and open what came of it."""
    manifest = read(folder, name)
    compared = restore.restore(target, folder, manifest, ring(source, apart), SYSTEM)
    assert compared and all(one.same for one in compared)
    with target.read() as connection:
        published.write_snapshot(connection, target.home)
    database.require_current(target.engine)
    return manifest


def test_every_row_of_every_table_is_back(lived: Small, elsewhere: Place, tmp_path: Path) -> None:
    hub = lived.hub
    before = {table: rows(hub, table) for table in tables(hub)}
    take.take(hub, tmp_path / "backup")
    target = elsewhere()
    put_back(hub, target, tmp_path / "backup", tmp_path / "apart")
    assert tables(target) == tables(hub)
    for table, expected in before.items():
        found = rows(target, table)
        assert [line for line in found if line not in expected] == [
            line for line in found if "installation.restored" in line
        ], table
        assert len(found) == len(expected) + (table == 'hub."event"'), table
    kinds = ("records.pet_licence", "records.pet_licence_history", "libraries.mention/pet_licence", "libraries.golden/population",
             "hub.quarantine", "hub.event", "hub.audit", "hub.access_grant", "hub.client", "hub.secret")  # fmt: skip
    census = read(tmp_path / "backup").census
    assert all(census[kind].rows for kind in kinds), "each kind of row was there to be compared"


def test_the_restored_installation_goes_on(small: Small, elsewhere: Place, tmp_path: Path) -> None:
    hub = small.hub
    secret = live(small)
    receipt, token = hub.keys.sign(b"answer"), hub.secret("pets")
    take.take(hub, tmp_path / "backup")
    target = elsewhere()
    put_back(hub, target, tmp_path / "backup", tmp_path / "apart")
    target = Hub.open(target.settings)
    assert target.keys.verify(receipt) == b"answer" and target.secret("pets") == token
    with target.read() as connection:
        assert clients.authenticate(connection, CLIENT, secret).id == CLIENT
    now, then = published.current(target.home), published.current(hub.home)
    assert (now.number, now.raw) == (then.number, then.raw), "the snapshot is made from the database"
    assert json.loads((target.home / "published" / "current" / published.INDEX).read_text("utf-8"))
    small.write([row("C1"), row("C2")])
    batch = journey.run(target, FEED)
    assert batch is not None and batch.state == "delivered" and batch.evidence["inserted"] == 2
    with target.begin() as connection:
        published.publish(
            connection,
            [
                published.Document(
                    "contract", "cat_licence", "1", CONTRACT.replace("pet_licence", "cat_licence"), "test"
                )
            ],
            SYSTEM,
        )
    with psycopg.connect(target.dsn, options="-c role=hutong_answer") as answering:
        answering.execute("SELECT * FROM records.cat_licence")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            answering.execute("SELECT * FROM hub.secret")
    target.close()


def test_privileges_are_the_same(lived: Small, elsewhere: Place, tmp_path: Path) -> None:
    take.take(lived.hub, tmp_path / "backup")
    target = elsewhere()
    put_back(lived.hub, target, tmp_path / "backup", tmp_path / "apart")
    queries = [
        "SELECT defaclobjtype, defaclnamespace::regnamespace::text, defaclacl::text FROM pg_default_acl ORDER BY 1, 2",
        "SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = ANY(ARRAY['hub', 'records', 'libraries', 'staging']) ORDER BY 1",
        "SELECT oid::regclass::text, relacl::text, relkind::text FROM pg_class WHERE relnamespace::regnamespace::text = "
        "ANY(ARRAY['hub', 'records', 'libraries']) ORDER BY 1",
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    ]
    for query in queries:
        with lived.hub.read() as one, target.read() as other:
            assert one.execute(text(query)).all() == other.execute(text(query)).all()


def test_every_schema_of_the_product_is_backed_up(lived: Small) -> None:
    with lived.hub.read() as connection:
        there = connection.execute(
            text(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
            )
        ).scalars()
        assert set(there) == set(database.SCHEMAS)


def test_events_keep_their_order_on_a_server_that_counts_from_anew(
    lived: Small, elsewhere: Place, tmp_path: Path
) -> None:
    with lived.hub.read() as connection:
        before, cursor = events.read_since(connection, events.Cursor(0, 0, 0), limit=100_000)
    take.take(lived.hub, tmp_path / "backup")
    target = elsewhere()
    put_back(lived.hub, target, tmp_path / "backup", tmp_path / "apart")
    with target.begin() as connection:
        events.record(connection, "after", "x", {}, SYSTEM)
    with target.read() as connection:
        every, _ = events.read_since(connection, events.Cursor(0, 0, 0), limit=100_000)
        since, _ = events.read_since(connection, cursor)
    assert [event["id"] for event in every[: len(before)]] == [event["id"] for event in before]
    assert [event["type"] for event in since] == ["installation.restored", "after"], "a reader's old cursor still holds"


@pytest.mark.parametrize("what", ["database", "landing", "keys"])
def test_only_into_an_empty_place(lived: Small, elsewhere: Place, tmp_path: Path, what: str) -> None:
    take.take(lived.hub, tmp_path / "backup")
    target = elsewhere()
    if what == "database":
        database.migrate(target.engine)
    elif what == "keys":
        target.keys.ensure()
    else:
        (Path(target.landing.root) / "s").mkdir(parents=True)
        (Path(target.landing.root) / "s" / "file").write_text("somebody's")
    with pytest.raises(NotReady) as refused:
        restore.restore(target, tmp_path / "backup", read(tmp_path / "backup"), ring(lived.hub, tmp_path), SYSTEM)
    assert refused.value.code == "not_empty" and refused.value.remedy
    if what == "landing":
        assert (Path(target.landing.root) / "s" / "file").exists(), "what is not ours is left alone"


def test_a_damaged_backup_leaves_the_place_empty(lived: Small, elsewhere: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    manifest = take.take(lived.hub, folder)
    target = elsewhere()
    for file in (manifest.database, manifest.landing[-1]):
        path = folder / file.path
        body = path.read_bytes()
        path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        with pytest.raises(Stop) as refused:
            restore.restore(target, folder, manifest, ring(lived.hub, tmp_path), SYSTEM)
        assert refused.value.code == "backup_damaged" and file.path in str(refused.value)
        restore.require_empty(target)
        path.write_bytes(body)
    put_back(lived.hub, target, folder, tmp_path / "apart")


def test_what_does_not_come_out_the_same_is_not_kept(lived: Small, elsewhere: Place, tmp_path: Path) -> None:
    manifest = take.take(lived.hub, tmp_path / "backup")
    altered = dict(manifest.census)
    altered["hub.audit"] = altered["hub.audit"]._replace(hash="0" * 32)
    target = elsewhere()
    with pytest.raises(Stop) as refused:
        restore.restore(
            target,
            tmp_path / "backup",
            Manifest(**{**vars(manifest), "census": altered}),
            ring(lived.hub, tmp_path),
            SYSTEM,
        )
    assert refused.value.code == "not_the_same" and "hub.audit" in str(refused.value)
    restore.require_empty(target)


def test_a_backup_of_a_newer_release_is_refused(lived: Small, elsewhere: Place, tmp_path: Path) -> None:
    manifest = take.take(lived.hub, tmp_path / "backup")
    newer = Manifest(**{**vars(manifest), "revision": "9999", "hutong": "99.0.0"})
    with pytest.raises(Stop, match=r"99\.0\.0") as refused:
        restore.restore(elsewhere(), tmp_path / "backup", newer, None, SYSTEM)
    assert refused.value.code == "backup_newer"


class TestKeys:
    """The keys travel apart from the data."""

    def test_nothing_of_them_is_in_the_backup(self, lived: Small, tmp_path: Path) -> None:
        take.take(lived.hub, tmp_path / "backup")
        material = [file.read() for file in lived.hub.keys.files.listed()]
        held = b"".join(path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file())
        assert not [body for body in material if body in held]

    def test_their_file_is_private_and_opens_with_the_passphrase_only(self, hub: Hub, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        kids = keyfile.write(path, hub.keys.files, PASSPHRASE)
        assert path.stat().st_mode & 0o077 == 0
        assert not [file for file in hub.keys.files.listed() if file.read() in path.read_bytes()]
        assert keyfile.read(path, PASSPHRASE).kids == set(kids)
        with pytest.raises(Invalid):
            keyfile.read(path, "another passphrase")
        path.write_text(path.read_text().replace(kids[0], "0" * len(kids[0])))
        with pytest.raises(Invalid):  # what it says of itself is sealed too
            keyfile.read(path, PASSPHRASE)
        with pytest.raises(Invalid):
            keyfile.write(path, hub.keys.files, "short")

    def test_with_their_states_and_times(self, hub: Hub, elsewhere: Place, tmp_path: Path) -> None:
        rotation.rotate(hub, "signing", SYSTEM)
        target = elsewhere()
        ring(hub, tmp_path).put(target.keys.files)
        one, other = hub.keys.files, target.keys.files
        assert [(key.kid, key.created) for key in other.listed()] == [(key.kid, key.created) for key in one.listed()]
        assert other.states() == one.states()

    def test_older_ones_than_the_backup_needs_are_refused(self, alone: Small, elsewhere: Place, tmp_path: Path) -> None:
        old = ring(alone.hub, tmp_path)
        rotation.rotate(alone.hub, "encryption", SYSTEM)
        manifest = take.take(alone.hub, tmp_path / "backup")
        with pytest.raises(Stop) as refused:
            restore.restore(elsewhere(), tmp_path / "backup", manifest, old, SYSTEM)
        assert refused.value.code == "keys_missing"

    def test_lost_keys_lose_what_only_they_could_do(self, lived: Small, elsewhere: Place, tmp_path: Path) -> None:
        manifest = take.take(lived.hub, tmp_path / "backup")
        target = elsewhere()
        restore.restore(target, tmp_path / "backup", manifest, None, SYSTEM)
        with pytest.raises(NotReady):
            target.secret("pets")
        assert target.keys.verify(target.keys.sign(b"new")) == b"new"
