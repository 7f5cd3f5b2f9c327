"""Registering documents: the one act that puts contracts, systems, departments, libraries and certificate types into force.

check → tables → document rows → resource numbers and search words → event → commit → snapshot. One transaction; the
snapshot follows the commit, and start-up repairs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from catalog_registry import certificate_checks, departments, index, listings, numbering, service_items, systems
from catalog_registry.index import Described
from connectors import system as connector_system
from connectors.system import Feed
from core import events
from core.actor import SYSTEM, Actor
from core.errors import DocumentRefused
from core.hub import Hub
from core.text import T
from pipeline.rebuild import dataset, scratch
from schemas import check as check_documents
from schemas import contract as contracts_module
from schemas import listing as listing_documents
from schemas.compare import breaking
from schemas.contract import Contract
from schemas.derive import catalogue
from schemas.document import near, read
from schemas.published import (
    Document,
    Kind,
    Published,
    Rebuilt,
    caught_up,
    current,
    document,
    in_force,
    publish,
    shipped,
    write_snapshot,
)


def register(
    hub: Hub, documents: Sequence[Document], actor: Actor, *, rebuilt: Mapping[str, Rebuilt] | None = None
) -> int | None:
    """Put documents into force; returns the publication's number, None when nothing differs.

    All or nothing. Raises DocumentRefused, and Stop for a breaking change of a contract that is not `rebuilt`.
    """
    now = caught_up(hub)
    with hub.begin() as connection:
        number = publish(connection, documents, actor, checks=_checks(now, documents), rebuilt=rebuilt)
        if number is not None:
            _catalogue(hub, connection, documents, in_force(connection))
            for doc in documents:
                if doc.kind == "service_item":
                    service_items.put(connection, service_items.load(doc.text, file=doc.path), actor)
            body = {"publication": number, "documents": [f"{doc.kind}/{doc.id}" for doc in documents]}
            events.record(connection, "documents.published", f"publication/{number}", body, actor)
    repair(hub)
    return number


def register_rebuilt(
    hub: Hub, documents: Sequence[Document], actor: Actor, tell: Callable[[str], None] = lambda _: None
) -> tuple[int | None, dict[str, int]]:
    """The same, where contracts that change beyond what their tables can hold are rebuilt into new tables from the landing;
    returns the publication's number, and by dataset rebuilt how many batches were read again.

    Everybody reads the old version until the publication commits. Raises also what `pipeline.rebuild.dataset.made` does.
    """
    with hub.read() as connection:
        now = in_force(connection).contracts
    breaks = [doc.id for doc in documents if doc.kind == "contract" and doc.id in now
              and breaking(now[doc.id], contracts_module.load(doc.text, file=doc.path))]  # fmt: skip
    if not breaks:
        scratch.sweep(hub)  # of one killed between its publication and its end
        return register(hub, documents, actor), {}
    with hub.begin() as connection:  # what would be refused is refused before anything is made
        _check_readers(hub, connection, documents, breaks)
        checks = _checks(current(hub.home), documents)
        publish(connection, documents, actor, checks=checks, rebuilt=dict.fromkeys(breaks, _later))
        connection.rollback()
    with dataset.made(hub, documents, breaks, actor, tell) as anew:
        number = register(hub, documents, actor, rebuilt=dict.fromkeys(breaks, anew.put))
        return number, anew.batches


def _check_readers(hub: Hub, connection: Connection, documents: Sequence[Document], datasets: Sequence[str]) -> None:
    """Systems and certificate types in force that name a dataset must go on fitting it: a breaking version may lack an item."""
    said = {(doc.kind, doc.id) for doc in documents}
    readers = [
        doc
        for key, doc in in_force(connection).raw.items()
        if doc.kind in ("system", "certificate") and key not in said and any(id in doc.text for id in datasets)
    ]
    checks = _checks(current(hub.home), [*documents, *readers])
    for doc in readers:
        checks[doc.kind](doc.text, doc.path)


def _later(connection: Connection, publication: int, contract: Contract) -> None:
    """The tables of a contract, when documents are only tried."""


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
    _bring_up(hub)
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
    types = {**now.texts("certificate"), **{doc.id: doc.text for doc in documents if doc.kind == "certificate"}}
    known = {id for kind, id in now.raw if kind == "department"} | {
        doc.id for doc in documents if doc.kind == "department"
    }

    def system(body: str, file: str) -> None:
        made = connector_system.load(body, file=file)
        _same(body, file, "system", made.id, ids["system", body])
        connector_system.check(made, contracts.get, file=file)

    def certificate(body: str, file: str) -> None:
        made = certificate_checks.load(body, file=file)
        _same(body, file, "certificate", made.certificate, ids["certificate", body])
        if made.each in types:  # one not published yet is no mistake, like a dataset
            made = certificate_checks.in_force(types, made.certificate)
        certificate_checks.check(made, contracts, read(body, file=file))

    def service_item(body: str, file: str) -> None:
        made = service_items.load(body, file=file)
        _same(body, file, "service_item", made.id, ids["service_item", body])
        service_items.check(made, types, read(body, file=file))

    def listing(body: str, file: str) -> None:
        made = listing_documents.load(body, file=file)
        _same(body, file, "listing", made.department, ids["listing", body])
        if made.department not in known:
            raise read(body, file=file).refused(
                ("listing",),
                T(f"没有部门 {made.department}", f"there is no department {made.department}"),
                near(made.department, known),
            )

    def check(body: str, file: str) -> None:
        made = check_documents.load(body, file=file)
        _same(body, file, "check", made.check, ids["check", body])
        check_documents.hold(made, contracts, known, read(body, file=file))

    return {
        "system": system, "certificate": certificate, "service_item": service_item, "listing": listing, "check": check,
    }  # fmt: skip


def _same(body: str, file: str, key: str, said: str, registered: str) -> None:
    if said != registered:
        raise read(body, file=file).refused(
            (key,),
            T(f"登记为 {registered},内容为 {said}", f"registered as {registered}, but its content is {said}"),
            near(said, [registered]),
        )


def _catalogue(hub: Hub, connection: Connection, documents: Sequence[Document], published: Published) -> None:
    """The catalogue's tables as the documents say; what a department's or a system's new name touches is said anew."""
    said = {(doc.kind, doc.id) for doc in documents}
    named = [id for kind, id in said if kind == "department"]
    live = set(published.texts("contract"))
    feeding = systems.feeds_of(published)
    touched = {id for kind, id in said if kind == "contract"}
    touched |= {id for id, feeds in feeding.items() if any(("system", feed.system) in said for feed in feeds)}
    touched |= set(
        connection.scalars(
            text("SELECT dataset FROM hub.resource WHERE origin = 'contract' AND department = ANY(:named)"),
            {"named": named},
        )
    )
    titles = {system.id: system.title for system in systems.listed(published)}
    described = [
        _live(contract, published, feeding, titles)
        for id in sorted(touched)
        if (contract := published.contracts.get(id))
    ]
    for department, listing in ((id, published.listings[id]) for id in sorted(published.texts("listing"))):
        if ("listing", department) in said or department in named:
            described += listings.put(connection, listing, departments.name(published, department), live)
    index.put(connection, numbering.table(hub.home), described)


def _live(
    contract: Contract, published: Published, feeding: Mapping[str, Sequence[Feed]], titles: Mapping[str, str]
) -> Described:
    name = departments.name(published, contract.department)
    named = tuple(dict.fromkeys(titles[feed.system] for feed in feeding.get(contract.id, ())))
    return Described(catalogue.resource(contract), "contract", name, named, contract.cycle.period)


def _bring_up(hub: Hub) -> None:
    """Index anew what older rules have indexed: after an upgrade, once."""
    with hub.read() as connection:
        outdated = connection.execute(
            text("SELECT EXISTS (SELECT FROM hub.resource WHERE indexed < :version AND status = 'published')"),
            {"version": index.VERSION},
        ).scalar_one()
    if outdated:
        with hub.begin() as connection:
            published = in_force(connection)
            index.clear(connection)
            _catalogue(hub, connection, list(published.raw.values()), published)
