"""The shipped feeds of the city over every transport they are shipped for: the libraries hold the same, row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from catalog_registry import publication
from core import clock, secrets
from core.hub import Hub
from demo import city, fund, housing
from demo.city import City
from demo.write import ZONE
from pipeline import journey
from schemas import published
from schemas.contract import Contract
from tests.connectors.mariadb import PASSWORD, Mariadb
from tests.connectors.object_store import ObjectStore
from tests.connectors.sftp_server import SftpServer

Libraries = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> City:
    return city.of_size(900, 120, "test", 5, clock.today())


@pytest.fixture
def hubs(new_hub: Callable[[], Hub]) -> Callable[[], Hub]:
    """Makes fresh installations with everything shipped."""

    def fresh() -> Hub:
        hub = new_hub()
        assert not publication.ensure_shipped(hub)
        return hub

    return fresh


def brought_in(hub: Hub, system: str, secret: dict[str, Any], datasets: tuple[str, ...]) -> Libraries:
    """Run a system's feeds; what the libraries and the quarantine hold of it then, without what names the batch."""
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, system, secret)
    found: Libraries = {}
    for dataset in datasets:
        batch = journey.run(hub, f"{system}.{dataset}")
        assert batch is not None
        facts = {name: batch.evidence[name] for name in ("landed", "inserted", "quarantined", "repeated", "after")}
        contract = published.current(hub.home).contracts[dataset]
        found[dataset] = (facts, rows(hub, contract))
        assert facts["inserted"] > 0
        again = journey.run(hub, f"{system}.{dataset}")
        assert again is None or (again.evidence["inserted"], again.evidence["changed"]) == (0, 0)
    return found


def rows(hub: Hub, contract: Contract) -> list[tuple[Any, ...]]:
    items = ", ".join(f'"{item.name}"' for item in contract.items)
    with hub.read() as connection:
        found = connection.execute(text(f"SELECT {items}, _key, _row_hash FROM records.{contract.id} ORDER BY _key"))
        return [tuple(map(str, row)) for row in found]


FUND = ("fund_employer", "fund_account", "fund_movement", "fund_loan")
HOUSING = ("housing_contract", "housing_lease", "subsidised_housing")


@pytest.mark.slow
def test_the_fund_in_mariadb_is_the_fund_in_sqlite(
    hubs: Callable[[], Hub], made: City, mariadb: Mariadb, tmp_path: Path
) -> None:
    file = f"sqlite:///{tmp_path / 'fund' / 'fund.sqlite'}"
    server = URL.create(
        "mysql+pymysql", "root", PASSWORD, host="127.0.0.1", port=mariadb.port, database=mariadb.database()
    ).render_as_string(hide_password=False)
    for url in (file, server, server):
        fund.write(made.tables, url)
    first = brought_in(hubs(), "fund_core", {"url": file}, FUND)
    assert brought_in(hubs(), "fund_core", {"url": server}, FUND) == first


@pytest.mark.slow
def test_housing_by_sftp_and_from_an_object_store_is_housing_in_a_folder(
    hubs: Callable[[], Hub], made: City, object_store: ObjectStore, tmp_path: Path
) -> None:
    drop = tmp_path / "housing"
    housing.deliver(made.tables, drop, datetime(2026, 3, 1, 20, tzinfo=ZONE))
    bucket = object_store.bucket()
    object_store.upload(drop, bucket, "housing/")
    server = SftpServer(drop)
    try:
        first = brought_in(hubs(), "housing_drop", {"url": drop.as_uri()}, HOUSING)
        assert brought_in(hubs(), "housing_drop", server.secret(), HOUSING) == first
        assert brought_in(hubs(), "housing_drop", object_store.secret(bucket, "housing"), HOUSING) == first
    finally:
        server.close()
