"""What the contract says of waiting rows as they would be: corrected, mapped and excused, without landing anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connectors.system import Feed
from core import clock
from core.errors import Conflict, Invalid
from core.hub import Hub
from core.text import T
from pipeline import replayed
from pipeline.cases import Case, Wanted
from pipeline.standardise import Standardiser
from pipeline.validate import Judge
from schemas.contract import Contract
from schemas.document import near

LONGEST = 10_000  # characters of a corrected cell


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing still wrong with a row: an item breaks a rule, by an error or a warning."""

    item: str
    rule: str
    severity: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A row as it would be: its cells, its key (None when it has none), whether the source flags it as removed, and all
    that is still wrong with it; excused findings are warnings."""

    cells: Mapping[str, str | None]
    key: bytes | None
    removed: bool
    wrong: tuple[Wrong, ...]

    @property
    def errors(self) -> tuple[Wrong, ...]:
        """What would stop it."""
        return tuple(one for one in self.wrong if one.severity == "error")


def rows(
    hub: Hub,
    contract: Contract,
    feed: Feed,
    cells: Sequence[Mapping[str, str | None]],
    excused: Sequence[Collection[str]],
) -> list[Tried]:
    """Standardise and judge rows of a feed (its mappings are the feed's `decided`)."""
    if not cells:
        return []
    names = replayed.columns_of(feed)
    raw = pa.RecordBatch.from_pydict({name: pa.array([row.get(name) for row in cells], pa.string()) for name in names})
    standardiser = Standardiser(contract, feed, clock.today(hub.settings.timezone))
    chunk = standardiser(raw)
    judged = replayed.excuse(Judge(contract)(chunk, standardiser), 1, excused)
    wrong: list[list[Wrong]] = [[] for _ in cells]
    found = judged.findings
    for row, *said in zip(*(found[name].to_pylist() for name in ("row_no", "item", "rule", "severity")), strict=True):
        wrong[row - 1].append(Wrong(*said))
    keyless, removed = chunk.keyless.tolist(), chunk.removed.tolist()
    return [
        Tried(row, None if keyless[at] else bytes(chunk.keys[at]), removed[at], tuple(wrong[at]))
        for at, row in enumerate(cells)
    ]


def edited(case: Case, feed: Feed, edits: Mapping[str, str | None]) -> dict[str, str | None]:
    """The cells of a case with items corrected, as the source would have written them."""
    source = {item: column for column, item in feed.columns.items()}
    return dict(case.row) | {source[item]: value for item, value in edits.items() if item in source}


def check_edits(contract: Contract, feed: Feed, edits: Mapping[str, str | None]) -> None:
    """Raises Invalid for an item that this feed does not fill, or a cell beyond all measure."""
    filled = set(feed.columns.values())
    if not edits:
        raise Invalid(
            T("没有要修正的信息项。", "Nothing is to be corrected."),
            remedy=T("写明信息项与新值。", "Give items and their new values."), pointer="/set",
        )  # fmt: skip
    for item, value in edits.items():
        if item not in filled:
            remedy = near(item if item.isidentifier() else "", filled)
            raise Invalid(T("该任务没有此信息项。", "This feed fills no such item."), remedy=remedy, pointer="/set")
        if value is not None and (len(value) > LONGEST or "\x00" in value):
            raise Invalid(T("新值过长或含有不允许的字符。", "A new value is too long, or holds characters not allowed."),
                          pointer=f"/set/{item}")  # fmt: skip


def same_record(case: Case, tried: Tried) -> None:
    """Raises Conflict when a row would be another record's: the key names which record it is. One that has no key yet may
    get one."""
    if tried.removed:
        raise Conflict(
            T("来源标记该行为已删除。", "The source flags this row as removed."),
            remedy=T("忽略该行,或请来源重新推送。", "Dismiss it, or ask the source to push it again."),
        )
    if case.key is not None and tried.key != case.key:
        raise Conflict(
            T(
                "主键不能在此修正:它决定这是哪条记录。",
                "The key cannot be corrected here: it says which record this is.",
            ),
            remedy=T("请来源更正主键;无用的行可忽略。", "Ask the source to correct the key; dismiss a row of no use."),
        )


def as_wanted(hub: Hub, contract: Contract, feed: Feed, cases: Sequence[Case], wishes: Sequence[Wanted]) -> list[Tried]:
    """The cases as their decisions want them."""
    cells = [edited(case, feed, wish.edits) for case, wish in zip(cases, wishes, strict=True)]
    return rows(hub, contract, feed, cells, [wish.excused for wish in wishes])
