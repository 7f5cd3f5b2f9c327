"""Dropped files: deliveries, manifests, and sheets as people make them. Real files only."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import shutil
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

import connectors
from connectors import spreadsheet
from connectors.delivery import Drop
from core import clock
from core.errors import BatchBlocked, DocumentRefused, NotReady
from tests.connectors.standard import COLUMNS, Row, Source, Standard, feed, system, taken

HEADER = "id,name,changed\n"
TWO = HEADER + "K1,王一,2024-01-01\nK2,王二,2024-01-02\n"


class Folder:
    """A drop folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()
        self.secret = {"url": path.as_uri()}

    def deliver(self, name: str, files: dict[str, bytes], /, *, at: str = "2024-01-01T08:00:00", **said: Any) -> Path:
        """A whole delivery; `said` overrides what the manifest says of every file."""
        folder = self.path / name
        folder.mkdir()
        listed = []
        for file, content in files.items():
            (folder / file).write_bytes(content)
            listed.append({"name": file, "rows": None, "sha256": hashlib.sha256(content).hexdigest(), **said})
        manifest = {"id": f"id-{name}", "delivered_at": at, "files": listed}
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        return folder

    def extract(self, since: str | None = None, *, chunk_rows: int = 1000, source: Any = None, **changes: Any) -> Any:
        said = feed(source or {"pattern": "thing*"}, **{"mode": "full", **changes})
        return connectors.extract(system("files"), said, self.secret, since, chunk_rows=chunk_rows)

    def read(self, since: str | None = None, **changes: Any) -> tuple[list[dict[str, Any]], Any]:
        return taken(self.extract(since, **changes))


@pytest.fixture
def drop(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "房产 交换")


def workbook(
    path: Path, lines: Sequence[Sequence[Any]], *, sheets: dict[str, Sequence[Sequence[Any]]] | None = None
) -> bytes:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm"})
    for name, content in {**(sheets or {}), "Sheet": lines}.items():
        sheet = book.add_worksheet(name)
        for number, line in enumerate(content):
            sheet.write_row(number, 0, line)
    book.close()
    return path.read_bytes()


class Deliveries(Source):
    """Each addition is a delivery of its own, all at one moment: only their ids order them."""

    kind = "files"

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.secret = folder.secret
        self.count = 0

    def add(self, added: list[Row]) -> None:
        self.count += 1
        text = HEADER + "".join(",".join(row) + "\n" for row in added)
        self.folder.deliver(f"d{self.count}", {"thing.csv": text.encode()}, rows=len(added))

    def stop(self) -> None:
        shutil.rmtree(self.folder.path)

    def feed(self, **changes: Any) -> Any:
        return feed({"pattern": "thing*"}, **changes)


class TestFiles(Standard):
    @pytest.fixture
    def source(self, drop: Folder) -> Deliveries:
        return Deliveries(drop)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_found_by_decoding(drop: Folder, encoding: str) -> None:
    drop.deliver("d", {"thing.csv": (HEADER + "K1,𠮷镕·阿卜杜拉,2024-01-01\n").encode(encoding)})
    [row], _ = drop.read()
    assert row == {"id": "K1", "name": "𠮷镕·阿卜杜拉", "changed": "2024-01-01"}


def test_an_encoding_that_is_named_must_fit(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": (HEADER + "K1,王一,x\n").encode("gb18030")})
    assert drop.read(source={"pattern": "*.csv", "encoding": "GBK"})[0][0]["name"] == "王一"
    with pytest.raises(BatchBlocked, match="utf-8"):
        drop.read(source={"pattern": "*.csv", "encoding": "utf-8"})
    with pytest.raises(DocumentRefused):
        drop.read(source={"pattern": "*.csv", "encoding": "gb18O30"})


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff" + HEADER.encode(),
        (HEADER + "K1,王一二三四五六七八九十甲乙丙丁戊己庚辛壬癸,x\n").encode()[:-8] + b"\xe5",
        "\ufeff".encode() + HEADER.encode() + "王".encode("gb18030"),
        (HEADER + 'K1,"王').encode(),
        (HEADER + "K1,430903199001011234\n").encode(),
        (HEADER + "K1,2,3,430903199001011234\n").encode(),
        "姓名,电话\n王一,430903199001011234\n".encode(),
        b"",
        (HEADER.replace("name", "id") + "K1,2,3\n").encode(),
    ],
)
def test_a_damaged_csv_is_unreadable_by_name_not_by_content(drop: Folder, content: bytes) -> None:
    drop.deliver("d", {"thing.csv": content})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unreadable"
    assert "d-thing.csv" in str(caught.value)
    assert "4309" not in f"{caught.value!r}{caught.value!s}"
    assert caught.value.remedy


def test_a_wrong_row_is_named_by_number(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": ("某市某表\n" + TWO + "K3,王三\n").encode()})
    with pytest.raises(BatchBlocked, match=r"第 5 行|row 5"):
        drop.read()


def test_titles_blanks_and_totals_are_not_rows(drop: Folder, tmp_path: Path) -> None:
    text = (
        "某市住房合同备案表,,\n制表:\"住建局\n信息中心\",,\n\n id ,na\u3000me,changed,\n"
        "K1,王一,2024-01-01,\n,,,\n  ,\u3000,,\nK2,\"王\n二\",2024-01-02,\n 合 计：,2,,\n小计,1\n"
    )  # fmt: skip
    drop.deliver("d", {"thing.csv": text.encode("gb18030")}, rows=2)
    got, run = drop.read()
    assert [(row["id"], row["name"]) for row in got] == [("K1", "王一"), ("K2", "王\n二")]
    assert run.source_rows == 2
    lines: list[list[Any]] = [["某市表"], [], [], ["id", "name", "changed"], ["K1", "王一", "x"], [], ["合计", 1]]
    drop.deliver("e", {"thing.xlsx": workbook(tmp_path / "a.xlsx", lines)}, at="2024-02-01T00:00:00", rows=2)
    got, run = drop.read()
    assert (got, run.source_rows) == ([{"id": "K1", "name": "王一", "changed": "x"}], 1)


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_other_separators_are_found(drop: Folder, separator: str) -> None:
    drop.deliver("d", {"thing.txt": (TWO + "合计,2\n").replace(",", separator).encode()})
    assert len(drop.read()[0]) == 2


def test_a_column_without_a_name_must_be_empty(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": b"id,name,changed,\nK1,a,b,\n"})
    assert list(drop.read()[0][0]) == list(COLUMNS)
    drop.deliver("e", {"thing.csv": b"id,name,changed,\nK1,a,b,secret\n"}, at="2024-02-01T00:00:00")
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unknown_column"


def test_an_unknown_column_is_handed_on(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": b"id,name,changed,surprise\nK1,a,b,c\n"})
    assert drop.read()[1].schema.names == [*COLUMNS, "surprise"]


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


@pytest.mark.parametrize("damage", ["garbage", "truncated", "flipped"])
@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_damaged_binary_file_is_unreadable(drop: Folder, tmp_path: Path, kind: str, damage: str) -> None:
    if kind == "xlsx":
        content = workbook(tmp_path / "a.xlsx", [list(COLUMNS), *([f"K{i}", "a", "b"] for i in range(500))])
    else:
        pq.write_table(pa.table({name: ["x"] * 5000 for name in COLUMNS}), tmp_path / "a.parquet")
        content = (tmp_path / "a.parquet").read_bytes()
    content = {
        "garbage": b"\x00\x01 garbage", "truncated": content[: len(content) // 2],
        "flipped": content[:60] + bytes(255 - b for b in content[60:-400]) + content[-400:],
    }[damage]  # fmt: skip
    drop.deliver("d", {f"thing.{kind}": content})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert (caught.value.code, "thing" in str(caught.value)) == ("unreadable", True)


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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_no_table(drop: Folder, encoding: str) -> None:
    """Every second byte is NUL."""
    drop.deliver("d", {"thing.csv": TWO.encode(encoding)})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unreadable"


def test_nul_in_a_cell_is_kept_for_whoever_judges_it(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": (HEADER + "K1,王\x00一,x\n").encode()})
    assert drop.read()[0][0]["name"] == "王\x00一"


BELOW = "".join(f"K{number},王,x\n" for number in range(2, 50))


@pytest.mark.parametrize(
    "rows",
    [
        'K1,"王一,x\n' + BELOW,
        'K1,王一,"x\n' + BELOW,
        'K1,王一,"x\n' + BELOW.rstrip(),
        'K1,王一,"x\nK1,王一,"x\n' + BELOW,
        BELOW + 'K1,王一,"x\n',
        BELOW + 'K1,王一,"x\n' + BELOW + 'K1,王一,"x\n' + BELOW,
    ],
)
def test_a_quote_that_is_never_closed_swallows_nothing(drop: Folder, rows: str) -> None:
    """The rows below it would become one cell, and be missed by nobody."""
    drop.deliver("d", {"thing.csv": (HEADER + rows).encode()})
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "unreadable"


def test_quotes_that_are_text_pass(drop: Folder) -> None:
    text = HEADER + 'K1,5" 管,x\nK2,"a ""b"" c",x\nK3,"地址, 一\n二号",x\nK4,6" 管,"y\nz"\n'
    drop.deliver("d", {"thing.csv": text.encode()})
    assert [row["name"] for row in drop.read()[0]] == ['5" 管', 'a "b" c', "地址, 一\n二号", '6" 管']


def test_a_hundred_thousand_empty_rows_are_nothing(drop: Folder, tmp_path: Path) -> None:
    lines: list[list[Any]] = [list(COLUMNS), ["K1", "a", "b"], *([[]] * 100_000), ["K2", "a", "b"]]
    drop.deliver("d", {"thing.xlsx": workbook(tmp_path / "a.xlsx", lines)}, rows=2)
    assert [row["id"] for row in drop.read()[0]] == ["K1", "K2"]


def test_parquet_keeps_its_types(drop: Folder, tmp_path: Path) -> None:
    table = pa.table({
        "id": pa.array([1, 2]), "name": pa.array(["a", "b"]).dictionary_encode(), "changed": [date(2024, 1, 1)] * 2,
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    drop.deliver("d", {"thing.parquet": (tmp_path / "a.parquet").read_bytes()}, rows=2)
    _, run = drop.read(chunk_rows=1)
    assert run.schema.types == [pa.int64(), pa.string(), pa.date32()]


def test_a_wrong_checksum_blocks(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode()}, sha256="0" * 64)
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "checksum"


@pytest.mark.parametrize("said", [1, 3])
def test_a_wrong_row_count_blocks(drop: Folder, said: int) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode()}, rows=said)
    with pytest.raises(BatchBlocked) as caught:
        drop.read()
    assert caught.value.code == "manifest"


def test_files_and_manifest_must_name_each_other(drop: Folder) -> None:
    folder = drop.deliver("d", {"thing.csv": TWO.encode()})
    (folder / "~$thing.csv").write_text("lock")
    (folder / "other.csv").write_text("another feed's")
    drop.read()
    (folder / "thing2.csv").write_text(TWO)
    with pytest.raises(BatchBlocked, match="thing2"):
        drop.read()
    (folder / "thing2.csv").unlink()
    (folder / "thing.csv").unlink()
    with pytest.raises(BatchBlocked, match=r"thing\.csv"):
        drop.read()


@pytest.mark.parametrize("name", ["../thing.csv", "/etc/thing", "..", ".thing"])
def test_a_manifest_cannot_reach_outside(drop: Folder, name: str) -> None:
    folder = drop.deliver("d", {"thing.csv": TWO.encode()}, name=name)
    os.utime(folder / "manifest.json", (1, 1))
    with pytest.raises(BatchBlocked) as caught:
        drop.read(source={"pattern": "*"})
    assert caught.value.code == "manifest"


def test_what_is_still_being_delivered_is_left_alone(drop: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (drop.path / "half").mkdir()
    (drop.path / "half" / "thing.csv").write_text(TWO)
    _, run = drop.read()
    assert (run.nothing_new, run.watermark) == (True, None)
    (drop.path / "half" / "manifest.json").write_text('{"id": "x", "deliv')
    assert drop.read()[1].nothing_new
    with clock.override(clock.now() + timedelta(hours=1)), pytest.raises(BatchBlocked, match="half"):
        drop.read()
    shutil.rmtree(drop.path / "half")
    drop.deliver("d", {"thing.csv": TWO.encode()})
    monkeypatch.setattr(Drop, "fetch", lambda *_: None)  # it changed while it was copied
    assert drop.read()[1].nothing_new


def test_a_file_that_grows_while_it_is_copied_is_noticed(drop: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = drop.deliver("d", {"thing.csv": TWO.encode()}) / "thing.csv"
    copy = Drop.fetch

    def grow(self: Drop, path: str, target: Path) -> str | None:
        plain = self.fs

        class Growing:
            get_file_info = plain.get_file_info

            @staticmethod
            def open_input_stream(path: str) -> Any:
                with file.open("a") as more:
                    more.write("K3,x,y\n")
                return plain.open_input_stream(path)

        self.fs = Growing()
        return copy(self, path, target)

    monkeypatch.setattr(Drop, "fetch", grow)
    assert drop.read()[1].nothing_new


def test_a_full_feed_takes_the_newest_an_incremental_one_all(drop: Folder) -> None:
    for day in (2, 1, 3):
        text = HEADER + f"K{day},a,b\n"
        drop.deliver(f"n{day}", {"thing.csv": text.encode(), "noise.csv": b"x"}, at=f"2024-01-0{day}T08:00:00+08:00")
    drop.deliver("later", {"noise.csv": b"x"}, at="2024-01-09T08:00:00")
    got, run = drop.read()
    assert [row["id"] for row in got] == ["K3"]
    assert run.watermark == "2024-01-03T00:00:00+00:00 id-n3"
    assert drop.read(run.watermark)[1].nothing_new
    got, run = drop.read("2024-01-01T00:00:00+00:00 id-n1", mode="incremental")
    assert [row["id"] for row in got] == ["K2", "K3"]


def test_naive_delivery_times_are_the_feed_s(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode()}, at="2024-01-01T08:00:00")
    assert drop.read()[1].watermark == "2024-01-01T00:00:00+00:00 id-d"


def test_a_delivery_dated_in_the_future_blocks(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode()}, at="2099-01-01T08:00:00+08:00")
    with pytest.raises(BatchBlocked):
        drop.read()


def test_originals_are_kept_as_delivered(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode("gb18030")})
    with drop.extract() as run:
        list(run)
        kept = {name: what if isinstance(what, bytes) else what.read_bytes() for name, what in run.originals}
        paths = [what for _, what in run.originals if isinstance(what, Path)]
    assert kept["d-thing.csv"] == TWO.encode("gb18030")
    assert json.loads(kept["d-manifest.json"])["id"] == "id-d"
    assert not any(path.exists() for path in paths)


def test_without_manifests_a_file_counts_once_it_rests(drop: Folder) -> None:
    source = {"pattern": "thing*.csv", "manifest": "none", "settle_s": 30}
    (drop.path / "thing1.csv").write_text(TWO)
    assert drop.read(source=source)[1].nothing_new
    with clock.override(clock.now() + timedelta(seconds=31)):
        got, run = drop.read(source=source)
        assert len(got) == 2
        assert drop.read(run.watermark, source=source)[1].nothing_new


def test_files_of_one_delivery_share_a_layout(drop: Folder) -> None:
    first, second = TWO, "changed,id,name\n2024-01-03,K3,王三\n"
    drop.deliver("d", {"thing1.csv": first.encode(), "thing2.csv": second.encode("gb18030")})
    got, _ = drop.read()
    assert got[2] == {"id": "K3", "name": "王三", "changed": "2024-01-03"}
    drop.deliver("e", {"thing1.csv": first.encode(), "thing2.csv": b"id,name\nK1,a\n"}, at="2024-02-01T00:00:00")
    with pytest.raises(BatchBlocked, match="changed"):
        drop.read()


def test_an_unknown_format_is_unreadable(drop: Folder) -> None:
    drop.deliver("d", {"thing.docx": b"x"})
    with pytest.raises(BatchBlocked, match=r"thing\.docx"):
        drop.read()


def test_memory_is_bounded_by_blocks(drop: Folder) -> None:
    text = HEADER + "".join(f"K{i},王{i},2024-01-01\n" for i in range(120_000))
    drop.deliver("d", {"thing.csv": text.encode("gb18030")}, rows=120_000)
    with drop.extract(chunk_rows=50_000) as run:
        assert [batch.num_rows for batch in run] == [50_000, 50_000, 20_000]


@pytest.mark.parametrize("secret", [{}, {"url": "nonsense"}, {"url": "what://key:s3cret@host/x"}])
def test_an_unusable_address_says_so(secret: dict[str, Any]) -> None:
    with pytest.raises(NotReady) as caught:
        taken(connectors.extract(system("files"), feed({}), secret, None))
    assert "s3cret" not in str(caught.value)


@given(st.integers(10**15, 10**20))
def test_a_long_number_shows_that_its_end_is_lost(number: int) -> None:
    text = spreadsheet._text(float(number))
    assert text is not None
    assert "E+" in text
    assert float(text) == pytest.approx(number, rel=1e-14)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_short_number_keeps_every_digit(number: int) -> None:
    assert spreadsheet._text(float(number)) == str(number)
