"""How good each resource is now, in the six dimensions of GB/T 36344 (pipeline/quality.py has the formulas).

What the content says is measured when something has been merged since, and kept in hub.quality: findings that stand on
current records, those of rows that wait, and what checks against other datasets found. Time and reach are judged when asked;
of 时效性 only the share of records that no check found to be behind is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from catalog_registry import freshness, systems
from core import clock
from core.hub import Hub
from pipeline.check_findings import STATUS
from pipeline.quality import DIMENSIONS, Measure, kept, of_content, overall
from schemas import published
from schemas.contract import Contract
from schemas.derive import sql
from schemas.published import Published

WINDOW = timedelta(days=30)  # of runs that 可访问性 looks at


@dataclass(frozen=True, slots=True)
class Quality:
    """One dataset's figures; `measured_at` is when its content was last measured, None when never."""

    dataset: str
    measures: Mapping[str, Measure]
    measured_at: datetime | None

    @property
    def score(self) -> float | None:
        """The mean of the dimensions assessed, in percent; None until the content was measured."""
        return overall(self.measures) if self.measured_at else None


def measure(connection: Connection, now: Published, dataset: str) -> None:
    """Measure what the content of a dataset says now, and keep it."""
    contract = now.contracts[dataset]
    # one statement, so that all of it is of one moment, whatever merges meanwhile
    rows = connection.execute(text(_COUNTED.format(current=sql.current(dataset))), {"dataset": dataset}).all()
    of = {what: [row for row in rows if row.what == what] for what in ("held", "waiting", "fault", "check")}
    held, waiting = of["held"][0].n, of["waiting"][0].n
    faults = {row.dimension: row.n for row in of["fault"]}
    measures = of_content(contract, held + waiting, faults)
    for row in of["check"]:  # each check that found something assesses every record once, in its dimension
        before = measures.get(row.dimension, Measure(0, 0))
        measures[row.dimension] = Measure(before.good + max(held - row.n, 0), before.assessed + max(held, row.n))
    measures.setdefault("timeliness", Measure(held, held))
    connection.execute(
        text(
            "INSERT INTO hub.quality (dataset, dimension, good, assessed, measured_at) "
            "VALUES (:dataset, :dimension, :good, :assessed, now()) ON CONFLICT (dataset, dimension) DO UPDATE SET "
            "good = excluded.good, assessed = excluded.assessed, measured_at = now()"
        ),
        [
            {"dataset": dataset, "dimension": name, "good": one.good, "assessed": one.assessed}
            for name, one in measures.items()
        ],
    )


#: what is counted, dimension, how many
_COUNTED = f"""
WITH faulty AS (
  SELECT f.dimension FROM hub.finding f JOIN {{current}} r ON r._batch = f.batch_id AND r._row_no = f.row_no
  WHERE f.dataset = :dataset
  UNION ALL SELECT f.dimension FROM hub.finding f JOIN hub.quarantine q USING (batch_id, row_no)
  WHERE q.dataset = :dataset AND q.status = 'open'
)
SELECT 'held' AS what, NULL AS dimension, count(*) AS n FROM {{current}}
UNION ALL SELECT 'waiting', NULL, count(*) FROM hub.quarantine WHERE dataset = :dataset AND status = 'open'
UNION ALL SELECT 'fault', dimension, count(*) FROM faulty GROUP BY dimension
UNION ALL SELECT 'check', dimension, count(DISTINCT side.key) FROM hub.check_finding f CROSS JOIN LATERAL (VALUES
    (first_dataset, first_key), (second_dataset, second_key)) AS side (dataset, key)
  WHERE side.dataset = :dataset AND {STATUS} = 'open' GROUP BY check_id, dimension
"""


def measure_due(hub: Hub, *, every: bool = False) -> list[str]:
    """Measure the datasets that something was merged into, found in or decided of since they were; all with `every`.
    Returns which."""
    now = published.current(hub.home)
    chosen = sorted(systems.feeds_of(now))
    if not every:
        with hub.read() as connection:
            changed = set(
                connection.scalars(
                    text(
                        "WITH measured AS (SELECT dataset, min(measured_at) AS at FROM hub.quality GROUP BY 1) "
                        "SELECT d FROM unnest(CAST(:datasets AS text[])) d LEFT JOIN measured m ON m.dataset = d WHERE m.at IS NULL "
                        # a merge is dated by its beginning, and may have ended after the measuring
                        "OR EXISTS (SELECT FROM hub.batch b WHERE b.dataset = d AND b.merged_at > m.at - interval '1 hour') "
                        "OR EXISTS (SELECT FROM hub.quarantine q WHERE q.dataset = d AND q.closed_at > m.at - interval '1 hour') "
                        "OR EXISTS (SELECT FROM hub.check_finding f WHERE d IN (f.first_dataset, f.second_dataset) "
                        "AND (greatest(f.opened_at, f.closed_at) > m.at - interval '1 hour' OR EXISTS (SELECT FROM hub.decision s "
                        "WHERE s.kind = 'check.dismissed' AND s.about = f.id::text AND s.at > m.at - interval '1 hour')))"
                    ),
                    {"datasets": chosen},
                )
            )
        chosen = [dataset for dataset in chosen if dataset in changed]
    done = []
    for dataset in chosen:
        if dataset in now.contracts:
            with hub.begin() as connection:
                measure(connection, now, dataset)
            done.append(dataset)
    return done


def read(connection: Connection, now: Published, dataset: str) -> Quality | None:
    """The figures of a dataset that feeds bring; None for another. Until it was measured nothing is said of its content."""
    feeds = systems.feeds_of(now).get(dataset)
    contract = now.contracts.get(dataset)
    if not feeds or contract is None:
        return None
    rows = connection.execute(text("SELECT * FROM hub.quality WHERE dataset = :dataset"), {"dataset": dataset}).all()
    measures = {row.dimension: Measure(row.good, row.assessed) for row in rows}
    ids = [feed.id for feed in feeds]
    timely, up_to_date = _timeliness(connection, contract, ids), measures.get("timeliness", Measure(0, 0))
    if up_to_date.assessed:
        timely = Measure(timely.good * up_to_date.good, timely.assessed * up_to_date.assessed)
    measures |= {"timeliness": timely, "accessibility": _accessibility(connection, ids)}
    ordered = {name: measures.get(name, Measure(0, 0)) for name in DIMENSIONS}
    return Quality(dataset, ordered, min((row.measured_at for row in rows), default=None))


def ratios(connection: Connection) -> list[tuple[str, str, float]]:
    """(dataset, dimension, share from 0 to 1) of all that was measured; time and reach are judged when asked, not here."""
    rows = connection.execute(
        text(
            "SELECT dataset, dimension, good::float8 / assessed AS share FROM hub.quality WHERE assessed > 0 "
            "AND dimension <> 'timeliness' ORDER BY 1, 2"
        )
    )
    return [tuple(row) for row in rows]


def _timeliness(connection: Connection, contract: Contract, feeds: list[str]) -> Measure:
    """By the oldest of the feeds, with the grace that freshness gives."""
    last = freshness.last(connection, feeds)
    times = [landed for landed, _ in last.values()]
    if not times or None in times:
        return Measure(0, 1)
    age = clock.now() - min(time for time in times if time is not None)
    return kept(freshness.GRACE * contract.cycle.period, age)


def _accessibility(connection: Connection, feeds: list[str]) -> Measure:
    """Of the runs of the last thirty days that came to an end, those that brought data into the library."""
    row = connection.execute(
        text(
            "SELECT count(*) FILTER (WHERE state IN ('merged', 'delivered')) AS good, count(*) AS assessed FROM hub.batch "
            "WHERE feed = ANY(:feeds) AND origin = 'feed' AND state NOT IN ('extracting', 'landed') AND started_at > :since"
        ),
        {"feeds": feeds, "since": clock.now() - WINDOW},
    ).one()
    return Measure(row.good, row.assessed)


def as_json(quality: Quality) -> dict[str, Any]:
    """The form the API gives."""
    return {
        "score": quality.score,
        "measured_at": quality.measured_at and quality.measured_at.isoformat(),
        "dimensions": [
            {"code": name, "label": DIMENSIONS[name].zh, "label_en": DIMENSIONS[name].en, **measure.as_json()}
            for name, measure in quality.measures.items()
        ],
    }
