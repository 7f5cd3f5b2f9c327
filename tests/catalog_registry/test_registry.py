"""Registration: numbers, search, events, snapshot; clients and grants as dated rows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from catalog_registry import clients, grants, numbering, publication, resources, service_items, systems
from catalog_registry.pages import Asked
from catalog_registry.service_items import ServiceItem
from core import clock
from core.actor import SYSTEM
from core.errors import Conflict, DocumentRefused, Invalid, NotFound, Stop, Unauthorised
from core.hub import Hub
from schemas import published
from schemas.published import Document

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {id}
name: {title}
version: 1.0.0
status: active
domain: {department}
schema:
- name: {id}
  logicalType: object
  properties:
  - {{name: id, businessName: 编号, logicalType: {kind}, primaryKey: true, required: true}}
  customProperties:
  - {{property: catalogue, value: {{resourceClass: {klass}, shareType: 1, shareMethod: interface}}}}
slaProperties: [{{property: frequency, value: 1, unit: d}}]
"""


def contract(
    id: str, title: str = "测试", department: str = "a", klass: str = "base", kind: str = "string"
) -> Document:
    body = CONTRACT.format(id=id, title=title, department=department, klass=klass, kind=kind)
    return Document("contract", id, "1.0.0", body, f"{id}.yaml")


def codes(hub: Hub) -> dict[str, str]:
    with hub.read() as connection:
        return {row["dataset"]: row["code"] for row in resources.listed(hub, connection, Asked(limit=200)).lines}


def test_shipped_documents_register_once(hub: Hub) -> None:
    assert publication.ensure_shipped(hub) == {}
    now = published.current(hub.home)
    assert now.broken == {} and set(codes(hub)) == set(now.contracts)
    assert len(systems.listed(now)) == len(now.texts("system"))
    assert all(re.fullmatch(numbering.PATTERN, code) for code in codes(hub).values())
    assert publication.ensure_shipped(hub) == {}
    assert published.current(hub.home).number == now.number


def test_codes_are_given_once_and_never_twice(hub: Hub) -> None:
    publication.register(hub, [contract("one"), contract("two"), contract("other", department="b")], SYSTEM)
    first = codes(hub)
    assert first["one"].split("/")[0] == first["two"].split("/")[0] != first["other"].split("/")[0]
    publication.register(hub, [contract("one", title="新名称"), contract("three", klass="department")], SYSTEM)
    second = codes(hub)
    assert second["one"] == first["one"] and second["three"].startswith("3") and len(set(second.values())) == 4
    with hub.read() as connection:
        assert resources.find(connection, "one").title == "新名称"
        assert resources.find(connection, first["one"].replace("/", "-")).dataset == "one"
        with pytest.raises(NotFound):
            resources.find(connection, "nothing")


def test_a_city_has_its_own_numbers(hub: Hub) -> None:
    (hub.home / numbering.FILE).write_text(
        'classes: {base: {digit: "1", item: "07"}, theme: {digit: "2", item: "08"}, department: {digit: "3", item: "09"}}\n'
        'departments: {a: "123"}\n'
    )
    publication.register(hub, [contract("one"), contract("other", department="b")], SYSTEM)
    assert codes(hub) == {"one": "107123/1", "other": "107001/1"}
    (hub.home / numbering.FILE).write_text("clases: {}")
    with pytest.raises(DocumentRefused, match="classes"):
        publication.register(hub, [contract("third")], SYSTEM)
    assert "third" not in published.current(hub.home).contracts


def test_registration_is_all_or_nothing_and_told(hub: Hub) -> None:
    bad = Document("certificate", "x", "1", "certificate: y\n", "x.yaml")
    with pytest.raises(DocumentRefused):
        publication.register(hub, [contract("one"), bad], SYSTEM)
    assert codes(hub) == {} and published.current(hub.home).number == 0
    publication.register(hub, [contract("one")], SYSTEM)
    with pytest.raises(Stop):
        publication.register(hub, [contract("one", kind="integer")], SYSTEM)
    with hub.read() as connection:
        events = connection.execute(text("SELECT type, body FROM hub.event")).all()
    assert [(event.type, event.body["documents"]) for event in events] == [("documents.published", ["contract/one"])]


def test_a_client_and_its_secret(hub: Hub) -> None:
    with hub.begin() as connection:
        secret = clients.add(connection, "window", "窗口", "housing")
        assert clients.authenticate(connection, "window", secret).department == "housing"
        for id, wrong in (("window", secret + "x"), ("window", ""), ("nobody", secret), ("nobody", "")):
            with pytest.raises(Unauthorised):
                clients.authenticate(connection, id, wrong)
        with pytest.raises(Conflict):
            clients.add(connection, "window", "窗口", "housing")
        with pytest.raises(Invalid):
            clients.add(connection, "Window 1", "窗口", "housing")
        renewed = clients.renew(connection, "window")
        with pytest.raises(Unauthorised):
            clients.authenticate(connection, "window", secret)
        clients.end(connection, "window")
        with pytest.raises(Unauthorised):
            clients.authenticate(connection, "window", renewed)
        with pytest.raises(NotFound):
            clients.end(connection, "window")
        assert [client.id for client in clients.listed(connection)] == ["window"]
        stored = connection.execute(text("SELECT secret_hash FROM hub.client")).scalar_one()
    assert secret not in stored and renewed not in stored


def test_grants_are_dated_and_never_deleted(hub: Hub) -> None:
    publication.ensure_shipped(hub)
    now = published.current(hub.home)
    type, fields = "fund_loan_settled", frozenset({"loans", "settled_on"})
    with hub.begin() as connection:
        service_items.put(connection, ServiceItem(service_item="item", name="事项", department="housing"), SYSTEM)

        def give(**changed: object) -> grants.Grant:
            values = {"department": "housing", "service_item": "item", "certificate_type": type} | changed
            return grants.give(connection, now, actor=SYSTEM, **values)  # type: ignore[arg-type]

        for wrong in ({"certificate_type": "fund_loan"}, {"fields": ["loan"]}):
            with pytest.raises(Invalid) as refused:
                give(**wrong)
            assert "loan" in str(refused.value.remedy)
        with pytest.raises(NotFound):
            give(service_item="nothing")
        with pytest.raises(Invalid, match="housing"):
            give(department="housin")
        at = clock.now() + timedelta(minutes=1)
        assert grants.granted(connection, "housing", "item", type, at) is None
        narrow = give(fields=["loans"], valid_to=clock.now() + timedelta(hours=1))
        assert grants.granted(connection, "housing", "item", type, at) == {"loans"}
        assert grants.granted(connection, "housing", "item", type, at + timedelta(hours=2)) is None
        give()
        assert grants.granted(connection, "housing", "item", type, at) == fields
        grants.revoke(connection, narrow.id, SYSTEM)
        with pytest.raises(Conflict):
            grants.revoke(connection, narrow.id, SYSTEM)
        assert grants.granted(connection, "housing", "item", type, at) == fields
        assert grants.granted(connection, "elsewhere", "item", type, at) is None
        assert len(grants.listed(connection)) == 2 and grants.listed(connection, "elsewhere") == []
