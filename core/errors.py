"""Errors, grouped by what to do next.

HutongError                 a message and its remedy
├── Retry                   try again later
│   ├── SourceDown              a departmental system does not answer
│   └── DatabaseUnavailable     the hub's own database does not answer
├── Stop                    a person must look
│   ├── DocumentRefused         a contract, system, library or certificate document is wrong
│   ├── BatchBlocked            a guard stopped a batch; the library keeps yesterday's
│   └── NotReady                the installation: wrong DSN, old server, port in use, no disk
└── Refused                 the caller's request; carries an HTTP status and a stable problem type
    ├── Invalid 422  Unauthorised 401  Forbidden 403  NotFound 404  Conflict 409  Outdated 412
    └── AuditUnavailable 503    no audit, no answer
"""

from __future__ import annotations

from typing import Any, ClassVar

from core.text import T


class HutongError(Exception):
    """What went wrong and what to do about it. Never holds personal data."""

    def __init__(self, message: T | str, *, remedy: T | str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.message), str(self.remedy)) if part)


class Retry(HutongError):
    """Nothing is wrong here; try again later."""


class SourceDown(Retry):
    """A departmental system does not answer."""

    def __init__(
        self, message: T | str, *, remedy: T | str = "", code: str = "source_down", retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.retry_after = retry_after


class DatabaseUnavailable(Retry):
    """The hub's own database does not answer."""


class Stop(HutongError):
    """A person must look before anything goes on."""


class DocumentRefused(Stop):
    """A document is wrong; `file` and `path` say where (`schema[0].properties[3].valueType`)."""

    def __init__(self, message: T | str, *, file: str, path: str = "", remedy: T | str = "") -> None:
        super().__init__(message, remedy=remedy, code="document_refused")
        self.file = file
        self.path = path

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.path else self.file
        return f"{place}: {super().__str__()}"


class BatchBlocked(Stop):
    """A guard stopped a batch. `code` is stable (`too_few_rows`, `unknown_column`, `checksum` …); `facts` is what the guard
    saw, kept with the batch for whoever decides on it: counts and names of columns and rules, never a value."""

    def __init__(
        self, message: T | str, *, remedy: T | str = "", code: str = "", facts: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.facts = facts or {}
        #: the batch, once it is known which
        self.batch: str | None = None


class NotReady(Stop):
    """The installation cannot run as it is."""


class Refused(HutongError):
    """The caller's request is refused (RFC 9457 problem)."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "refused"

    def __init__(
        self, message: T | str, *, remedy: T | str = "", pointer: str = "", headers: dict[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, remedy=remedy, code=self.type)
        self.pointer = pointer
        #: several things wrong, each with its own pointer
        self.errors = errors or []
        self.headers = headers or {}


class Invalid(Refused):
    """The request is not of the form asked for; `pointer` (RFC 6901) says where."""

    status = 422
    type = "invalid"


class Unauthorised(Refused):
    """No valid token."""

    status = 401
    type = "unauthorised"


class Forbidden(Refused):
    """A valid token without the right asked for."""

    status = 403
    type = "forbidden"


class NotFound(Refused):
    """There is no such thing."""

    status = 404
    type = "not_found"


class Conflict(Refused):
    """Somebody else changed it, or it is already so."""

    status = 409
    type = "conflict"


class Outdated(Refused):
    """It has changed since the caller looked (RFC 9110 §13.1.1)."""

    status = 412
    type = "outdated"


class AuditUnavailable(Refused):
    """The audit log cannot be written, so no answer is given (DESIGN: no audit, no answer)."""

    status = 503
    type = "audit_unavailable"
