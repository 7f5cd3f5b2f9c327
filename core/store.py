"""Where batches land: a folder, or an S3-compatible object store.

Endpoint, region and keys of an object store come from where every AWS client finds them: `AWS_ENDPOINT_URL`,
`AWS_REGION`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or the file that `AWS_SHARED_CREDENTIALS_FILE` names.
A store that wants the bucket in the host name is written `s3://bucket/prefix?virtual_hosting=true`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from core.errors import NotReady, Retry
from core.text import T

_CONNECT_TIMEOUT_S = 10
_TIMEOUT_S = 60
_TRIES = 3
_DENIED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "INVALID_CLIENT_TOKEN_ID", "SIGNATURE_DOES_NOT_MATCH",
           "EXPIRED_TOKEN", "UNRECOGNIZED_CLIENT")  # fmt: skip


def denies(error: OSError) -> bool:
    """Does an object store let us not in?"""
    return any(word in str(error) for word in _DENIED)


class Store:
    """A folder of files. `root` is its path in `fs`; `local` says that it is on this machine."""

    def __init__(self, root: str) -> None:
        url = urlsplit(root)
        self.local = url.scheme != "s3"
        self._virtual_hosting = url.query == "virtual_hosting=true"
        if self.local and "://" in root:
            raise _no_store()
        if not self.local and (not url.hostname or "@" in url.netloc or (url.query and not self._virtual_hosting)):
            raise _no_store()
        self.root = str(Path(root).absolute()) if self.local else f"{url.netloc}{unquote(url.path)}".rstrip("/")

    @cached_property
    def fs(self) -> Any:
        """The store itself; an object store is asked only when it is needed."""
        if self.local:
            return pafs.LocalFileSystem()
        return object_store(
            endpoint=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
            virtual_hosting=self._virtual_hosting,
        )

    @contextmanager
    def answering(self) -> Iterator[None]:
        """An object store that fails is said so: Retry while it is away, NotReady when it lets us not in."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            if self.local:
                raise
            if denies(error):
                raise NotReady(
                    T("落地区拒绝访问。", "The landing store denies access."),
                    remedy=T(
                        "核对 landing_url 与 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY 及桶的读写权限。",
                        "Check landing_url, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the rights on the bucket.",
                    ),
                    code="landing_denied",
                ) from error
            raise Retry(
                T("落地区没有应答。", "The landing store does not answer."),
                remedy=T(
                    "稍后会自动重试;持续如此时请检查对象存储、landing_url 与 AWS_ENDPOINT_URL。",
                    "It is tried again later; if this persists, check the object store, landing_url and AWS_ENDPOINT_URL.",
                ),
                code="landing_down",
            ) from error


def object_store(
    *, endpoint: str | None, region: str | None, virtual_hosting: bool = False, **keys: str | None
) -> pafs.S3FileSystem:
    """An S3-compatible store that is given up in bounded time. Without `access_key` and `secret_key` (`session_token`,
    `tls_ca_file_path`) they come from the environment. Raises ValueError for an endpoint that is none."""
    try:
        return pafs.S3FileSystem(
            endpoint_override=endpoint,
            region=region or "us-east-1",
            force_virtual_addressing=virtual_hosting,
            connect_timeout=_CONNECT_TIMEOUT_S,
            request_timeout=_TIMEOUT_S,
            retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_TRIES),
            **keys,
        )
    except pa.ArrowException as error:
        raise ValueError("not an S3 endpoint") from error


def _no_store() -> NotReady:
    # The address may hold a password, so it is not shown.
    return NotReady(
        T("landing_url 不是可用的地址。", "landing_url is no usable address."),
        remedy=T(
            "写本地目录或 s3://桶/前缀;密钥不写在地址中,放入 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY。",
            "Write a folder or s3://bucket/prefix; keys do not stand in it but in AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        ),
        code="landing_url",
    )
