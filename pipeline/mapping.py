"""Codes that stewards map once: the queue of values that fit no code, and the mappings in force for a feed.

A mapping is a decision of kind `map` about `<system>.<dataset>.<item>`; its body says which raw value means which code. It
holds for every later batch of the feed and for the replay of the rows that wait. A batch keeps which decisions it was made
with, so undoing one changes later batches and the replayed rows, never what a batch was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

from connectors.system import Feed
from core import decisions
from core.actor import Actor
from core.decisions import NOW, Decision
from core.errors import Conflict, Invalid, NotFound
from core.text import T
from schemas.codes import lists
from schemas.contract import Contract, Item
from schemas.document import near
from schemas.published import Published
from schemas.types import masks
from schemas.types.code import Code, as_read

KIND = "map"
#: what a value of a code item is found to offend when it fits no code
RULES = ("code.unmapped", "code.unknown", "enum")
LONGEST = 40  # characters of any department's code


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A raw value that fits no code of its item: how many rows wait with it, since when, and what it may mean, as (code,
    label), best first. `raw` is None when the value is no code (another column's, perhaps a person's number). `codes` are all
    that the item knows."""

    system: str
    dataset: str
    item: str
    raw: str | None
    rows: int
    since: datetime
    suggestions: tuple[tuple[str, T], ...]
    codes: Mapping[str, T]

    @property
    def about(self) -> str:
        """What a mapping of it is about."""
        return f"{self.system}.{self.dataset}.{self.item}"


def queue(
    connection: Connection, published: Published, *, datasets: Collection[str] | None = None, limit: int = 500
) -> list[Unmapped]:
    """Unmapped values by system, dataset, item and raw value, those that most rows wait with first."""
    rows = connection.execute(
        text(
            "SELECT q.system, q.dataset, f.item, f.raw, count(*) AS rows, min(q.quarantined_at) AS since FROM hub.finding f "
            "JOIN hub.quarantine q USING (batch_id, row_no) WHERE q.status = 'open' AND f.rule = ANY(:rules) "
            "AND (CAST(:datasets AS text[]) IS NULL OR q.dataset = ANY(:datasets)) "
            "GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC, 1, 2, 3, 4 LIMIT :limit"
        ),
        {"rules": list(RULES), "datasets": None if datasets is None else list(datasets), "limit": limit},
    )
    found = []
    for row in rows:
        item = _code_item(published, row.dataset, row.item)
        if item is not None:
            raw = None if item.personal or row.raw is None or _no_code(row.raw) else row.raw
            guesses = suggestions(item, row.raw) if raw is not None else ()
            found.append(
                Unmapped(row.system, row.dataset, row.item, raw, row.rows, row.since, guesses, labels_of(item))
            )
    return found


def suggestions(item: Item, raw: str, most: int = 3) -> tuple[tuple[str, T], ...]:
    """Codes of an item that a raw value may mean: by a label it contains or is contained in, else by likeness."""
    labels = labels_of(item)
    plain = as_read(raw).casefold()
    inside = [
        code
        for code, label in labels.items()
        if plain and any(plain in part.casefold() or part.casefold() in plain for part in (label.zh, label.en) if part)
    ]
    words = {part.casefold(): code for code, label in labels.items() for part in (code, label.zh, label.en)}
    like = [words[word] for word in get_close_matches(plain, words, n=most, cutoff=0.5)]
    return tuple((code, labels[code]) for code in list(dict.fromkeys([*inside, *like]))[:most])


def labels_of(item: Item) -> Mapping[str, T]:
    """The codes an item knows, with their labels."""
    if item.code_list is not None:
        return lists(item.code_list).values
    return item.enum


def map_code(
    connection: Connection, published: Published, about: str, raw: str, code: str, *, reason: str, actor: Actor
) -> Decision:
    """Decide what a raw value means. Raises NotFound for an item that is no feed's code, Invalid for an unknown code,
    Conflict for a value that is mapped already (undo that first)."""
    system, _, rest = about.partition(".")
    dataset, _, name = rest.partition(".")
    item = _code_item(published, dataset, name) if f"{system}.{dataset}" in feed_ids(published) else None
    if item is None:
        raise NotFound(
            T("没有这个代码项。", "There is no such code item."),
            remedy=T("写作 系统.资源.信息项;hutong codes list 可列出。",
                     "Write system.dataset.item; `hutong codes list` lists them."),
        )  # fmt: skip
    labels = labels_of(item)
    if code not in labels:
        remedy = near(code, labels)
        raise Invalid(T("不在该信息项的代码表中。", "It is not a code of this item."), remedy=remedy, pointer="/code")
    plain = as_read(raw)
    if not plain or _no_code(plain):
        raise Invalid(
            T("该值不是代码。", "The value is not a code."),
            remedy=T("逐行修正或请来源更正。", "Correct the rows, or ask the source to."), pointer="/raw",
        )  # fmt: skip
    _one_at_a_time(connection, about)
    if plain in in_force(connection, f"{system}.{dataset}").get(name, {}):
        raise Conflict(
            T("该值已有对应关系。", "The value is mapped already."),
            remedy=T("先撤销那项决定(hutong decision undo)。", "Undo that decision first (`hutong decision undo`)."),
        )
    return decisions.record(connection, KIND, about, reason=reason, actor=actor, body={"raw": plain, "code": code})


def cases_with(
    connection: Connection, abouts: Collection[str], *, statuses: Collection[str] | None = None
) -> dict[tuple[str, str], int]:
    """How many rows of the quarantine came with a value that fit no code, by what a mapping would be about and the value as it
    is read; those of some statuses only, where they are given."""
    rows = connection.execute(
        text(
            "SELECT q.feed || '.' || f.item AS about, f.raw, count(*) AS rows FROM hub.finding f JOIN hub.quarantine q "
            "USING (batch_id, row_no) WHERE f.rule = ANY(:rules) AND f.raw IS NOT NULL AND q.feed || '.' || f.item = ANY(:abouts) "
            "AND (CAST(:statuses AS text[]) IS NULL OR q.status = ANY(:statuses)) GROUP BY 1, 2"
        ),
        {"rules": list(RULES), "abouts": list(abouts), "statuses": None if statuses is None else list(statuses)},
    )
    found: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        found[row.about, as_read(row.raw)] += row.rows
    return dict(found)


def in_force(connection: Connection, feed_id: str, upto: int = NOW) -> Mapping[str, Mapping[str, Decision]]:
    """The mappings of a feed by item and raw value, as they stood at decision `upto`."""
    found: dict[str, dict[str, Decision]] = defaultdict(dict)
    for one in decisions.in_force(connection, KIND, upto=upto):
        feed, _, item = one.about.rpartition(".")
        if feed == feed_id:
            found[item][one.body["raw"]] = one
    return found


def decided(connection: Connection, feed: Feed, upto: int) -> Feed:
    """The feed with the mappings that stood at decision `upto`."""
    found = in_force(connection, feed.id, upto)
    codes = {item: {raw: one.body["code"] for raw, one in each.items()} for item, each in found.items()}
    return replace(feed, decided=codes) if codes else feed


def feed_ids(published: Published) -> set[str]:
    """Every feed in force."""
    documents: Mapping[str, Any] = published.documents("system")
    return {f"{id}.{feed['contract']}" for id, tree in documents.items() for feed in tree["feeds"]}


def _no_code(raw: str) -> bool:
    """Whether it is a value of another column, perhaps somebody's number."""
    return len(raw) > LONGEST or masks.holds_number(raw)


def _code_item(published: Published, dataset: str, name: str) -> Item | None:
    contract: Contract | None = published.contracts.get(dataset)
    items = {item.name: item for item in contract.items} if contract else {}
    item = items.get(name)
    return item if item is not None and isinstance(item.type, Code) else None


def _one_at_a_time(connection: Connection, about: str) -> None:
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"hutong.map.{about}"}
    )
