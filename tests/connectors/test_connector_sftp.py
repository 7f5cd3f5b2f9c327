"""Deliveries over SFTP, against a real server on loopback."""

from __future__ import annotations

import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import sftp
from core.errors import BatchBlocked, HutongError, NotReady, SourceDown
from tests.connectors.folder import HEADER, TWO, Deliveries, Folder
from tests.connectors.sftp_server import PASSWORD, SftpServer
from tests.connectors.standard import Standard, taken


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "房产 交换")


@pytest.fixture
def server(folder: Folder) -> Iterator[SftpServer]:
    running = SftpServer(folder.path)
    folder.secret = running.secret()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Whatever happens, no copy of a delivery stays behind."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield scratch
    assert list(scratch.iterdir()) == []


class Remote(Deliveries):
    words = (PASSWORD,)

    def __init__(self, folder: Folder, server: SftpServer) -> None:
        super().__init__(folder)
        self.server = server

    def stop(self) -> None:
        self.server.stop()


class TestSftp(Standard):
    @pytest.fixture
    def source(self, folder: Folder, server: SftpServer) -> Remote:
        return Remote(folder, server)


def refused(folder: Folder, kind: type[HutongError], **changes: Any) -> HutongError:
    folder.secret = {**folder.secret, **changes}
    with pytest.raises(kind) as caught:
        folder.read()
    assert caught.value.remedy
    assert PASSWORD not in f"{caught.value!s}{caught.value!r}"
    return caught.value


def test_a_folder_below_the_address(folder: Folder, server: SftpServer) -> None:
    (folder.path / "住房 数据").mkdir()
    inner = Folder(folder.path / "住房 数据" / "fang%20")
    inner.deliver("d", {"thing.csv": TWO.encode()})
    secret = server.secret(url=f"sftp://hub@127.0.0.1:{server.port}/%E4%BD%8F%E6%88%BF%20数据/")
    folder.secret = secret
    assert len(folder.read(source={"pattern": "*.csv", "folder": "fang%20"})[0]) == 2


@pytest.mark.parametrize("passphrase", [None, "p4ss"])
def test_a_private_key_opens_it(folder: Folder, server: SftpServer, passphrase: str | None) -> None:
    folder.deliver("d", {"thing.csv": TWO.encode()})
    text = server.user_key.export_private_key("openssh", passphrase).decode()
    folder.secret = {**server.secret(), "key": text, **({"passphrase": passphrase} if passphrase else {})}
    del folder.secret["password"]
    assert len(folder.read()[0]) == 2


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "ecdsa-sha2-nistp256"])
def test_other_kinds_of_host_keys(folder: Folder, algorithm: str) -> None:
    folder.deliver("d", {"thing.csv": TWO.encode()})
    server = SftpServer(folder.path, algorithm)
    try:
        folder.secret = server.secret(host_key="# 市住建局\n\n" + server.host_key.partition(" ")[2])
        assert len(folder.read()[0]) == 2
    finally:
        server.close()


def test_a_wrong_password_is_denied(folder: Folder, server: SftpServer) -> None:
    assert refused(folder, BatchBlocked, password="wrong").code == "denied"


def test_a_changed_host_key_is_refused_before_anything_is_said(folder: Folder, server: SftpServer) -> None:
    folder.deliver("d", {"thing.csv": TWO.encode()})
    server.restart()
    error = refused(folder, BatchBlocked)
    assert error.code == "host_key"
    assert server.key.get_fingerprint().removeprefix("SHA256:") in str(error.message)
    folder.secret = server.secret()
    assert len(folder.read()[0]) == 2


@pytest.mark.parametrize("host_key", ["", "nonsense", "ssh-ed25519 AAAAnonsense", "# only a comment"])
def test_without_a_known_host_key_nobody_is_asked(folder: Folder, server: SftpServer, host_key: str) -> None:
    assert refused(folder, NotReady, host_key=host_key).code == "host_key"


@pytest.mark.parametrize(
    "key", ["nonsense", "-----BEGIN {0}-----\nAAAA\n-----END {0}-----".format("OPENSSH PRIVATE KEY")]
)
def test_an_unusable_private_key_says_so(folder: Folder, server: SftpServer, key: str) -> None:
    assert refused(folder, NotReady, key=key).code == "secret"


@pytest.mark.parametrize(
    "url", ["sftp://127.0.0.1/", "sftp://hub:s3cret@127.0.0.1/", "sftp://hub@/x", "sftp://hub@h:x/"]
)
def test_an_unusable_address_says_so(folder: Folder, server: SftpServer, url: str) -> None:
    assert "s3cret" not in str(refused(folder, NotReady, url=url))


def big(folder: Folder, rows: int = 300_000) -> str:
    text = HEADER + "".join(f"K{number},王{number},2024-01-01\n" for number in range(rows))
    folder.deliver("d", {"thing.csv": text.encode()}, rows=rows)
    return text


def test_a_server_that_drops_in_the_middle_of_a_file_leaves_nothing(folder: Folder, server: SftpServer) -> None:
    big(folder)
    server.hang_up_after = 1 << 20
    with pytest.raises(SourceDown) as caught:
        folder.read()
    assert caught.value.remedy
    server.hang_up_after, server.sent = None, 0
    got, run = folder.read()
    assert len(got) == 300_000
    assert run.watermark is not None


def test_a_server_that_falls_silent_is_given_up(
    folder: Folder, server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "TIMEOUT_S", 0.5)
    big(folder)
    server.silent_after = 1 << 20
    with pytest.raises(SourceDown):
        folder.read()


def test_a_port_that_says_nothing_is_given_up(
    folder: Folder, server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "CONNECT_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        folder.secret = server.secret(url=f"sftp://hub@127.0.0.1:{mute.getsockname()[1]}/")
        with pytest.raises(SourceDown):
            folder.read()


def test_half_a_delivery_is_left_alone(folder: Folder, server: SftpServer) -> None:
    (folder.path / "half").mkdir()
    (folder.path / "half" / "thing.csv").write_text(TWO)
    assert folder.read()[1].nothing_new


def test_a_missing_folder_is_named_as_such(folder: Folder, server: SftpServer) -> None:
    with pytest.raises(SourceDown, match=r"目录|folder"):
        folder.read(source={"pattern": "*", "folder": "nowhere"})


def test_copies_are_private_and_the_connection_is_given_back(
    folder: Folder, server: SftpServer, temporary: Path
) -> None:
    big(folder)
    before = threading.active_count()
    with folder.extract(chunk_rows=1000) as run:
        [scratch] = temporary.iterdir()
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        assert next(iter(run)).num_rows == 1000
    assert threading.active_count() <= before + 1, "the connection is closed"


def test_links_are_followed(folder: Folder, server: SftpServer, tmp_path: Path) -> None:
    (folder.path / "store").mkdir()
    kept = Folder(folder.path / "store" / "kept")
    kept.deliver("d", {"thing.csv": TWO.encode()})
    (folder.path / "latest").symlink_to("store/kept/d")
    assert len(folder.read()[0]) == 2


def test_rows_after_the_mark_only(folder: Folder, server: SftpServer) -> None:
    folder.deliver("d1", {"thing.csv": TWO.encode()})
    _, run = folder.read(mode="incremental")
    (folder.path / "d1" / "thing.csv").unlink()  # the sender clears away what was taken
    folder.deliver("d2", {"thing.csv": TWO.encode()}, at="2024-02-01T00:00:00")
    got, _ = taken(folder.extract(run.watermark, mode="incremental"))
    assert len(got) == 2
