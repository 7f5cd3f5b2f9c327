"""The landing store: whole or not there, immutable, checked when read."""

from __future__ import annotations

import errno
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

import core.landing
from core.embedded import Embedded
from core.errors import NotReady, Stop
from core.ids import uuid7
from core.landing import MANIFEST, BatchWriter, Landing


def rows(count: int, start: int = 0) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": list(range(start, start + count)), "t": ["甲"] * count})


def test_what_was_written_is_read_back_in_order_over_several_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchWriter, "PART_ROWS", 100)
    landing, batch = Landing(str(tmp_path)), uuid7()
    writer = landing.writer("system", "dataset", batch)
    for start in range(0, 350, 50):
        writer.write(rows(50, start))
    writer.original("送来的 文件.csv", "甲,乙".encode("gb18030"))
    manifest = writer.commit({"watermark": "w"})
    assert manifest["rows"] == 350
    assert len(manifest["files"]) == 5
    found = pa.Table.from_batches(landing.read("system", "dataset", batch, 33))
    assert found["n"].to_pylist() == list(range(350))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "system/dataset" / str(batch)).iterdir()}
    assert modes == {0o600}


def test_without_a_manifest_there_is_no_batch(tmp_path: Path) -> None:
    landing, batch = Landing(str(tmp_path)), uuid7()
    landing.writer("s", "d", batch).write(rows(3))
    assert landing.manifest("s", "d", batch) is None
    with pytest.raises(Stop):
        next(landing.read("s", "d", batch, 10))
    landing.writer("s", "d", batch).commit({})
    assert landing.manifest("s", "d", batch) is not None


def test_a_landed_batch_is_never_rewritten(tmp_path: Path) -> None:
    landing, batch = Landing(str(tmp_path)), uuid7()
    writer = landing.writer("s", "d", batch)
    writer.write(rows(3))
    writer.commit({})
    with pytest.raises(Stop):
        landing.writer("s", "d", batch)


def test_an_altered_file_is_noticed_before_its_first_row(tmp_path: Path) -> None:
    landing, batch = Landing(str(tmp_path)), uuid7()
    writer = landing.writer("s", "d", batch)
    writer.write(rows(3))
    writer.commit({})
    part = next(path for path in (tmp_path / "s/d" / str(batch)).iterdir() if path.name != MANIFEST)
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    with pytest.raises(Stop) as caught:
        next(landing.read("s", "d", batch, 10))
    assert caught.value.code == "landing_checksum"


def test_a_full_disk_is_said_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing, batch = Landing(str(tmp_path)), uuid7()
    writer = landing.writer("s", "d", batch)
    whole = core.landing._HashingSink.write

    def full(sink: core.landing._HashingSink, data: bytes) -> int:
        if sink.size > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(sink, data)

    monkeypatch.setattr(core.landing._HashingSink, "write", full)
    with pytest.raises(NotReady) as caught:
        writer.write(rows(1000))
    assert caught.value.remedy
    writer.abandon()
    assert not Path(writer.folder).exists()


def test_no_server_is_made_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=1, used=1, free=1))
    with pytest.raises(NotReady):
        Embedded(tmp_path / "postgres").start()
    assert not (tmp_path / "postgres" / "data").exists()
