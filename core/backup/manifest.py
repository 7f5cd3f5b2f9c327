"""What a backup says of itself. It is written last and by one rename: a folder without it is no backup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from core.backup.files import write_synced
from core.errors import NotFound, Stop
from core.text import T

NAME = "manifest.json"
DUMP = "database.dump"
LANDING = "landing"
FORMAT = 1
#: how the folder of a backup that is not finished ends
UNFINISHED = ".part"


class File(NamedTuple):
    """A file of a backup: its path in the backup folder, its size, its digest (hexadecimal)."""

    path: str
    bytes: int
    sha256: str


class Count(NamedTuple):
    """The rows of a table or a part of one: how many, and the sum of their hashes (hexadecimal)."""

    rows: int
    hash: str


@dataclass(frozen=True)
class Manifest:
    """One backup. `keys`: the ids of the keys in use when it was taken, by kind; `census`: rows by table, at the snapshot;
    `batches`: how many in each state."""

    name: str
    taken_at: datetime
    hutong: str
    revision: str
    postgresql: str
    city: str
    publication: int
    keys: Mapping[str, list[str]]
    batches: Mapping[str, int]
    database: File
    landing: list[File]
    census: Mapping[str, Count]

    @property
    def files(self) -> list[File]:
        """Every file there must be."""
        return [self.database, *self.landing]

    def write(self, folder: Path) -> None:
        """Put it into a backup's folder."""
        body = {"format": FORMAT, **asdict(self), "taken_at": self.taken_at.isoformat()}
        body |= {"database": self.database, "landing": self.landing, "census": self.census}
        text = json.dumps(body | {"digest": _digest(body)}, ensure_ascii=False, indent=0)
        write_synced(folder / NAME, text.encode())


def names(folder: Path) -> list[str]:
    """The backups of a folder, oldest first."""
    return sorted(path.parent.name for path in folder.glob(f"*/{NAME}") if not path.parent.name.endswith(UNFINISHED))


def read(folder: Path, name: str | None = None) -> Manifest:
    """The manifest of one backup, by default of the latest. NotFound when there is none; Stop when it is damaged or of a
    form that this release does not know."""
    there = names(folder)
    if not there or (name is not None and name not in there):
        raise NotFound(
            T(f"{folder} 中没有{'完整的备份' if name is None else f'备份 {name}'}。",
              f"There is no {'whole backup' if name is None else f'backup {name}'} in {folder}."),
            remedy=T(f"有:{'、'.join(there)}。", f"There are {', '.join(there)}.") if there
            else T("给出 hutong backup 所用的目录。", "Name the folder that `hutong backup` was given."),
        )  # fmt: skip
    path = folder / (name or there[-1]) / NAME
    try:
        body: dict[str, Any] = json.loads(path.read_text("utf-8"))
        digest = body.pop("digest")
        if digest != _digest(body):
            raise ValueError
    except (ValueError, KeyError) as error:
        raise Stop(
            T(f"备份清单 {path} 已损坏。", f"The manifest {path} is damaged."),
            remedy=T("改用另一份备份(--name)。", "Use another backup (--name)."),
            code="backup_damaged",
        ) from error
    if body.pop("format") != FORMAT:
        raise Stop(
            T(f"备份 {path.parent.name} 的格式较新。", f"The backup {path.parent.name} has a newer form."),
            remedy=T(
                f"用互通 {body['hutong']} 或更新的版本恢复。", f"Restore it with Hutong {body['hutong']} or newer."
            ),
            code="backup_newer",
        )
    return Manifest(
        **{
            **body,
            "taken_at": datetime.fromisoformat(body["taken_at"]),
            "database": File(*body["database"]),
            "landing": [File(*file) for file in body["landing"]],
            "census": {table: Count(*count) for table, count in body["census"].items()},
        }
    )


def _digest(body: Mapping[str, Any]) -> str:
    return sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
