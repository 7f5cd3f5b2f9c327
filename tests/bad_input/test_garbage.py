"""Files and answers that are none, too large or lie: each ends as a blocked batch with its reason or as waiting rows, in
bounded memory, and the library keeps what it had. One worker process takes them all and measures itself."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from core.errors import HutongError
from core.hub import Hub
from core.settings import Settings
from pipeline import journey
from tests import forked
from tests.bad_input.carriers import Csv, workbook
from tests.bad_input.conftest import PETS, publish
from tests.bad_input.test_values import usual
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED

#: what one batch may take beside what the process has anyway
MOST_MB = 400
HEAD = "ND,QP,SYR,TZ,MYRQ\n"
LINE = "2026,A{n},王小明,12.5,2026-03-01\n"
ROWS = [usual(f"A{n}") for n in range(3)]
NOISE = random.Random(1).randbytes(200_000)


def _bomb() -> bytes:
    """A workbook whose sheet unpacks to 2 GB."""
    content = io.BytesIO(workbook(ROWS))
    with zipfile.ZipFile(content) as book:
        parts = {name: book.read(name) for name in book.namelist() if not name.endswith("sheet1.xml")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, part in parts.items():
            book.writestr(name, part)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>')
            for _ in range(66):
                sheet.write(b"\0" * (32 << 20))
    return packed.getvalue()


def _far(rows: bytes) -> bytes:
    """A workbook whose XML is written as few writers do: what measures it first does not see how far it reaches."""
    content = io.BytesIO(workbook(ROWS))
    made = io.BytesIO()
    with zipfile.ZipFile(content) as book, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in book.namelist():
            part = book.read(name)
            if name.endswith("sheet1.xml"):
                part = part.replace(b"</sheetData>", rows + b"</sheetData>")
            after.writestr(name, part)
    return made.getvalue()


def _repeated(rows: int, columns: int) -> bytes:
    """A spreadsheet of OpenDocument that says of one cell how often it is repeated."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<table:table-cell {} office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    head = "".join(cell.format("", name) for name in HEAD.strip().split(","))
    much = cell.format(f'table:number-columns-repeated="{columns}"', "x")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        book.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{office}:manifest:1.0"/>')
        book.writestr("content.xml", (
            f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" '
            f'xmlns:text="{office}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">'
            f'<table:table-row>{head}</table:table-row>'
            f'<table:table-row table:number-rows-repeated="{rows}">{much}</table:table-row>'
            '</table:table></office:spreadsheet></office:body></office:document-content>'
        ))  # fmt: skip
    return made.getvalue()


def _parquet(name: str, length: int, times: int) -> bytes:
    """A Parquet file that says a long name once, and means it that often."""
    word = pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, np.int32)), pa.array(["王" * length]))
    table = pa.table({"ND": pa.array(["2026"] * times), "QP": pa.array([f"B{n}" for n in range(times)]), name: word})
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()


def _text(*lines: str, encoding: str = "gb18030") -> bytes:
    return (HEAD + "".join(lines)).encode(encoding)


def _good(count: int) -> list[str]:
    return [LINE.format(n=n) for n in range(count)]


#: name → (file, its bytes, what may become of it: the code of a blocked batch, or the rules its rows wait by)
CASES: dict[str, tuple[str, Callable[[], bytes], set[str]]] = {
    "nothing at all": ("pets.csv", lambda: b"", {"unreadable"}),
    "cut in a row": ("pets.csv", lambda: _text(*_good(2000))[:-25], {"unreadable"}),
    "cut in a character": ("pets.csv", lambda: _text(*_good(3)).split("明".encode("gb18030"))[0] + b"\xc3", {"unreadable"}),
    "cut workbook": ("pets.xlsx", lambda: workbook(ROWS)[:-600], {"unreadable"}),
    "cut Parquet": ("pets.parquet", lambda: b"PAR1" + NOISE, {"unreadable"}),
    "an executable called csv": ("pets.csv", lambda: b"\x7fELF" + NOISE, {"unreadable"}),
    "a workbook called csv": ("pets.csv", lambda: workbook(ROWS), {"unreadable"}),
    "a csv called workbook": ("pets.xlsx", lambda: _text(*_good(3)), {"unreadable"}),
    "noise called workbook": ("pets.xlsx", lambda: NOISE, {"unreadable"}),
    "noise called xls": ("pets.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE, {"unreadable"}),
    "noise called Parquet": ("pets.parquet", lambda: NOISE, {"unreadable"}),
    "noise called ods": ("pets.ods", lambda: b"PK\x03\x04" + NOISE, {"unreadable"}),
    "a far cell, written oddly": ("pets.xlsx", lambda: _far(b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"), {"unreadable"}),
    "a row number of 5,000 digits": ("pets.xlsx", lambda: _far(b'<row r="' + b"9" * 5_000 + b'"/>'), {"unreadable"}),
    "a cell repeated 30 million times": ("pets.ods", lambda: _repeated(1_048_570, 30), {"unreadable"}),
    "a long word meant often": ("pets.parquet", lambda: _parquet("SYR", 30_000, 100_000), {"unreadable"}),
    "a word of 60 MB": ("pets.parquet", lambda: _parquet("SYR", 20_000_000, 1), {"unreadable"}),
    "a packed bomb": ("pets.xlsx", _bomb, {"unreadable"}),
    "only NUL": ("pets.csv", lambda: b"\0" * 10_000_000, {"unreadable"}),
    "NUL in every cell": ("pets.csv", lambda: _text(*(LINE.format(n=f"{n}\0").replace("王", "\0") for n in range(9))),
                          {"unreadable", ""}),
    "a cell of 10 MB": ("pets.csv", lambda: _text(*_good(2), f"2026,A9,{'王' * 5_000_000},1,2026-03-01\n"),
                        {"unreadable", "range"}),
    "a cell of 2 MB": ("pets.csv", lambda: _text(*_good(2), f"2026,A9,{'王' * 700_000},1,2026-03-01\n"), {"range"}),
    "a number of 3 MB": ("pets.csv", lambda: _text(*_good(2), f"2026,A9,王小明,{'9' * 3_000_000},2026-03-01\n"),
                         {"unreadable", "decimal.too_large"}),
    "a key of 1 MB": ("pets.csv", lambda: _text(*_good(2), f"2026,{'A' * 1_000_000},王小明,1,2026-03-01\n"), {"range", "key.missing"}),
    "10,000 columns": ("pets.csv", lambda: (HEAD.strip() + "".join(f",c{n}" for n in range(10_000)) + "\n"
                                            + ("2026,A1,王小明,1,2026-03-01" + ",x" * 10_000 + "\n") * 50).encode(), {"unknown_column"}),
    "10,000 columns in a workbook": ("pets.xlsx", lambda: workbook([usual("A1") | {f"c{n}": "x" for n in range(10_000)}]),
                                     {"unknown_column"}),
    "10,000 lines in one quote": ("pets.csv", lambda: _text('2026,A1,"', *_good(10_000)), {"unreadable"}),
    "a million separators": ("pets.csv", lambda: _text("," * 1_000_000 + "\n"), {"merged"}),
    "only a header": ("pets.csv", lambda: _text(), {"merged"}),
}  # fmt: skip
Outcome = tuple[str, list[str], float]


@pytest.fixture(scope="module")
def outcomes(new_hub: Callable[[], Hub], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of each case: blocked with a code, or the rules of the waiting rows; and the memory it took, in MB."""
    folder, hub = tmp_path_factory.mktemp("garbage"), new_hub()
    carrier = Csv(folder / "drop")
    system = PETS.format(kind=carrier.kind, source=carrier.source)
    documents = [
        ("department", "city_management", DEPARTMENT),
        ("contract", "pet_licence", CONTRACT),
        ("system", "pets", system),
    ]
    publish(hub, documents, ("pets", carrier.secret))
    process = forked.context().Process(
        target=_take_all, args=(str(hub.home), hub.url, str(folder / "drop"), str(folder / "told"))
    )
    process.start()
    process.join(300)
    assert process.exitcode == 0
    told: dict[str, Outcome] = json.loads((folder / "told").read_text("utf-8"))
    return told


def _take_all(home: str, url: str, drop: str, told: str) -> None:
    hub = Hub(Settings(home=Path(home), database_url=url), url)
    carrier = Csv.__new__(Csv)
    carrier.folder, carrier.count = Path(drop), 0
    carrier.bring(ROWS)
    journey.run(hub, FEED)
    found: dict[str, Outcome] = {}
    for name, (file, made, _) in CASES.items():
        carrier.deliver(file, made())
        base = _measure_anew()
        try:
            journey.run(hub, FEED)
            word = "merged"
        except HutongError as error:
            word = f"{type(error).__name__} {error.code}" if error.remedy else "no remedy"
        except BaseException as error:
            word = f"broken: {type(error).__name__}"
        peak = _kilobytes("VmHWM") - base
        with hub.read() as link:
            rules = link.execute(
                text("SELECT DISTINCT rule FROM hub.finding f JOIN hub.quarantine q USING (batch_id, row_no) "
                     "WHERE q.status = 'open' AND f.severity = 'error'")
            )  # fmt: skip
            held = link.execute(text("SELECT count(*) FROM records.pet_licence WHERE tag LIKE 'A_'")).scalar_one()
            found[name] = (
                word if held or word == "merged" else f"{word}, library lost",
                sorted(rules.scalars()),
                peak / 1024,
            )
        if word == "merged":
            carrier.bring(ROWS)
            journey.run(hub, FEED)
    Path(told).write_text(json.dumps(found), "utf-8")
    os._exit(0)


def _measure_anew() -> int:
    """Forget the peak so far; the resident size now, in kB."""
    import gc

    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")
    return _kilobytes("VmRSS")


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


@pytest.mark.parametrize("case", CASES)
def test_garbage_stops_its_batch_or_waits(case: str, outcomes: dict[str, Outcome]) -> None:
    word, rules, peak = outcomes[case]
    allowed = CASES[case][2]
    if word == "merged":
        assert "merged" in allowed or (set(rules) & allowed) or "" in allowed, (word, rules)
    else:
        kind, _, code = word.partition(" ")
        assert (kind, code in allowed) == ("BatchBlocked", True), word
    assert peak < MOST_MB
