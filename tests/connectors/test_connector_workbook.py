"""Dropped workbooks: cells as people read them, and files that would take the whole machine. Real files only."""

from __future__ import annotations

import io
import resource
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from connectors import cells
from core.errors import BatchBlocked
from tests.connectors.folder import Folder, workbook
from tests.connectors.standard import COLUMNS


def test_cells_of_a_workbook_are_what_a_person_reads(drop: Folder, tmp_path: Path) -> None:
    header = ["id", "name", "changed", "more"]
    lines: list[list[Any]] = [
        header,
        [430903199001011234, 0.1 + 0.2, date(2024, 2, 29), True],
        ["430903199001011234", 44927, datetime(2024, 2, 29, 8, 30), "  x "],
        [123456789012345, 1234.5, "'0012", None],
    ]
    drop.deliver("d", {"thing.xlsx": workbook(tmp_path / "a.xlsx", lines)})
    got, _ = drop.read()
    assert [list(row.values()) for row in got] == [
        ["4.30903199001011E+17", "0.3", "2024-02-29", "true"],
        ["430903199001011234", "44927", "2024-02-29 08:30:00", "  x "],
        ["123456789012345", "1234.5", "'0012", None],
    ]


def test_the_sheet_with_the_header_is_taken(drop: Folder, tmp_path: Path) -> None:
    lines = [["id", "name", "changed"], ["K1", "a", "b"]]
    content = workbook(tmp_path / "a.xlsx", lines, sheets={"说明": [["填表说明"], ["勿动"]]})
    drop.deliver("d", {"thing.xlsx": content})
    assert len(drop.read()[0]) == 1
    assert len(drop.read(source={"pattern": "thing*", "sheet": "Sheet"})[0]) == 1
    with pytest.raises(BatchBlocked):
        drop.read(source={"pattern": "thing*", "sheet": "不存在"})


def test_a_stray_far_cell_is_refused_before_memory_is_gone(
    drop: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "far.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(COLUMNS))
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    drop.deliver("d", {"thing.xlsx": (tmp_path / "far.xlsx").read_bytes()})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unreadable"


def repacked(content: bytes, changes: dict[str, bytes]) -> bytes:
    """A workbook with some of its parts replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, changes.get(name, before.read(name)))
    return made.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="1"><c s="1" r="XFD1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>',
        b"<row>" + b"<c><v>1</v></c>" * 16_000 + b"</row>" + b"<row/>" * 900_000,
        b'<row r="900000"/><row>' + b"<c><v>1</v></c>" * 16_000 + b"</row>",
    ],
    ids=["far corner", "far apart", "no addresses", "some addresses"],
)
def test_what_a_sheet_says_of_its_size_is_not_believed(drop: Folder, tmp_path: Path, rows: bytes) -> None:
    """Many writers leave the dimension out, or wrong; the rectangle is what is held in memory."""
    content = workbook(tmp_path / "a.xlsx", [list(COLUMNS)])
    drop.deliver("d", {"thing.xlsx": repacked(content, {SHEET: sheet_of(rows)})})
    with pytest.raises(BatchBlocked, match=r"过大|too large"):
        drop.read()


def test_a_packed_bomb_is_refused_before_it_goes_off(drop: Folder, tmp_path: Path) -> None:
    content = repacked(workbook(tmp_path / "a.xlsx", [list(COLUMNS)]), {"xl/sharedStrings.xml": b" " * (600 << 20)})
    assert len(content) < 1 << 20
    drop.deliver("d", {"thing.xlsx": content})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BatchBlocked, match=r"过大|too large"):
        drop.read()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_a_bomb_that_lies_about_its_size_is_refused(drop: Folder, tmp_path: Path) -> None:
    content = bytearray(repacked(workbook(tmp_path / "a.xlsx", [list(COLUMNS)]), {SHEET: b" " * (300 << 20)}))
    for size in (300 << 20,):  # in the local header and in the directory at the end
        packed = size.to_bytes(4, "little")
        while (at := content.find(packed)) >= 0:
            content[at : at + 4] = (1000).to_bytes(4, "little")
    drop.deliver("d", {"thing.xlsx": bytes(content)})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unreadable"


def sheet_of(rows: bytes) -> bytes:
    """A sheet with those rows, as XML."""
    namespace = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return b"<worksheet " + namespace + b'><dimension ref="A1"/><sheetData>' + rows + b"</sheetData></worksheet>"


def test_a_million_formatted_empty_rows_are_nothing(drop: Folder, tmp_path: Path) -> None:
    """Somebody coloured a whole column: every cell is there, and empty."""
    content = workbook(tmp_path / "a.xlsx", [list(COLUMNS)])
    cells = "".join(f'<c r="{column}{{n}}" t="inlineStr"><is><t>{{text}}</t></is></c>' for column in "ABC")
    rows = [cells.replace("{text}", name, 1).replace("{text}", name) for name in ("{a}", "K1", "K2")]
    head = "".join(
        f'<c r="{column}1" t="inlineStr"><is><t>{name}</t></is></c>'
        for column, name in zip("ABC", COLUMNS, strict=True)
    )
    first, last = (f'<row r="{n}">{rows[i].format(n=n)}</row>' for i, n in ((1, 2), (2, 1_048_576)))
    empty = "".join(f'<row r="{n}"><c r="A{n}" s="1"/></row>' for n in range(3, 1_048_576))
    xml = sheet_of(f'<row r="1">{head}</row>{first}{empty}{last}'.encode())
    drop.deliver("d", {"thing.xlsx": repacked(content, {SHEET: xml})}, rows=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [row["id"] for row in drop.read()[0]] == ["K1", "K2"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10  # KiB


def test_a_hundred_thousand_empty_rows_are_nothing(drop: Folder, tmp_path: Path) -> None:
    lines: list[list[Any]] = [list(COLUMNS), ["K1", "a", "b"], *([[]] * 100_000), ["K2", "a", "b"]]
    drop.deliver("d", {"thing.xlsx": workbook(tmp_path / "a.xlsx", lines)}, rows=2)
    assert [row["id"] for row in drop.read()[0]] == ["K1", "K2"]


@given(st.integers(10**15, 10**20))
def test_a_long_number_shows_that_its_end_is_lost(number: int) -> None:
    text = cells.text(float(number))
    assert text is not None
    assert "E+" in text
    assert float(text) == pytest.approx(number, rel=1e-14)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_short_number_keeps_every_digit(number: int) -> None:
    assert cells.text(float(number)) == str(number)
