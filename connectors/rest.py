"""Services that answer JSON over HTTP, walked page by page.

Secret: see connectors.http. Source:
    endpoint    path below the secret's base_url (default: the base_url itself)
    params      query parameters; one that holds `{since}` is left out on a first run
    records     dotted path to the list of records (default: the answer itself)
    paging      cursor | page | offset | link; absent: one page
    parameter   the paging parameter's name (default: the kind's); `first` is the number of the first page (1)
    next        dotted path to the next cursor, or for `link` the next address (default: the Link header)
    total       dotted path to the number of records the service says there are

Every value becomes text exactly as it was written (numbers are never rounded; objects and lists stay JSON), so the
schema is the same on every page: the mapped columns and what the first records hold.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa

from connectors import refusals
from connectors.extraction import Extraction
from connectors.http import Patience, Service
from connectors.paging import Page, Walk
from core.errors import BatchBlocked, HutongError
from core.text import T

if TYPE_CHECKING:
    from connectors.system import Feed, System

SOURCE_KEYS = ("endpoint", "params", "records", "paging", "parameter", "first", "next", "total", "timeout_s")
QUERIED = True
PATIENCE = Patience()
MOST_RECORDS, MOST_VALUES = 2_000_000, 8_000_000
"""What a page may hold: Python takes up to a hundred times the bytes of `{},{},…`, and an answer may come packed."""

LONGEST_WALK_S = 3600
"""An extraction that takes longer is given up; a source may set `timeout_s`."""


def extract(
    system: System, feed: Feed, secret: dict[str, Any], since: str | None, *, chunk_rows: int = 200_000
) -> Extraction:
    """The records of one feed that changed at or after `since`, or all of them."""

    def read(run: Extraction) -> Iterator[pa.RecordBatch]:
        bound = since if feed.mode != "full" else None
        with Service(system.id, secret, PATIENCE) as service:
            yield from _Reading(service, system.id, feed, bound, run).batches()

    return Extraction(read, since=since, zone=feed.timezone, chunk_rows=chunk_rows)


class _Reading:
    """One walk over an endpoint."""

    def __init__(self, service: Service, system: str, feed: Feed, since: str | None, run: Extraction) -> None:
        self._service = service
        self._system = system
        self._feed = feed
        self._run = run
        self._source = dict(feed.source)
        self._params = _params(self._source.get("params") or {}, since)
        self._deadline = time.monotonic() + int(self._source.get("timeout_s", LONGEST_WALK_S))
        self._read = 0
        run.schema = _schema(feed.columns)

    def batches(self) -> Iterator[pa.RecordBatch]:
        walk = Walk(self._source.get("paging"), self._source)
        url = self._service.base.join(str(self._source.get("endpoint", "")).lstrip("/"))
        step: tuple[httpx.URL, dict[str, str]] | None = walk.begin(url)
        while step is not None:
            page = self._page(*step)
            if page.records:
                yield self._batch(page.records)
            step = walk.after(page)
            if time.monotonic() > self._deadline:
                raise refusals.down(self._system, why=refusals.TOO_SLOW)

    def _page(self, url: httpx.URL, step: dict[str, str]) -> Page:
        # A next address carries its own parameters.
        fixed = {name: value for name, value in self._params.items() if name not in url.params}
        headers, body = self._service.get(url, {**fixed, **step})
        answer = self._parsed(headers, body)
        records = _at(answer, self._source.get("records"))
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            where = self._source.get("records") or "$"
            raise self._unreadable(T(f"{where} 处没有记录列表", f"there is no list of records at {where}"))
        self._read += len(records)
        total = _whole(_at(answer, self._source["total"])) if "total" in self._source else None
        if total is not None:
            # The last page's word counts: the source may change while it is walked.
            self._run.source_rows = total
        following = _at(answer, self._source["next"]) if "next" in self._source else None
        return Page(url, records, following, headers.get("Link"), self._read, total)

    def _parsed(self, headers: httpx.Headers, body: bytes) -> Any:
        if body.count(b"{") + body.count(b"[") > MOST_RECORDS or body.count(b",") > MOST_VALUES:
            raise self._unreadable(T("一页的记录太多,请减小每页条数", "one page holds too many records; ask for fewer"))
        try:
            return json.loads(_text(headers, body), parse_float=_Digits, parse_constant=_no_constant)
        except (ValueError, RecursionError, LookupError):
            raise self._unreadable(_kind_of(body)) from None

    def _batch(self, records: list[dict[str, Any]]) -> pa.RecordBatch:
        names = self._run.schema.names
        if self._read == len(records):
            held = frozenset(names)
            seen = dict.fromkeys(name for record in records for name in record)
            if any(not name.isprintable() and _is_half(name) for name in seen):
                raise self._unreadable(T("字段名不是文本", "the name of a field is no text"))
            self._run.schema = _schema([*names, *(name for name in seen if name not in held)])
            names = self._run.schema.names
        known = {*names, *self._feed.ignore}
        unknown = next((name for record in records for name in record if name not in known), None)
        if unknown is not None:
            raise BatchBlocked(
                T(f"来源在后续页中出现新字段 {unknown}。", f"Field {unknown} appears only on a later page."),
                code="unknown_column",
                remedy=T("请在系统文档中映射或忽略它。", "Map it or ignore it in the system document."),
            )
        try:
            columns = [[_value(record.get(name)) for record in records] for name in names]
        except RecursionError:
            raise self._unreadable(T("一个值嵌套过深", "a value is nested too deeply")) from None
        if self._feed.watermark in names and self._feed.mode != "full":
            self._run.mark.observe(columns[names.index(str(self._feed.watermark))])
        return pa.RecordBatch.from_arrays([_column(cells) for cells in columns], schema=self._run.schema)

    def _unreadable(self, why: T) -> HutongError:
        return refusals.unreadable(
            f"{self._system} {self._source.get('endpoint', '')}",
            why,
            T("请联系该部门,或核对 endpoint 与 records。", "Ask the department, or check `endpoint` and `records`."),
        )


class _Digits(str):
    """A number with a fraction, as the digits the service wrote: 0.1 is not a float here."""


def _params(declared: dict[str, Any], since: str | None) -> dict[str, str]:
    named = {name: str(value) for name, value in declared.items()}
    return {
        name: value.replace("{since}", since or "")
        for name, value in named.items()
        if since is not None or "{since}" not in value
    }


def _schema(names: Any) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in names])


def _at(answer: Any, path: str | None) -> Any:
    """What stands at a dotted path (`data.items`, `results.0.rows`); None when nothing does."""
    for part in path.split(".") if path else ():
        if isinstance(answer, list) and part.isdigit() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _value(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def _is_half(name: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in name)


def _column(cells: list[str | None]) -> pa.Array:
    """Text as an Arrow column. JSON can write one half of a pair (`\\ud842`), which no text can hold: shown as U+FFFD, which
    the value types know as lost."""
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        whole = (cell and cell.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") for cell in cells)
        return pa.array(list(whole), pa.string())


def _json(value: Any) -> str:
    """Compact JSON; like json.dumps, but a number keeps its digits."""
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(name)}:{_json(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _no_constant(name: str) -> Any:
    """NaN and Infinity are not JSON (RFC 8259 §6)."""
    raise ValueError(name)


def _text(headers: httpx.Headers, body: bytes) -> str | bytes:
    charset = httpx.Response(200, headers=headers).charset_encoding
    if charset is None or charset.lower().startswith("utf"):
        return body
    # What calls itself GB2312 or GBK regularly holds characters only GB18030 has.
    return body.decode("gb18030" if charset.lower() in {"gb2312", "gbk"} else charset)


def _kind_of(body: bytes) -> T:
    """What came instead of JSON, never its content."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if not start:
        return T("应答为空", "the answer is empty")
    if start.startswith((b"<!doctype html", b"<html")):
        return T("应答是网页而不是 JSON", "the answer is an HTML page, not JSON")
    if start.startswith(b"<"):
        return T("应答是 XML 而不是 JSON", "the answer is XML, not JSON")
    if start.startswith((b"{", b"[")):
        return T("应答是不完整的 JSON", "the answer is broken JSON")
    return T("应答不是 JSON", "the answer is not JSON")
