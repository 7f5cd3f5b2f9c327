"""Writes the housing bureau's deliveries into a drop folder.

    <root>/2026-11-20T2000/SPFHT.csv   GB18030, CRLF: two title rows, header, rows with a blank one now and then, 合计
                           ZLBA.xlsx   one title row, header, rows, 合计
                           BZF.xlsx    the same
                           manifest.json   last, so that what it lists is complete

manifest.json: {"id": "2026-11-20T2000", "delivered_at": "2026-11-20T20:00:00+08:00", "sender": …,
"files": [{"name", "rows": data rows, "bytes", "sha256"}]}.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import xlsxwriter

SENDER = "益阳市住房和城乡建设局"
FILES = {  # table: (file, title, the column 合计 adds up)
    "SPFHT": ("SPFHT.csv", "益阳市商品房买卖合同备案信息表", "HTZJ"),
    "ZLBA": ("ZLBA.xlsx", "益阳市房屋租赁备案信息表", "YZJ"),
    "BZF": ("BZF.xlsx", "益阳市保障性住房信息表", "JTRKS"),
}
_BLANK_EVERY = 700
_NUMBER = re.compile(r"\d\.\d+E\+17|\d{5}")  # a number that lost its digits, or a date that became a serial number
_DATES = {"QZRQ", "ZZRQ"}


def deliver(tables: Mapping[str, pa.Table], root: Path, when: datetime) -> Path:
    """Write one delivery, `when` in local time with its zone, and return its folder.

    Each file appears under its name only when it is complete, and the manifest after all of them.
    """
    folder = root / when.strftime("%Y-%m-%dT%H%M")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, (file, title, summed) in FILES.items():
        table = tables[name]
        body = _csv(table, title, summed) if file.endswith(".csv") else _xlsx(table, title, summed, when)
        _put(folder / file, body)
        digest = hashlib.sha256(body).hexdigest()
        files.append({"name": file, "rows": table.num_rows, "bytes": len(body), "sha256": digest})
    manifest = {"id": folder.name, "delivered_at": when.isoformat(), "sender": SENDER, "files": files}
    _put(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return folder


def _put(path: Path, body: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(body)
    part.replace(path)


def _rows(table: pa.Table) -> Iterator[tuple[str, ...]]:
    for batch in table.to_batches(max_chunksize=20_000):
        yield from zip(*(column.fill_null("").to_pylist() for column in batch.columns), strict=True)


def _total(table: pa.Table, summed: str) -> list[str]:
    cents = sum(round(float(value) * 100) for value in table[summed].to_pylist() if value)
    row = [""] * table.num_columns
    row[0] = "合计"
    row[table.column_names.index(summed)] = f"{cents // 100}.{cents % 100:02d}"
    return row


def _csv(table: pa.Table, title: str, summed: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    blank = [""] * table.num_columns
    head = ([title, *blank[1:]], [f"报送单位：{SENDER}", *blank[1:]], table.column_names)
    writer.writerows([*head, *_with_blanks(_rows(table), blank), _total(table, summed)])
    return text.getvalue().encode("gb18030")


def _with_blanks(rows: Iterable[tuple[str, ...]], blank: list[str]) -> Iterator[Sequence[str]]:
    for at, row in enumerate(rows, start=1):
        yield row
        if at % _BLANK_EVERY == 0:
            yield blank


def _xlsx(table: pa.Table, title: str, summed: str, when: datetime) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        book.set_properties({"created": when.replace(tzinfo=None)})
        sheet = book.add_worksheet("Sheet1")
        sheet.write_string(0, 0, title)
        for column, name in enumerate(table.column_names):
            sheet.write_string(1, column, name)
        numeric = [name in _DATES or name.endswith("ZJH") for name in table.column_names]
        blank = [""] * table.num_columns
        for at, row in enumerate(_with_blanks(_rows(table), blank), start=2):
            for column, value in enumerate(row):
                if numeric[column] and _NUMBER.fullmatch(value):
                    sheet.write_number(at, column, float(value))
                elif value:
                    sheet.write_string(at, column, value)
        at = sheet.dim_rowmax + 1 if sheet.dim_rowmax else 2
        for column, value in enumerate(_total(table, summed)):
            if value:
                sheet.write_string(at, column, value)
    return buffer.getvalue()
