"""Registering documents: the one act that puts contracts, systems, departments, libraries and certificate types into force.

check → tables → document rows → resource number and search words → event → commit → snapshot. One transaction; the
snapshot follows the commit, and start-up repairs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from catalog_registry import certificate_checks, numbering, search, service_items
from connectors import system as connector_system
from core import events
from core.actor import SYSTEM, Actor
from core.errors import DocumentRefused
from core.hub import Hub
from core.text import T
from schemas import contract as contracts_module
from schemas import department as departments
from schemas.contract import Contract
from schemas.document import near, read
from schemas.published import Document, Kind, Published, current, document, publish, shipped, write_snapshot


def register(hub: Hub, documents: Sequence[Document], actor: Actor) -> int | None:
    """Put documents into force; returns the publication's number, None when nothing differs.

    All or nothing. Raises DocumentRefused, and Stop for a breaking change of a contract.
    """
    with hub.begin() as connection:
        number = publish(connection, documents, actor, checks=_checks(current(hub.home), documents))
        if number is not None:
            _number(hub, connection, documents)
            for doc in documents:
                if doc.kind == "service_item":
                    service_items.put(connection, service_items.load(doc.text, file=doc.path), actor)
            body = {"publication": number, "documents": [f"{doc.kind}/{doc.id}" for doc in documents]}
            events.record(connection, "documents.published", f"publication/{number}", body, actor)
    repair(hub)
    return number


def ensure_shipped(hub: Hub, actor: Actor = SYSTEM) -> dict[str, DocumentRefused]:
    """Register the documents that come with the product, where the registry does not have them yet; safe to repeat.

    What a steward has changed since stays. Returns the refused documents by file: a broken one takes down only itself.
    """
    refused: dict[str, DocumentRefused] = {}
    wanted = shipped([("system", path) for path in connector_system.paths()])
    with hub.read() as connection:
        known = {(row.kind, row.id) for row in connection.execute(text("SELECT DISTINCT kind, id FROM hub.document"))}
    new = [doc for doc in wanted if (doc.kind, doc.id) not in known]
    if new:
        try:
            register(hub, new, actor)
        except DocumentRefused:
            for doc in new:  # one by one, in the order of kinds, so that only the broken ones stay out
                try:
                    register(hub, [doc], actor)
                except DocumentRefused as error:
                    refused[doc.path] = error
    repair(hub)
    return refused


def repair(hub: Hub) -> None:
    """Make the snapshot folder say what the database says."""
    with hub.read() as connection:
        write_snapshot(connection, hub.home)


def load(kind: Kind, path: Path) -> Document:
    """A document from a file, for `register`."""
    return document(kind, path)


def _checks(now: Published, documents: Sequence[Document]) -> Mapping[Kind, Callable[[str, str], object]]:
    """The judges of kinds that schemas does not know, against the set as it will be."""
    contracts: dict[str, Contract] = dict(now.contracts)
    for doc in documents:
        if doc.kind == "contract":
            contracts[doc.id] = contracts_module.load(doc.text, file=doc.path)
    ids = {(doc.kind, doc.text): doc.id for doc in documents}

    def system(body: str, file: str) -> None:
        made = connector_system.load(body, file=file)
        _same(body, file, "system", made.id, ids["system", body])
        connector_system.check(made, contracts.get, file=file)

    def certificate(body: str, file: str) -> None:
        made = certificate_checks.load(body, file=file)
        _same(body, file, "certificate", made.certificate, ids["certificate", body])
        certificate_checks.check(made, contracts, read(body, file=file))

    def service_item(body: str, file: str) -> None:
        made = service_items.load(body, file=file)
        _same(body, file, "service_item", made.id, ids["service_item", body])

    return {"system": system, "certificate": certificate, "service_item": service_item}


def _same(body: str, file: str, key: str, said: str, registered: str) -> None:
    if said != registered:
        raise read(body, file=file).refused(
            (key,),
            T(f"登记为 {registered},内容为 {said}", f"registered as {registered}, but its content is {said}"),
            near(said, [registered]),
        )


def _number(hub: Hub, connection: Connection, documents: Sequence[Document]) -> None:
    """A resource row for each contract: its code is given once and kept, title and search words follow the document."""
    table = numbering.table(hub.home)
    names = {id: department.name for id, department in current(hub.home).departments.items()}
    names |= {doc.id: departments.load(doc.text, file=doc.path).name for doc in documents if doc.kind == "department"}
    for doc in documents:
        if doc.kind != "contract":
            continue
        contract = contracts_module.load(doc.text, file=doc.path)
        words = [contract.title, contract.id, contract.description, names.get(contract.department, contract.department)]
        lexemes = search.tokens([*words, *(item.title for item in contract.items)], initials_of=contract.title)
        values = {
            "dataset": contract.id,
            "title": contract.title,
            "department": contract.department,
            "lexemes": lexemes,
        }
        updated = connection.execute(
            text(
                "UPDATE hub.resource SET title = :title, department = :department, status = 'published', "
                "search = array_to_tsvector(CAST(:lexemes AS text[])), updated_at = now() WHERE dataset = :dataset"
            ),
            values,
        )
        if updated.rowcount == 0:
            code = numbering.assign(connection, table, contract.catalogue.resource_class, contract.department)
            connection.execute(
                text(
                    "INSERT INTO hub.resource (dataset, code, class_path, sequence, department, title, search) VALUES "
                    "(:dataset, :code, :class_path, :sequence, :department, :title, array_to_tsvector(CAST(:lexemes AS text[])))"
                ),
                values | {"code": str(code), "class_path": code.class_path, "sequence": code.sequence},
            )
