"""Everything that persons and schedules do beside reading a feed, killed at its commits: scans of keys, rulings, decisions and
their replays, judgements, checks, publications, rebuilds, retention, backups.

Each is made ready once; every kill strikes a copy of that installation, in which the command is then given again, as whoever
gave it would. Two things are judged, by plain SQL over both databases: straight after the kill the libraries are as they
were or as they become, never between; and in the end everything is as if nobody had been killed. What it becomes is said by
each chore's own statement about the data, so that a command that does nothing is not taken for one that survives.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from catalog_registry import quality
from catalog_registry.publication import register, register_rebuilt
from core import clock, decisions
from core.actor import Actor
from core.backup import take as backup
from core.errors import BatchBlocked
from core.hub import Hub
from libraries import golden, judgements
from libraries.judgements import Verdict
from pipeline import checks, deciding, journey, retention, undoing
from pipeline.rebuild import whole
from schemas import published
from schemas.published import Document
from tests.crash.world import SYSTEM_ID, Source, dataset, documents

STEWARD = Actor(operator="steward", client="s", department="city_management")
FULL, INCREMENTAL = (f"{SYSTEM_ID}.{dataset(mode)}" for mode in ("full", "incremental"))
CHECK = """
check: two_dogs
version: 1.0.0
title: {zh: 一人有两处登记, en: One person in two registers}
dimension: consistency
severity: warning
remedy: {zh: 核对, en: Compare them.}
records:
  one: {dataset: pet_full, where: {owner_no: {empty: false}}}
  other: {dataset: pet_incremental, of: one, subject: {role: owner, is: owner}}
pair: [one, other]
"""
_BLOCKED = f"SELECT id FROM hub.batch WHERE feed = '{FULL}' AND state = 'blocked'"


@dataclass(frozen=True)
class Chore:
    """One command: what to prepare, how it is given (again, until it ends), and what is true of the data afterwards.
    `feeds`: the scheduler's runs before it is given again change nothing, so they are made too."""

    ready: Callable[[Hub, Source], None]
    act: Callable[[Hub], None]
    becomes: str
    feeds: bool = True


def _nothing(hub: Hub, source: Source) -> None:
    """Ready as it is."""


def _deleted(hub: Hub, source: Source) -> None:
    """Rows vanish from a source that does not tell."""
    source.rows["incremental"] = source.rows["incremental"][20:]
    source.write("incremental")


def _emptied(hub: Hub, source: Source) -> None:
    """A run that a guard stops."""
    source.rows["full"] = source.rows["full"][:3]
    source.write("full")
    with suppress(BatchBlocked):
        journey.run(hub, FULL)


def _restored(hub: Hub, source: Source) -> None:
    """The same, after which the source is whole again."""
    kept = list(source.rows["full"])
    _emptied(hub, source)
    source.rows["full"] = kept
    source.write("full")


def _excused(hub: Hub, source: Source) -> None:
    _excuse(hub)


def _judged(hub: Hub, source: Source) -> None:
    _judge(hub)


def _corrupt(hub: Hub, source: Source) -> None:
    """Somebody at the database itself."""
    with hub.begin() as connection:
        connection.execute(
            text(
                "UPDATE records.pet_full SET weight_kg = 77.77 WHERE tag IN (SELECT tag FROM records.pet_full ORDER BY tag LIMIT 5)"
            )
        )
        connection.execute(
            text("DELETE FROM records.pet_incremental WHERE tag = (SELECT max(tag) FROM records.pet_incremental)")
        )


def _checked(hub: Hub, source: Source) -> None:
    register(hub, [Document("check", "two_dogs", "1.0.0", CHECK, "crash")], STEWARD)


def _scan(hub: Hub) -> None:
    journey.scan(hub, INCREMENTAL, now=True)


def _accept(hub: Hub) -> None:
    with hub.read() as connection:
        batch = connection.execute(
            text(_BLOCKED.replace("= 'blocked'", "<> 'dropped'") + " ORDER BY seq DESC LIMIT 1")
        ).scalar_one()
    journey.accept(hub, batch, reason="清查后核销", actor=STEWARD)
    golden.refresh(hub)


def _drop(hub: Hub) -> None:
    with hub.read() as connection:
        batch = connection.execute(text(_BLOCKED)).scalar()
    if batch is not None:
        journey.drop(hub, batch, reason="误传", actor=STEWARD)
    journey.run(hub, FULL)


def _waiting(connection: Connection, column: str, value: str) -> tuple[object, int] | None:
    row = connection.execute(
        text("SELECT batch_id, row_no FROM hub.quarantine WHERE dataset = 'pet_full' AND row ->> :column = :value "
             "ORDER BY batch_id, row_no LIMIT 1"), {"column": column, "value": value},
    ).one_or_none()  # fmt: skip
    return None if row is None else (row.batch_id, row.row_no)


def _rules(connection: Connection, row: tuple[object, int]) -> list[str]:
    found = text(
        "SELECT DISTINCT rule FROM hub.finding WHERE batch_id = :batch AND row_no = :row AND severity = 'error'"
    )
    return list(connection.execute(found, {"batch": row[0], "row": row[1]}).scalars())


def _excuse(hub: Hub) -> None:
    with hub.begin() as connection:
        row = _waiting(connection, "TZ", "999")
        if row is not None and not decisions.in_force(connection, "excuse"):
            until = clock.today(hub.settings.timezone) + timedelta(days=30)
            deciding.excuse(hub, connection, [row], _rules(connection, row), until, reason="大型犬", actor=STEWARD)  # type: ignore[list-item]
    journey.replay(hub, FULL)
    golden.refresh(hub)


def _take_back(hub: Hub) -> None:
    with hub.begin() as connection:
        for made in decisions.in_force(connection, "excuse"):
            undoing.undo(hub, connection, made.id, reason="误判", actor=STEWARD)
    journey.replay(hub, FULL)
    golden.refresh(hub)


def _dismiss(hub: Hub) -> None:
    with hub.begin() as connection:
        row = _waiting(connection, "TZ", "999")
        if row is not None and not decisions.in_force(connection, "dismiss"):
            deciding.dismiss(hub, connection, [row], reason="已注销", actor=STEWARD)  # type: ignore[list-item]


def _judge(hub: Hub) -> None:
    with hub.begin() as connection:
        people = connection.execute(
            text(
                "SELECT owner_no, owner_name FROM records.pet_full WHERE owner_no IS NOT NULL GROUP BY 1, 2 ORDER BY 1 LIMIT 2"
            )
        ).all()
        one, other = (judgements.claim("population", *person) for person in people)
        judgements.add(connection, hub.keys, "population", Verdict.same, one, other, reason="补发号码", actor=STEWARD)
    golden.refresh(hub)


def _part(hub: Hub) -> None:
    with hub.begin() as connection:
        for one in judgements.listed(connection, "population", standing=True):
            judgements.undo(connection, hub.keys, one.decision.id, reason="误判", actor=STEWARD)
    golden.refresh(hub)


def _check(hub: Hub) -> None:
    checks.run(hub)
    quality.measure_due(hub, every=True)


def _contract(change: Callable[[str], str]) -> Document:
    (body,) = (body for kind, id, body in documents() if (kind, id) == ("contract", "pet_full"))
    return Document("contract", "pet_full", "2.0.0", change(body), "crash")


def _publish(hub: Hub) -> None:
    new = "  - {name: colour, businessName: 毛色, logicalType: string}\n  customProperties:\n  - property: subjects"
    register(hub, [_contract(lambda body: body.replace("  customProperties:\n  - property: subjects", new))], STEWARD)


def _publish_rebuilt(hub: Hub) -> None:
    def change(body: str) -> str:
        body = body.replace("version: 1.0.0", "version: 2.0.0")
        return body.replace(
            "name: year, businessName: 年度, logicalType: integer",
            "name: year, businessName: 年度, logicalType: string",
        )

    register_rebuilt(hub, [_contract(change)], STEWARD)
    golden.refresh(hub)


def _swap(hub: Hub) -> None:
    whole.rebuild(hub, swap=True, actor=STEWARD)


def _retain(hub: Hub) -> None:
    with clock.override(clock.now() + timedelta(days=40)):
        retention.retain(hub, actor=STEWARD)


def _back_up(hub: Hub) -> None:
    folder = hub.home / "backups"
    made = backup.take(hub, folder)
    assert not backup.verify(folder, made.name)


_COLUMN = "FROM information_schema.columns WHERE table_schema = 'records' AND table_name = 'pet_full' AND column_name"
_REMOVED = "SELECT count(*) >= 15 FROM records.pet_incremental_history WHERE _ended = 'removed'"
_RETAINED = (
    "SELECT bool_or(files_removed_at IS NOT NULL) AND (SELECT count(*) = 1 FROM hub.checkpoint) "
    "FROM hub.batch WHERE feed LIKE '%flagged'"
)
_FOUND = "SELECT (SELECT count(*) > 9 FROM hub.check_finding) AND EXISTS (SELECT FROM hub.quality)"
_OVER = "EXISTS (SELECT FROM records.pet_full WHERE weight_kg = {})"
#: by name; every statement is true afterwards and not before
CHORES: dict[str, Chore] = {
    "scan of keys": Chore(_deleted, _scan, _REMOVED),
    "accept": Chore(_emptied, _accept, "SELECT count(*) <= 3 FROM records.pet_full", feeds=False),
    "drop": Chore(_restored, _drop, f"SELECT NOT EXISTS ({_BLOCKED})", feeds=False),
    "excuse": Chore(_nothing, _excuse, f"SELECT {_OVER.format(999)}", feeds=False),
    "undo": Chore(_excused, _take_back, f"SELECT NOT {_OVER.format(999)}", feeds=False),
    "dismiss": Chore(_nothing, _dismiss, "SELECT EXISTS (SELECT FROM hub.quarantine WHERE status = 'dismissed')"),
    "judgement": Chore(_nothing, _judge, "SELECT count(*) > 0 FROM libraries.judged"),
    "judgement undone": Chore(_judged, _part, "SELECT count(*) = 0 FROM libraries.judgement"),
    "checks and quality": Chore(_checked, _check, _FOUND),
    "publish": Chore(_nothing, _publish, f"SELECT EXISTS (SELECT {_COLUMN} = 'colour')"),
    "publish --rebuild": Chore(_nothing, _publish_rebuilt, f"SELECT data_type = 'text' {_COLUMN} = 'year'"),
    "rebuild --swap": Chore(_corrupt, _swap, f"SELECT NOT {_OVER.format(77.77)}", feeds=False),
    "retention": Chore(_nothing, _retain, _RETAINED),
    "backup": Chore(_nothing, _back_up, "SELECT true"),
}


def schedule(hub: Hub) -> None:
    """What runs by itself in any case."""
    for mode in ("full", "incremental", "flagged"):
        journey.run(hub, f"{SYSTEM_ID}.{dataset(mode)}")
    golden.refresh(hub)


def leftovers(home: Path) -> list[str]:
    """Files that somebody who died was writing, and what of the documents is not as the database says."""
    odd = [path.name for path in home.rglob("*") if path.name.endswith((".writing", ".part", ".new"))]
    return sorted(odd + [path.name for path in (home / "rebuild",) if path.exists()])


def documents_read(home: Path) -> dict[str, str]:
    """The documents that whoever reads them finds: their digests."""
    return {
        "/".join(key): doc.sha256
        for key, doc in published.open_snapshot((home / "published" / "current").resolve()).raw.items()
    }


def copied(home: Path, target: Path) -> None:
    """An installation's folder, again."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(home, target, symlinks=True)
