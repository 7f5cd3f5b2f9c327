"""A departmental system and its feeds, as one YAML document says them.

A feed pulls one dataset from one system; its id is `<system>.<dataset>`. Every source column is mapped to an item,
ignored by name, or blocks the batch; `watermark` and `flag.column` count as handled by being named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, model_validator

from connectors.kinds import kinds, queried
from connectors.watermark import Window, duration
from core.errors import DocumentRefused
from core.text import T
from schemas.codes import lists
from schemas.contract import Contract
from schemas.document import Place, Source, Strict, model, near, read

Mode = Literal["full", "incremental", "flagged"]
_ID = r"^[a-z][a-z0-9_]{0,39}$"
_CRON = re.compile(r"@(hourly|daily|weekly|monthly|yearly)|(\S+\s+){4}\S+")
_HERE = Path(__file__).parent


def _text_keys(value: Any) -> Any:
    """A source's codes are text, however YAML reads `1`. `true` has lost what the source writes: refused."""
    if not isinstance(value, dict):
        return value
    if any(isinstance(key, bool) or key is None for key in value):
        raise ValueError("quote this code")
    return {str(key): entry for key, entry in value.items()}


def _fraction(value: Any) -> Any:
    return Decimal(value[:-1]) / 100 if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?%", value) else value


class Rows(Strict):
    """How many rows a healthy delivery has."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int | None, Field(ge=0)] = None


def _duration(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


Every = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta())]
Late = Annotated[timedelta | Annotated[int, Field(gt=0, strict=True)], BeforeValidator(_duration)]
Share = Annotated[Decimal, BeforeValidator(_fraction), Field(ge=0, le=1)]


class Expect(Strict):
    """Guards on volume: bounds on the rows, the largest share by which they may shrink (written `5%`), and the largest share
    of a batch's rows that may fail before the batch is stopped whole."""

    rows: Rows = Rows()
    shrink: Share | None = None
    failing: Share = Decimal("0.5")


class KeyScan(Strict):
    """How often an increment's source is asked for all its keys, so that records gone there are closed here."""

    every: Every


class Covers(Strict):
    """What "none found" may be said about: divisions (GB/T 2260) and the earliest date the source holds."""

    divisions: tuple[Annotated[str, Field(pattern=r"^\d{6}$")], ...] = ()
    since: date | None = None


class Flag(Strict):
    """Where a flagged source says what happened to a row: the values that mean it is gone, and those that mean it is there.
    With `kept`, a row flagged otherwise waits; without it, every other value means there."""

    column: str
    removed: tuple[str, ...] = ("D",)
    kept: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_meaning(self) -> Flag:
        if both := sorted(set(self.removed) & set(self.kept)):
            raise ValueError(f"{', '.join(both)} cannot mean both removed and kept")
        return self


Codes = Annotated[Mapping[str, str], BeforeValidator(_text_keys)]


class _Feed(Strict):
    contract: str = Field(pattern=_ID)
    source: Mapping[str, Any] = Field(min_length=1)
    mode: Mode
    watermark: str | None = None
    flag: Flag | None = None
    late: Late | None = None
    key_scan: KeyScan | None = None
    timezone: str | None = None
    columns: Mapping[str, str] = Field(min_length=1)
    ignore: tuple[str, ...] = ()
    codes: Mapping[str, Codes] = {}
    expect: Expect = Expect()
    covers: Covers = Covers()
    schedule: str | None = None

    @model_validator(mode="after")
    def _modes(self) -> _Feed:
        if self.mode != "full" and self.watermark is None:
            raise ValueError(f"mode {self.mode} needs a watermark")
        if (self.mode == "flagged") != (self.flag is not None):
            raise ValueError("`flag` and mode flagged go together")
        if self.late is not None and self.mode == "full":
            raise ValueError("`late` is for feeds with a watermark: mode full reads everything anyway")
        if self.key_scan is not None and self.mode != "incremental":
            raise ValueError(f"`key_scan` is for mode incremental: mode {self.mode} tells of deletions itself")
        return self


class _System(Strict):
    system: str = Field(pattern=_ID)
    title: str
    department: str = Field(pattern=_ID)
    connector: str
    secret: str = Field(pattern=_ID)
    timezone: str = "Asia/Shanghai"
    feeds: tuple[_Feed, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Feed:
    """What to pull from one system for one dataset, how, and how often. `columns` maps source column → item, `codes`
    item → source value → standard value; `source` is the connector's own. `late` is how far before the watermark a run
    reads again, `key_scan` how often all keys are read; `only` are the columns that are read where not all are. `decided` are
    codes that stewards mapped since, in the same form: they come first, and add to a list rather than replacing it."""

    id: str
    dataset: str
    system: str
    source: Mapping[str, Any]
    mode: Mode
    columns: Mapping[str, str]
    watermark: str | None = None
    flag: Flag | None = None
    late: Window | None = None
    key_scan: timedelta | None = None
    timezone: str = "Asia/Shanghai"
    ignore: tuple[str, ...] = ()
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decided: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    expect: Expect = field(default_factory=lambda: Expect())
    covers: Covers = field(default_factory=lambda: Covers())
    schedule: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class System:
    """One departmental system. `secret` names the row of core.secrets that opens it."""

    id: str
    title: str
    department: str
    connector: str
    secret: str
    timezone: str
    feeds: tuple[Feed, ...]
    sha256: str
    text: str = field(repr=False)

    def feed(self, dataset: str) -> Feed:
        """The feed of that dataset. Raises KeyError."""
        return {feed.dataset: feed for feed in self.feeds}[dataset]


def load(document: str | Path, *, file: str = "") -> System:
    """Read and check a system document by itself. Raises DocumentRefused(file, path, remedy)."""
    source = read(document, file=file)
    said = model(source, _System)
    if said.connector not in kinds():
        raise source.refused(
            ("connector",),
            T(f"没有连接器 {said.connector}", f"there is no connector {said.connector}"),
            near(said.connector, kinds()),
        )
    _zone(source, ("timezone",), said.timezone)
    seen: set[str] = set()
    feeds: list[Feed] = []
    for number, feed in enumerate(said.feeds):
        place: Place = ("feeds", number)
        if feed.contract in seen:
            raise source.refused(
                (*place, "contract"),
                T(f"{feed.contract} 出现两次", f"{feed.contract} appears twice"),
                T("请合并为一个任务。", "Make them one feed."),
            )
        seen.add(feed.contract)
        _check_feed(source, place, feed)
        for word, asks in (("late", feed.late), ("key_scan", feed.key_scan)):
            if asks is not None and not queried(said.connector):
                raise source.refused(
                    (*place, word),
                    T(
                        f"连接器 {said.connector} 只能接收交付,不能重读来源",
                        f"the connector {said.connector} takes deliveries and cannot ask the source again",
                    ),
                    T(f"请去掉 {word}。", f"Take out `{word}`."),
                )
        feeds.append(
            Feed(
                id=f"{said.system}.{feed.contract}",
                dataset=feed.contract,
                system=said.system,
                source=feed.source,
                mode=feed.mode,
                columns=feed.columns,
                watermark=feed.watermark,
                flag=feed.flag,
                late=feed.late,
                key_scan=feed.key_scan.every if feed.key_scan else None,
                timezone=feed.timezone or said.timezone,
                ignore=feed.ignore,
                codes=feed.codes,
                expect=feed.expect,
                covers=feed.covers,
                schedule=feed.schedule,
            )
        )
    return System(
        id=said.system, title=said.title, department=said.department, connector=said.connector, secret=said.secret,
        timezone=said.timezone, feeds=tuple(feeds), sha256=source.sha256, text=source.text,
    )  # fmt: skip


def _zone(source: Source, place: Place, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise source.refused(
            place,
            T(f"未知的时区 {zone}", f"unknown time zone {zone}"),
            T("例如 Asia/Shanghai。", "For example Asia/Shanghai."),
        ) from error


def _check_feed(source: Source, place: Place, feed: _Feed) -> None:
    if feed.timezone is not None:
        _zone(source, (*place, "timezone"), feed.timezone)
    items = list(feed.columns.values())
    for column, item in feed.columns.items():
        here = (*place, "columns", column)
        if items.count(item) > 1:
            raise source.refused(
                here, T(f"两列都映射到 {item}", f"two columns map to {item}"), T("请只保留一列。", "Keep one.")
            )
        if column in feed.ignore:
            raise source.refused(
                here,
                T(f"{column} 既映射又忽略", f"{column} is both mapped and ignored"),
                T("请二选一。", "Choose one."),
            )
    for item in feed.codes:
        if item not in items:
            raise source.refused(
                (*place, "codes", item), T(f"没有映射信息项 {item}", f"no column maps to {item}"), near(item, items)
            )
    if feed.schedule is not None and not _CRON.fullmatch(feed.schedule):
        raise source.refused(
            (*place, "schedule"),
            T(f"无法识别的周期 {feed.schedule}", f"not a schedule: {feed.schedule}"),
            T("请写 @hourly、@daily 或 5 段 cron。", "Write @hourly, @daily or a cron line of 5 fields."),
        )


def check(system: System, contract_of: Callable[[str], Contract | None], *, file: str) -> None:
    """Check a system against the contracts it feeds. Raises DocumentRefused for an unknown contract, item or code, and
    when a key or required item is not mapped."""
    source = read(system.text, file=file)
    for number, feed in enumerate(system.feeds):
        place: Place = ("feeds", number)
        contract = contract_of(feed.dataset)
        if contract is None:
            raise source.refused(
                (*place, "contract"),
                T(f"没有数据契约 {feed.dataset}", f"there is no contract {feed.dataset}"),
                T("请先发布数据契约。", "Publish the contract first."),
            )
        _check_items(source, place, feed, contract)


def _check_items(source: Source, place: Place, feed: Feed, contract: Contract) -> None:
    items = {item.name: item for item in contract.items}
    for column, name in feed.columns.items():
        if name not in items:
            raise source.refused(
                (*place, "columns", column),
                T(f"{contract.id} 没有信息项 {name}", f"{contract.id} has no item {name}"),
                near(name, items),
            )
    for item in contract.items:
        if (item.key or item.required) and item.name not in feed.columns.values():
            raise source.refused(
                (*place, "columns"),
                T(f"必填项 {item.name} 没有映射", f"the required item {item.name} is not mapped"),
                T("请补上来源列。", "Map a source column to it."),
            )
    for name, mapping in feed.codes.items():
        allowed = set(items[name].enum)
        if items[name].code_list is not None:
            allowed = set(lists(str(items[name].code_list)).values)
        for code, standard in mapping.items():
            if standard not in allowed:
                raise source.refused(
                    (*place, "codes", name, code),
                    T(f"{name} 没有代码 {standard}", f"{name} has no code {standard}"),
                    near(standard, allowed),
                )


def paths() -> list[Path]:
    """The shipped system documents, found by folder."""
    return sorted(_HERE.glob("systems/*/*.yaml"))


_load = lru_cache(maxsize=4096)(lambda text, file: load(text, file=file))


def systems(texts: Mapping[str, str]) -> tuple[dict[str, System], dict[str, DocumentRefused]]:
    """Systems by id from their texts (`Published.texts("system")`), and the broken ones by file: each takes down only
    itself."""
    good: dict[str, System] = {}
    broken: dict[str, DocumentRefused] = {}
    for id, text in texts.items():
        file = f"system/{id}.yaml"
        try:
            good[id] = _load(text, file)
        except DocumentRefused as error:
            broken[file] = error
    return good, broken
