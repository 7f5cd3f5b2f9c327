"""The connections of answers: asynchronous, under the role that may read shared records and only INSERT audit rows."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from core.hub import Hub

ROLE = "hutong_answer"
STATEMENT_SECONDS: float = 5  # an answer is milliseconds; whatever takes longer must not hold a clerk's queue
MAX_WAITING = 256  # beyond, the caller is told at once to come back: a longer queue would only time out

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


def make(hub: Hub, *, size: int = 8) -> Pool:
    """A pool, not yet open. Autocommit: each read is one statement with a snapshot of its own, and the audit row is
    committed when its INSERT returns."""
    settings = {
        "role": ROLE,
        "timezone": hub.settings.timezone,
        "statement_timeout": int(STATEMENT_SECONDS * 1000),
        "jit": "off",
        # every plan starts at the subject's few keys whatever the values: planning anew each time costs more than running
        "plan_cache_mode": "force_generic_plan",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return AsyncConnectionPool(
        make_conninfo(hub.dsn, options=options, application_name="hutong-answer", connect_timeout=5),
        min_size=2, max_size=size, open=False, timeout=STATEMENT_SECONDS, max_waiting=MAX_WAITING, kwargs={"autocommit": True},
    )  # fmt: skip
