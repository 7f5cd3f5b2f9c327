"""An independent replayer: what the libraries must hold, made from landing files and decisions alone.

It imports nothing of the product. The rules of the crash tests' contract (tests/crash/world.py) are written out here a
second time, by hand, over pyarrow and plain Python: what it and the product agree on was not agreed upon by sharing code.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

Key = tuple[int, str]
Raw = dict[str, str | None]
Case = tuple[str, int]
Values = tuple[str, ...]  # a row's items as text, '-' for none
_COUNTED = ("inserted", "changed", "unchanged", "repeated", "removed", "closed")
_ITEMS = ("ND", "QP", "SYR", "ZJH", "JG", "JGDM", "TZ", "MYRQ")


class State(NamedTuple):
    """What a reader can see of one dataset at once."""

    rows: int
    content: int
    ended: int
    waiting: int
    mentions: int
    batches: int


@dataclass
class Row:
    """One landed row: its key (None when it has none), its values, whether it has an error, is a removal, and its time."""

    raw: Raw
    key: Key | None
    values: Values
    bad: bool
    removed: bool
    time: str | None
    #: where it stands: batch and number
    at: Case = ("", 0)


@dataclass
class Held:
    """A current row and since when it is known."""

    values: Values
    since: datetime


@dataclass
class Feed:
    """One feed, batch by batch."""

    mode: str
    current: dict[Key, Held] = field(default_factory=dict)
    ended: Counter[tuple[Values, datetime, datetime]] = field(default_factory=Counter)
    waiting: list[Row] = field(default_factory=list)
    evidence: dict[str, dict[str, int]] = field(default_factory=dict)
    states: list[State] = field(default_factory=lambda: [State(0, 0, 0, 0, 0, 0)])
    landed: set[str] = field(default_factory=set)
    last: Counter[str] = field(default_factory=Counter)
    watermark: str | None = None
    known: datetime | None = None
    #: what persons decided, by decision: the cells they corrected. Known before the batches that bring it about
    decisions: dict[str, Raw] = field(default_factory=dict)
    cases: dict[Case, Row] = field(default_factory=dict)
    decided: dict[tuple[Key | None, str], str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    replays: int = 0
    scans: int = 0

    def follow(self, landing: Path, system: str, dataset: str, merged: Iterable[str]) -> None:
        """Take those of the merged batches that are new, in the order of their ids (which begin with their time)."""
        for batch in sorted(set(merged) - set(self.evidence)):
            assert batch > max(self.evidence, default=""), "a batch merged behind a later one"
            folder = landing / system / dataset / batch
            self.take(folder, json.loads((folder / "manifest.json").read_text("utf-8")))

    def take(self, folder: Path, manifest: dict[str, Any]) -> None:
        """One merged batch."""
        moment = datetime.fromisoformat(manifest["landed_at"])
        if self.known is not None:  # versions have an order, whatever clocks did
            moment = max(moment, self.known + timedelta(microseconds=1))
        self.known = moment
        if manifest["origin"] == "replay":
            self._replay(folder, manifest, moment)
            return
        if manifest["origin"] == "key_scan":
            self._scan(folder, manifest, moment)
            return
        batch = manifest["batch"]
        rows = [_row(raw, self.mode, (batch, number)) for number, raw in enumerate(_read(folder, manifest), 1)]
        self.last = Counter(word(row.raw) for row in rows)
        self.landed |= set(self.last)
        self.watermark = max([self.watermark or "", *(row.time for row in rows if row.time)]) or None
        merging, waiting, removing, facts = self._settle(rows)
        before = len(self.current)
        self._merge(merging, moment, facts)
        gone = set(removing)
        if self.mode == "full" and all(row.key is not None for row in rows):
            gone = set(self.current) - {row.key for row in rows if row.key}
        self._close(gone, moment, facts)
        self._wait(rows, waiting)
        facts |= {"landed": len(rows), "quarantined": len(waiting), "before": before, "after": len(self.current)}
        self.evidence[manifest["batch"]] = facts
        self.states.append(self.state())

    def _merge(self, merging: dict[Key, Row], moment: datetime, facts: dict[str, int]) -> None:
        for key, row in merging.items():
            held = self.current.get(key)
            if held is None:
                facts["inserted"] += 1
            elif held.values == row.values:
                facts["unchanged"] += 1
                continue
            else:
                facts["changed"] += 1
                self.ended[(held.values, held.since, moment)] += 1
            self.current[key] = Held(row.values, moment)

    def _close(self, gone: set[Key], moment: datetime, facts: dict[str, int]) -> None:
        for key in gone & set(self.current):
            held = self.current.pop(key)
            self.ended[(held.values, held.since, moment)] += 1
            facts["closed"] += 1

    def _replay(self, folder: Path, manifest: dict[str, Any], moment: datetime) -> None:
        """A batch of decided rows: it puts in what was decided of cases, or takes it back; it restates nothing else."""
        facts = dict.fromkeys(_COUNTED, 0)
        before, lines = len(self.current), list(_read(folder, manifest))
        for said in lines:
            act, status, made = (said[f"hutong:{name}"] for name in ("act", "status", "decisions"))
            batch, _, number = str(said["hutong:case"]).partition("/")
            case = self.cases[batch, int(number)]
            raw = {name: cell for name, cell in said.items() if not name.startswith("hutong:")}
            if act == "put":
                must = dict(case.raw)
                for id in json.loads(str(made)):
                    must |= self.decisions.get(id, {})
                if raw != must:
                    self.wrong.append(f"replayed {raw} instead of {must}")
            row = _row(raw, self.mode)
            assert row.key is not None
            if act == "take_out":
                facts["removed"] += 1
                self._close({row.key}, moment, facts)
            else:
                self._merge({row.key: row}, moment, facts)
            self.waiting = [other for other in self.waiting if other.at != case.at]
            self.decided.pop((case.key, word(case.raw)), None)
            if status == "open":
                self.waiting.append(case)
            else:
                self.decided[case.key, word(case.raw)] = str(status)
        self.replays += len(lines)
        facts |= {"landed": len(lines), "quarantined": 0, "before": before, "after": len(self.current)}
        self.evidence[manifest["batch"]] = facts
        self.states.append(self.state())

    def _scan(self, folder: Path, manifest: dict[str, Any], moment: datetime) -> None:
        """A scan of keys: what the source has no more is closed, current or waiting; nothing else is touched."""
        rows = list(_read(folder, manifest))
        here = {(int(row["ND"] or 0), row["QP"]) for row in rows}
        facts = dict.fromkeys(("closed",), 0)
        before = len(self.current)
        self._close({key for key in self.current if key not in here}, moment, facts)
        self.waiting = [row for row in self.waiting if row.key is None or row.key in here]
        self.decided = {case: status for case, status in self.decided.items() if case[0] is None or case[0] in here}
        self.scans += 1
        self.evidence[manifest["batch"]] = facts | {"scanned": len(rows), "before": before, "after": len(self.current)}
        self.states.append(self.state())

    def dismiss(self, cases: Iterable[Case]) -> None:
        """A person puts waiting rows aside, in a transaction of its own: no batch is needed."""
        for at in cases:
            case = self.cases[at]
            self.waiting = [other for other in self.waiting if other.at != at]
            self.decided[case.key, word(case.raw)] = "dismissed"
            self.states.append(self.state())

    def state(self) -> State:
        """What must be seen now."""
        content = 0
        for held in self.current.values():
            content ^= fold(held.values)
        rows = len(self.current)
        return State(rows, content, self.ended.total(), len(self.waiting), 2 * rows, len(self.evidence))

    def _settle(self, rows: list[Row]) -> tuple[dict[Key, Row], list[Row], list[Key], dict[str, int]]:
        """Which rows merge, which wait, which keys are removed; rows that repeat another are counted only."""
        facts = dict.fromkeys(_COUNTED, 0)
        merging: dict[Key, Row] = {}
        waiting = [row for row in rows if row.key is None]
        removing: list[Key] = []
        groups: defaultdict[Key, list[Row]] = defaultdict(list)
        for row in rows:
            if row.key is not None:
                groups[row.key].append(row)
        for key, group in groups.items():
            good = [row for row in group if not row.bad]
            bad = [row for row in group if row.bad]
            times = [row.time for row in group if row.time is not None]
            behind = [row for row in bad if row.time is not None and row.time < max(times)]
            facts["repeated"] += len(behind)
            waiting += [row for row in bad if row not in behind]
            if not good:
                continue
            latest = _latest(good)
            if latest is None:
                waiting += good
                continue
            facts["repeated"] += len(good) - 1
            if latest.removed:
                removing.append(key)
                facts["removed"] += 1
            else:
                merging[key] = latest
        return merging, waiting, removing, facts

    def _wait(self, rows: list[Row], waiting: list[Row]) -> None:
        """A row stated again word for word is the same case, and what was decided on it holds; others of its key end."""
        stated = {row.key for row in rows if row.key is not None}
        words = {(row.key, word(row.raw)) for row in waiting}

        def ends(key: Key | None, said: str) -> bool:
            restated = self.mode == "full" or (key in stated if key is not None else (key, said) in words)
            return restated and (key, said) not in words

        known = {(row.key, word(row.raw)) for row in self.waiting if row.key is not None} | set(self.decided)
        self.decided = {case: status for case, status in self.decided.items() if not ends(*case)}
        kept = [row for row in self.waiting if not ends(row.key, word(row.raw)) and row.key is not None]
        kept += [row for row in self.waiting if row.key is None and self.mode != "full" and not ends(None, word(row.raw))
                 and (None, word(row.raw)) not in words]  # fmt: skip
        new = [row for row in waiting if (row.key, word(row.raw)) not in known]
        self.cases |= {row.at: row for row in new}
        self.waiting = kept + new


def landed(landing: Path, system: str, dataset: str) -> list[str]:
    """The batches that landed whole."""
    return sorted(path.parent.name for path in (landing / system / dataset).glob("*/manifest.json"))


def fold(values: Values) -> int:
    """A row's content as PostgreSQL can compute it too: ('x' || left(md5(text), 16))::bit(64)::bigint."""
    return int.from_bytes(hashlib.md5("|".join(values).encode()).digest()[:8], "big", signed=True)


def _read(folder: Path, manifest: dict[str, Any]) -> Iterable[Raw]:
    for part in manifest["files"]:
        if part["name"].startswith("part-"):
            content = (folder / part["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == part["sha256"], "a landed file was changed"
            table = pq.read_table(folder / part["name"])
            for row in table.to_pylist():
                yield {name: None if value is None else str(value) for name, value in row.items()}


def _row(raw: Raw, mode: str, at: Case = ("", 0)) -> Row:
    year, tag = raw["ND"], raw["QP"]
    key = (int(year), tag) if year and year.isdigit() and tag else None
    removed = mode == "flagged" and raw["CZBS"] == "D"
    return Row(
        raw, key, _values(raw), not removed and _is_bad(raw), removed, raw.get("GXSJ") if mode != "full" else None, at
    )  # fmt: skip


def _values(raw: Raw) -> Values:
    cells = [raw[name] or "-" for name in _ITEMS]
    with suppress(InvalidOperation):
        cells[6] = f"{Decimal(cells[6]).normalize():f}"
    return tuple(cells)


def _is_bad(raw: Raw) -> bool:
    if not (raw["ND"] and raw["ND"].isdigit() and raw["QP"] and raw["SYR"]):
        return True
    if raw["ZJH"] and not _is_citizen_no(raw["ZJH"]):
        return True
    try:
        if raw["TZ"] and not 0 <= Decimal(raw["TZ"]) <= 200:
            return True
        if raw["MYRQ"]:
            date.fromisoformat(raw["MYRQ"])
    except (InvalidOperation, ValueError):
        return True
    return False


def _is_citizen_no(number: str) -> bool:
    """GB 11643: ISO 7064 MOD 11-2 over the whole number."""
    total = 0
    for character in number:
        total = (total * 2 + (10 if character == "X" else int(character))) % 11
    return len(number) == 18 and total == 1


def _latest(good: list[Row]) -> Row | None:
    """The version that counts: none when the order cannot be told."""
    if len({(row.values, row.removed) for row in good}) == 1:
        return good[0]
    if any(row.time is None for row in good):
        return None
    top = max(str(row.time) for row in good)
    candidates = [row for row in good if row.time == top]
    return candidates[0] if len({(row.values, row.removed) for row in candidates}) == 1 else None


def word(raw: Raw) -> str:
    """A raw row as one comparable text."""
    return json.dumps(raw, sort_keys=True, ensure_ascii=False)
