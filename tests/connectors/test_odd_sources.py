"""What services and senders get wrong where nobody looks: headers, addresses, names of files, weight. Each is read, refused
in words or tried later; none ends as an unexpected error."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import connectors
from connectors import extraction, rest
from connectors.http import Patience
from core.errors import DocumentRefused, HutongError, NotReady, SourceDown
from tests.connectors.folder import TWO, Folder
from tests.connectors.service import Server
from tests.connectors.sftp_server import SftpServer
from tests.connectors.standard import feed, system, taken

JSON = {"Content-Type": "application/json"}
LINK = {"records": "items", "paging": "link", "next": "next", "total": "total"}
CURSOR = {**LINK, "paging": "cursor"}


def outcome(body: bytes, *, status: int = 200, headers: Any = None, source: Any = None, **secret: Any) -> str:
    """How many rows were read, or the code of the refusal."""
    server = Server(lambda *_: (status, {**JSON, **(headers or {})}, body))
    said = feed(source or {"records": "items"}, mode="full")
    try:
        got, _ = taken(connectors.extract(system("rest"), said, {"base_url": server.url, **secret}, None))
        return str(len(got))
    except HutongError as error:
        assert error.remedy
        return error.code
    finally:
        server.close()


@pytest.mark.parametrize(
    ("headers", "status", "becomes"),
    [
        ({"X-Message": "成功".encode("gb18030").decode("latin-1")}, 200, "1"),
        ({"Content-Encoding": "gzip"}, 200, "source_down"),
        ({"Retry-After": "\xb2"}, 503, "source_down"),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, 503, "source_down"),
        ({"Content-Type": "application/json; charset=nope"}, 200, "unreadable"),
    ],
)
def test_odd_headers(headers: dict[str, str], status: int, becomes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "PATIENCE", Patience(tries=2, first_s=0.01, total_s=2))
    assert outcome(b'{"items": [{"id": "1"}]}', headers=headers, status=status) == becomes


@pytest.mark.parametrize("following", ["::::", "\x00", "ht\ud800tp", "/p?a=\ud842", "x" * 70_000])
@pytest.mark.parametrize("source", [LINK, CURSOR], ids=["link", "cursor"])
def test_a_next_page_that_is_nowhere(following: str, source: dict[str, str]) -> None:
    body = json.dumps({"items": [{"id": "1"}], "next": following}).encode()
    assert outcome(body, source=source) == "paging"


def test_answers_that_cost_more_than_they_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(b'{"items": [{"id": ' + b"[" * 900 + b"]" * 900 + b"}]}") == "unreadable"
    assert outcome(b'{"items": [{"id": "1"}], "total": "\xc2\xb2"}', source={**LINK, "next": "none"}) == "1"
    monkeypatch.setattr(rest, "MOST_RECORDS", 1_000)
    assert outcome(b'{"items": [' + b"{}," * 1_000 + b"{}]}") == "unreadable"
    many = {f"c{number}": 1 for number in range(10_000)}  # quadratic once: it took two minutes
    assert outcome(json.dumps({"items": [many]}).encode()) == "1"


@pytest.mark.parametrize(
    "secret",
    [{"ca_file": "/nowhere"}, {"headers": {"X-名": "中"}}, {"headers": ["a"]}, {"token": "令牌"}, {"token_url": "http://127.0.0.1:1/"}],
    ids=["ca_file", "header", "headers", "token", "client_id"],
)  # fmt: skip
def test_a_secret_that_cannot_be_used_is_said_so(secret: dict[str, Any]) -> None:
    with pytest.raises(NotReady) as caught:
        taken(
            connectors.extract(
                system("rest"), feed({}, mode="full"), {"base_url": "http://127.0.0.1:1", **secret}, None
            )
        )
    assert caught.value.code == "secret"


@pytest.mark.parametrize("encoding", ["base64", "rot13", "idna", "unicode_escape", "undefined", "nope"])
def test_an_encoding_of_no_text_is_refused(drop: Folder, encoding: str) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode()})
    with pytest.raises(DocumentRefused):
        drop.read(source={"pattern": "thing*", "encoding": encoding})


def test_utf_16_without_its_mark_is_unreadable(drop: Folder) -> None:
    drop.deliver("d", {"thing.csv": TWO.encode("utf-16-le")})
    with pytest.raises(HutongError) as caught:
        drop.read(source={"pattern": "thing*", "encoding": "utf-16"})
    assert caught.value.code == "unreadable"


def test_a_row_with_a_cell_too_many_and_a_large_one_is_refused_quietly(
    drop: Folder, capfd: pytest.CaptureFixture[str]
) -> None:
    drop.deliver("d", {"thing.csv": f"{TWO}K3,{'x' * 200_000},a,b\n".encode()})
    with pytest.raises(HutongError) as caught:
        drop.read()
    assert caught.value.code == "unreadable" and "4" in caught.value.message.en
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("where", ["folder", "sftp"])
def test_names_of_files_in_another_encoding_disturb_nobody(tmp_path: Path, where: str) -> None:
    """Older clients send names in GBK, which are no UTF-8; what is beside the delivery is nobody's."""
    drop = Folder(tmp_path / "drop")
    drop.deliver("d", {"thing.csv": TWO.encode()})
    odd = "房产".encode("gbk")
    (tmp_path / "drop").joinpath("d")
    Path(os.fsdecode(os.fsencode(tmp_path / "drop") + b"/" + odd)).mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "drop" / "d") + b"/" + odd)).write_bytes(b"x")
    server = SftpServer(tmp_path / "drop") if where == "sftp" else None
    if server:
        drop.secret = server.secret()
    try:
        assert len(drop.read()[0]) == 2
    except SourceDown as error:
        pytest.fail(error.message.en)
    finally:
        if server:
            server.close()


def test_heavy_rows_come_in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "MOST_BYTES", 10_000)
    cells = ["x" * 1_000] * 55 + ["y"] * 300
    batches = (pa.RecordBatch.from_pydict({"a": cells[at : at + 100]}) for at in range(0, len(cells), 100))
    made = list(extraction.regroup(batches, 200))
    assert [cell for batch in made for cell in batch["a"].to_pylist()] == cells
    assert all(batch.nbytes <= 10_000 for batch in made)
    assert max(batch.num_rows for batch in made) <= 200
