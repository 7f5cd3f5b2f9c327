"""One DAG per feed of the snapshot: cheap at 2,000 feeds, and a broken document is only its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dags.conftest import Child

FEED = """\
- contract: {dataset}
  source: {{table: T}}
  mode: incremental
  watermark: GXSJ
  columns: {{{columns}}}
  expect: {{rows: {{min: 10}}, shrink: 5%}}
  covers: {{divisions: ["430900"], since: 2015-01-01}}
  schedule: {schedule}
"""
COLUMNS = ", ".join(f"C{number}: item_{number}" for number in range(12))


def snapshot(home: Path, systems: dict[str, list[str]], schedule: str = '"@hourly"') -> Path:
    """A published set: system → datasets."""
    folder = home / "published" / "1"
    for kind in ("system", "contract"):
        (folder / kind).mkdir(parents=True)
    for system, datasets in systems.items():
        feeds = "".join(FEED.format(dataset=dataset, columns=COLUMNS, schedule=schedule) for dataset in datasets)
        text = f"system: {system}\ntitle: t\ndepartment: d\nconnector: sql\nsecret: s\nfeeds:\n{feeds}"
        (folder / "system" / f"{system}.yaml").write_text(text)
        for dataset in datasets:
            (folder / "contract" / f"{dataset}.yaml").write_text("id: x\n")
    (folder.parent / "current").symlink_to("1")
    return folder


def test_two_thousand_feeds(tmp_path: Path, child: Child, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot(tmp_path, {f"s{s}": [f"d{s}_{d}" for d in range(10)] for s in range(200)})
    every = child("parse", HUTONG_HOME=str(tmp_path))
    one = child("parse", "s7.d7_3", HUTONG_HOME=str(tmp_path))
    with capsys.disabled():
        print(f"\n2,000 feeds: all DAGs {every['cpu']} s of processor, the DAG of one task {one['cpu']} s")
    assert len(every["dags"]) == 2_000 + 2 and not every["errors"]
    assert {name for name in one["dags"] if name not in ("golden", "housekeeping")} == {"s7.d7_3"}
    assert every["heavy"] == [], "parsing imports nothing that is slow, and no database"
    assert one["cpu"] * 5 < every["cpu"]


def test_a_broken_document_takes_down_only_itself(tmp_path: Path, child: Child) -> None:
    folder = snapshot(tmp_path, {"good": ["a", "b"], "torn": ["c"], "orphan": ["e"]})
    (folder / "system" / "torn.yaml").write_text("system: [")
    (folder / "contract" / "e.yaml").unlink()
    found = child("parse", HUTONG_HOME=str(tmp_path))
    assert found["dags"] == ["golden", "good.a", "good.b", "housekeeping"] and not found["errors"]
    assert "torn.yaml cannot be read" in found["log"] and "orphan.e has no contract" in found["log"]


def test_a_schedule_that_is_none_takes_down_only_its_feed(tmp_path: Path, child: Child) -> None:
    folder = snapshot(tmp_path, {"good": ["a"]})
    bad = (folder / "system" / "good.yaml").read_text().replace("good", "odd").replace("contract: a", "contract: z")
    (folder / "system" / "odd.yaml").write_text(bad.replace('"@hourly"', '"99 99 * * *"'))
    (folder / "contract" / "z.yaml").write_text("id: z\n")
    found = child("parse", HUTONG_HOME=str(tmp_path))
    assert found["dags"] == ["golden", "good.a", "housekeeping"] and not found["errors"]
    assert "odd.z has no DAG" in found["log"]


def test_nothing_published_yet(tmp_path: Path, child: Child) -> None:
    found = child("parse", HUTONG_HOME=str(tmp_path))
    assert found["dags"] == ["golden", "housekeeping"]
    assert "Asset" in found["golden"] and "*/15" in found["golden"], "what came in without a DAG is followed too"
