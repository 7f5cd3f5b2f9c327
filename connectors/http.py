"""Asking a departmental service over HTTP: who we are, patience, and giving up in bounded time.

Answers 408, 425, 429 and 5xx and broken connections are asked again, after what `Retry-After` says (RFC 9110 §10.2.3)
or after a doubling, jittered wait. Headers and query strings never reach an error message.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import httpx

from connectors import refusals
from core import clock
from core.errors import BatchBlocked, HutongError, NotReady
from core.text import T

_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
MAX_BODY_BYTES = 128 << 20
"""A page larger than this is not held in memory; ask for smaller pages."""


@dataclass(frozen=True)
class Patience:
    """How long a request is tried: `tries` at most, waits doubling from `first_s` to `longest_s`, `total_s` in all. A service
    silent for `silence_s` has gone."""

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 30.0
    total_s: float = 300.0
    silence_s: float = 60.0


class Service:
    """One departmental HTTP service, for the time of an extraction.

    Secret: `base_url`, and one of `token` (bearer), `headers` (names and values), or `token_url`, `client_id` and
    `client_secret` (OAuth 2 client credentials, RFC 6749 §4.4; optionally `scope`). `ca_file`: a private authority.
    """

    def __init__(self, system: str, secret: dict[str, Any], patience: Patience) -> None:
        self._system = system
        self._secret = secret
        self._patience = patience
        self._token: str | None = secret.get("token")
        # Departmental systems are on the government network: a proxy set for the internet must not see the token.
        try:
            headers = httpx.Headers(dict(secret.get("headers", {})))
            f"{self._token or ''}".encode("ascii")
            self._client = httpx.Client(
                timeout=httpx.Timeout(patience.silence_s, connect=10.0), trust_env=False, headers=headers,
                verify=ssl.create_default_context(cafile=secret.get("ca_file")),
            )  # fmt: skip
        except (TypeError, ValueError, AttributeError, OSError) as error:
            wrong = "ca_file" if isinstance(error, OSError) else "headers / token"
            raise self._unusable(wrong) from None
        try:
            self.base = httpx.URL(str(secret["base_url"]).rstrip("/") + "/")
        except (KeyError, httpx.InvalidURL):
            raise self._no_address() from None
        if self.base.scheme not in {"http", "https"} or not self.base.host:
            raise self._no_address()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def get(self, url: httpx.URL, params: dict[str, str]) -> tuple[httpx.Headers, bytes]:
        """The headers and body of a 200 answer. Raises SourceDown after the last try, BatchBlocked when refused."""
        if self._token is None and "token_url" in self._secret:
            self._token = self._fetch_token()
        # Parameters are merged into the URL's own query; httpx would replace it.
        try:
            request = {"method": "GET", "url": url.copy_merge_params(params)}
        except (httpx.InvalidURL, UnicodeError):
            raise BatchBlocked(
                T(f"来源系统 {self._system} 给出的翻页标记不能放入地址。",
                  f"The page token that source system {self._system} gives fits into no address."),
                code="paging",
                remedy=T("请联系该部门。", "Ask the department."),
            ) from None  # fmt: skip
        answer = self._patiently(request)
        if answer.status_code == 401 and "token_url" in self._secret:
            self._token = self._fetch_token()
            answer = self._patiently(request)
        if answer.status_code != 200:
            raise self._refused(answer.status_code, url)
        return answer.headers, answer.content

    def _patiently(self, request: dict[str, Any]) -> httpx.Response:
        started = time.monotonic()
        for attempt in range(1, self._patience.tries + 1):
            answer: httpx.Response | None = None
            try:
                answer = self._send(request, started + self._patience.total_s)
            except httpx.UnsupportedProtocol:
                raise self._no_address() from None
            except (httpx.TransportError, httpx.DecodingError):  # broken off, or packed in a way that does not open
                asked = None
            else:
                if answer.status_code not in _RETRY:
                    return answer
                asked = _retry_after(answer.headers.get("Retry-After"))
            wait = asked if asked is not None else self._pause(attempt)
            left = self._patience.total_s - (time.monotonic() - started)
            if attempt == self._patience.tries or wait > left:
                raise self._down(answer, asked)
            time.sleep(wait)
        raise self._down(None, None)

    def _send(self, request: dict[str, Any], deadline: float) -> httpx.Response:
        headers = {"Accept": "application/json"}
        if self._token is not None and "data" not in request:
            headers["Authorization"] = f"Bearer {self._token}"
        with self._client.stream(**request, headers=headers) as answer:
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer trickles")  # httpx limits only the wait for the next bytes
                if len(body) > MAX_BODY_BYTES:
                    raise refusals.unreadable(
                        request["url"].path,
                        T("一页超过 128 MiB", "one page exceeds 128 MiB"),
                        T("请减小每页条数。", "Ask for smaller pages."),
                    )
        return httpx.Response(answer.status_code, headers=_decoded(answer.headers), content=bytes(body))

    def _fetch_token(self) -> str:
        secret = self._secret
        if missing := [name for name in ("client_id", "client_secret") if not isinstance(secret.get(name), str)]:
            raise self._unusable(", ".join(missing))
        form = {"grant_type": "client_credentials", **({"scope": secret["scope"]} if "scope" in secret else {})}
        request = {
            "method": "POST", "url": httpx.URL(secret["token_url"]), "data": form,
            "auth": (secret["client_id"], secret["client_secret"]),
        }  # fmt: skip
        answer = self._patiently(request)
        try:
            token = answer.json()["access_token"] if answer.status_code == 200 else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            raise refusals.denied(self._system)
        return token

    def _pause(self, attempt: int) -> float:
        doubled = min(self._patience.longest_s, self._patience.first_s * 2 ** (attempt - 1))
        return float(doubled) * random.uniform(
            0.5, 1.0
        )  # so that feeds which failed together do not come back together

    def _down(self, answer: httpx.Response | None, asked: float | None) -> HutongError:
        status = f"HTTP {answer.status_code}" if answer is not None else ""
        why = T(f"暂不可用({status})", f"is unavailable for now ({status})") if status else None
        return refusals.down(self._system, self.base.netloc.decode(), why=why, retry_after=asked)

    def _refused(self, status: int, url: httpx.URL) -> HutongError:
        if status in {401, 403}:
            return refusals.denied(self._system)
        return BatchBlocked(
            T(
                f"来源系统 {self._system} 对 {url.path} 返回 HTTP {status}。",
                f"Source system {self._system} answers {url.path} with HTTP {status}.",
            ),
            code="request",
            remedy=T(
                "请核对系统文档中的 endpoint 与 params;3xx 通常是登录页。",
                "Check `endpoint` and `params` in the system document; a 3xx is usually a login page.",
            ),
        )

    def _unusable(self, name: str) -> NotReady:
        return NotReady(
            T(f"来源系统 {self._system} 的密钥中 {name} 缺少或不可用。",
              f"{name} in the secret of {self._system} is missing or cannot be used."),
            remedy=T("核对该系统的密钥(hutong secret set)。", "Check the system's secret (`hutong secret set`)."),
            code="secret",
        )  # fmt: skip

    def _no_address(self) -> NotReady:
        return NotReady(
            T(
                f"来源系统 {self._system} 的密钥没有可用的 base_url。",
                f"The secret of {self._system} has no usable base_url.",
            ),
            remedy=T("形式为 https://主机/路径。", "It reads https://host/path."),
        )


def _decoded(headers: httpx.Headers) -> httpx.Headers:
    """The body was decompressed while it was read."""
    return httpx.Headers([(name, value) for name, value in headers.raw if name.lower() != b"content-encoding"])


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from either form of the header; None when it is absent or unreadable."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    aware: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - clock.now()).total_seconds())
