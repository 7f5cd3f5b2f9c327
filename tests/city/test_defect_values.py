"""The hand-written values of the demo against the product's value types: each is accepted, noted or refused as it says."""

from __future__ import annotations

import csv
from datetime import date

import pyarrow as pa
import pytest

from demo.words import DATA
from schemas.types import TYPES, Options

ROWS = [
    (file.stem, row)
    for file in sorted((DATA.parent / "defects").glob("*.csv"))
    for row in csv.DictReader(file.read_text("utf-8").splitlines())
]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{stem}-{row['type']}-{row['note']}") for stem, row in ROWS])
def test_a_value_is_what_its_note_says(row: dict[str, str]) -> None:
    kinds = pa.array([row["kind"]]) if row["kind"] else None
    options = Options(today=date(2026, 11, 21), kinds=kinds)
    judge = TYPES[row["type"]]
    values, found = judge.standardise(pa.array([row["value"]]), options)
    bits = int((found | judge.judge(values, options))[0])
    severities = {rule.severity for at, rule in enumerate(judge.rules) if bits >> at & 1}
    assert ("error" if "error" in severities else "warning" if severities else "ok") == row["expect"]
