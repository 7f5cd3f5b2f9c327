"""Administrative divisions, GB/T 2260, since 1981: codes begin, end and have successors.

Data: `divisions.csv`, licence and source in `divisions.LICENCE.md`. Years: a code is used from `since` (inclusive)
to `until` (exclusive; None while it lasts).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_DATA = Path(__file__).with_name("divisions.csv")
# Residence permits of Hong Kong, Macao and Taiwan residents carry citizen numbers with these prefixes (State Council
# order, 2018-09-01); 830000 is not a division in GB/T 2260.
_RESIDENCE_PERMIT_PREFIXES = {"810000": "香港特别行政区", "820000": "澳门特别行政区", "830000": "台湾省"}


class Division(NamedTuple):
    """One stretch of a code's life."""

    code: str
    name: str
    path: str
    since: int
    until: int | None
    successors: tuple[str, ...]


@cache
def history() -> dict[str, tuple[Division, ...]]:
    """Every code ever used with its stretches, oldest first."""
    stretches: defaultdict[str, list[Division]] = defaultdict(list)
    with _DATA.open(encoding="utf-8-sig", newline="") as file:
        for code, province, city, name, _level, _status, since, until, following in csv.reader(file):
            if not code.isdigit():  # the heading
                continue
            above = [part for part in (province, city) if part not in ("", name, "直辖")]
            # `412701[1984]`: a part went to another division in 1984; without a year: at the end of this stretch
            heirs = tuple(dict.fromkeys(re.findall(r"(\d{6})(?:;|$)", following) or re.findall(r"\d{6}", following)))
            stretches[code].append(
                Division(code, name, "".join([*above, name]), int(since), int(until) if until else None, heirs)
            )
    return {code: tuple(sorted(entries, key=lambda entry: entry.since)) for code, entries in stretches.items()}


@cache
def known() -> npt.NDArray[np.bool_]:
    """Whether a code was ever a division or a prefix of residence permits: a table over 000000–999999."""
    table = np.zeros(1_000_000, bool)
    table[[int(code) for code in (*history(), *_RESIDENCE_PERMIT_PREFIXES)]] = True
    return table


@cache
def current(year: int) -> npt.NDArray[np.bool_]:
    """Whether a code was in use at some time of the year: a table over 000000–999999."""
    table = np.zeros(1_000_000, bool)
    for code, entries in history().items():
        table[int(code)] = any(
            entry.since <= year and (entry.until is None or year <= entry.until) for entry in entries
        )
    table[[int(code) for code in _RESIDENCE_PERMIT_PREFIXES]] = True
    return table


def name(code: str) -> str | None:
    """The full name a code last had, from the province down."""
    entries = history().get(code)
    return entries[-1].path if entries else _RESIDENCE_PERMIT_PREFIXES.get(code)


def successors(code: str) -> tuple[str, ...]:
    """The codes now in use for what a code stood for, followed through all changes; empty when nothing followed.

    412723 (商水县, 1981–2000) → 411623.
    """
    found: list[str] = []
    seen = {code}
    queue = list(history()[code][-1].successors) if code in history() else []
    while queue:
        heir = queue.pop(0)
        if heir in seen:
            continue
        seen.add(heir)
        entries = history().get(heir, ())
        if entries and entries[-1].until is not None:
            queue.extend(entries[-1].successors)
        else:
            found.append(heir)
    return tuple(found)
