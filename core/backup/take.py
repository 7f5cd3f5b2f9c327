"""Taking a backup while everything runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import IsolationLevel, sql

from core import clock
from core.backup import census, postgres
from core.backup.files import copy, digest, make_private, remove, replacing, sync, write_synced
from core.backup.manifest import DUMP, LANDING, UNFINISHED, File, Manifest, names, read
from core.errors import Invalid, NotReady, Stop
from core.hub import Hub
from core.landing import CHECKPOINT, CHECKPOINTS, MANIFEST
from core.text import T

Tell = Callable[[str], None]


class _Batch(NamedTuple):
    """Where a batch lies; whether it landed, and whether its files were removed since."""

    system: str
    dataset: str
    id: UUID
    landed: bool
    removed: bool


Connection = psycopg.Connection[Any]


def take(hub: Hub, folder: Path, tell: Tell = lambda _: None) -> Manifest:
    """Make a backup in a folder beside those that are there, and return its manifest.

    Everything is of one snapshot of the database, and so is the landing: a batch lands before the database names it as
    landed, and what has landed never changes. Whatever interrupts it leaves no manifest, and the next one clears up.
    """
    _judge(hub, folder)
    make_private(folder)
    with _alone(folder):
        for path in folder.glob(f"*{UNFINISHED}"):
            remove(path)
        name = _name(folder)
        unfinished = folder / f"{name}{UNFINISHED}"
        make_private(unfinished)
        try:
            manifest = _take(hub, folder, unfinished, name, tell)
            manifest.write(unfinished)
            unfinished.rename(folder / name)
            sync(folder)
        except BaseException:
            remove(unfinished)
            raise
    return manifest


def verify(folder: Path, name: str | None, tell: Tell = lambda _: None) -> list[T]:
    """Read every file of a backup; what is missing or not what the manifest says. Nothing is restored."""
    manifest = read(folder, name)
    wrong = []
    for file in manifest.files:
        tell(file.path)
        path = folder / file.path
        if not path.is_file():
            wrong.append(T(f"缺少 {file.path}", f"{file.path} is missing"))
        elif digest(path) != (file.bytes, file.sha256):
            wrong.append(T(f"{file.path} 的内容与清单不符", f"{file.path} is not what the manifest says"))
    return wrong


def _take(hub: Hub, folder: Path, unfinished: Path, name: str, tell: Tell) -> Manifest:
    with closing(psycopg.connect(hub.dsn)) as connection:
        snapshot = _snapshot(hub, connection)
        taken_at = clock.now()
        tell("pg_dump")
        postgres.dump(hub.dsn, snapshot, unfinished / DUMP)
        size, sha = digest(unfinished / DUMP)
        tell("census")
        counted = census.take(connection)
        landing = [file for batch in _batches(connection) for file in _landed(hub, folder, batch, tell)]
        landing += _checkpoints(hub, folder, connection)
        return Manifest(
            name=name, taken_at=taken_at, hutong=version("hutong"), revision=_revision(connection),
            postgresql=connection.info.parameter_status("server_version") or "", city=hub.settings.city,
            publication=_one(connection, "SELECT coalesce(max(n), 0) FROM hub.publication"),
            keys=_kids(hub), batches=dict(connection.execute("SELECT state, count(*) FROM hub.batch GROUP BY 1 ORDER BY 1").fetchall()),
            database=File(f"{name}/{DUMP}", size, sha), landing=landing, census=counted,
        )  # fmt: skip


def _snapshot(hub: Hub, connection: Connection) -> str:
    """A snapshot that pg_dump can share. Tables are locked before it is taken: what DDL does to a table (TRUNCATE, a
    rewrite) is seen by older snapshots too. Publication and first loads try for their locks briefly and go another way."""
    for _ in range(10):
        with closing(psycopg.connect(hub.dsn)) as other:
            before = census.tables(other)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        listed = sql.SQL(", ").join(sql.Identifier(*table.split(".", 1)) for table in before)
        try:
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(listed))
            if census.tables(connection) == before:
                return str(_one(connection, "SELECT pg_export_snapshot()"))
        except (psycopg.errors.UndefinedTable, psycopg.errors.DeadlockDetected):
            pass  # dropped between the list and the lock; or somebody else's turn
        connection.rollback()
    raise NotReady(
        T(
            "数据表正在变动,未能取得一致的快照。",
            "Tables are being made or changed; no consistent snapshot could be had.",
        ),
        remedy=T("发布结束后再试。", "Try again when the publication has ended."),
        code="snapshot",
    )


def _batches(connection: Connection) -> list[_Batch]:
    # a database whose migrations wait does not have every column
    rows = connection.execute(
        "SELECT system, dataset, id, landed_at IS NOT NULL, to_jsonb(b) ->> 'files_removed_at' IS NOT NULL "
        "FROM hub.batch b ORDER BY seq"
    ).fetchall()
    return [_Batch(*row) for row in rows]


def _checkpoints(hub: Hub, folder: Path, connection: Connection) -> Iterator[File]:
    """What stands for landed files that retention has removed."""
    if _one(connection, "SELECT to_regclass('hub.checkpoint')") is None:
        return
    for id, size, sha in connection.execute("SELECT id, bytes, sha256 FROM hub.checkpoint").fetchall():
        inside = f"{CHECKPOINTS}/{id}/{CHECKPOINT}"
        file = File(f"{LANDING}/{inside}", size, sha)
        target = folder / file.path
        make_private(target.parent)
        if not (target.is_file() and target.stat().st_size == size):
            _copy_in(hub, f"{hub.landing.root}/{inside}", target, file)
        yield file


def _landed(hub: Hub, folder: Path, batch: _Batch, tell: Tell) -> Iterator[File]:
    """The files of a batch, copied unless they are there; the manifest last, as everywhere."""
    system, dataset, id, must, removed = batch
    manifest = hub.landing.manifest(system, dataset, id)
    if manifest is None:
        if must:
            raise _damaged(f"{system}/{dataset}/{id}/{MANIFEST}")
        return  # extracting, or ended before it landed: its source is read again
    tell(f"{system}/{dataset}")
    source, relative = hub.landing.folder(system, dataset, id), f"{LANDING}/{system}/{dataset}/{id}"
    make_private(folder / relative)
    for part in manifest["files"] if not removed else ():
        file = File(f"{relative}/{part['name']}", part["bytes"], part["sha256"])
        target = folder / file.path
        if not (target.is_file() and target.stat().st_size == file.bytes):
            _copy_in(hub, f"{source}/{part['name']}", target, file)
        yield file
    with hub.landing.fs.open_input_stream(f"{source}/{MANIFEST}") as stream:
        body = bytes(stream.read())
    target = folder / relative / MANIFEST
    if not (target.is_file() and target.read_bytes() == body):
        write_synced(target, body)
    yield File(f"{relative}/{MANIFEST}", *digest(target))


def _copy_in(hub: Hub, source: str, target: Path, file: File) -> None:
    try:
        with hub.landing.fs.open_input_stream(source) as stream, replacing(target) as sink:
            if copy(stream, sink) != (file.bytes, file.sha256):
                raise _damaged(file.path)
    except FileNotFoundError as error:
        raise _damaged(file.path) from error


def _damaged(path: str) -> Stop:
    return Stop(
        T(
            f"落地文件 {path} 缺失或已损坏,未作备份。",
            f"The landed file {path} is missing or damaged; no backup was made.",
        ),
        remedy=T("从上一份备份恢复该文件后再备份。", "Put the file back from the last backup, then back up again."),
        code="landing_checksum",
    )


def _judge(hub: Hub, folder: Path) -> None:
    """Not into what is backed up."""
    inside = [hub.keys.folder, *([Path(hub.landing.root)] if hub.landing.local else [])]
    for kept in inside:
        if folder.resolve().is_relative_to(kept.resolve()):
            raise Invalid(
                T(f"备份目录不能在 {kept} 之内。", f"A backup cannot lie inside {kept}."),
                remedy=T("换一个目录,最好在另一块磁盘上。", "Use another folder, best on another disk."),
            )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with os.fdopen(os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotReady(
                T(f"另一个备份正在写入 {folder}。", f"Another backup is being written to {folder}."),
                remedy=T("等它结束后再试。", "Try again when it has ended."),
                code="busy",
            ) from error
        yield


def _name(folder: Path) -> str:
    """The time in UTC, so that names sort as backups were taken."""
    stamp = clock.now().strftime("%Y%m%dT%H%M%SZ")
    taken = [name for name in names(folder) if name.startswith(stamp)]
    return f"{stamp}-{len(taken) + 1}" if taken else stamp


def _kids(hub: Hub) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in hub.keys.files.listed():
        found.setdefault(file.kind, []).append(file.kid)
    return found


def _revision(connection: Connection) -> str:
    return str(_one(connection, "SELECT version_num FROM hutong_version"))


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
