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


def _line(event: MutableMapping[str, Any], **_: Any) -> bytes:
    return redact(msgspec.json.encode(event, enc_hook=repr).decode()).encode()


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


#: one list for as long as the process lives: loggers keep the one they were first used with
_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(_line),
]


def configure(level: str = "INFO", file: Path | None = None) -> None:
    """Send logs to a file, or to standard error, as one JSON object a line. Libraries' lines go there too."""
    handler: logging.Handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    )
    handler.setFormatter(_RedactingFormatter("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=_PROCESSORS,
        # bytes, straight to where they go: a line at every request, so the standard library's way to it counts
        logger_factory=structlog.BytesLoggerFactory(file.open("ab") if file else sys.stderr.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A structured logger."""
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(name))
