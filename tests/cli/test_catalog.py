"""`hutong catalog`: the same search as everywhere, and a listing put into force from a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from core.embedded import Server
from core.hub import Hub
from core.settings import Settings
from tests.catalog_registry import small

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The program over a hub with the small catalogue."""
    name, home = f"t_{uuid4().hex[:12]}", tmp_path_factory.mktemp("catalog")
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    hub = Hub.set_up(Settings(home=home, database_url=postgres.url(name)))
    small.fill(hub)
    hub.close()
    given = {**os.environ, "HUTONG_HOME": str(home), "HUTONG_DATABASE_URL": postgres.url(name), "HUTONG_LANG": "en"}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "catalog", *arguments], env=given, capture_output=True, text=True
        )

    return command


def test_search_says_where_and_counts(run: Run) -> None:
    done = run("search", "jzmj", "--facets")
    assert done.returncode == 0 and "item: 建筑面积" in done.stdout and "Civil affairs bureau 3" in done.stdout
    assert "listed only" in done.stdout
    told = json.loads(run("search", "jzmj", "--share-type", "1", "--state", "listed", "--json").stdout)
    assert told["match"] == "exact" and told["total"] == len(told["resources"]) == 2


def test_a_slip_is_pointed_out(run: Run) -> None:
    done = run("search", "建筑面基")
    assert (
        done.returncode == 0 and "Nothing matches as typed" in done.stdout and "Did you mean: 建筑面积" in done.stdout
    )
    refused = run("search", "--department", "civill")
    assert refused.returncode == 1 and "Did you mean civil" in refused.stderr


def test_who_holds_an_item(run: Run) -> None:
    done = run("items", "建筑面积")
    assert done.returncode == 0 and "公墓信息" in done.stdout and "shared unconditionally" in done.stdout


def test_a_listing_is_published_from_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "civil.listing.yaml"
    file.write_text(small.LISTING.replace("title: 公墓信息", "title: 公益性公墓信息"), "utf-8")
    assert run("publish", str(file)).returncode == 0
    assert "公益性公墓信息" in run("search", "公益性公墓").stdout
    file.write_text(small.LISTING.replace("cycle: yearly", "cycle: sometimes"), "utf-8")
    refused = run("publish", str(file))
    assert refused.returncode == 1 and "cycle is one of" in refused.stderr and "civil.listing.yaml" in refused.stderr
