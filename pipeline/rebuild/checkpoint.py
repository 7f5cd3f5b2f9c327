"""Checkpoints: what was made anew from the landing up to a batch, kept, so that the files before it need not be.

One is made only from landed files (or from the checkpoint before and the files since), in the course of a rebuild that then
proves the same as the libraries. It is the scratch database as pg_dump writes it, in the landing store:
`<root>/_checkpoint/<id>/library.dump`; hub.checkpoint names it with its SHA-256.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import IsolationLevel
from sqlalchemy import Connection, text

from core import database
from core import scratch as folders
from core.backup import postgres
from core.backup.files import copy, digest, make_private, replacing
from core.errors import Stop
from core.hub import Hub
from core.ids import uuid7
from core.landing import CHECKPOINT, CHECKPOINTS
from core.text import T
from pipeline.rebuild import inputs
from schemas.derive import sql


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint: `seq` is that of its last batch, `revision` that of its tables."""

    id: UUID
    seq: int
    batches: int
    revision: str
    bytes: int
    sha256: str
    made_at: datetime


_COLUMNS = ", ".join(Checkpoint.__slots__)


def latest(connection: Connection) -> Checkpoint | None:
    """The last checkpoint, or None."""
    row = connection.execute(text(f"SELECT {_COLUMNS} FROM hub.checkpoint ORDER BY seq DESC LIMIT 1")).one_or_none()
    return None if row is None else Checkpoint(**row._mapping)


def place(hub: Hub, id: UUID) -> str:
    """Where a checkpoint lies in the landing store."""
    return f"{hub.landing.root}/{CHECKPOINTS}/{id}/{CHECKPOINT}"


def dump(scratch: Hub, target: Path) -> None:
    """Write the scratch database as it is now to a file."""
    with closing(psycopg.connect(scratch.dsn)) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        postgres.dump(scratch.dsn, row[0], target)


def load(hub: Hub, found: Checkpoint, scratch: Hub) -> None:
    """Make the tables of an empty scratch database those of a checkpoint, brought to this release. Stop for a damaged one."""
    with folders.folder() as folder:
        local = folder / CHECKPOINT
        try:
            with (
                hub.landing.answering(),
                hub.landing.fs.open_input_stream(place(hub, found.id)) as source,
                local.open("wb") as sink,
            ):
                whole = copy(source, sink) == (found.bytes, found.sha256)
        except FileNotFoundError:
            whole = False
        if not whole:
            raise Stop(
                T(f"检查点 {found.id} 缺失或已损坏,无法由它重建。",
                  f"The checkpoint {found.id} is missing or damaged; nothing can be rebuilt from it."),
                remedy=T("从备份恢复该文件。", "Put the file back from a backup."),
                code="checkpoint_damaged",
            )  # fmt: skip
        with psycopg.connect(scratch.dsn) as connection:
            database.prepare(connection)
        postgres.restore(scratch.dsn, local)
    database.stamp(scratch.engine, found.revision)


def overtaken(live: Connection, made: Connection) -> list[str]:
    """The datasets whose batches are read by another contract now than the checkpoint read them by: a breaking version was
    published since, which made the dataset anew from its landed files."""
    query = text(f"SELECT id, dataset, contract_sha FROM hub.batch WHERE state IN {inputs.ACCEPTED}")
    now = {row.id: row.contract_sha for row in live.execute(query)}
    return sorted({row.dataset for row in made.execute(query) if now.get(row.id, row.contract_sha) != row.contract_sha})


def forget(scratch: Hub, dataset: str) -> None:
    """Take everything of a dataset out of a restored checkpoint: its batches come in again, from the first."""
    of_it = f"(SELECT id FROM hub.batch WHERE dataset = {sql.literal(dataset)})"
    with scratch.begin() as connection:
        connection.execute(text(f"TRUNCATE {sql.current(dataset)}, {sql.history(dataset)}"))
        for table in ("libraries.mention", "libraries.known_as"):
            connection.execute(text(f"DELETE FROM {table} WHERE dataset = :dataset"), {"dataset": dataset})
        for table in ("replayed", "finding", "pushed", "quarantine_subject", "quarantine"):
            connection.execute(text(f"DELETE FROM hub.{table} WHERE batch_id IN {of_it}"))
        connection.execute(
            text(f"UPDATE hub.batch SET state = 'landed' WHERE id IN {of_it} AND state IN {inputs.ACCEPTED}")
        )


def keep(hub: Hub, connection: Connection, source: Path, seq: int, batches: Sequence[UUID]) -> Checkpoint:
    """Put a dump into the landing store and name it and the batches in it, in the caller's transaction; the ones before are
    named no more."""
    id = uuid7()
    size, sha256 = digest(source)
    target = place(hub, id)
    with hub.landing.answering(), source.open("rb") as stream:
        if hub.landing.local:
            make_private(Path(target).parent)
            with replacing(Path(target)) as sink:
                shutil.copyfileobj(stream, sink, 1 << 20)
        else:
            with hub.landing.fs.open_output_stream(target) as sink:
                shutil.copyfileobj(stream, sink, 1 << 20)
    revision = database.revisions()[-1]
    connection.execute(text("DELETE FROM hub.checkpoint"))
    connection.execute(
        text("UPDATE hub.batch SET in_checkpoint = id = ANY(:ids) WHERE in_checkpoint <> (id = ANY(:ids))"),
        {"ids": list(batches)},
    )
    row = connection.execute(
        text(
            "INSERT INTO hub.checkpoint (id, seq, batches, revision, bytes, sha256) VALUES (:id, :seq, :batches, :revision, "
            f":bytes, :sha256) RETURNING {_COLUMNS}"
        ),
        {"id": id, "seq": seq, "batches": len(batches), "revision": revision, "bytes": size, "sha256": sha256},
    ).one()
    return Checkpoint(**row._mapping)


def sweep(hub: Hub, kept: Checkpoint | None) -> None:
    """Remove what is in the landing store of checkpoints that are named no more."""
    import pyarrow.fs as pafs

    root = f"{hub.landing.root}/{CHECKPOINTS}"
    with hub.landing.answering():
        for info in hub.landing.fs.get_file_info(pafs.FileSelector(root, allow_not_found=True)):
            if kept is None or info.base_name != str(kept.id):
                with suppress(FileNotFoundError):
                    hub.landing.fs.delete_dir(info.path)
