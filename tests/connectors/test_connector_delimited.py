"""Dropped CSV: encodings, separators, headers, and every way it is broken. Real files only."""

from __future__ import annotations

import pytest

from core.errors import BatchBlocked, DocumentRefused
from tests.connectors.folder import HEADER, TWO, Folder
from tests.connectors.standard import COLUMNS


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


def test_memory_is_bounded_by_blocks(drop: Folder) -> None:
    text = HEADER + "".join(f"K{i},王{i},2024-01-01\n" for i in range(120_000))
    drop.deliver("d", {"thing.csv": text.encode("gb18030")}, rows=120_000)
    with drop.extract(chunk_rows=50_000) as run:
        assert [batch.num_rows for batch in run] == [50_000, 50_000, 20_000]
