"""A backup taken while batches land and merge in other processes is of one moment; what was under way goes on elsewhere."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core import secrets
from core.actor import SYSTEM
from core.backup import take
from core.hub import Hub
from pipeline import journey
from schemas import published
from schemas.published import Document
from tests import forked
from tests.backup import running_child
from tests.backup.conftest import Place
from tests.backup.test_restore import put_back
from tests.pipeline.crash_child import killed
from tests.pipeline.small import CONTRACT, DEPARTMENT, FEED, SYSTEM_TEXT, Small, row

SYSTEMS = ("pets", "hounds", "strays")


def publish(hub: Hub, folder: Path) -> dict[str, str]:
    """Several systems that feed one dataset; system → its source's file."""
    paths = {system: str(folder / f"{system}.db") for system in SYSTEMS}
    body = SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%").replace("[BZ]", "[BZ, GXSJ]")
    texts = {
        system: body.replace("system: pets", f"system: {system}").replace("secret: pets", f"secret: {system}")
        for system in SYSTEMS
    }
    with hub.begin() as connection:
        published.publish(
            connection,
            [
                Document("department", "city_management", "1", DEPARTMENT, "test"),
                Document("contract", "pet_licence", "1", CONTRACT, "test"),
                *(Document("system", system, "1", text, "test") for system, text in texts.items()),
            ],
            SYSTEM,
        )
        for system, path in paths.items():
            secrets.put(connection, hub.keys, system, {"url": f"sqlite:///{path}"})
    with hub.read() as connection:
        published.write_snapshot(connection, hub.home)
    return paths


def one(hub: Hub, query: str, **values: Any) -> Any:
    with hub.read() as connection:
        return connection.execute(text(query), values).scalar_one()


def whole_batches_only(hub: Hub) -> int:
    """Every feed holds exactly what its last merged batch says, and every landed batch is there; how many are merged."""
    with hub.read() as connection:
        batches = connection.execute(
            text("SELECT id, system, dataset, state, evidence, landed_at FROM hub.batch ORDER BY seq")
        ).all()
    last = {batch.system: batch for batch in batches if batch.state in ("merged", "delivered")}
    for system, batch in last.items():
        held = one(hub, "SELECT count(*) FROM records.pet_licence WHERE _system = :system", system=system)
        assert held == batch.evidence["after"], system
        newest = one(hub, "SELECT max(_known_from) FROM records.pet_licence WHERE _system = :system", system=system)
        assert newest is None or newest <= batch.landed_at
        open_rows = "SELECT count(*) FROM hub.quarantine WHERE system = :system AND status = 'open'"
        assert one(hub, open_rows, system=system) == batch.evidence["quarantined"]
    merged = {batch.id for batch in batches if batch.state in ("merged", "delivered")}
    with hub.read() as connection:
        named = connection.execute(text("SELECT DISTINCT _batch FROM records.pet_licence")).scalars()
        assert set(named) <= merged, "no row of a batch that is not merged"
    for batch in batches:
        if batch.landed_at is not None:
            assert sum(len(chunk) for chunk in hub.landing.read(batch.system, batch.dataset, batch.id, 1000)) >= 0
    return len(merged)


def test_a_backup_under_load_is_of_one_moment(hub: Hub, elsewhere: Place, tmp_path: Path) -> None:
    paths = publish(hub, tmp_path)
    context = forked.context()
    stop = context.Event()
    rounds = {system: context.Value("i", 0) for system in SYSTEMS}
    children = [
        context.Process(target=running_child.run, args=(str(hub.home), hub.url, system, path, stop, rounds[system]))
        for system, path in paths.items()
    ]
    for child in children:
        child.start()
    made = []
    try:
        deadline = time.monotonic() + 120
        while len(made) < 4 and time.monotonic() < deadline:
            before = sum(value.value for value in rounds.values())
            made.append(take.take(hub, tmp_path / "backup"))
            while sum(value.value for value in rounds.values()) < before + 3 and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        stop.set()
        for child in children:
            child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0], "a backup stands in nobody's way"
    merged = []
    for manifest in made:
        target = elsewhere()
        put_back(hub, target, tmp_path / "backup", tmp_path / "apart", manifest.name)
        merged.append(whole_batches_only(target))
    assert merged == sorted(merged) and merged[-1] > merged[0], "batches merged between the backups"
    for system in SYSTEMS:  # the last one goes on where it was
        generation = rounds[system].value
        running_child.write(paths[system], system, generation)
        journey.run(target, f"{system}.pet_licence")
        found = one(target, "SELECT count(*) FROM records.pet_licence WHERE _system = :system", system=system)
        assert found == len(running_child.rows(system, generation)) - 1


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("core.landing:BatchWriter.write:after", "extracting"),
        ("core.landing:BatchWriter.commit:after", "extracting"),
        ("pipeline.stage:stage:after", "landed"),
        ("pipeline.merge:merge:after", "merged"),
    ],
)
def test_a_batch_under_way_is_continued_where_it_was_restored(
    small: Small, elsewhere: Place, tmp_path: Path, point: str, state: str
) -> None:
    hub = small.hub
    small.write([row("A1"), row("A2")])
    small.publish()
    journey.run(hub, FEED)
    small.write([row("A1", weight=3), row("B1"), row("B2", weight=999)])
    assert killed(point, FEED, hub) == -signal.SIGKILL
    assert one(hub, "SELECT state FROM hub.batch ORDER BY seq DESC LIMIT 1") == state
    take.take(hub, tmp_path / "backup")
    target = elsewhere()
    put_back(hub, target, tmp_path / "backup", tmp_path / "apart")
    for _ in range(2):
        journey.run(target, FEED)
        journey.run(hub, FEED)
    with hub.read() as here, target.read() as there:
        query = text("SELECT tag, weight_kg, _row_hash FROM records.pet_licence ORDER BY tag")
        assert here.execute(query).all() == there.execute(query).all() != []
    left = "SELECT count(*) FROM hub.batch WHERE state IN ('extracting', 'landed', 'merged')"
    assert one(target, left) == 0
