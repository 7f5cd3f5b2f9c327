"""The departments' services as a client meets them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from demo.city import City
from demo.service import PLATFORMS, Platform, create_app

ROOT = Path(__file__).parents[2]
CREDIT = PLATFORMS["credit_platform"]


@dataclass(frozen=True)
class Served:
    """Where the platforms' data lies, and the header each asks for."""

    folder: Path
    headers: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def served(small: City, tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("services")
    tokens = {name: platform.write(small.tables, folder) for name, platform in PLATFORMS.items()}
    return Served(folder, {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()})


@pytest.fixture
def client(served: Served) -> Iterator[TestClient]:
    """A client of the credit platform; the app, and with it the count of requests, is new each time."""
    with TestClient(create_app(served.folder), headers=served.headers["credit_platform"]) as made:
        yield made


def pages(client: TestClient, resource: str, **query: Any) -> tuple[list[dict[str, Any]], int, list[int]]:
    """All records, the total the service says, and every status met; refused requests are asked again."""
    records: list[dict[str, Any]] = []
    met: list[int] = []
    cursor = ""
    while True:
        answer = client.get(f"/api/{resource}", params={**query, "cursor": cursor})
        met.append(answer.status_code)
        if answer.status_code != 200:
            continue
        body = answer.json()
        records += body["data"]
        if body["next"] is None:
            return records, body["total"], met
        cursor = body["next"]


@pytest.mark.parametrize(("resource", "key"), CREDIT.keys.items())
def test_paging_gives_every_record_once(client: TestClient, small: City, resource: str, key: tuple[str, ...]) -> None:
    records, total, _ = pages(client, resource, limit=40)
    rows = small.tables[resource].to_pylist()
    assert records == sorted(rows, key=lambda row: (row["sjc"], *(row[name] for name in key)))
    assert total == len(records)


def test_records_are_as_the_table_has_them(client: TestClient, small: City) -> None:
    records, _, _ = pages(client, "xzcf", limit=1000)
    expected = {row["xxid"]: row for row in small.tables["xzcf"].to_pylist()}
    assert {record["xxid"]: record for record in records} == expected
    assert all("." in record["cf_nr_fk"] for record in records if record["cf_nr_fk"])


def test_since_is_inclusive(client: TestClient, small: City) -> None:
    times = sorted(small.tables["xzcf"]["sjc"].to_pylist())
    records, total, _ = pages(client, "xzcf", since=times[-7])
    assert total == len(records) == sum(moment >= times[-7] for moment in times)


@pytest.mark.parametrize("authorization", [b"", b"Bearer wrong", b"wrong", "Bearer é".encode()])
@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.folder)
def test_without_its_token_nothing(served: Served, platform: Platform, authorization: bytes) -> None:
    with TestClient(create_app(served.folder)) as stranger:
        address = f"{platform.prefix}/{next(iter(platform.keys))}"
        answer = stranger.get(address, headers=[(b"Authorization", authorization)])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_numbered_pages_give_every_record_once(served: Served, small: City) -> None:
    register = PLATFORMS["firm_registry"]
    for resource, key in register.keys.items():
        found: list[dict[str, Any]] = []
        total, number = 1, 0
        with TestClient(create_app(served.folder), headers=served.headers["firm_registry"]) as asker:
            while len(found) < total:
                query = {"pageNum": number + 1, "pageSize": 300}
                answer = asker.get(f"{register.prefix}/{resource}", params=query)
                if answer.status_code == 200:
                    data = answer.json()["data"]
                    found, total, number = found + data["list"], data["total"], number + 1
            beyond = {"pageNum": number + 1, "pageSize": 300}
            last = [asker.get(f"{register.prefix}/{resource}", params=beyond) for _ in range(2)]
        rows = small.tables[resource].to_pylist()
        assert found == sorted(rows, key=lambda row: tuple(row[name] for name in key))
        assert [] in [answer.json()["data"]["list"] for answer in last if answer.status_code == 200]


def test_a_token_opens_its_own_platform_only(served: Served) -> None:
    with TestClient(create_app(served.folder), headers=served.headers["firm_registry"]) as asker:
        assert asker.get("/api/xzcf").status_code == 401
        assert asker.get("/gateway/E_BASEINFO").status_code == 200


def test_busy_and_down_come_by_count(client: TestClient) -> None:
    answers = [client.get("/api/yzsx", params={"limit": 1}) for _ in range(40)]
    busy = [turn for turn, answer in enumerate(answers, start=1) if answer.status_code == 429]
    down = [turn for turn, answer in enumerate(answers, start=1) if answer.status_code == 503]
    assert busy == [4, 13, 22, 31, 40]
    assert down == [17]
    assert {answers[turn - 1].headers["Retry-After"] for turn in busy} == {"1"}


def test_bad_questions(client: TestClient) -> None:
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/api/xzcf", params={"cursor": "%%%"}).status_code == 400
    assert client.get("/api/xzcf", params={"limit": 0}).status_code == 422


def test_as_a_process(served: Served) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "demo.service", "--folder", str(served.folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        answer = _first_answer(f"http://127.0.0.1:{port}/api/xzcf", served.headers["credit_platform"])
        assert answer.json()["total"] > 0
    finally:
        process.terminate()
        process.wait(10)


def _first_answer(url: str, headers: dict[str, str]) -> httpx.Response:
    for _ in range(100):
        try:
            return httpx.get(url, headers=headers, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")
