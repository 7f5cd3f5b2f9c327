"""Restoring a backup into an empty place, and proving that it is the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow.fs as pafs
from psycopg import IsolationLevel

from core import database, events
from core.actor import Actor
from core.backup import census, postgres
from core.backup.files import copy, digest, make_private, replacing
from core.backup.keyfile import Keyring
from core.backup.manifest import LANDING, Count, File, Manifest
from core.errors import NotReady, Stop
from core.hub import Hub
from core.text import T

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """A table, or a library's or dataset's part of one: what the backup says and what was restored."""

    table: str
    backup: Count | None
    restored: Count | None

    @property
    def same(self) -> bool:
        """Whether the rows are the very same."""
        return self.backup == self.restored


def restore(
    hub: Hub, folder: Path, manifest: Manifest, keyring: Keyring | None, actor: Actor, tell: Tell = lambda _: None
) -> list[Compared]:
    """Restore into an installation that has nothing yet (`require_empty`); returns the comparison with the manifest, made
    before an older backup's tables are upgraded. Without a keyring new keys are made: what only the old ones could do is
    lost. The caller writes the published snapshot.

    Whatever stops it leaves the place empty again. Stop when the backup is damaged, newer than this program, or does not
    come out the same.
    """
    _judge(manifest, keyring)
    require_empty(hub)
    try:
        _landing(hub, folder, manifest, tell)
        tell("pg_restore")
        compared = _database(hub, folder, manifest)
        if keyring is not None:
            keyring.put(hub.keys.files)
        hub.keys.ensure()
        tell("migrate")
        database.migrate(hub.engine)
        with hub.begin() as connection:
            events.begin_epoch(connection)
            body = {"backup": manifest.name, "hutong": manifest.hutong, "keys": keyring is not None}
            events.record(connection, "installation.restored", f"backup/{manifest.name}", body, actor)
        return compared
    except BaseException:
        empty(hub)
        raise


def require_empty(hub: Hub) -> None:
    """NotReady when the place has a database, landed files or keys of an installation."""
    found = []
    with closing(psycopg.connect(hub.dsn)) as connection:
        query = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
        found += [f"schema {row[0]}" for row in connection.execute(query, [list(database.SCHEMAS)])]
    if _landed(hub):
        found.append(hub.settings.landing_url or hub.landing.root)
    found += [str(file.path) for file in hub.keys.files.listed()]
    if found:
        raise NotReady(
            T(f"只能恢复到空处,这里已有:{'、'.join(found[:5])}。",
              f"A backup is restored into an empty place only; there is {', '.join(found[:5])} already."),
            remedy=T("用另一个 HUTONG_HOME 与空的数据库;或确认无用后自行清空。",
                     "Use another HUTONG_HOME and an empty database; or empty this one yourself when nothing of it is needed."),
            code="not_empty",
        )  # fmt: skip


def empty(hub: Hub) -> None:
    """Take away what an unfinished restore has put there."""
    with closing(psycopg.connect(hub.dsn)) as connection:
        database.clear(connection)
        connection.commit()
    with suppress(FileNotFoundError):
        hub.landing.fs.delete_dir_contents(hub.landing.root)
    for file in hub.keys.files.listed():
        hub.keys.files.remove(file)


def _judge(manifest: Manifest, keyring: Keyring | None) -> None:
    if manifest.revision not in database.revisions():
        raise Stop(
            T(f"备份 {manifest.name} 来自更新的版本(互通 {manifest.hutong})。",
              f"The backup {manifest.name} is of a newer release (Hutong {manifest.hutong})."),
            remedy=T(f"用互通 {manifest.hutong} 或更新的版本恢复。", f"Restore it with Hutong {manifest.hutong} or newer."),
            code="backup_newer",
        )  # fmt: skip
    missing = sorted({kid for kids in manifest.keys.values() for kid in kids} - keyring.kids) if keyring else []
    if missing:
        raise Stop(
            T(f"密钥文件中没有 {'、'.join(missing)}。", f"The file of keys does not have {', '.join(missing)}."),
            remedy=T("用与这份备份同时或之后导出的密钥文件。", "Use one written with this backup or after it."),
            code="keys_missing",
        )


def _landed(hub: Hub) -> bool:
    found = hub.landing.fs.get_file_info(pafs.FileSelector(hub.landing.root, recursive=True, allow_not_found=True))
    return any(info.type == pafs.FileType.File for info in found)


def _landing(hub: Hub, folder: Path, manifest: Manifest, tell: Tell) -> None:
    for file in manifest.landing:
        tell(file.path)
        target = f"{hub.landing.root}/{file.path.removeprefix(f'{LANDING}/')}"
        above = target.rpartition("/")[0]
        try:
            with (folder / file.path).open("rb") as source:
                if hub.landing.local:
                    make_private(Path(above))
                    with replacing(Path(target)) as sink:
                        _same(copy(source, sink), file)
                else:
                    hub.landing.fs.create_dir(above, recursive=True)
                    with hub.landing.fs.open_output_stream(target) as sink:
                        _same(copy(source, sink), file)
        except FileNotFoundError as error:
            raise _damaged(file) from error


def _database(hub: Hub, folder: Path, manifest: Manifest) -> list[Compared]:
    source = folder / manifest.database.path
    if not source.is_file():
        raise _damaged(manifest.database)
    _same(digest(source), manifest.database)
    _prepare(hub)
    postgres.restore(hub.dsn, source)
    with psycopg.connect(hub.dsn) as connection:
        database.grant_by_default(connection)
    database.stamp(hub.engine, manifest.revision)
    with psycopg.connect(hub.dsn) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        now = census.take(connection)
    compared = [
        Compared(table, manifest.census.get(table), now.get(table)) for table in sorted({*manifest.census, *now})
    ]
    if wrong := [one.table for one in compared if not one.same]:
        raise Stop(
            T(
                f"恢复的内容与备份不同:{'、'.join(wrong[:5])}。",
                f"What was restored differs from the backup: {', '.join(wrong[:5])}.",
            ),
            remedy=T("改用另一份备份,并报告此问题。", "Use another backup, and report this."),
            code="not_the_same",
        )
    return compared


def _prepare(hub: Hub) -> None:
    try:
        with psycopg.connect(hub.dsn) as connection:
            database.prepare(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise database.without_rights() from error


def _same(found: tuple[int, str], file: File) -> None:
    if found != (file.bytes, file.sha256):
        raise _damaged(file)


def _damaged(file: File) -> Stop:
    return Stop(
        T(f"备份文件 {file.path} 缺失或已损坏。", f"The backup's file {file.path} is missing or damaged."),
        remedy=T("hutong backup verify 列出全部问题;改用另一份备份(--name)。",
                 "`hutong backup verify` lists all that is wrong; use another backup (--name)."),
        code="backup_damaged",
    )  # fmt: skip
