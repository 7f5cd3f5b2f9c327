"""The one statement a feed asks of a database, before it is put into a dialect.

`source.query` or `source.table` says what to read. An incremental feed is bounded by its watermark: a query that holds
`:since` places the bound itself, any other is wrapped. The bound is `>=` (ties are never lost), and rows without a mark
are read every time, since nothing would ever bring them again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.watermark import is_number, is_time
from core.errors import BatchBlocked, DocumentRefused
from core.text import T

if TYPE_CHECKING:
    from connectors.system import Feed

TIMEOUT_S = 3600
"""Longest run of one statement; a source may set `timeout_s`."""

_SINCE = re.compile(r"(?<![:\w\\]):since\b")


@dataclass(frozen=True)
class Query:
    """What to read from one database for one feed."""

    text: str
    """A SELECT without a final semicolon; may hold `:since`."""
    counted: bool
    """The source is a plain table, so counting it costs little."""
    watermark: str | None
    since: str | None
    timeout_s: int
    only: tuple[str, ...] = ()
    """The columns that are read where not all are: a scan of keys. The watermark is one of them, or not observed."""

    @property
    def places_bound(self) -> bool:
        """Does the query say itself where the bound goes?"""
        return _SINCE.search(self.text) is not None

    def bound(self, literal: str) -> str:
        """The query with its own `:since` replaced."""
        return _SINCE.sub(lambda _: literal, self.text)

    def projected(self, statement: str, quote: Callable[[str], str]) -> str:
        """A statement with only the columns that are read of it."""
        if not self.only:
            return statement
        return f"SELECT {', '.join(quote(name) for name in self.only)} FROM (\n{statement}\n) projected"

    def mark_among(self, names: list[str]) -> str | None:
        """The watermark column, checked against what the source gives; None when the whole source is read."""
        if self.watermark is None or self.watermark in names:
            return self.watermark
        near = next((name for name in names if name.lower() == self.watermark.lower()), "")
        hint = T(f"(来源中为 {near})", f" (the source calls it {near})") if near else T("", "")
        raise BatchBlocked(
            T(
                f"来源没有增量字段 {self.watermark}{hint.zh}。",
                f"The source has no watermark column {self.watermark}{hint.en}.",
            ),
            code="missing_column",
            remedy=T("请修改系统文档的 watermark。", "Correct `watermark` in the system document."),
        )


def query_of(feed: Feed, since: str | None, quote: Callable[[str], str]) -> Query:
    """The feed's query; table names are quoted as written, part by part (`schema.table`)."""
    table = feed.source.get("table")
    if not table and not feed.source.get("query"):
        raise DocumentRefused(
            T("没有写明读什么。", "It does not say what to read."),
            file=feed.system,
            path=f"{feed.id}.source",
            remedy=T("请写 query 或 table。", "Give a query or a table."),
        )
    text = (
        f"SELECT * FROM {'.'.join(quote(part) for part in str(table).split('.'))}"
        if table
        else str(feed.source["query"]).strip().rstrip(";") + "\n"  # a comment at its end must not swallow what follows
    )
    incremental = feed.mode != "full" and feed.watermark is not None
    if _SINCE.search(text) and not incremental:
        raise BatchBlocked(
            T("查询含 :since,但该任务不是增量任务。", "The query holds :since, but the feed is not incremental."),
            code="query",
            remedy=T("请写明 mode: incremental 与 watermark。", "Give it `mode: incremental` and a `watermark`."),
        )
    return Query(
        text=text,
        counted=bool(table),
        watermark=feed.watermark if incremental else None,
        since=since if incremental else None,
        timeout_s=int(feed.source.get("timeout_s", TIMEOUT_S)),
        only=feed.only,
    )


def beyond(name: str, since: str, bound: str, length: str) -> str:
    """The condition under which rows of a text column lie at or after a mark. `name` and `bound` are SQL, `length` is the
    dialect's function for the length of a text.

    Text that holds numbers does not sort by their value (`9` after `10`): longer ones come later. Times written as digits
    are all of one length. Raises BatchBlocked for a number whose order text cannot say at all.
    """
    if not is_number(since) or is_time(since):
        return f"{name} >= {bound}"
    if not since.isdigit():
        raise BatchBlocked(
            T(
                f"增量水位 {since} 是以文本存放的数,无法比较先后。",
                f"The watermark {since} is a number kept as text, which does not sort.",
            ),
            code="watermark",
            remedy=T(
                "请在系统文档中改用 query,并把该字段转换为数值。",
                "Use a `query` in the system document that casts this column to a number.",
            ),
        )
    return f"({length}({name}) > {len(since)} OR {length}({name}) = {len(since)} AND {name} >= {bound})"


def bad_bound() -> BatchBlocked:
    """The stored watermark does not fit the type the column has now."""
    return BatchBlocked(
        T("已存的增量水位与来源字段的类型不符。", "The stored watermark does not fit the type of the source's column."),
        code="watermark",
        remedy=T(
            "来源可能改了字段类型:请全量重新抽取。", "The source may have changed the type: read it in full again."
        ),
    )


def repeated_column(name: str) -> BatchBlocked:
    """Two columns of one name cannot be told apart."""
    return BatchBlocked(
        T(f"查询结果中字段 {name} 出现两次。", f"The result holds column {name} twice."),
        code="query",
        remedy=T("请在查询中为其中一个取别名。", "Give one of them an alias in the query."),
    )


def mixed_types(name: str) -> BatchBlocked:
    """A later value does not fit the type that the column's first values have."""
    return BatchBlocked(
        T(f"来源字段 {name} 的值前后类型不一致。", f"The values of column {name} are not of one type."),
        code="query",
        remedy=T(
            "请在系统文档中改用 query,并把该字段转换为文本。",
            "Use a `query` in the system document that casts this column to text.",
        ),
    )


def check_names(names: list[str]) -> None:
    """Refuse a result in which a column name occurs twice."""
    for name, times in Counter(names).items():
        if times > 1:
            raise repeated_column(name)
