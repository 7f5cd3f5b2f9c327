"""Who asks, what they may ask, and how fresh the sources are: one statement over dated rows, at every question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from catalog_registry import freshness
from catalog_registry.grants import IN_FORCE
from certificates.offered import Offer
from certificates.request import Query

_ASKER = f"""\
WITH asker AS (SELECT department, valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)
  AND secret_version = coalesce(%(secret_version)s, secret_version) AS in_force
  FROM hub.client WHERE id = %(client)s)
SELECT (SELECT department FROM asker), (SELECT in_force FROM asker),
  (SELECT name FROM hub.service_item WHERE id = %(service_item)s),
  (SELECT jsonb_agg(jsonb_build_array(certificate_type, fields)) FROM (
    {IN_FORCE.replace("%(department)s", "(SELECT department FROM asker)")}) granted),
  (SELECT jsonb_agg(jsonb_build_array(feed, landed_at, state)) FROM ({freshness.LAST_BATCHES}) last)"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the client's department (empty when there is no such client) and whether the client is in force; the
    service item's name (empty when there is none); `fields` by granted type; freshness by dataset."""

    department: str
    in_force: bool
    service_item: str
    fields: Mapping[str, frozenset[str]]
    freshness: Mapping[str, freshness.Freshness]


async def look_up(
    connection: psycopg.AsyncConnection[Any], query: Query, client: str, offers: Iterable[Offer], at: datetime,
    secret_version: int | None = None,
) -> Asker:  # fmt: skip
    """What the registry says at a moment. `secret_version`: that of the client's secret which the token was given for; None
    when no token was used."""
    offers = list(offers)
    datasets = {dataset.id: dataset for offer in offers for dataset in offer.datasets}
    feeds = [feed for dataset in datasets.values() for feed in dataset.feeds]
    cursor = await connection.execute(
        _ASKER,
        {"client": client, "service_item": query.service_item, "types": [offer.id for offer in offers], "at": at,
         "feeds": feeds, "secret_version": secret_version},
    )  # fmt: skip
    row = await cursor.fetchone()
    assert row is not None  # a SELECT of scalar subqueries always has one row
    department, in_force, service_item, grants, last = row
    fields: dict[str, frozenset[str]] = {}
    for certificate_type, given in grants or ():
        fields[certificate_type] = fields.get(certificate_type, frozenset()) | frozenset(given)
    known = {feed: (landed and datetime.fromisoformat(landed), state) for feed, landed, state in last or ()}
    return Asker(
        department or "", bool(in_force), service_item or "", fields,
        {id: freshness.judge([known[feed] for feed in dataset.feeds], dataset.period, at)
         for id, dataset in datasets.items()},
    )  # fmt: skip
