"""docs/how-to/add-a-system.md, done as it says: a dataset the project has never seen, with a composite key and two
subjects, from documents in a folder to an answered certificate. Not a line of code is added."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from catalog_registry import clients, grants, publication, service_items
from certificates import pool
from certificates.answer import Answerer
from certificates.request import Query
from core import secrets
from core.actor import SYSTEM
from core.hub import Hub
from pipeline import journey
from schemas import published

EXAMPLE = Path(__file__).parents[2] / "docs/how-to/example"
HOW_TO = EXAMPLE.parent / "add-a-system.md"
KINDS = {
    "department.yaml": "department", "dog_licence.odcs.yaml": "contract", "dogs.yaml": "system",
    "dog_registered.yaml": "certificate",
}  # fmt: skip
OWNER = {"kind": "identity_card", "number": "11010519491231002X", "name": "王小明"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The documents in a folder of their own, and the table the page tells to make, made by the page's own statements."""
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    page = HOW_TO.read_text("utf-8")
    statements = page.split("```sql\n", 1)[1].split("```", 1)[0]
    with sqlite3.connect(tmp_path / "dogs.db") as connection:
        connection.executescript(statements)
    return tmp_path


def test_from_documents_to_an_answer(hub: Hub, folder: Path) -> None:
    documents = [publication.load(kind, folder / "mine" / name) for name, kind in KINDS.items()]  # type: ignore[arg-type]
    with hub.begin() as connection:
        secrets.put(connection, hub.keys, "dogs", {"url": f"sqlite:///{folder / 'dogs.db'}"})
    assert publication.register(hub, documents, SYSTEM) is not None
    batch = journey.run(hub, "dogs.dog_licence")
    assert batch is not None
    assert (batch.evidence["landed"], batch.evidence["inserted"], batch.evidence["quarantined"]) == (3, 2, 1)
    assert asyncio.run(_ask(hub, OWNER))[0] == ("held", True)
    nobody = {"kind": "identity_card", "number": "440524188001010014", "name": "李四"}
    state, label = asyncio.run(_ask(hub, nobody))
    assert state == ("not_held", False)
    assert "截至" in label


async def _ask(hub: Hub, subject: dict[str, str]) -> tuple[tuple[str, Any], str]:
    with hub.begin() as connection:
        service_items.put(connection, service_items.load(EXAMPLE / "dog_walk.yaml"), SYSTEM)
        grants.give(
            connection, published.current(hub.home), department="city_management", service_item="dog_walk",
            certificate_type="dog_registered", actor=SYSTEM,
        )  # fmt: skip
        if not clients.listed(connection):
            clients.add(connection, "park", "公园窗口", "city_management")
    opened = pool.make(hub)
    await opened.open()
    try:
        query = {
            "service_item": "dog_walk", "case_no": "1", "operator": "test", "basis": {"kind": "statutory", "reference": "养犬管理条例"},
            "subject": subject, "certificates": [{"type": "dog_registered"}],
        }  # fmt: skip
        line = (await Answerer(hub, opened).ask(Query.model_validate(query), "park")).lines[0]
    finally:
        await opened.close()
    return (line["state"], line["proved"]), line["label"]


PAGES = {path.name: path.read_text("utf-8") for path in sorted(HOW_TO.parent.glob("*.md"))}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLE.iterdir()))
def test_a_page_names_every_example(name: str) -> None:
    assert any(f"(example/{name})" in page for page in PAGES.values())
