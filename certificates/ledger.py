"""The audit rows of answers: committed before anything leaves, those that wait at one moment by one statement.

An answer waits for its own row and no other. While a statement is on its way the next rows gather, so the busier the
exchange, the fewer commits an answer costs. Rows that cannot be written together are tried each by itself.
"""

from __future__ import annotations

import asyncio
from functools import cache
from itertools import chain
from typing import NamedTuple

from certificates import pool
from core import audit
from core.errors import AuditUnavailable, DatabaseUnavailable
from core.log import get_logger
from core.text import T

log = get_logger(__name__)
MOST = 16  # rows of one statement, each number of them a statement of its own
_COLUMNS = (
    "id", "at", "kind", "department", "client", "operator", "service_item", "case_no", "subject", "kid", "canonical", "hash",
)  # fmt: skip


@cache
def _insert(rows: int) -> str:
    """The statement of so many rows. Plain values: the driver looks at every element of an array several times."""
    width = len(_COLUMNS)
    values = (f"({', '.join(f'${row * width + at}' for at in range(1, width + 1))})" for row in range(rows))
    return f"INSERT INTO hub.audit ({', '.join(_COLUMNS)}) VALUES {', '.join(values)}"


class _Row(NamedTuple):
    values: tuple[object, ...]  # in the order of _COLUMNS
    written: asyncio.Future[None]


class Ledger:
    """Writes the audit rows of one process's answers."""

    def __init__(self, connections: pool.Pool) -> None:
        self._pool = connections
        self._waiting: list[_Row] = []
        self._writer: asyncio.Task[None] | None = None

    async def commit(self, entry: audit.Entry) -> None:
        """Return when the row is committed. Raises AuditUnavailable when it cannot be written."""
        parameters = entry.parameters()
        row = _Row(tuple([parameters[name] for name in _COLUMNS]), asyncio.get_running_loop().create_future())
        self._waiting.append(row)
        if self._writer is None:
            # a task of its own: whoever asked may go away, the others still wait for their rows
            self._writer = asyncio.create_task(self._write())
        await row.written

    async def _write(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._insert(together)
        finally:
            self._writer = None

    async def _insert(self, together: list[_Row]) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_insert(len(together)), *chain.from_iterable(row.values for row in together))
        except pool.ERRORS as error:
            if len(together) == 1:
                _refuse(together, error)
            else:
                for row in together:
                    await self._insert([row])
        except DatabaseUnavailable as error:
            _refuse(together, error)
        except BaseException as error:
            _refuse([*together, *self._waiting], error)  # nobody waits for ever, whatever went wrong
            raise
        else:
            for row in together:
                if not row.written.done():  # whoever waited may have gone
                    row.written.set_result(None)


def _refuse(rows: list[_Row], cause: BaseException) -> None:
    log.error("audit row not written", sqlstate=pool.sqlstate(cause), rows=len(rows))
    for row in rows:
        if not row.written.done():
            error = AuditUnavailable(
                T("查询留痕无法写入，未作答复。", "The audit log cannot be written, so no answer is given."),
                remedy=T(
                    "请稍后重试；管理员检查数据库空间与权限。", "Try again later; an administrator checks the database."
                ),
                headers={"Retry-After": "5"},
            )
            error.__cause__ = cause
            row.written.set_exception(error)
