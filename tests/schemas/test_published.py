"""The published set: idempotent, whole, and one broken document takes down only itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import system
from core.actor import SYSTEM
from core.errors import DocumentRefused, Stop
from core.hub import Hub
from schemas import published
from schemas.published import Document
from tests.schemas.documents import SMALL, changed


def permit(text: str = SMALL) -> Document:
    return Document("contract", "permit", "1.0.0", text, "permit.odcs.yaml")


def publish(hub: Hub, *documents: Document) -> int | None:
    with hub.begin() as conn:
        number = published.publish(conn, documents, SYSTEM)
    with hub.read() as conn:
        published.write_snapshot(conn, hub.home)
    return number


def test_everything_shipped_is_published_once(hub: Hub) -> None:
    documents = published.shipped([("system", path) for path in system.paths()])
    assert publish(hub, *documents) is not None
    assert publish(hub, *documents) is None
    now = published.current(hub.home)
    assert now.broken == {}
    assert {doc.id for doc in documents if doc.kind == "contract"} == set(now.contracts)
    assert {"population", "legal_entity", "license"} == set(now.libraries)
    assert {doc.id for doc in documents if doc.kind == "department"} == set(now.departments)
    systems, broken = system.systems(now.texts("system"))
    assert broken == {}
    for found in systems.values():
        system.check(found, now.contracts.get, file=found.id)
    with hub.read() as conn:  # both ends of a relationship are indexed
        names = set(conn.exec_driver_sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'records'").scalars())
    assert {"real_estate_limit.right_id", "real_estate_limit.unit_no", "fund_account.account_no"} <= names


def test_a_change_is_one_new_publication_and_the_reader_sees_it(hub: Hub) -> None:
    first = publish(hub, permit())
    before = published.current(hub.home)
    second = publish(hub, permit(changed("  quality:", "  - {name: note, logicalType: string}\n  quality:")))
    after = published.current(hub.home)
    assert first is not None
    assert second is not None
    assert (before.number, after.number) == (first, second)
    assert "note" not in [item.name for item in before.contracts["permit"].items]  # a reader keeps what it opened
    assert after.contracts["permit"].item("note").type.name == "text"
    assert published.current(hub.home) is after


def test_nothing_is_half_published(hub: Hub) -> None:
    good = permit()
    with pytest.raises(DocumentRefused) as refused:
        publish(
            hub,
            good,
            Document("contract", "broken", "1.0.0", changed("id: permit\n", "id: brokn\n"), "broken.odcs.yaml"),
        )
    assert refused.value.file == "broken.odcs.yaml"
    assert published.current(hub.home).number == 0
    with hub.read() as conn:
        assert conn.exec_driver_sql("SELECT to_regclass('records.permit')").scalar() is None


def test_a_breaking_version_leaves_the_old_one_in_force(hub: Hub) -> None:
    number = publish(hub, permit())
    with pytest.raises(Stop):
        publish(hub, permit(changed("logicalType: date}", "logicalType: timestamp}")))
    assert published.current(hub.home).number == number


def test_a_document_with_another_id_inside_is_refused(hub: Hub) -> None:
    with pytest.raises(DocumentRefused, match="permit"):
        publish(hub, Document("contract", "licence", "1.0.0", SMALL, "licence.odcs.yaml"))


def test_links_to_documents_in_force_must_hold(hub: Hub) -> None:
    publish(hub, *(doc for doc in published.shipped() if doc.kind == "library"))
    with pytest.raises(DocumentRefused) as refused:
        publish(hub, permit(changed("citizen_no: holder_no", "citizen_nr: holder_no")))
    assert refused.value.path == "schema[0].contributes[0].items.citizen_nr"
    assert "citizen_no" in str(refused.value.remedy)
    parcel = SMALL.replace("permit", "parcel").replace("parcel_no", "number")
    publish(hub, Document("contract", "parcel", "1.0.0", parcel, "parcel.odcs.yaml"))
    with pytest.raises(DocumentRefused) as refused:
        publish(hub, permit())
    assert refused.value.path == "schema[0].relationships[0].to"


def test_a_broken_document_in_a_snapshot_takes_down_only_itself(hub: Hub) -> None:
    other = (
        SMALL.replace("id: permit\n", "id: parcel\n")
        .replace("name: permit\n", "name: parcel\n")
        .replace("from: permit.permit_no, to: parcel", "from: parcel.permit_no, to: permit")
    )
    publish(hub, permit(), Document("contract", "parcel", "1.0.0", other, "parcel.odcs.yaml"))
    folder = hub.home / "published" / "current"
    (folder / "contract" / "parcel.yaml").write_text("id: [", "utf-8")
    now = published.open_snapshot(folder.resolve())
    assert set(now.contracts) == {"permit"}
    assert "parcel" not in now.contracts
    assert set(now.broken) == {"contract/parcel.yaml"}


def test_start_up_repairs_what_the_folder_lost(hub: Hub) -> None:
    publish(hub, permit())
    folder = (hub.home / "published" / "current").resolve()
    (folder / "contract" / "permit.yaml").write_text("altered", "utf-8")
    (hub.home / "published" / "current").unlink()
    with hub.read() as conn:
        assert published.write_snapshot(conn, hub.home).resolve() == folder
    assert (folder / "contract" / "permit.yaml").read_text("utf-8") == SMALL
    assert set(published.open_snapshot(folder).contracts) == {"permit"}


def test_the_last_five_snapshots_are_kept(hub: Hub) -> None:
    for number in range(8):
        publish(hub, permit(changed("businessName: 面积", f"businessName: 面积{number}")))
    kept = sorted(int(path.name) for path in (hub.home / "published").iterdir() if path.name.isdigit())
    assert len(kept) == 5
    assert published.current(hub.home).number == kept[-1]


def test_withdrawing_takes_a_document_out_and_leaves_its_data(hub: Hub) -> None:
    publish(hub, permit())
    with hub.begin() as conn:
        assert published.withdraw(conn, "contract", "permit", SYSTEM) is not None
        assert published.withdraw(conn, "contract", "permit", SYSTEM) is None
        published.write_snapshot(conn, hub.home)
        assert conn.exec_driver_sql("SELECT to_regclass('records.permit')").scalar() is not None
    assert "permit" not in published.current(hub.home).contracts
    assert publish(hub, permit()) is not None
    assert "permit" in published.current(hub.home).contracts


def test_before_any_publication_there_is_nothing(tmp_path: Path) -> None:
    assert published.current(tmp_path).number == 0
    assert published.current(tmp_path).documents("system") == {}
