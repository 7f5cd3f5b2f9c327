"""`hutong catalog`: the same search as everywhere, and a listing put into force from a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from core.hub import Hub
from tests.catalog_registry import small
from tests.cli.program import Hutong, hutong


@pytest.fixture(scope="module")
def run(new_hub: Callable[[], Hub]) -> Hutong:
    """`hutong catalog ARGUMENTS` over a hub with the small catalogue."""
    hub = new_hub()
    small.fill(hub)
    return partial(hutong, hub.home, "catalog", HUTONG_DATABASE_URL=hub.url)


def test_search_says_where_and_counts(run: Hutong) -> None:
    done = run("search", "jzmj", "--facets")
    assert done.returncode == 0 and "item: 建筑面积" in done.stdout and "Civil affairs bureau 3" in done.stdout
    assert "listed only" in done.stdout
    told = json.loads(run("search", "jzmj", "--share-type", "1", "--state", "listed", "--json").stdout)
    assert told["match"] == "exact" and told["total"] == len(told["resources"]) == 2


def test_a_slip_is_pointed_out(run: Hutong) -> None:
    done = run("search", "建筑面基")
    assert (
        done.returncode == 0 and "Nothing matches as typed" in done.stdout and "Did you mean: 建筑面积" in done.stdout
    )
    refused = run("search", "--department", "civill")
    assert refused.returncode == 1 and "Did you mean civil" in refused.stderr


def test_who_holds_an_item(run: Hutong) -> None:
    done = run("items", "建筑面积")
    assert done.returncode == 0 and "公墓信息" in done.stdout and "shared unconditionally" in done.stdout


def test_a_listing_is_published_from_a_file(run: Hutong, tmp_path: Path) -> None:
    file = tmp_path / "civil.listing.yaml"
    file.write_text(small.LISTING.replace("title: 公墓信息", "title: 公益性公墓信息"), "utf-8")
    assert run("publish", str(file)).returncode == 0
    assert "公益性公墓信息" in run("search", "公益性公墓").stdout
    file.write_text(small.LISTING.replace("cycle: yearly", "cycle: sometimes"), "utf-8")
    refused = run("publish", str(file))
    assert refused.returncode == 1 and "cycle is one of" in refused.stderr and "civil.listing.yaml" in refused.stderr
