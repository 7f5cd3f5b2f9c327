"""The access line and the counters of a request, as plain ASGI. A line holds the route's template and never the query
string, the body or the path as called: any of them could carry personal data."""

from __future__ import annotations

import time
import traceback

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.problems import of_status
from core.log import get_logger

log = get_logger("hutong.access")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
]


class Access:
    """Wraps the application: one line, one count, security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status, begun_answer = 500, False

        async def sending(message: Message) -> None:
            nonlocal status, begun_answer
            if message["type"] == "http.response.start":
                status, begun_answer = message["status"], True
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], *_SECURITY]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            # ends here: the server would log a driver's or library's message, which may quote a person's data
            log.error("unhandled", error=type(error).__name__, at=_place(error))
            if not begun_answer:
                await of_status(500)(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in metrics.METHODS else "other"
            seconds = time.perf_counter() - begun
            metrics.labelled(metrics.REQUESTS, method, route, f"{status // 100}xx").inc()
            metrics.labelled(metrics.SECONDS, route).observe(seconds)
            if route not in _QUIET:
                log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


def _place(error: BaseException) -> str:
    """Where it was raised: file, line and function, no values."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames[-4:])
    )
