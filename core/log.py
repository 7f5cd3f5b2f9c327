"""Logging: structured lines, and a last guard that masks whatever looks like a person's or a firm's number."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, cast

import msgspec
import structlog

# A guard, not the rule: code never logs personal data; this keeps a mistake (or a driver's message) from becoming a leak.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(\d{6})\d{5,8}(\d{3}[0-9Xx])(?![0-9A-Za-z])|(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")

_LONG = re.compile(r"\d{11}")  # what every such number holds: most texts need no closer look


def redact(text: str) -> str:
    """Text with citizen numbers (15 or 18 digits) and mobile numbers masked."""
    if _LONG.search(text) is None:
        return text
    return _NUMBER.sub(lambda m: f"{m[1] or m[3]}****{m[2] or m[4]}", text)


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def _json(event: MutableMapping[str, Any], **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure(level: str = "INFO", file: Path | None = None) -> None:
    """Send logs to a file, or to standard error, as one JSON object a line."""
    handler: logging.Handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    )
    handler.setFormatter(_RedactingFormatter("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_event,
            structlog.processors.JSONRenderer(_json),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A structured logger."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))
