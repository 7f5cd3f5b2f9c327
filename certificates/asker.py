"""Who asks, what they may ask, and how fresh the sources are: one statement over dated rows, at every question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from catalog_registry import freshness, service_items
from catalog_registry.grants import IN_FORCE
from catalog_registry.service_items import Demand
from certificates import pool
from certificates.offered import Offer
from certificates.request import Query
from certificates.statement import Statement
from certificates.subject import Subject

_ASKER = f"""\
WITH asker AS (SELECT department, valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)
  AND secret_version = coalesce(%(secret_version)s, secret_version) AS in_force
  FROM hub.client WHERE id = %(client)s)
SELECT (SELECT department FROM asker), (SELECT in_force FROM asker),
  (SELECT jsonb_build_array(name, body) FROM hub.service_item WHERE id = %(service_item)s),
  (SELECT jsonb_agg(jsonb_build_array(certificate_type, fields)) FROM (
    {IN_FORCE.replace("%(department)s", "(SELECT department FROM asker)")}) granted),
  (SELECT jsonb_agg(jsonb_build_array(feed, landed_at, state)) FROM ({freshness.LAST_BATCHES}) last)"""

#: what else registers know a person as: other numbers and names, and the credit code an organisation code is part of
_KNOWN = """,
  (WITH code AS (SELECT DISTINCT id_value FROM libraries.mention WHERE substr(id_value, 9, 9) = ANY(%(organisation_{0})s)
     AND length(id_value) = 18 AND id_kind IN ('uscc', 'organisation_code', 'business_licence'))
   SELECT jsonb_agg(jsonb_build_array(kind, value)) FROM (SELECT 'number' AS kind, id_value AS value FROM code UNION
     SELECT * FROM libraries.also_known(%(forms_{0})s || ARRAY(SELECT id_value FROM code), %(names_{0})s)) known)"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the client's department (empty when there is no such client) and whether the client is in force; the
    service item's name (empty when there is none) and what its guide asks for; `fields` by granted type; freshness by
    dataset; what else each of the question's persons is known as."""

    department: str
    in_force: bool
    service_item: str
    demands: tuple[Demand, ...]
    fields: Mapping[str, frozenset[str]]
    freshness: Mapping[str, freshness.Freshness]
    known: tuple[tuple[tuple[str, str], ...], ...]


async def look_up(
    connection: pool.Connection, query: Query, client: str, offers: Iterable[Offer],
    subjects: Sequence[Subject], at: datetime, secret_version: int | None = None,
) -> Asker:  # fmt: skip
    """What the registry says at a moment. `secret_version`: that of the client's secret which the token was given for; None
    when no token was used."""
    offers = list(offers)
    datasets = {dataset.id: dataset for offer in offers for dataset in offer.datasets}
    feeds = [feed for dataset in datasets.values() for feed in dataset.feeds]
    persons: dict[str, list[str]] = {}
    for slot, one in enumerate(subjects):
        persons |= {f"organisation_{slot}": one.organisation, f"forms_{slot}": one.forms, f"names_{slot}": one.names}
    statement = _statement(len(subjects))
    row = await connection.fetchrow(
        statement.sql,
        *statement.values(
            {"client": client, "service_item": query.service_item, "types": [offer.id for offer in offers], "at": at,
             "feeds": feeds, "secret_version": secret_version} | persons
        ),
    )  # fmt: skip
    assert row is not None  # a SELECT of scalar subqueries always has one row
    department, in_force, service_item, grants, last, *also = row
    name, guide = service_item or ("", None)
    fields: dict[str, frozenset[str]] = {}
    for certificate_type, given in grants or ():
        fields[certificate_type] = fields.get(certificate_type, frozenset()) | frozenset(given)
    known = {feed: (landed and datetime.fromisoformat(landed), state) for feed, landed, state in last or ()}
    return Asker(
        department or "", bool(in_force), name, service_items.demands(guide), fields,
        {id: freshness.judge([known[feed] for feed in dataset.feeds], dataset.period, at)
         for id, dataset in datasets.items()},
        tuple(tuple((kind, value) for kind, value in pairs or ()) for pairs in also),
    )  # fmt: skip


@cache
def _statement(persons: int) -> Statement:
    return Statement(_ASKER + "".join(_KNOWN.format(slot) for slot in range(persons)))
