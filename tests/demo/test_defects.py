"""The hand-written values for judging item rules: readable, and of both sorts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from demo.words import DATA

FILES = sorted((DATA.parent / "defects").glob("*.csv"))


def test_one_file_a_system() -> None:
    assert [file.stem for file in FILES] == ["credit", "fund", "households", "housing", "market", "real_estate"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_values_and_what_they_are(file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, strict=True))
    assert 10 <= len(rows) <= 30
    assert all(set(row) == {"type", "value", "kind", "expect", "note"} and row["note"] for row in rows)
    assert {row["expect"] for row in rows} >= {"ok", "error"}
    assert {row["expect"] for row in rows} <= {"ok", "warning", "error"}
    assert len({(row["type"], row["value"], row["kind"]) for row in rows}) == len(rows)
