"""What a source's columns are now against what they were: added, dropped, renamed, retyped, reordered, re-encoded.

Against the feed's own document, and against the manifest of the last batch that merged. A change that would lose or garble
data stops the batch; any other is told with it. The difference is kept with the batch: names of columns and how they are
written, never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

import pyarrow as pa

from connectors.extraction import Extraction
from connectors.system import Feed
from core.errors import BatchBlocked
from core.text import T
from pipeline import shapes
from schemas.contract import Contract
from schemas.types import columns

Kind = Literal["added", "dropped", "renamed", "retyped", "reordered", "reencoded"]
NAMES: Mapping[str, T] = {
    "added": T("新增", "added"),
    "dropped": T("缺失", "dropped"),
    "renamed": T("疑似改名", "likely renamed"),
    "retyped": T("类型改变", "retyped"),
    "reordered": T("顺序改变", "reordered"),
    "reencoded": T("写法或编码改变", "written or encoded otherwise"),
}
#: the code of a batch that such a change stopped, the first that applies
_CODES = (("dropped", "missing_column"), ("renamed", "missing_column"), ("added", "unknown_column"))
_LIKELY = 0.5
_MOST = 100  # changes that are kept
#: a source's columns as a manifest says them: name, type, and of those that land how they are written
Columns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """One difference. `to` is the new name, `likeness` how sure that is; `needed` says what rows hang on the column, which
    nobody can waive; `blocks` whether it stops the batch."""

    change: Kind
    column: str
    blocks: bool
    to: str = ""
    likeness: float = 0.0
    before: str = ""
    after: str = ""
    needed: tuple[str, str] | None = None

    @property
    def told(self) -> T:
        """One line for people."""
        name = NAMES[self.change]
        column = self.column + (f" → {self.to} ({self.likeness:.0%})" if self.to else "")
        was = f": {self.before} → {self.after}" if self.before or self.after else ""
        hangs = T(*self.needed) if self.needed else T("", "")
        return T(
            f"{name.zh} {column}{was}" + (f"({hangs.zh})" if self.needed else ""),
            f"{name.en} {column}{was}" + (f" ({hangs.en})" if self.needed else ""),
        )


class Source:
    """A source's columns as it is opened: names, types and first rows; of each column that lands, how it is written."""

    def __init__(self, contract: Contract, feed: Feed, extraction: Extraction) -> None:
        self.contract, self.feed = contract, feed
        self.schema: pa.Schema = extraction.schema
        self.first = extraction.first
        self._profiles: dict[str, dict[str, Any] | None] = {}

    def profile(self, name: str) -> dict[str, Any] | None:
        """How a column is written; None when too few cells tell."""
        if name not in self._profiles:
            found = shapes.of(self.first.column(name)) if self.first is not None else None
            self._profiles[name] = found if found and found["cells"] >= shapes.ENOUGH else None
        return self._profiles[name]

    def described(self, last: Columns) -> list[dict[str, Any]]:
        """The columns for a manifest. A batch with too few rows to tell how they are written goes by the one before."""
        before = {one["name"]: one for one in last}
        found = []
        for field in self.schema:
            said: dict[str, Any] = {"name": field.name, "type": str(field.type)}
            if field.name in self.feed.columns:
                said["profile"] = self.profile(field.name) or before.get(field.name, {}).get("profile")
            found.append(said)
        return found


def find(source: Source, last: Columns, rows: Callable[[], pa.RecordBatch | None]) -> list[Change]:
    """The differences. `last` are the columns of the last merged batch as its manifest says (none without one); `rows` gives
    some of its rows."""
    contract, feed, schema = source.contract, source.feed, source.schema
    handled = {*feed.columns, *feed.ignore, *named(feed)}
    before = {one["name"]: one for one in last}
    added = [name for name in schema.names if name not in handled]
    missing = [name for name in dict.fromkeys((*feed.columns, *named(feed))) if name not in schema.names]
    renamed = _renamed(source, missing, added, before, rows() if missing and added else None)
    changes = [
        Change("renamed", old, True, to=new, likeness=round(likeness, 2), needed=_needed(contract, feed, old))
        for old, (new, likeness) in renamed.items()
    ]
    changes += [
        Change("dropped", name, True, needed=_needed(contract, feed, name)) for name in missing if name not in renamed
    ]
    taken = {new for new, _ in renamed.values()}
    changes += [Change("added", name, True) for name in added if name not in taken]
    # a column that is ignored is missed by nobody, and told
    changes += [Change("dropped", name, False) for name in before if name in feed.ignore and name not in schema.names]
    for field in schema:
        if field.name in before and field.name in feed.columns:
            changes += _written(source, field, before[field.name])
    if moved := _moved([name for name in before if name in schema.names], [n for n in schema.names if n in before]):
        changes.append(Change("reordered", ", ".join(moved[:20]), False))
    # a file of ten thousand columns is no contract's: the first say enough, those that stop the batch before others
    return sorted(changes, key=lambda one: (not one.needed, not one.blocks))[:_MOST]


def check(changes: Sequence[Change | Mapping[str, Any]], feed: Feed) -> None:
    """Raise BatchBlocked when one of the changes stops the batch."""
    found = [one if isinstance(one, Change) else of(one) for one in changes]
    blocking = [one for one in found if one.blocks]
    if not blocking:
        return
    kinds = {one.change for one in blocking}
    code = next((code for kind, code in _CODES if kind in kinds), "column_rewritten")
    listed = T("；".join(one.told.zh for one in blocking[:10]), "; ".join(one.told.en for one in blocking[:10]))
    if hangs := [one for one in blocking if one.needed]:
        remedy = T(
            f"缺少行所依赖的列({'、'.join(one.column for one in hangs)}),无法接受:向来源部门核实,改正 {feed.id} 的 columns 后重新运行。",
            f"Rows hang on {', '.join(one.column for one in hangs)}, so this cannot be accepted: ask the department, correct "
            f"`columns` of {feed.id} and run it again.",
        )
    else:
        remedy = T(
            f"核实后在 {feed.id} 的 columns 中映射或列入 ignore,再重新运行;也可接受本批(未登记的列不入库,缺失的列留空)。",
            f"Map or ignore them in {feed.id} and run it again; or accept the batch: columns nobody registered stay out, those "
            "that are missing stay empty.",
        )
    raise BatchBlocked(
        T(f"来源的列有变化:{listed.zh}。", f"The source's columns have changed: {listed.en}."),
        remedy=remedy,
        code=code,
        facts={"drift": [asdict(one) for one in found]},
    )


def of(said: Mapping[str, Any]) -> Change:
    """A change as a manifest or a batch's reason keeps it."""
    return Change(**{**said, "needed": tuple(said["needed"]) if said.get("needed") else None})


def named(feed: Feed) -> list[str]:
    """Columns that a feed names for itself: the watermark and the flag."""
    return [name for name in (feed.watermark, feed.flag.column if feed.flag else None) if name]


def _needed(contract: Contract, feed: Feed, column: str) -> tuple[str, str] | None:
    if column in named(feed):
        return ("水位或标识", "the watermark or the flag")
    why = contract.stands_on.get(feed.columns.get(column, ""))
    return (why.zh, why.en) if why else None


def _renamed(
    source: Source, missing: list[str], added: list[str], before: Mapping[str, Any], rows: pa.RecordBatch | None
) -> dict[str, tuple[str, float]]:
    """The likeliest pairs of a missing and an added column: by name, by place, by how they are written and what they hold."""
    places = {name: at for at, name in enumerate(before)}
    likely = []
    for old in missing:
        for new in added[:_MOST]:
            name = SequenceMatcher(None, old.lower(), new.lower()).ratio()
            place = 1.0 if places.get(old) == source.schema.get_field_index(new) else 0.0
            content = _content(source, old, new, before, rows)
            # without a batch to compare with, the name is all there is
            score = name if content is None else 0.3 * name + 0.2 * place + 0.5 * content
            likely.append((score, old, new))
    found: dict[str, tuple[str, float]] = {}
    for score, old, new in sorted(likely, reverse=True):
        if score >= _LIKELY and old not in found and new not in {one for one, _ in found.values()}:
            found[old] = (new, score)
    return found


def _content(
    source: Source, old: str, new: str, before: Mapping[str, Any], rows: pa.RecordBatch | None
) -> float | None:
    if source.first is None or rows is None or old not in rows.schema.names:
        return None
    was, now = rows.column(old), source.first.column(new)
    alike = shapes.alike(shapes.of(was)["shapes"], shapes.of(now)["shapes"])
    one, other = _values(was), _values(now)
    shared = len(one & other) / max(1, min(len(one), len(other)))
    return (alike + shared) / 2


def _values(column: pa.Array) -> set[str]:
    return {cell for cell in columns.text(column.slice(0, shapes.SAMPLE)).to_pylist() if cell}


def _written(source: Source, field: pa.Field, before: Mapping[str, Any]) -> list[Change]:
    """Whether a column is of another type than before, or written otherwise. Of a key that closes every record and makes new
    ones; wrongly decoded text is garbage; any other is judged row by row, as always."""
    key = source.feed.columns[field.name] in source.contract.key
    was, now = before.get("profile"), source.profile(field.name)
    if was and now:
        if _was_chinese(was) and was["common"] >= 0.8 and (now["common"] or 0.0) < 0.5:
            return [Change("reencoded", field.name, True, before=_most(was), after=_most(now))]
        if was["kind"] != now["kind"]:
            return [Change("retyped", field.name, key, before=was["kind"], after=now["kind"])]
        if shapes.alike(was["shapes"], now["shapes"]) < 0.2:
            return [Change("reencoded", field.name, key, before=_most(was), after=_most(now))]
    if before["type"] != str(field.type):
        return [Change("retyped", field.name, False, before=before["type"], after=str(field.type))]
    return []


def _was_chinese(profile: Mapping[str, Any]) -> bool:
    return profile["common"] is not None and sum(s for name, s in profile["shapes"].items() if "汉" in name) >= 0.5


def _most(profile: Mapping[str, Any]) -> str:
    return next(iter(profile["shapes"]), "")


def _moved(before: list[str], now: list[str]) -> list[str]:
    """The columns that stand elsewhere among those common to both."""
    kept = {name for block in SequenceMatcher(None, before, now, autojunk=False).get_matching_blocks()
            for name in before[block.a : block.a + block.size]}  # fmt: skip
    return [name for name in now if name not in kept]
