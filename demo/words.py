"""The small data files of the demo: words for names, and real division codes, current and ended."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np

from demo.text import Ints, Rng, Text

DATA = Path(__file__).parent / "data"

DISTRICTS = {  # the city's own divisions, the share of residents, and how titles name them
    "430902": ("资阳区", 0.17, "益阳市"),
    "430903": ("赫山区", 0.30, "益阳市"),
    "430921": ("南县", 0.14, "南县"),
    "430922": ("桃江县", 0.16, "桃江县"),
    "430923": ("安化县", 0.12, "安化县"),
    "430981": ("沅江市", 0.11, "沅江市"),
}
_LOCAL = {*DISTRICTS, "432301", "432302", "432321", "432322", "432323", "432325", "432326"}
_LOCAL_SHARE = 0.8
_FIRST_NUMBERS = 1984  # citizen numbers were first given out in 1984, with the division code of that year


@cache
def words(kind: str) -> tuple[str, ...]:
    """One list of data/words.json."""
    return tuple(json.loads((DATA / "words.json").read_text(encoding="utf-8"))[kind])


@cache
def divisions() -> tuple[tuple[str, int, int], ...]:
    """(code, first year, year it ended or 9999) of some ninety real codes.

    Taken from the CC0 data set of github.com/yescallop/areacodes.
    """
    with (DATA / "divisions.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["code"], int(row["since"]), int(row["until"] or 9999)) for row in csv.DictReader(file))


def ended(code: str, year: int) -> bool:
    """Whether a code is no longer in force in a year."""
    return all(until <= year for known, _, until in divisions() if known == code)


def birth_divisions(rng: Rng, birth_year: Ints) -> Text:
    """The division a number starts with: one in force when the number was assigned, four in five of them local."""
    assigned = np.maximum(birth_year, _FIRST_NUMBERS)
    out = np.empty(birth_year.size, dtype="<U6")
    for year in np.unique(assigned):
        codes = sorted({code for code, since, until in divisions() if since <= year < until})
        local = np.array([code in _LOCAL for code in codes])
        share = np.where(local, _LOCAL_SHARE / local.sum(), (1 - _LOCAL_SHARE) / (~local).sum())
        rows = np.flatnonzero(assigned == year)
        out[rows] = np.array(codes)[rng.choice(len(codes), rows.size, p=share)]
    return out
