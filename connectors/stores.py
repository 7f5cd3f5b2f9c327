"""Where deliveries are dropped, by the `url` of the system's secret: a folder, an SFTP server, an object store.

{"url": "file:///folder"}
{"url": "sftp://user@host/folder", "host_key": …, "password": … or "key": …}     (connectors.sftp)
{"url": "s3://bucket/prefix", "endpoint": "https://…", "access_key": …, "secret_key": …}
    optionally `session_token`, `region`, `virtual_hosting: true` (the bucket is part of the host name) and `ca_file`
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from pyarrow import fs

from connectors import refusals
from core.errors import HutongError, NotReady
from core.store import denies, object_store
from core.text import T


class Files(Protocol):
    """What reading deliveries asks of a store: a part of pyarrow.fs.FileSystem."""

    def get_file_info(self, what: Any) -> Any:
        """Facts of one path, or of all in a folder (FileSelector). Raises OSError."""

    def open_input_stream(self, path: str) -> Any:
        """The bytes of a file. Raises OSError."""


@contextmanager
def opened(system: str, secret: dict[str, Any]) -> Iterator[tuple[Files, str]]:
    """The store of a system and the folder in it. What goes wrong in the block as an OSError leaves it as SourceDown or
    BatchBlocked, a full disk of ours as NotReady."""
    try:
        url = urlsplit(str(secret["url"]))
        has_port = url.port is None or url.port > 0
    except (KeyError, ValueError):
        raise _no_address(system) from None
    try:
        if url.scheme == "file" and url.path:
            yield fs.LocalFileSystem(), unquote(url.path).rstrip("/") or "/"
        elif url.scheme == "s3" and url.hostname and url.username is None and not url.query:
            yield _s3(system, secret), f"{url.hostname}{unquote(url.path)}".rstrip("/")
        elif url.scheme == "sftp" and url.hostname and url.username and url.password is None and has_port:
            with _sftp(system, url, secret) as found:
                yield found
        else:
            raise _no_address(system)
    except OSError as error:
        raise refusal(system, error) from None


def refusal(system: str, error: OSError) -> HutongError:
    """What a store's error means. Its text may name keys and people's files, so nothing of it is passed on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotReady(
            T("临时目录磁盘空间不足。", "The temporary folder has no disk space left."),
            remedy=T(
                "腾出空间,或把 TMPDIR 设到放得下最大一批交换文件的目录。",
                "Free some space, or set TMPDIR to a folder with room for the largest delivery.",
            ),
            code="no_disk",
        )
    if isinstance(error, PermissionError) or denies(error):
        return refusals.denied(system)
    if isinstance(error, FileNotFoundError) or "NO_SUCH_BUCKET" in str(error):
        return refusals.down(system, why=T("没有该目录或文件", "has no such folder or file"))
    return refusals.down(system)


def _sftp(system: str, url: SplitResult, secret: dict[str, Any]) -> Any:
    from connectors import sftp  # most systems do without it

    return sftp.opened(system, url, secret)


def _s3(system: str, secret: dict[str, Any]) -> fs.S3FileSystem:
    if missing := [name for name in ("endpoint", "access_key", "secret_key") if not secret.get(name)]:
        # Left out, the keys of the exchange's own store would be used.
        raise NotReady(
            T(f"来源系统 {system} 的密钥缺少 {'、'.join(missing)}。", f"The secret of {system} lacks {', '.join(missing)}."),
            remedy=T(
                "对象存储需要 url、endpoint、access_key 与 secret_key。",
                "An object store needs url, endpoint, access_key and secret_key.",
            ),
            code="secret",
        )  # fmt: skip
    try:
        return object_store(
            endpoint=str(secret["endpoint"]),
            region=secret.get("region"),
            virtual_hosting=bool(secret.get("virtual_hosting", False)),
            access_key=str(secret["access_key"]),
            secret_key=str(secret["secret_key"]),
            session_token=secret.get("session_token"),
            tls_ca_file_path=secret.get("ca_file"),
        )
    except (ValueError, TypeError):
        raise _no_address(system) from None


def _no_address(system: str) -> NotReady:
    # The address may hold a password, so it is not shown.
    return NotReady(
        T(f"来源系统 {system} 的密钥没有可用的地址。", f"The secret of {system} holds no usable address."),
        remedy=T(
            "url 形式为 file:///目录、sftp://用户@主机/目录 或 s3://桶/目录;口令与密钥另写,不放在 url 中。",
            "`url` reads file:///folder, sftp://user@host/folder or s3://bucket/folder; passwords and keys stand beside "
            "it, not in it.",
        ),
        code="secret",
    )
