"""Bounds on what a caller may send: the size of a body, and failed attempts at a token."""

from __future__ import annotations

import time
from collections import OrderedDict

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import of_status
from certificates.request import MAX_TYPES
from core.text import T

BODY_BYTES = 64 * 1024  # the largest question there can be has some 20 kB


class BodyLimit:
    """Answers 413 to a body beyond the limit, whether its length was announced or not."""

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: its body is read here, up to the limit, and given on whole."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the caller has gone
            body += message.get("body", b"")
            if len(body) > self.limit:
                await of_status(413, remedy=_smaller(self.limit, scope["path"]))(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        given = False

        async def whole() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, whole, send)


def _smaller(limit: int, path: str) -> T:
    """How large a body may be; of certificates how many at once, which is what made one so large."""
    said = T(f"请求体至多 {limit // 1024} KiB。", f"A body has at most {limit // 1024} KiB.")
    if not path.startswith("/v1/certificates/"):
        return said
    return T(f"{said.zh}证明一次至多 {MAX_TYPES} 项。", f"{said.en} At most {MAX_TYPES} certificates at once.")


class Failures:
    """How often somebody failed within the last minute, in this process; bounded in memory."""

    def __init__(self, allowed: int, seconds: float = 60, *, remembered: int = 10_000) -> None:
        self.allowed, self.seconds, self.remembered = allowed, seconds, remembered
        self._seen: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def wait(self, *who: str) -> int:
        """Seconds until they may try again, 0 at once."""
        begun, count = self._seen.get(who, (0.0, 0))
        left = begun + self.seconds - time.monotonic()
        return int(left) + 1 if count >= self.allowed and left > 0 else 0

    def count(self, *who: str) -> None:
        """One more failure."""
        now = time.monotonic()
        begun, count = self._seen.pop(who, (now, 0))
        self._seen[who] = (begun, count + 1) if now - begun < self.seconds else (now, 1)
        if len(self._seen) > self.remembered:
            self._seen.popitem(last=False)
