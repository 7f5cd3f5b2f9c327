"""A whole synthetic city brought through the product: the systems written, every feed run, the libraries refreshed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import uvicorn
from sqlalchemy import text

from catalog_registry import publication, systems
from core import clock, secrets
from core.hub import Hub
from demo import city, service, write
from libraries import golden
from pipeline import checks, journey
from pipeline.batch import Batch
from schemas import published
from tests.databases import Databases


@dataclass
class Whole:
    """The hub after one round of all feeds, and the truth that was planted."""

    hub: Hub
    truth: dict[str, Any]
    planted: list[tuple[str, str, tuple[str, ...]]]
    batches: dict[str, Batch]
    systems: dict[str, dict[str, str]]
    city: Path


@contextmanager
def brought_in(
    databases: Databases, folder: Path, residents: int, bodies: int, seed: int, only: Collection[str] = ()
) -> Iterator[Whole]:
    """Make a city of that size and run everything once, or only some feeds and nothing that is made of them."""
    with ExitStack() as opened:
        hub = opened.enter_context(databases.hub(folder / "home"))
        registry, staging = (opened.enter_context(databases.empty()) for _ in range(2))
        made = city.of_size(residents, bodies, "test", seed, clock.today())
        port = _free_port()
        urls = {"real_estate_registry": registry, "household_registry": staging}
        written = write.write(made, folder / "city", urls, services=f"http://127.0.0.1:{port}")
        truth = json.loads(written.truth.read_text("utf-8"))
        planted = pq.read_table(written.truth.with_suffix(".parquet")).to_pylist()
        with _serving(service.create_app(folder / "city"), port):
            broken = publication.ensure_shipped(hub)
            assert not broken, broken
            with hub.begin() as connection:
                for name, secret in written.systems.items():
                    secrets.put(connection, hub.keys, name, secret)
            batches = {}
            for system in systems.listed(published.current(hub.home)):
                for feed in system.feeds:
                    if only and feed.id not in only:
                        continue
                    batch = journey.run(hub, feed.id)
                    assert batch is not None, feed.id
                    batches[feed.id] = batch
            if not only:
                golden.refresh(hub)
                checks.run(hub)
            kinds = [(row["dataset"], row["kind"], tuple(row["key"])) for row in planted]
            yield Whole(hub, truth, kinds, batches, written.systems, folder / "city")


@contextmanager
def _serving(app: Any, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Score:
    """One planted kind: how many, how many the product answered as the truth says, and what else it did with them."""

    dataset: str
    kind: str
    defect: bool
    expect: str
    planted: int
    caught: int
    refused: int
    warned: int

    @property
    def right(self) -> bool:
        """Errors are quarantined; warnings are noted and merged; what is legal is never refused."""
        if self.expect == "error":
            return self.refused == self.planted
        if self.expect == "warning":
            return self.warned == self.planted and self.refused == 0
        return self.refused == 0


def scores(whole: Whole) -> list[Score]:
    """Every planted kind against what the product found. A record that also carries an error kind may be refused."""
    found = _found(whole.hub)
    errors: dict[str, set[tuple[str, ...]]] = {}
    kinds = {(kind["dataset"], kind["name"]): kind for kind in whole.truth["kinds"]}
    for dataset, kind, key in whole.planted:
        if kinds[dataset, kind]["expect"] == "error":
            errors.setdefault(dataset, set()).add(key)
    lines = []
    for (dataset, name), kind in kinds.items():
        keys = {key for at, of, key in whole.planted if at == dataset and of == name}
        refused = {key for key in keys if key in found[dataset]["waiting"]}
        warned = {key for key in keys if key in found[dataset]["warned"]}
        excused = errors.get(dataset, set()) if kind["expect"] != "error" else set()
        lines.append(
            Score(
                dataset, name, kind["defect"], kind["expect"], len(keys),
                len(refused if kind["expect"] == "error" else warned), len(refused - excused), len(warned | (refused & excused)),
            )
        )  # fmt: skip
    return lines


def wrongly_refused(whole: Whole) -> list[tuple[str, tuple[str, ...]]]:
    """Quarantined records that no error was planted in."""
    kinds = {(kind["dataset"], kind["name"]): kind["expect"] for kind in whole.truth["kinds"]}
    right = {(dataset, key) for dataset, kind, key in whole.planted if kinds[dataset, kind] == "error"}
    return [
        (dataset, key)
        for dataset, found in _found(whole.hub).items()
        for key in sorted(found["waiting"])
        if (dataset, key) not in right
    ]


def _found(hub: Hub) -> dict[str, dict[str, set[tuple[str, ...]]]]:
    """By dataset: the source keys of waiting rows, and those of rows with a warning on any item."""
    found: dict[str, dict[str, set[tuple[str, ...]]]] = {}
    with hub.read() as connection:
        for contract in published.current(hub.home).contracts.values():
            waiting = connection.execute(
                text("SELECT source_key FROM hub.quarantine WHERE dataset = :dataset AND status = 'open'"),
                {"dataset": contract.id},
            )
            key = ", ".join(f'r."{name}"::text' for name in contract.key)
            warned = connection.execute(
                text(
                    f'SELECT DISTINCT ARRAY[{key}] FROM records."{contract.id}" r JOIN hub.finding f ON f.batch_id = r._batch '
                    "AND f.row_no = r._row_no AND f.severity = 'warning'"
                )
            )
            found[contract.id] = {
                "waiting": {tuple(row[0]) for row in waiting},
                "warned": {tuple(row[0]) for row in warned},
            }
    return found


#: check → the planted kind it finds: dataset, kind, the item of the key that the truth goes by first
CROSSED = {
    "contract_after_title": ("housing_contract", "never_titled", "contract_no"),
    "unit_with_two_rights": ("real_estate_right", "unit_twice_current", "right_id"),
    "account_at_deregistered_employer": ("fund_account", "employer_deregistered", "account_no"),
    "account_at_closed_employer": ("fund_account", "employer_closed", "account_no"),
    "business_of_the_dead": ("market_entity", "operator_dead", "entity_id"),
    "firm_to_be_cancelled": ("market_entity", "not_cancelled", "entity_id"),
    "mortgage_after_settlement": ("real_estate_limit", "mortgage_not_released", "limit_id"),
}


@dataclass(frozen=True)
class Crossed:
    """One check between datasets: the planted records, and those it names."""

    check: str
    planted: set[str]
    found: set[str]


def crossed(whole: Whole) -> list[Crossed]:
    """Every shipped check against what was planted."""
    lines = []
    with whole.hub.read() as connection:
        for check, (dataset, kind, item) in CROSSED.items():
            found = connection.execute(
                text(
                    f'SELECT DISTINCT r."{item}" FROM hub.check_finding f CROSS JOIN LATERAL (VALUES (first_dataset, first_key), '
                    f'(second_dataset, second_key)) AS side (dataset, key) JOIN records."{dataset}" r ON r._key = side.key '
                    "WHERE f.check_id = :check AND side.dataset = :dataset AND f.status = 'open'"
                ),
                {"check": check, "dataset": dataset},
            )
            planted = {key[0] for at, of, key in whole.planted if (at, of) == (dataset, kind)}
            lines.append(Crossed(check, planted, set(found.scalars())))
    return lines
