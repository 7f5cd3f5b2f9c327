"""A feed over a landing in an object store: land, load, read back, and fail well when the store goes away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from core import clock
from core.errors import Retry, Stop
from core.hub import Hub
from core.settings import Settings
from libraries import golden
from pipeline import journey, retention
from pipeline.rebuild.whole import rebuild
from tests.connectors.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore
from tests.pipeline.small import FEED, Small, row


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    made = ObjectStore()
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    yield made
    made.close()


@pytest.fixture
def small(hub: Hub, store: ObjectStore, tmp_path: Path) -> Iterator[Small]:
    url = f"s3://{store.bucket()}/hutong/landing"
    far = Hub.open(Settings(home=hub.home, database_url=hub.url, landing_url=url))
    yield Small(far, tmp_path / "pets.db")
    far.close()


def rows(small: Small) -> int:
    with small.hub.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM records.pet_licence")).scalar_one())


def test_landed_in_one_step_and_loaded_in_another(small: Small) -> None:
    small.write([row("A1"), row("A2"), row("A3", weight=999)])
    small.publish()
    batch = journey.land(small.hub, FEED)
    assert batch is not None
    evidence = journey.load(small.hub, batch).evidence
    assert (evidence["landed"], evidence["inserted"], evidence["quarantined"]) == (3, 2, 1)
    assert not [path for path in small.hub.home.glob("landing/**/*") if path.is_file()], "nothing lands on this machine"


def test_a_checkpoint_stands_for_landed_files_there_too(small: Small, store: ObjectStore) -> None:
    hub = small.hub
    small.write([row("A1"), row("A2")])
    small.publish()
    journey.run(hub, FEED)
    golden.refresh(hub)
    hub.settings.keep_landing_days = 30
    bucket = hub.landing.root.partition("/")[0]

    def lying(end: str) -> list[str]:
        return [key for key in store.keys(bucket) if key.endswith(end)]

    with clock.override(clock.now() + timedelta(days=31)):
        retention.retain(hub)
        assert len(lying(".parquet")) == 0 and len(lying("manifest.json")) == 1
        (first,) = lying("library.dump")
        small.write([row("A1", weight=7), row("A2"), row("A3")])
        journey.run(hub, FEED)
        golden.refresh(hub)
        report = rebuild(hub)
        assert (report.same, report.batches) == (True, 1) and report.since is not None
    with clock.override(clock.now() + timedelta(days=90)):
        retention.retain(hub)  # a newer one takes its place
        (second,) = lying("library.dump")
        assert second != first and len(lying(".parquet")) == 0 and rebuild(hub).same
    store.client.put_object(Bucket=bucket, Key=second, Body=b"torn")
    with pytest.raises(Stop) as torn:
        rebuild(hub)
    store.client.delete_object(Bucket=bucket, Key=second)
    with pytest.raises(Stop) as gone:
        rebuild(hub)
    assert torn.value.code == gone.value.code == "checkpoint_damaged"


def test_a_store_that_goes_away_is_tried_again(
    small: Small, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write([row("A1")])
    small.publish()
    journey.run(small.hub, FEED)
    small.write([row("A1"), row("A2")])
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        other = Hub.open(small.hub.settings)
        try:
            with pytest.raises(Retry):
                journey.run(other, FEED)
        finally:
            other.close()
    assert rows(small) == 1
    journey.run(small.hub, FEED)
    assert rows(small) == 2
