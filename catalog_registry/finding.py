"""Finding resources and items: one statement answers what fits, in what order, how many of each facet, and where.

The score of a resource is the sum over the words of its best place: title, dataset, summary, item, system, department;
inside a place the whole text, its beginning, a part; then live before listed. A near miss is looked for only when
nothing has every word, so that it never hides what does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rapidfuzz import fuzz
from sqlalchemy import Connection, text

from catalog_registry import facets, search
from catalog_registry.lexemes import Place
from catalog_registry.search import Word

Order = Literal["relevance", "code", "name", "updated"]
Stage = Literal["exact", "near", "overlap"]
STAGES: tuple[Stage, ...] = ("exact", "near", "overlap")
MATCHES = 5  # shown of one resource
_CANDIDATES = 5000
_SHARED = 0.5  # of the bigrams, for an overlap

# what a hit counts; `near` orders by likeness first, since no place makes a guess right
_WEIGHTS: Mapping[Stage, tuple[int, int]] = {"exact": (100, 1), "near": (1, 10), "overlap": (1, 10)}
_ORDERS: Mapping[Order, tuple[str, str]] = {
    "relevance": ("-(h.score * 2 + (r.origin = 'contract')::int)", "bigint"),
    "code": ("0::bigint", "bigint"),
    "name": ("r.sort_name", "text"),
    "updated": ("-(extract(epoch FROM r.updated_at) * 1000000)::bigint", "bigint"),
}

# One branch for each form of each word, so that each is a search of the index by itself. Chinese is looked at as written:
# bigrams alone do not say that they stand together. One letter is everywhere: it finds what begins with it.
_FORM = """
  SELECT {n} AS n, id AS term, {said} + 2 * CASE WHEN :raw{at} IN (text, initials, pinyin) THEN 4
    WHEN starts_with(text, :raw{at}) OR starts_with(initials, :raw{at}) OR starts_with(pinyin, :raw{at}) THEN 3 ELSE 2 END AS grade
  FROM hub.catalogue_term WHERE lexemes @@ CAST(:query{at} AS tsquery) {and_}"""
_STANDS, _BEGINS = (
    "AND strpos(text, :raw{at}) > 0",
    "AND (starts_with(initials, :raw{at}) OR starts_with(text, :raw{at}))",
)
_EXACT = "term_hit AS MATERIALIZED (SELECT n, term, max(grade) AS grade FROM ({forms}) form GROUP BY n, term)"
_GIVEN = """
term_hit AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:n AS int[]), CAST(:terms AS bigint[]), CAST(:grades AS int[])) AS given (n, term, grade))"""
_PAIR = "SELECT {n} AS n, id AS term, 1 AS grade FROM hub.catalogue_term WHERE lexemes @@ CAST(:pair{n} AS tsquery)"
_SHARING = "term_hit AS MATERIALIZED ({pairs})"

_RESOURCES = """
word_hit AS (SELECT e.dataset, h.n, max(e.place * :place + h.grade * :grade) AS score
  FROM term_hit h JOIN hub.catalogue_entry e ON e.term = h.term GROUP BY e.dataset, h.n),
hits AS MATERIALIZED (SELECT dataset, 0::smallint AS position, sum(score)::bigint AS score
  FROM word_hit GROUP BY dataset HAVING count(*) >= :words)"""
_EVERYTHING = """
term_hit AS (SELECT 0 AS n, 0::bigint AS term, 0 AS grade WHERE false),
hits AS (SELECT dataset, 0::smallint AS position, 0::bigint AS score FROM hub.resource)"""
# An item is found by itself; the other words of the question may stand elsewhere in its resource.
_ITEMS = """
narrow AS MATERIALIZED (SELECT e.dataset, e.position, h.n, max(h.grade) * 10 AS score
  FROM term_hit h JOIN hub.catalogue_entry e ON e.term = h.term AND e.place = :item GROUP BY 1, 2, 3),
wide AS (SELECT e.dataset, h.n, max(e.place) AS score
  FROM term_hit h JOIN hub.catalogue_entry e ON e.term = h.term AND e.place <> :item WHERE :words > 1 GROUP BY 1, 2),
word_hit AS (SELECT dataset, position, n, max(score) AS score FROM (
    SELECT * FROM narrow UNION ALL
    SELECT w.dataset, i.position, w.n, w.score FROM wide w JOIN (SELECT DISTINCT dataset, position FROM narrow) i USING (dataset)
  ) either GROUP BY 1, 2, 3),
hits AS MATERIALIZED (SELECT dataset, position, sum(score)::bigint AS score
  FROM word_hit GROUP BY dataset, position HAVING count(*) >= :words)"""

_FOUND = """
found AS MATERIALIZED (
  SELECT f.*, {fails} AS fails FROM (
    SELECT r.dataset, r.class_path, r.sequence, h.position, {key} AS k, r.department, {share}::text AS share_type,
      r.cycle::text AS cycle, r.resource_class, r.format,
      CASE WHEN r.origin = 'listing' THEN 'listed' ELSE coalesce(s.state, 'never') END AS state
    FROM hits h JOIN hub.resource r USING (dataset)
    {joined}
    LEFT JOIN unnest(CAST(:live AS text[]), CAST(:states AS text[])) AS s (dataset, state) ON s.dataset = r.dataset
    WHERE r.status = 'published') f),
page AS MATERIALIZED (
  SELECT * FROM found WHERE fails = 0 {after} ORDER BY k, class_path, sequence, position LIMIT :limit),
matched AS (
  SELECT p.dataset, p.position AS at, e.place, e.name, e.label, e.position, max(h.grade) AS grade,
    row_number() OVER (PARTITION BY p.dataset, p.position ORDER BY max(e.place * :place + h.grade * :grade) DESC, e.place DESC,
      e.position) AS nth
  FROM page p JOIN hub.catalogue_entry e ON e.dataset = p.dataset AND (p.position = 0 OR e.place <> :item OR e.position = p.position)
  JOIN term_hit h ON h.term = e.term GROUP BY p.dataset, p.position, e.place, e.name, e.label, e.position)
SELECT (SELECT count(*) FROM hits) AS hits,
  (SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('code', r.code, 'title', r.title, 'status', r.status,
      'updated_at', r.updated_at, 'item', {item}) ORDER BY p.k, p.class_path, p.sequence, p.position)
    FROM page p JOIN hub.resource r USING (dataset)) AS page,
  (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.nth) FROM matched m WHERE m.nth <= :matches) AS matched,
  CASE WHEN :total THEN (SELECT count(*) FROM found WHERE fails = 0) END AS total,
  CASE WHEN :facets THEN (SELECT jsonb_agg(to_jsonb(c)) FROM ({facets}) c) END AS facets
"""


# what fits every filter but the facet's own
_FACET = (
    "SELECT '{name}' AS facet, {name} AS value, count(*) FROM found f WHERE fails = (NOT {fit})::int GROUP BY {name}"
)
_OF_ITEM = "JOIN hub.catalogue_entry i ON i.dataset = h.dataset AND i.place = :item AND i.position = h.position"


@dataclass(frozen=True)
class Position:
    """Where a page ended, enough to go on from there whatever else changes."""

    stage: Stage
    key: int | str
    class_path: str
    sequence: int
    position: int


@dataclass(frozen=True)
class Ask:
    """A question to the catalogue; `filters` by code, as `facets.chosen` gives them."""

    words: Sequence[Word] = ()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: Order = "code"
    limit: int = 50
    after: Position | None = None
    total: bool = False
    facets: bool = False
    items: bool = False


@dataclass(frozen=True)
class Answer:
    """A page of rows, as the statement gives them. `next` is None on the last page."""

    stage: Stage
    rows: list[dict[str, Any]]
    matched: Mapping[tuple[str, int], list[dict[str, Any]]]
    total: int | None
    counts: list[dict[str, Any]] | None
    next: Position | None


def find(connection: Connection, ask: Ask, states: Mapping[str, str]) -> Answer:
    """The page asked for. `states` is the freshness of each live resource."""
    stages = (ask.after.stage,) if ask.after else STAGES if ask.words else ("exact",)
    answer = Answer("exact", [], {}, 0 if ask.total else None, [] if ask.facets else None, None)
    for stage in stages:
        heads = _heads(connection, ask, stage)
        if heads is None:
            continue
        found, hits = _run(connection, ask, states, stage, *heads)
        if hits or stage == "exact":
            answer = found
        if hits:
            break
    return answer


def _heads(connection: Connection, ask: Ask, stage: Stage) -> tuple[str, dict[str, Any]] | None:
    """The terms that answer, as the statement's first part, with its values; None when there is nothing to look for."""
    shape = _ITEMS if ask.items else _RESOURCES
    if not ask.words:
        return _EVERYTHING, {}
    if stage == "exact":
        head, values = _forms(ask.words)
        return f"{head},{shape}", values
    if stage == "near":
        terms = _near_terms(connection, ask.words)
        values = {
            "n": [n for n, _, _ in terms], "terms": [term for _, term, _ in terms],
            "grades": [grade for _, _, grade in terms], "words": len(ask.words),
        }  # fmt: skip
        return (f"{_GIVEN},{shape}", values) if terms else None
    pairs = search.overlap(list(ask.words))
    if not pairs:
        return None
    head = _SHARING.format(pairs=" UNION ALL ".join(_PAIR.format(n=n) for n in range(len(pairs))))
    values = {f"pair{n}": pair for n, pair in enumerate(pairs)}
    return f"{head},{shape}", values | {"words": max(2, round(_SHARED * len(pairs)))}


def _forms(words: Sequence[Word]) -> tuple[str, dict[str, Any]]:
    """The terms that hold the words or what means the same."""
    branches: list[str] = []
    values: dict[str, Any] = {"words": len(words)}
    for n, word in enumerate(words):
        for raw in (word.raw, *word.others):
            at = len(branches)
            looked = _STANDS if Word(raw).hanzi else _BEGINS if len(raw) == 1 else ""
            branches.append(_FORM.format(n=n, at=at, said=int(raw == word.raw), and_=looked.format(at=at)))
            values |= {f"raw{at}": raw, f"query{at}": search.exact(raw)}
    return _EXACT.format(forms=" UNION ALL ".join(branches)), values


def _near_terms(connection: Connection, words: Sequence[Word]) -> list[tuple[int, int, int]]:
    """(word, term, likeness in percent) of every term that holds a word or a near miss of it."""
    found: list[tuple[int, int, int]] = []
    for n, word in enumerate(words):
        asked = search.near(word)
        query = search.exact(word.raw) if asked is None else f"{search.exact(word.raw)} | {asked}"
        rows = connection.execute(
            text(
                "SELECT id, text, initials, pinyin FROM hub.catalogue_term WHERE lexemes @@ CAST(:query AS tsquery) LIMIT :limit"
            ),
            {"query": query, "limit": _CANDIDATES},
        )
        sounds = word.pinyin
        for id, *forms in rows:
            if word.hanzi:
                like = [forms[0]] if word.raw in forms[0] or (asked and search.like(word.raw, forms[0])) else []
                like += [forms[2]] if sounds and sounds in forms[2] else []
                sample = {forms[0]: word.raw, forms[2]: sounds}
            else:
                like = [form for form in forms if word.raw in form or (asked and search.like(word.raw, form))]
                sample = dict.fromkeys(forms, word.raw)
            if like:
                found.append((n, id, max(int(fuzz.ratio(sample[form], form)) for form in like)))
    return found


def _run(
    connection: Connection, ask: Ask, states: Mapping[str, str], stage: Stage, head: str, values: dict[str, Any]
) -> tuple[Answer, int]:
    key, kind = _ORDERS[ask.order]
    after = ""
    place, grade = _WEIGHTS[stage]
    bound: dict[str, Any] = {
        **values, "place": place, "grade": grade, "item": Place.ITEM, "live": list(states), "states": list(states.values()),
        "limit": ask.limit + 1, "matches": MATCHES, "total": ask.total, "facets": ask.facets,
    }  # fmt: skip
    if ask.after:
        after = f"AND (k, class_path, sequence, position) > (CAST(:k AS {kind}), :class_path, :sequence, :position)"
        bound |= {
            "k": ask.after.key, "class_path": ask.after.class_path, "sequence": ask.after.sequence,
            "position": ask.after.position,
        }  # fmt: skip
    fits = {name: f"f.{name} = ANY(CAST(:in_{name} AS text[]))" for name in ask.filters}
    bound |= {f"in_{name}": list(chosen) for name, chosen in ask.filters.items()}
    share, joined = ("i.share_type", _OF_ITEM) if ask.items else ("r.share_type", "")
    item = "r.described->'items'->(p.position - 1)" if ask.items else "null"
    statement = head + "," + _FOUND.format(
        key=key, share=share, joined=joined, item=item, after=after, fails=" + ".join(f"(NOT {fit})::int" for fit in fits.values()) or "0",
        facets=" UNION ALL ".join(_FACET.format(name=name, fit=fits.get(name, "true")) for name in facets.NAMES),
    )  # fmt: skip
    row = connection.execute(text(f"WITH {statement}"), bound).one()
    rows = row.page or []
    matched: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for each in row.matched or []:
        matched.setdefault((each["dataset"], each["at"]), []).append(each)
    following = None
    if len(rows) > ask.limit:
        edge = rows[ask.limit - 1]
        following = Position(stage, edge["k"], edge["class_path"], edge["sequence"], edge["position"])
    counts = (row.facets or []) if ask.facets else None
    return Answer(stage, rows[: ask.limit], matched, row.total, counts, following), row.hits
