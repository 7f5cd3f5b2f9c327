"""A page of the catalogue, of resources or of items, as the API and the command line tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from catalog_registry import cursors, facets, finding, freshness, highlights, search, synonyms, systems
from catalog_registry.finding import Answer, Order, Stage
from catalog_registry.lexemes import Place
from catalog_registry.search import Word
from core.hub import Hub
from core.text import T
from schemas.published import Published, current

LIMIT = 200
_LIKELY = 60  # percent of likeness from which a near miss is suggested
PLACES: Mapping[Place, tuple[str, T]] = {
    Place.TITLE: ("title", T("名称", "title")),
    Place.DATASET: ("dataset", T("标识", "identifier")),
    Place.SUMMARY: ("summary", T("摘要", "summary")),
    Place.ITEM: ("item", T("信息项", "item")),
    Place.SYSTEM: ("system", T("来源系统", "system")),
    Place.DEPARTMENT: ("department", T("提供部门", "department")),
}
_HEDGES: Mapping[Stage, T] = {
    "exact": T("", ""),
    "near": T("没有完全相符的，以下为相近结果。", "Nothing matches as typed; these are near."),
    "overlap": T("没有完全相符的，以下含有大部分字词。", "Nothing matches as typed; these share most of the words."),
}
Line = Callable[[Published, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What a caller said. `order` is by relevance when there is a question, else by code."""

    q: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: Order | None = None
    limit: int = 50
    cursor: str = ""
    total: bool = False
    facets: bool = False


@dataclass(frozen=True)
class Page:
    """The lines of one page; `next` is the cursor of the following one. `stage` is `exact` unless nothing matched as
    typed: then `near` or `overlap`, and `suggestions` says what may have been meant."""

    lines: list[dict[str, Any]]
    stage: Stage
    suggestions: list[str]
    total: int | None
    facets: dict[str, list[dict[str, Any]]] | None
    next: str | None

    @property
    def hedge(self) -> T:
        """What to tell of results that are not what was typed; empty when they are."""
        return _HEDGES[self.stage] if self.lines else T("", "")

    def as_json(self, name: str) -> dict[str, Any]:
        """The form the API gives, its lines under `name`."""
        told: dict[str, Any] = {name: self.lines, "match": self.stage}
        if self.stage != "exact":
            told |= {"suggestions": self.suggestions, "note": self.hedge.zh, "note_en": self.hedge.en}
        if self.total is not None:
            told["total"] = self.total
        if self.facets is not None:
            told["facets"] = self.facets
        return told


def page(hub: Hub, connection: Connection, asked: Asked, line: Line, *, items: bool = False) -> Page:
    """The page asked for. Raises Invalid for a filter, an order or a cursor that cannot be."""
    published = current(hub.home)
    words = search.parse(asked.q, synonyms.of(hub.home))
    order: Order = asked.order or ("relevance" if words else "code")
    filters = facets.chosen(published, asked.filters)
    after = cursors.read(asked.cursor, order)
    if (asked.q and not words) or (items and not words):  # signs, an emoji: nothing to look for is nothing found
        empty: dict[str, list[dict[str, Any]]] | None = facets.counted(published, []) if asked.facets else None
        return Page([], "exact", [], 0 if asked.total else None, empty, None)
    ask = finding.Ask(
        words, filters, order, max(1, min(asked.limit, LIMIT)), after, asked.total, asked.facets, items,
    )  # fmt: skip
    states = {
        dataset: each.state for dataset, each in freshness.of_live(connection, systems.feed_ids(published)).items()
    }
    answer = finding.find(connection, ask, states)
    return Page(
        [line(published, row) | {"matches": _matches(answer, row, words)} for row in answer.rows],
        answer.stage,
        _suggestions(answer, words),
        answer.total,
        None if answer.counts is None else facets.counted(published, answer.counts),
        None if answer.next is None else cursors.write(order, answer.next),
    )


def labelled(published: Published, name: str, value: str | int) -> dict[str, Any]:
    """A value of a facet with its words."""
    words = facets.label(published, name, str(value))
    return {"code": value, "label": words.zh, "label_en": words.en}


def _matches(answer: Answer, row: Mapping[str, Any], words: Sequence[Word]) -> list[dict[str, Any]]:
    told = []
    for each in answer.matched.get((row["dataset"], row["position"]), ()):
        code, where = PLACES[Place(each["place"])]
        how, spans = highlights.marks(each["label"], words, answer.stage)
        told.append(
            {"in": code, "in_label": where.zh, "in_label_en": where.en, "name": each["name"] or None,
             "text": each["label"], "marks": spans, "how": how}
        )  # fmt: skip
    return told


def _suggestions(answer: Answer, words: Sequence[Word]) -> list[str]:
    """The words of the first results that may have been meant."""
    if answer.stage != "near":
        return []
    found: dict[str, None] = {}
    for row in answer.rows:
        for each in answer.matched.get((row["dataset"], row["position"]), ())[:1]:
            if each["grade"] >= _LIKELY:
                _, spans = highlights.marks(each["label"], words, "near")
                found |= {each["label"][start:end]: None for start, end in spans}
    return list(found)[:3]
