"""Landing in an S3-compatible object store, against a real one on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from core.errors import NotReady, Retry, Stop
from core.ids import uuid7
from core.landing import BatchWriter, Landing
from tests.connectors.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore
from tests.connectors.service import Server


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    made = ObjectStore()
    yield made
    made.close()


@pytest.fixture
def bucket(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return store.bucket()


def rows(count: int, start: int = 0) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": list(range(start, start + count)), "t": ["甲"] * count})


def files(store: ObjectStore, bucket: str) -> list[str]:
    return [key.rpartition("/")[2] for key in store.keys(bucket) if not key.endswith("/")]


def test_what_was_written_is_read_back(store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchWriter, "PART_ROWS", 100)
    landing, batch = Landing(f"s3://{bucket}/落地 区/"), uuid7()
    writer = landing.writer("system", "dataset", batch)
    for start in range(0, 350, 50):
        writer.write(rows(50, start))
    writer.original("送来的 文件.csv", "甲,乙".encode("gb18030"))
    assert landing.manifest("system", "dataset", batch) is None
    writer.commit({"watermark": "w"})
    again = Landing(f"s3://{bucket}/落地 区")
    assert pa.Table.from_batches(again.read("system", "dataset", batch, 33))["n"].to_pylist() == list(range(350))
    assert "original-00003-送来的 文件.csv" in files(store, bucket)
    with pytest.raises(Stop):
        again.writer("system", "dataset", batch)


def test_the_manifest_comes_last_and_whole(store: ObjectStore, bucket: str) -> None:
    """A process that dies before it leaves no batch; what it left is cleared by the next attempt."""
    landing, batch = Landing(f"s3://{bucket}/landing"), uuid7()
    writer = landing.writer("s", "d", batch)
    writer.write(rows(10))
    writer._close_part()
    assert (landing.manifest("s", "d", batch), files(store, bucket)) == (None, ["part-00000.parquet"])
    with pytest.raises(Stop):
        next(landing.read("s", "d", batch, 10))
    landing.writer("s", "d", batch).commit({})
    assert files(store, bucket) == ["manifest.json"]


def test_what_is_abandoned_does_not_appear_later(store: ObjectStore, bucket: str) -> None:
    landing = Landing(f"s3://{bucket}/landing")
    writer = landing.writer("s", "d", uuid7())
    writer.write(rows(10))
    writer.abandon()
    del writer
    assert files(store, bucket) == []


def test_an_altered_object_is_noticed_before_its_first_row(store: ObjectStore, bucket: str) -> None:
    landing, batch = Landing(f"s3://{bucket}/landing"), uuid7()
    writer = landing.writer("s", "d", batch)
    writer.write(rows(3))
    writer.commit({})
    key = next(key for key in store.keys(bucket) if key.endswith(".parquet"))
    store.client.put_object(Bucket=bucket, Key=key, Body=b"else")
    with pytest.raises(Stop) as caught:
        next(landing.read("s", "d", batch, 10))
    assert caught.value.code == "landing_checksum"


def test_an_object_store_that_is_away_is_tried_again(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    landing = Landing(f"s3://{bucket}/landing")  # opening an installation asks it nothing
    with pytest.raises(Retry) as caught:
        landing.manifest("s", "d", uuid7())
    assert caught.value.code == "landing_down"


def test_one_that_goes_away_while_a_batch_is_written(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    landing, batch = Landing(f"s3://{bucket}/landing"), uuid7()
    writer = landing.writer("s", "d", batch)
    writer.write(rows(10))

    class Gone:
        def __getattr__(self, name: str) -> Any:
            raise OSError("AWS Error NETWORK_CONNECTION")

    with monkeypatch.context() as gone, pytest.raises(Retry):
        assert writer._sink is not None
        gone.setattr(writer._sink, "_stream", Gone())
        writer.commit({})
    writer.abandon()
    assert landing.manifest("s", "d", batch) is None


def test_wrong_keys_are_denied(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code></Error>"
    refusing = Server(lambda *_: (403, {"Content-Type": "application/xml"}, body))
    monkeypatch.setenv("AWS_ENDPOINT_URL", refusing.url)
    try:
        with pytest.raises(NotReady) as caught:
            Landing(f"s3://{bucket}/landing").writer("s", "d", uuid7())
    finally:
        refusing.close()
    assert caught.value.code == "landing_denied"


@pytest.mark.parametrize(
    "url", ["s3://key:s3cret@bucket/x", "s3:///x", "gs://bucket/x", "file:///x", "s3://b/x?region=x"]
)
def test_an_unusable_address_says_so_without_showing_it(url: str, bucket: str) -> None:
    with pytest.raises(NotReady) as caught:
        Landing(url).manifest("s", "d", uuid7())
    assert "s3cret" not in f"{caught.value!s}{caught.value!r}"
