"""What to tell people when a source refuses: later, or look at it. Never the source's own words about values.

A database quotes offending values in its messages (`invalid input syntax for type integer: "4309…"`), and those may be
a person's number; only messages about names (tables, columns, syntax) are passed on.
"""

from __future__ import annotations

from core.errors import BatchBlocked, SourceDown
from core.text import T

TOO_SLOW = T("没有在时限内完成查询", "did not finish the query within the time limit")


def down(system: str, where: str = "", *, why: T | None = None, retry_after: float | None = None) -> SourceDown:
    """The source does not answer; `where` is host and port or a path, without user or password."""
    place = f" ({where})" if where else ""
    cause = why or T("没有应答", "does not answer")
    return SourceDown(
        T(f"来源系统 {system}{place} {cause.zh}。", f"Source system {system}{place} {cause.en}."),
        remedy=T(
            "稍后会自动重试;持续如此时请检查网络并联系该部门。",
            "It is tried again later; if this persists, check the network and ask the department.",
        ),
        retry_after=retry_after,
    )


def denied(system: str) -> BatchBlocked:
    """The source knows us not, or lets us not read this."""
    return BatchBlocked(
        T(f"来源系统 {system} 拒绝访问。", f"Source system {system} denies access."),
        code="denied",
        remedy=T(
            "请核对该系统的密钥,并请部门授予读取权限。",
            "Check the system's secret, and ask the department for the right to read.",
        ),
    )


def wrong_query(system: str, detail: str = "") -> BatchBlocked:
    """The statement does not run: missing table or column, syntax, a cast that fails."""
    shown = f": {detail}" if detail else ""
    return BatchBlocked(
        T(f"来源系统 {system} 不能执行该查询{shown}。", f"Source system {system} cannot run the query{shown}."),
        code="query",
        remedy=T(
            "请核对系统文档中的 source(表名、字段名区分大小写)。",
            "Check `source` in the system document (names of tables and columns are case-sensitive).",
        ),
    )


def unreadable(what: str, why: T, remedy: T) -> BatchBlocked:
    """A file or an answer that is not what it should be; `what` names it."""
    return BatchBlocked(
        T(f"{what} 无法读取:{why.zh}。", f"{what} cannot be read: {why.en}."), code="unreadable", remedy=remedy
    )
