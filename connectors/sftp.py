"""Deliveries on an SFTP server (paramiko), read like any other folder.

Secret: `url` (`sftp://user@host:port/path`; `/~/` is the login's own folder), `host_key` (a line of known_hosts, or
several), and `password` or `key` (a private key as text, optionally `passphrase`). Nothing is sent to a server that does
not show the key that was registered: whoever sits between could hand us any data as the department's.

paramiko and not asyncssh or fsspec: it is synchronous like everything here, and fsspec's client trusts any host.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, unquote

import paramiko
from paramiko.config import SSH_PORT
from paramiko.hostkeys import HostKeyEntry
from paramiko.sftp import CMD_CLOSE, CMD_OPENDIR, CMD_READDIR
from pyarrow import fs

from connectors import refusals
from core.errors import BatchBlocked, HutongError, NotReady
from core.text import T

CONNECT_TIMEOUT_S = 10
TIMEOUT_S = 60.0
"""A server silent for so long is gone."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its complaints come to people as our errors


@contextmanager
def opened(system: str, url: SplitResult, secret: dict[str, Any]) -> Iterator[tuple[Sftp, str]]:
    """The server's files and the folder of the address. Raises BatchBlocked(host_key, denied), SourceDown, NotReady."""
    host, port = url.hostname or "", url.port or SSH_PORT
    name = host if port == SSH_PORT else f"[{host}]:{port}"
    with paramiko.SSHClient() as client:
        known = client.get_host_keys()
        for key in _host_keys(system, secret):
            known.add(name, key.get_name(), key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            client.connect(
                host, port, username=unquote(url.username or ""), password=secret.get("password"),
                pkey=_private_key(system, secret), allow_agent=False, look_for_keys=False, timeout=CONNECT_TIMEOUT_S,
                banner_timeout=CONNECT_TIMEOUT_S, auth_timeout=CONNECT_TIMEOUT_S, channel_timeout=CONNECT_TIMEOUT_S,
            )  # fmt: skip
            link = client.open_sftp()
        except paramiko.BadHostKeyException as error:
            raise _other_host(system, error.key) from None
        except paramiko.AuthenticationException:
            raise refusals.denied(system) from None
        except (OSError, EOFError, paramiko.SSHException):
            raise refusals.down(system, f"{host}:{port}") from None
        link.get_channel().settimeout(TIMEOUT_S)  # type: ignore[union-attr]
        path = unquote(url.path).rstrip("/") or "/"
        yield Sftp(link), f".{path[2:]}" if path == "/~" or path.startswith("/~/") else path


class Sftp:
    """The part of pyarrow's FileSystem that reading deliveries needs. Everything raises OSError."""

    def __init__(self, link: paramiko.SFTPClient) -> None:
        self._link = link

    def get_file_info(self, what: str | fs.FileSelector) -> Any:
        """Facts of one path (of type NotFound when there is none), or of all in a folder."""
        with _as_oserror():
            if isinstance(what, fs.FileSelector):
                found = self._entries(what.base_dir)
                return [self._info(f"{what.base_dir.rstrip('/')}/{name}", entry) for name, entry in found]
            try:
                return self._info(what, self._link.stat(what))
            except FileNotFoundError:
                return fs.FileInfo(what, fs.FileType.NotFound)

    def open_input_stream(self, path: str) -> _Stream:
        """The bytes of a file. Asked for 32 KiB at a time: paramiko's prefetching costs a thread that dies loudly when the
        server hangs up, and gains little on a city's network."""
        with _as_oserror():
            return _Stream(self._link.open(path, "rb"))

    def _entries(self, folder: str) -> list[tuple[str, paramiko.SFTPAttributes]]:
        """What is in a folder, as paramiko's `listdir_attr` has it, which gives up at a name that is no UTF-8: here what
        cannot be read of one becomes U+FFFD."""
        link: Any = self._link  # what follows is paramiko's own, inner protocol
        attributes: Any = paramiko.SFTPAttributes
        _, message = link._request(CMD_OPENDIR, folder)
        handle = message.get_binary()
        found: list[tuple[str, paramiko.SFTPAttributes]] = []
        try:
            while True:
                try:
                    _, message = link._request(CMD_READDIR, handle)
                except EOFError:
                    return found
                for _ in range(message.get_int()):
                    name, long = message.get_binary(), message.get_binary()
                    entry = attributes._from_msg(message, name, long)
                    if name not in (b".", b".."):
                        found.append((name.decode("utf-8", "replace"), entry))
        finally:
            link._request(CMD_CLOSE, handle)

    def _info(self, path: str, entry: paramiko.SFTPAttributes) -> fs.FileInfo:
        if stat.S_ISLNK(entry.st_mode or 0) and "\ufffd" not in path:
            entry = self._link.stat(path)
        mode = entry.st_mode or 0
        kind = fs.FileType.Directory if stat.S_ISDIR(mode) else fs.FileType.File
        return fs.FileInfo(path, kind, size=entry.st_size, mtime=datetime.fromtimestamp(entry.st_mtime or 0, UTC))


class _Stream:
    """A remote file that is being read."""

    def __init__(self, file: paramiko.SFTPFile) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        with _as_oserror():
            return self._file.read(size)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with _as_oserror():
            self._file.close()


@contextmanager
def _as_oserror() -> Iterator[None]:
    try:
        yield
    except (EOFError, paramiko.SSHException, paramiko.SFTPError):
        raise ConnectionError("the SFTP server hung up") from None


def _host_keys(system: str, secret: dict[str, Any]) -> list[paramiko.PKey]:
    """The registered keys; a line may begin with the host, as ssh-keyscan prints it, or with the kind of key."""
    keys = []
    lines = [line.strip() for line in str(secret.get("host_key", "")).splitlines()]
    for line in filter(None, (line for line in lines if not line.startswith("#"))):
        words = line.split()
        try:
            entry = HostKeyEntry.from_line(" ".join(words if len(words) > 2 else ["host", *words]))
        except (paramiko.SSHException, ValueError):
            entry = None
        if entry is None or entry.key is None:
            raise _no_host_key(system)
        keys.append(entry.key)
    if not keys:
        raise _no_host_key(system)
    return keys


def _private_key(system: str, secret: dict[str, Any]) -> paramiko.PKey | None:
    if "key" not in secret:
        return None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(str(secret["key"])), secret.get("passphrase"))
        except (paramiko.SSHException, ValueError):
            continue
    raise NotReady(
        T(f"来源系统 {system} 的私钥无法使用。", f"The private key of {system} cannot be used."),
        remedy=T(
            "key 应为完整的私钥文本(Ed25519、ECDSA 或 RSA);有口令时另给 passphrase。",
            "`key` is the whole text of an Ed25519, ECDSA or RSA key; give `passphrase` when it has one.",
        ),
        code="secret",
    )


def _no_host_key(system: str) -> NotReady:
    return NotReady(
        T(f"来源系统 {system} 的密钥没有可用的 host_key。", f"The secret of {system} has no usable host_key."),
        remedy=T(
            "运行 ssh-keyscan 取得主机密钥,另行向部门核对指纹后写入密钥的 host_key。",
            "Take it from `ssh-keyscan`, compare its fingerprint with the department by another way, and put it into "
            "`host_key` of the secret.",
        ),
        code="host_key",
    )


def _other_host(system: str, shown: paramiko.PKey) -> HutongError:
    print_ = base64.b64encode(hashlib.sha256(shown.asbytes()).digest()).decode().rstrip("=")
    seen = f"{shown.get_name()} SHA256:{print_}"
    return BatchBlocked(
        T(
            f"来源系统 {system} 的主机密钥与登记的不同(现为 {seen})。",
            f"The host key of {system} is not the one registered (it shows {seen}).",
        ),
        code="host_key",
        remedy=T(
            "可能有人冒充该主机。请以其他方式向部门核实;确已更换时,更新密钥中的 host_key。",
            "Somebody may pose as this host. Ask the department by another way; if they changed it, update `host_key` in "
            "the secret.",
        ),
    )
