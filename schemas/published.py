"""The published set: the documents in force. The database is the truth; a snapshot folder is what everyone reads.

    HUTONG_HOME/published/<n>/<kind>/<id>.yaml      every document in force after publication n
    HUTONG_HOME/published/<n>/index.json            their digests: what still fits has been checked before
    HUTONG_HOME/published/current -> <n>            swapped by one rename, after the commit

Listings are not in it: they describe what nobody reads records of yet, and the catalogue's tables hold what they say.
Readers (DAG parsing, the API) never touch the database for documents. A broken document takes down only itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, text

from core.actor import Actor
from core.errors import DocumentRefused
from core.hub import Hub
from core.text import T
from schemas import contract, department, library, links, listing
from schemas.contract import Contract
from schemas.department import Department
from schemas.derive import sql
from schemas.document import read
from schemas.library import Library
from schemas.listing import Listing
from schemas.snapshot import CURRENT, FOLDER, store

Kind = Literal["contract", "system", "certificate", "library", "department", "service_item", "listing", "check"]
KINDS: tuple[Kind, ...] = (
    "department", "library", "contract", "system", "certificate", "check", "service_item", "listing",
)  # fmt: skip
Check = Callable[[str, str], object]  # (text, file); raises DocumentRefused
Rebuilt = Callable[[Connection, int, Contract], None]  # (transaction, publication, contract): puts its tables in place
V = TypeVar("V")

INDEX = "index.json"  # path → SHA-256 of every document, beside the folders of kinds
_HERE = Path(__file__).parent
_SAID_BY: Mapping[Kind, str] = {
    "department": "id", "library": "library", "contract": "id", "system": "system", "certificate": "certificate",
    "service_item": "service_item", "listing": "listing", "check": "check",
}  # fmt: skip
_compile = lru_cache(maxsize=4096)(lambda text, file, vouched: contract.load(text, file=file, vouched=vouched))


@dataclass(frozen=True)
class Document:
    """One document as written. `path` says where it came from, for messages only; `vouched`: this very text has been
    checked and published before."""

    kind: Kind
    id: str
    version: str
    text: str = field(repr=False)
    path: str
    vouched: bool = field(default=False, compare=False)

    @property
    def sha256(self) -> str:
        """The digest of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def document(kind: Kind, path: Path) -> Document:
    """A file as a Document. Its id is what it says itself; a broken one that says none goes by its file's name."""
    source = read(path)
    name = source.tree.get(_SAID_BY[kind]) or path.name.partition(".")[0]
    return Document(kind, str(name), str(source.tree.get("version", source.sha256[:12])), source.text, str(path))


def shipped(others: Sequence[tuple[Kind, Path]] = ()) -> list[Document]:
    """The documents that come with the product: found by folder here, plus those the caller found elsewhere (systems
    live with the connectors)."""
    found: list[tuple[Kind, Path]] = [
        *(("department", path) for path in sorted(_HERE.glob("contracts/*/department.yaml"))),
        *(("library", path) for path in sorted(_HERE.glob("libraries/*.yaml"))),
        *(("contract", path) for path in sorted(_HERE.glob("contracts/*/*.odcs.yaml"))),
        *(("certificate", path) for path in sorted(_HERE.glob("certificates/*.yaml"))),
        *(("check", path) for path in sorted(_HERE.glob("checks/*.yaml"))),
        *others,
    ]
    return [document(kind, path) for kind, path in found]


def publish(
    conn: Connection, documents: Sequence[Document], actor: Actor, *, checks: Mapping[Kind, Check] | None = None,
    rebuilt: Mapping[str, Rebuilt] | None = None,
) -> int | None:  # fmt: skip
    """Put documents into force inside the caller's transaction, tables included; returns the publication's number,
    None when nothing differs. Call `write_snapshot` after the commit.

    Documents not listed stay as they are. `checks` judge the kinds that rooms above this one define; `rebuilt` puts the
    tables of a contract in place that have been made anew. Raises DocumentRefused, and Stop for a breaking change of any
    other contract.
    """
    sql.lock(conn)
    now = _in_force(conn)
    changed = [doc for doc in documents if (doc.kind, doc.id) not in now or now[doc.kind, doc.id].text != doc.text]
    if not changed:
        return None
    future = Published(0, {**now, **{(doc.kind, doc.id): doc for doc in changed}})
    for doc in changed:
        future.require(doc.kind, doc.id)
        if checks and doc.kind in checks:
            checks[doc.kind](doc.text, doc.path)
    number: int = conn.execute(
        text("INSERT INTO hub.publication (actor) VALUES (cast(:actor AS jsonb)) RETURNING n"),
        {"actor": json.dumps(actor.as_dict())},
    ).scalar_one()
    made = rebuilt or {}

    def tables(before: Contract | None, after: Contract) -> None:
        if after.id in made:
            made[after.id](conn, number, after)
        else:
            sql.apply(conn, before, after)

    _enter(conn, changed, future, number, tables)
    return number


def repeat(conn: Connection, number: int, documents: Sequence[tuple[Document, bool]]) -> None:
    """Bring publication `number` of another database, whose row is here already, into force as it was there, tables
    included; with each document whether it was withdrawn. A contract that this release cannot read gets no table; one that
    was rebuilt into new tables gets them here before its batches, which are all read by its version."""
    now = _in_force(conn)
    future = Published(0, {**now, **{(doc.kind, doc.id): doc for doc, withdrawn in documents if not withdrawn}})
    readable = [doc for doc, withdrawn in documents if not withdrawn and not future.refusal(doc.kind, doc.id)]
    _enter(conn, readable, future, number, lambda before, after: sql.apply_to_empty(conn, before, after))
    for doc, withdrawn in documents:
        if doc not in readable:
            _insert(conn, doc, number, withdrawn=withdrawn)


def _enter(
    conn: Connection, documents: Sequence[Document], future: Published, number: int,
    tables: Callable[[Contract | None, Contract], None],
) -> None:  # fmt: skip
    for doc in documents:
        if doc.kind == "contract":
            before = _last_contract(conn, doc.id)  # also one withdrawn: its tables are still there
            tables(_compile(before.text, before.path, True) if before else None, future.contracts[doc.id])
        _insert(conn, doc, number, withdrawn=False)
    for dataset, item in _far_ends(future, {doc.id for doc in documents if doc.kind == "contract"}):
        sql.index(conn, dataset, item)


def _far_ends(future: Published, changed: set[str]) -> set[tuple[str, str]]:
    """(dataset, item) that relationships from or to the changed contracts lead to: certificates go either way."""
    # Compiling 2,000 contracts to find the few that point here would take a minute; their text tells.
    near = [
        id for id, body in future.texts("contract").items() if id in changed or any(f"{c}." in body for c in changed)
    ]
    links = [link for id in near if (found := future.contracts.get(id)) for link in found.relationships]
    return {(link.dataset, link.other_item) for link in links}


def withdraw(conn: Connection, kind: Kind, id: str, actor: Actor) -> int | None:
    """Take one document out of force inside the caller's transaction; its data stays. None when it was not in force."""
    sql.lock(conn)
    doc = _in_force(conn).get((kind, id))
    if doc is None:
        return None
    number: int = conn.execute(
        text("INSERT INTO hub.publication (actor) VALUES (cast(:actor AS jsonb)) RETURNING n"),
        {"actor": json.dumps(actor.as_dict())},
    ).scalar_one()
    _insert(conn, doc, number, withdrawn=True)
    return number


def _insert(conn: Connection, doc: Document, number: int, *, withdrawn: bool) -> None:
    conn.execute(
        text(
            "INSERT INTO hub.document (kind, id, version, body, sha256, publication, withdrawn)"
            " VALUES (:kind, :id, :version, :body, :sha256, :publication, :withdrawn)"
        ),
        {"kind": doc.kind, "id": doc.id, "version": doc.version, "body": doc.text, "sha256": doc.sha256,
         "publication": number, "withdrawn": withdrawn},
    )  # fmt: skip


def _last_contract(conn: Connection, id: str) -> Document | None:
    row = conn.execute(
        text(
            "SELECT version, body FROM hub.document WHERE kind = 'contract' AND id = :id ORDER BY publication DESC LIMIT 1"
        ),
        {"id": id},
    ).one_or_none()
    return Document("contract", id, row.version, row.body, f"contract/{id}.yaml", vouched=True) if row else None


def _in_force(
    conn: Connection, *, apart: Kind | None = None, upto: int | None = None
) -> dict[tuple[str, str], Document]:
    rows = conn.execute(
        text(
            "SELECT * FROM (SELECT DISTINCT ON (kind, id) kind, id, version, body, withdrawn FROM hub.document"
            " WHERE kind IS DISTINCT FROM :apart AND (CAST(:upto AS bigint) IS NULL OR publication <= :upto)"
            " ORDER BY kind, id, publication DESC) latest WHERE NOT withdrawn"
        ),
        {"apart": apart, "upto": upto},
    )
    return {
        (r.kind, r.id): Document(r.kind, r.id, r.version, r.body, f"{r.kind}/{r.id}.yaml", vouched=True) for r in rows
    }


def in_force(conn: Connection) -> Published:
    """What the database says is in force, the caller's own changes included."""
    return Published(0, _in_force(conn))


def at(conn: Connection, number: int) -> Published:
    """What was in force after publication `number`, as the snapshot of that time held it."""
    return Published(number, _in_force(conn, apart="listing", upto=number))


def write_snapshot(conn: Connection, home: Path) -> Path:
    """Write what the database says is in force and point `current` at it; returns the folder. Safe to repeat: start-up
    repairs a missing, half-written or altered snapshot by the same call. Keeps the last five."""

    def state() -> tuple[int, dict[str, str]]:
        number = conn.execute(text("SELECT coalesce(max(n), 0) FROM hub.publication")).scalar_one()
        documents = _in_force(conn, apart="listing").values()
        digests = json.dumps({doc.path: doc.sha256 for doc in documents}, indent=0)
        return number, {INDEX: digests, **{doc.path: doc.text for doc in documents}}

    return store(home, state)


class _Each(Mapping[str, V]):
    """Documents of one kind, compiled when asked for; a broken one is absent."""

    def __init__(self, owner: Published, kind: Kind, compile: Callable[[Document], V]) -> None:
        self._owner, self._kind, self._compile = owner, kind, compile
        self._done: dict[str, V | DocumentRefused] = {}

    def get_or_error(self, id: str) -> V | DocumentRefused | None:
        if id not in self._done:
            doc = self._owner.raw.get((self._kind, id))
            if doc is None:
                return None
            try:
                self._done[id] = self._compile(doc)
            except DocumentRefused as error:
                self._done[id] = error
        return self._done[id]

    def __getitem__(self, id: str) -> V:
        found = self.get_or_error(id)
        if found is None or isinstance(found, DocumentRefused):
            raise KeyError(id)
        return found

    def __iter__(self) -> Iterator[str]:
        ids = (id for kind, id in self._owner.raw if kind == self._kind)
        return (id for id in ids if not isinstance(self.get_or_error(id), DocumentRefused))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Published:
    """A read-only view of one published set. Documents are compiled when first asked for: a city has 2,000."""

    def __init__(self, number: int, raw: Mapping[tuple[str, str], Document]) -> None:
        self.number = number
        self.raw = raw
        self._plain = _Each(self, "contract", lambda doc: _compile(doc.text, doc.path, doc.vouched))
        self.contracts: Mapping[str, Contract] = _Each(self, "contract", self._linked)
        self.libraries: Mapping[str, Library] = _Each(
            self, "library", lambda doc: library.load(doc.text, file=doc.path)
        )
        self.departments: Mapping[str, Department] = _Each(
            self, "department", lambda doc: department.load(doc.text, file=doc.path)
        )
        self.listings: Mapping[str, Listing] = _Each(self, "listing", lambda doc: listing.load(doc.text, file=doc.path))
        self._trees: dict[str, _Each[dict[str, Any]]] = {
            kind: _Each(self, kind, lambda doc: read(doc.text, file=doc.path).tree) for kind in KINDS
        }

    def pointing_at(self, dataset: str) -> list[Contract]:
        """The contracts with a relationship to a dataset. Their text tells which to compile: a city has 2,000."""
        near = [id for id, body in self.texts("contract").items() if f"{dataset}." in body]
        return [found for id in near if (found := self.contracts.get(id))]

    def documents(self, kind: Kind) -> Mapping[str, dict[str, Any]]:
        """Documents of a kind as plain trees, by id; those that are not YAML are absent."""
        return self._trees[kind]

    def texts(self, kind: Kind) -> dict[str, str]:
        """Documents of a kind as written, by id."""
        return {doc.id: doc.text for (of, _), doc in self.raw.items() if of == kind}

    @cached_property
    def broken(self) -> dict[str, DocumentRefused]:
        """File → why, for every document here that cannot be used."""
        found = {}
        for kind, id in self.raw:
            error = self.refusal(kind, id)
            if error is not None:
                found[error.file] = error
        return found

    def require(self, kind: str, id: str) -> None:
        """Raise DocumentRefused when that document is broken."""
        error = self.refusal(kind, id)
        if error is not None:
            raise error

    def refusal(self, kind: str, id: str) -> DocumentRefused | None:
        """Why that document is broken; None when it is not."""
        each: Any = {
            "contract": self.contracts, "library": self.libraries, "department": self.departments,
            "listing": self.listings,
        }  # fmt: skip
        found = each.get(kind, self._trees[kind]).get_or_error(id)
        return found if isinstance(found, DocumentRefused) else None

    def _linked(self, doc: Document) -> Contract:
        made = _compile(doc.text, doc.path, doc.vouched)
        if made.id != doc.id:
            raise read(doc.text, file=doc.path).refused(
                ("id",),
                T(f"登记为 {doc.id},内容为 {made.id}", f"registered as {doc.id}, but its content is {made.id}"),
                T("请使两者一致。", "Make them the same."),
            )
        links.check(made, self._plain.get, self.libraries.get, file=doc.path)
        return made


_cache: dict[Path, tuple[str, Published]] = {}


def current(home: Path) -> Published:
    """What is in force, from the snapshot; read again only when `current` points elsewhere. Empty (number 0) before
    the first publication."""
    try:
        target = os.readlink(_link(home))  # noqa: PTH115  # at every question: a fifth of Path.readlink
    except FileNotFoundError:
        return Published(0, {})
    held = _cache.get(home)
    if held is None or held[0] != target:
        held = _cache[home] = (target, open_snapshot(home / FOLDER / target))
    return held[1]


def caught_up(hub: Hub) -> Published:
    """What is in force, for whoever is about to write by it. A publication whose process died between its commit and the
    snapshot has changed the tables already: what the old documents say of them is not so any more."""
    with hub.read() as connection:
        number = connection.execute(text("SELECT coalesce(max(n), 0) FROM hub.publication")).scalar_one()
    if number > current(hub.home).number:
        with hub.read() as connection:  # begun anew: its state is read under the snapshot's lock
            write_snapshot(connection, hub.home)
    return current(hub.home)


@lru_cache(maxsize=64)
def _link(home: Path) -> str:
    return str(home / FOLDER / CURRENT)


def open_snapshot(folder: Path) -> Published:
    """One snapshot folder; its texts are read now, so that a later clean-up of old snapshots takes nothing away."""
    index = folder / INDEX
    digests = json.loads(index.read_text("utf-8")) if index.exists() else {}
    raw: dict[tuple[str, str], Document] = {}
    for kind in KINDS:
        for path in sorted((folder / kind).glob("*.yaml")):
            body, name = path.read_text("utf-8"), f"{kind}/{path.name}"
            vouched = hashlib.sha256(body.encode()).hexdigest() == digests.get(name)
            raw[kind, path.stem] = Document(kind, path.stem, "", body, name, vouched)
    return Published(int(folder.name), raw)
