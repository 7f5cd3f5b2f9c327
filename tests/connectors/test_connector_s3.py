"""Deliveries in an object store, against a real S3-compatible server on loopback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors import stores
from core.errors import BatchBlocked, NotReady, SourceDown
from tests.connectors.folder import TWO, Deliveries, Folder
from tests.connectors.object_store import SECRET_KEY, ObjectStore
from tests.connectors.service import Server
from tests.connectors.standard import Standard


class Bucket(Folder):
    """A drop folder in a bucket: delivered into a folder, then uploaded."""

    def __init__(self, path: Path, store: ObjectStore, prefix: str = "住房 交换/") -> None:
        super().__init__(path)
        self.store, self.prefix = store, prefix
        self.bucket = store.bucket()
        self.secret = store.secret(self.bucket, prefix)

    def deliver(self, name: str, files: dict[str, bytes], /, *, at: str = "2024-01-01T08:00:00", **said: Any) -> Path:
        folder = super().deliver(name, files, at=at, **said)
        self.store.upload(folder, self.bucket, f"{self.prefix}{name}/")
        return folder


class Objects(Deliveries):
    words = (SECRET_KEY,)

    def stop(self) -> None:
        self.secret = {**self.secret, "endpoint": "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Whatever happens, no copy of a delivery stays behind."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield scratch
    assert list(scratch.iterdir()) == []


@pytest.fixture
def bucket(tmp_path: Path, object_store: ObjectStore) -> Bucket:
    return Bucket(tmp_path / "drop", object_store)


class TestS3(Standard):
    @pytest.fixture
    def source(self, bucket: Bucket) -> Objects:
        return Objects(bucket)


def test_a_delivery_without_its_manifest_is_left_alone(bucket: Bucket) -> None:
    folder = bucket.path / "half"
    folder.mkdir()
    (folder / "thing.csv").write_text(TWO)
    bucket.store.upload(folder, bucket.bucket, f"{bucket.prefix}half/")
    assert bucket.read()[1].nothing_new


def test_without_manifests_an_object_counts_once_it_rests(bucket: Bucket) -> None:
    bucket.store.client.put_object(Bucket=bucket.bucket, Key=f"{bucket.prefix}thing1.csv", Body=TWO.encode())
    source = {"pattern": "thing*.csv", "manifest": "none"}
    assert bucket.read(source=source)[1].nothing_new
    got, run = bucket.read(source={**source, "settle_s": 0})
    assert len(got) == 2
    assert bucket.read(run.watermark, source={**source, "settle_s": 0})[1].nothing_new


def test_a_wrong_checksum_blocks(bucket: Bucket) -> None:
    bucket.deliver("d", {"thing.csv": TWO.encode()}, sha256="0" * 64)
    with pytest.raises(BatchBlocked) as caught:
        bucket.read()
    assert caught.value.code == "checksum"


def test_an_object_that_is_replaced_while_it_is_copied_is_noticed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.deliver("d", {"thing.csv": TWO.encode()})
    plain = stores.opened

    class Replacing:
        def __init__(self, files: Any) -> None:
            self._files = files
            self.get_file_info = files.get_file_info

        def open_input_stream(self, path: str) -> Any:
            if path.endswith(".csv"):
                key = f"{bucket.prefix}d/thing.csv"
                bucket.store.client.put_object(Bucket=bucket.bucket, Key=key, Body=TWO.encode() + b"K3,a,b\n")
            return self._files.open_input_stream(path)

    @contextmanager
    def replacing(*given: Any) -> Iterator[Any]:
        with plain(*given) as (files, base):
            yield Replacing(files), base

    monkeypatch.setattr(stores, "opened", replacing)
    assert bucket.read()[1].nothing_new


def test_a_missing_bucket_is_named_as_such(bucket: Bucket) -> None:
    bucket.secret["url"] = "s3://no-such-bucket/x"
    with pytest.raises(SourceDown, match=r"目录|folder"):
        bucket.read()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
def test_a_wrong_key_is_denied(bucket: Bucket, code: str) -> None:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET_KEY}</Message></Error>".encode()
    refusing = Server(lambda *_: (403, {"Content-Type": "application/xml"}, body))
    try:
        bucket.secret["endpoint"] = refusing.url
        with pytest.raises(BatchBlocked) as caught:
            bucket.read()
    finally:
        refusing.close()
    assert caught.value.code == "denied"
    assert SECRET_KEY not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize("missing", ["endpoint", "access_key", "secret_key"])
def test_the_exchange_s_own_keys_are_never_shown_to_a_department(
    bucket: Bucket, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the secret leaves out would be taken from the environment, which opens the landing store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    del bucket.secret[missing]
    with pytest.raises(NotReady, match=missing):
        bucket.read()


@pytest.mark.parametrize("url", ["s3://", "s3://key:s3cret@bucket/x", "s3://bucket/x?endpoint_override=h", "gs://b/x"])
def test_an_unusable_address_says_so(bucket: Bucket, url: str) -> None:
    bucket.secret["url"] = url
    with pytest.raises(NotReady) as caught:
        bucket.read()
    assert "s3cret" not in str(caught.value)
