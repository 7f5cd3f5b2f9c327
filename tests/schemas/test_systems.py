"""System documents: every shipped one fits its contracts; every broken one is refused at its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors import system
from core.errors import DocumentRefused
from schemas import contract
from tests.schemas.documents import CONTRACTS

CONTRACT = {found.id: found for found in map(contract.load, CONTRACTS)}
PATHS = system.paths()
TEXT = next(path for path in PATHS if path.stem == "real_estate_registry").read_text("utf-8")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_shipped_system(path: Path) -> None:
    found = system.load(path)
    assert found.id == path.stem
    assert found.department == path.parent.name
    system.check(found, CONTRACT.get, file=path.name)
    for feed in found.feeds:
        assert feed.id == f"{found.id}.{feed.dataset}"
        assert CONTRACT[feed.dataset].department == found.department
        # every item is fed, and every code of a closed list can be reached
        assert set(feed.columns.values()) == {item.name for item in CONTRACT[feed.dataset].items}
        for item in CONTRACT[feed.dataset].items:
            if item.enum:
                assert set(feed.codes[item.name].values()) == set(item.enum), item.name
        assert feed.covers.divisions
        assert feed.schedule


def test_every_contract_is_fed() -> None:
    assert {feed.dataset for path in PATHS for feed in system.load(path).feeds} == set(CONTRACT)


def test_shrink_is_a_fraction_and_codes_are_text() -> None:
    feed = system.load(TEXT.replace('{"0": sole', "{0: sole")).feed("real_estate_right")
    assert feed.expect.shrink == Decimal("0.05")
    assert feed.codes["co_ownership"]["0"] == "sole"
    assert (feed.mode, feed.watermark, feed.timezone) == ("incremental", "GXSJ", "Asia/Shanghai")


def test_a_flagged_feed_says_where_its_flags_are() -> None:
    text = TEXT.replace("mode: incremental", "mode: flagged\n  flag: {column: CZBS}", 1).replace(
        "  key_scan: {every: 1d}\n", ""
    )
    assert system.load(text).feeds[0].flag == system.Flag(column="CZBS")
    with pytest.raises(DocumentRefused):
        system.load(TEXT.replace("mode: incremental", "mode: flagged", 1))


BROKEN = [
    ("connector: sql", "connector: sqll", "connector", "sql"),
    ("secret:", "secrets:", "secrets", "secret"),
    ("  watermark: GXSJ", "  watermarks: GXSJ", "feeds[0].watermarks", "watermark"),
    ("  watermark: GXSJ\n", "", "feeds[0]", "Correct"),
    ("mode: incremental", "mode: increment", "feeds[0].mode", "Correct"),
    ("timezone: Asia/Shanghai", "timezone: Asia/Beijing", "timezone", "Asia/Shanghai"),
    ("SXH: holder_seq", "SXH: right_id", "feeds[0].columns.QLID", "one"),
    ("    co_ownership:", "    coownership:", "feeds[0].codes.coownership", "co_ownership"),
    ('{"0": sole', "{true: sole", "feeds[0].codes.co_ownership", "Correct"),
    ("shrink: 5%", "shrink: 500%", "feeds[0].expect.shrink", "Correct"),
    ("{min: 1}", "{mn: 1}", "feeds[0].expect.rows.mn", "min"),
    ('divisions: ["430900"]', 'divisions: ["4309"]', "feeds[0].covers.divisions[0]", "Correct"),
    ('schedule: "@hourly"', 'schedule: "@hourl"', "feeds[0].schedule", "@hourly"),
    ("contract: real_estate_limit", "contract: real_estate_right", "feeds[1].contract", "one"),
]


@pytest.mark.parametrize(("old", "new", "path", "remedy"), BROKEN)
def test_broken_system_is_refused_at_its_place(old: str, new: str, path: str, remedy: str) -> None:
    assert old in TEXT
    with pytest.raises(DocumentRefused) as refused:
        system.load(TEXT.replace(old, new, 1), file="s.yaml")
    assert (refused.value.file, refused.value.path) == ("s.yaml", path)
    assert remedy in refused.value.remedy.en  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"),
    [
        ("contract: real_estate_limit", "contract: limits", "feeds[1].contract", "Publish"),
        ("YWH: case_no", "YWH: case_number", "feeds[0].columns.YWH", "case_no"),
        ("    QSZT: status\n    DJSJ", "    DJSJ", "feeds[0].columns", "Map"),
        ('"1": joint', '"1": joined', "feeds[0].codes.co_ownership.1", "joint"),
        ('"3": passport', '"3": pasport', "feeds[0].codes.holder_no_kind.3", "passport"),
    ],
)
def test_a_system_must_fit_its_contracts(old: str, new: str, path: str, remedy: str) -> None:
    text = TEXT.replace(old, new, 1)
    if "QSZT" in old:  # its codes go with it
        text = text.replace('    status: {"0": temporary, "1": current, "2": historical, "3": ended}\n', "", 1)
    assert text != TEXT
    with pytest.raises(DocumentRefused) as refused:
        system.check(system.load(text), CONTRACT.get, file="s.yaml")
    assert refused.value.path == path
    assert remedy in refused.value.remedy.en  # type: ignore[union-attr]


def test_one_broken_system_takes_down_only_itself() -> None:
    good, broken = system.systems({"a": TEXT, "b": "system: ["})
    assert set(good) == {"a"}
    assert set(broken) == {"system/b.yaml"}
