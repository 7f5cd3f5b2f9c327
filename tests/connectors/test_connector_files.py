"""Dropped files: deliveries and manifests, whatever is in them. Real files only."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import connectors
from connectors.delivery import Drop
from core import clock
from core.errors import BatchBlocked, NotReady
from tests.connectors.folder import HEADER, TWO, Deliveries, Folder, workbook
from tests.connectors.standard import COLUMNS, Standard, feed, system, taken


class TestFiles(Standard):
    @pytest.fixture
    def source(self, drop: Folder) -> Deliveries:
        return Deliveries(drop)


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


def test_an_unknown_column_is_handed_on(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": b"id,name,changed,surprise\nK1,a,b,c\n"})
    assert drop.read()[1].schema.names == [*COLUMNS, "surprise"]


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


@pytest.mark.parametrize("secret", [{}, {"url": "nonsense"}, {"url": "what://key:s3cret@host/x"}])
def test_an_unusable_address_says_so(secret: dict[str, Any]) -> None:
    with pytest.raises(NotReady) as caught:
        taken(connectors.extract(system("files"), feed({}), secret, None))
    assert "s3cret" not in str(caught.value)
