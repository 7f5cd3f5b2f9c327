"""The key files of an installation: `HUTONG_HOME/keys/<kind>-<number>-<kid>.key`, mode 0600, the highest number in use.

A file is never changed but once: a signing key that was rotated out loses its private half (RFC 8037 `d`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from core.errors import NotFound
from core.text import T

Kind = Literal["signing", "pseudonym", "encryption"]
State = Literal["active", "verifies", "kept"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One key as a file; its material only by `read`. `created` is when it was made, wherever the file has been since."""

    kind: Kind
    number: int
    kid: str
    created: datetime
    path: Path

    def read(self) -> bytes:
        """The material: a JWK for signing, 32 bytes otherwise."""
        return self.path.read_bytes()


class KeyFiles:
    """The folder of one installation's keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def listed(self, kind: Kind | None = None) -> list[KeyFile]:
        """The keys there are, of each kind the oldest first."""
        found = []
        for path in sorted(self.folder.glob(f"{kind or '*'}-*.key")):
            name, number, kid = path.stem.split("-", 2)
            if name in KINDS:
                created = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
                found.append(KeyFile(name, int(number), kid, created, path))
        return found

    def find(self, kid: str) -> KeyFile:
        """The key of this id; NotFound when there is none."""
        for file in self.listed():
            if file.kid == kid:
                return file
        raise NotFound(
            T(f"没有密钥 {kid}。", f"There is no key {kid}."),
            remedy=T("hutong key list 可列出。", "`hutong key list` lists them."),
        )

    def states(self) -> dict[str, State]:
        """kid → active (in use), verifies (an older signing key: its public half), kept (older, for what it made)."""
        files = self.listed()
        newest = {file.kind: file.kid for file in files}
        return {
            file.kid: "active" if newest[file.kind] == file.kid else "verifies" if file.kind == "signing" else "kept"
            for file in files
        }

    def add(self, kind: Kind, kid: str, body: bytes) -> KeyFile:
        """Put a new key into use; the caller holds the lock. It is there whole or not at all."""
        number = max((file.number for file in self.listed(kind)), default=0) + 1
        self.put(f"{kind}-{number:04d}-{kid}.key", body)
        return self.find(kid)

    def put(self, name: str, body: bytes, created: float | None = None) -> None:
        """Write a file of this name, synced and by one rename; `created` (Unix seconds) is kept as its time."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / name
        beside = path.with_suffix(".writing")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        if created is not None:
            os.utime(beside, (created, created))
        beside.replace(path)
        self._sync()

    def halve(self, file: KeyFile) -> None:
        """Keep of a signing key only what verifies."""
        key = json.loads(file.read())
        if key.pop("d", None) is not None:
            self.put(file.path.name, json.dumps(key).encode(), file.created.timestamp())

    def remove(self, file: KeyFile) -> None:
        """Destroy a key."""
        file.path.unlink()
        self._sync()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One change of the keys at a time, in whatever process."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _sync(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
