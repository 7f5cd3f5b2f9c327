"""Words that narrow a list: one that nothing goes by is refused with the near miss, not answered with an empty list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import NotFound
from core.text import T

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.hub import Hub


def require(word: str | None, known: set[str], what: T) -> None:
    """NotFound when a filter was given that is none of the known words."""
    from schemas.document import near

    if word is not None and word not in known:
        raise NotFound(T(f"没有{what.zh} {word}。", f"There is no {what.en} {word}."), remedy=near(word, known))


def feed(hub: Hub, connection: Connection, word: str | None) -> None:
    """A feed in force, or one that has had batches."""
    from catalog_registry import systems
    from schemas import published

    if word is not None:
        ids = {one for ids in systems.feed_ids(published.current(hub.home)).values() for one in ids}
        require(word, ids | _used(connection, "feed", "hub.batch"), T("采集任务", "feed"))


def dataset(hub: Hub, connection: Connection, word: str | None) -> None:
    """A dataset in force, or one that rows wait for."""
    from schemas import published

    if word is not None:
        known = set(published.current(hub.home).texts("contract"))
        require(word, known | _used(connection, "dataset", "hub.quarantine"), T("资源", "dataset"))


def department(hub: Hub, connection: Connection, word: str | None) -> None:
    """A registered department, or one that has had grants."""
    from schemas import published

    if word is not None:
        known = set(published.current(hub.home).texts("department"))
        require(word, known | _used(connection, "department", "hub.access_grant"), T("部门", "department"))


def _used(connection: Connection, column: str, table: str) -> set[str]:
    from sqlalchemy import text

    return set(connection.execute(text(f"SELECT DISTINCT {column} FROM {table}")).scalars())
