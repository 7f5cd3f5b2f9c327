"""How a service is walked page by page, and how a walk that would never end is noticed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import httpx

from core.errors import BatchBlocked
from core.text import T

KINDS = ("cursor", "page", "offset", "link")


@dataclass(frozen=True)
class Page:
    """One answer, as far as paging needs it."""

    url: httpx.URL
    records: list[Any]
    next: Any
    """What the answer names as next: a cursor or an address."""
    link: str | None
    """The `Link` header (RFC 8288)."""
    read: int
    """Records read so far, this page included."""
    total: int | None


Step = tuple[httpx.URL, dict[str, str]]


class Walk:
    """The steps of one walk: ask `after(page)` for the next request until it gives None."""

    def __init__(self, kind: str | None, source: dict[str, Any]) -> None:
        if kind is not None and kind not in KINDS:
            raise _stuck(T(f"没有翻页方式 {kind}", f"there is no paging {kind!r}; there are {', '.join(KINDS)}"))
        self._kind = kind
        self._parameter = str(source.get("parameter", kind))
        self._number = int(source.get("first", 1))
        self._seen: set[str] = set()
        self._pages: set[bytes] = set()

    def begin(self, url: httpx.URL) -> Step:
        """The first request."""
        if self._kind == "page":
            return url, {self._parameter: str(self._number)}
        return url, {self._parameter: "0"} if self._kind == "offset" else {}

    def after(self, page: Page) -> Step | None:
        """The request that follows, None at the end. Raises BatchBlocked when the walk goes in a circle."""
        if self._kind is not None and page.records:
            self._new(page.records)
        if self._kind == "cursor":
            cursor = page.next
            if cursor in (None, "", False):
                return None
            self._once(str(cursor))
            return page.url, {self._parameter: str(cursor)}
        if self._kind == "link":
            target = page.next or _next_link(page.link)
            if not target:
                return None
            self._once(str(target))
            return _same_origin(page.url, str(target)), {}
        if self._kind is None or not page.records or (page.total is not None and page.read >= page.total):
            return None
        self._number += 1
        return page.url, {self._parameter: str(self._number if self._kind == "page" else page.read)}

    def _new(self, records: list[Any]) -> None:
        """Tokens that go on changing do not help when the pages under them come again."""
        digest = hashlib.blake2b(repr(records).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in self._pages:
            raise _stuck(T("同一页内容重复出现", "the same page comes again"))
        self._pages.add(digest)

    def _once(self, token: str) -> None:
        if token in self._seen:
            raise _stuck(T("翻页标记重复出现", "a page token occurs twice"))
        self._seen.add(token)


def _next_link(header: str | None) -> str | None:
    """The target of `rel="next"` (RFC 8288 §3)."""
    answer = httpx.Response(200, headers={"Link": header} if header else {})
    return answer.links.get("next", {}).get("url")


def _same_origin(here: httpx.URL, target: str) -> httpx.URL:
    """The next address; one elsewhere would be sent our token."""
    try:
        there = here.join(target)
    except (httpx.InvalidURL, UnicodeError):
        raise _stuck(T("下一页的地址不可用", "the address of the next page is none")) from None
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        raise _stuck(T("下一页指向另一台主机", "the next page lies on another host"))
    return there


def _stuck(why: T) -> BatchBlocked:
    return BatchBlocked(
        T(f"翻页无法继续:{why.zh}。", f"Paging cannot go on: {why.en}."),
        code="paging",
        remedy=T(
            "请核对系统文档的 paging、parameter、next,或联系该部门。",
            "Check `paging`, `parameter` and `next` in the system document, or ask the department.",
        ),
    )
