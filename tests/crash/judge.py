"""Compares what PostgreSQL holds with what the replayer says it must hold. Plain SQL; nothing of the product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg

from tests.crash import replay
from tests.crash.reader import TEXT, query
from tests.crash.world import COLUMNS, ITEMS, MODES, SYSTEM_ID, Source, dataset

_COLUMNS = {item: column for column, item in ITEMS.items()}


@dataclass
class Verdict:
    """What was found wrong: rows lost and doubled (current, history, waiting, golden), and everything else in words."""

    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)

    def compare(self, what: str, held: Counter[Any], must: Counter[Any]) -> None:
        """Count the difference of two multisets."""
        lost, doubled = must - held, held - must
        self.lost += lost.total()
        self.doubled += doubled.total()
        for word, rows in (("lost", lost), ("doubled", doubled)):
            if rows:
                self.wrong.append(f"{what}: {rows.total()} {word}, e.g. {next(iter(rows))}")

    def expect(self, what: str, held: Any, must: Any) -> None:
        """Note a difference."""
        if held != must:
            self.wrong.append(f"{what}: {held} instead of {must}")

    @property
    def good(self) -> bool:
        """Nothing is wrong."""
        return not self.wrong


class Judge:
    """Follows the landing batch by batch, and compares."""

    def __init__(self, landing: Path, source: Source) -> None:
        self.feeds = {mode: replay.Feed(mode) for mode in MODES}
        self._landing, self._source = landing, source
        self._aside: set[str] = set()

    def __call__(self, link: psycopg.Connection[Any], modes: tuple[str, ...] = MODES) -> Verdict:
        """Judge some feeds, after a run of each that came to its end."""
        verdict = Verdict()
        numbers: dict[str, str] = {}
        for mode, feed in self.feeds.items():
            if mode in modes:
                self._follow(link, mode, feed, verdict)
                _rows(link, mode, feed, verdict)
                _source(self._source, mode, feed, verdict)
            numbers |= {held.values[3]: held.values[2] for held in feed.current.values() if held.values[3] != "-"}
        golden = Counter(
            (number, name)
            for number, name in link.execute(
                "SELECT attributes -> 'citizen_no' ->> 'value', attributes -> 'name' ->> 'value' FROM libraries.golden"
            )
        )
        verdict.compare("golden records", golden, Counter(numbers.items()))
        return verdict

    def _follow(self, link: psycopg.Connection[Any], mode: str, feed: replay.Feed, verdict: Verdict) -> None:
        """Every batch that landed is merged once, or dropped with a later one merged; its watermark is the highest read."""
        name = dataset(mode)
        states = dict(link.execute("SELECT id::text, state FROM hub.batch WHERE dataset = %s", [name]).fetchall())
        told = "SELECT body ->> 'batch' FROM hub.event WHERE type = 'batch.merged' AND about = %s"
        merged = Counter(batch for (batch,) in link.execute(told, [f"{SYSTEM_ID}.{name}"]))
        landed = replay.landed(self._landing, SYSTEM_ID, name)
        kept = [batch for batch in landed if states.get(batch) not in ("dropped", "failed")]
        feed.decisions = {
            id: {_COLUMNS[item]: cell for item, cell in body["set"].items()}
            for id, body in link.execute("SELECT id::text, body FROM hub.decision WHERE kind = 'fix'")
        }
        aside = link.execute(
            "SELECT d.id::text, r.batch_id::text, r.row_no FROM hub.decision d JOIN hub.decided_row r ON r.decision = d.id "
            "WHERE d.kind = 'dismiss' AND d.about = %s ORDER BY d.seq", [name]
        ).fetchall()  # fmt: skip
        new = [one for one in aside if one[0] not in self._aside]
        self._aside |= {one[0] for one in new}
        feed.dismiss((batch, row) for _, batch, row in new)  # decided before the runs that are judged
        feed.follow(self._landing, SYSTEM_ID, name, kept)
        verdict.expect(f"{name}: rows replayed otherwise than decided", feed.wrong, [])
        verdict.expect(f"{name}: batches merged", merged, Counter(kept))
        unfinished = [batch for batch, state in states.items() if state in ("extracting", "landed", "merged")]
        verdict.expect(f"{name}: batches without an end", unfinished, [])
        last = link.execute(
            "SELECT max(watermark) FROM hub.batch WHERE dataset = %s AND state IN ('merged', 'delivered')", [name]
        ).fetchone()
        verdict.expect(f"{name}: watermark", last, (feed.watermark,))


def _rows(link: psycopg.Connection[Any], mode: str, feed: replay.Feed, verdict: Verdict) -> None:
    name = dataset(mode)
    known = f"SELECT {TEXT}, _known_from FROM records.{name}"
    held = Counter((text, since.astimezone(UTC)) for text, since in link.execute(known))
    must = Counter(("|".join(row.values), row.since.astimezone(UTC)) for row in feed.current.values())
    verdict.compare(f"{name}: current rows", held, must)
    former = f"SELECT {TEXT}, _known_from, _known_to FROM records.{name}_history"
    ended = Counter((text, since.astimezone(UTC), until.astimezone(UTC)) for text, since, until in link.execute(former))
    verdict.compare(
        f"{name}: history", ended,
        Counter({("|".join(values), since.astimezone(UTC), until.astimezone(UTC)): count
                 for (values, since, until), count in feed.ended.items()}),
    )  # fmt: skip
    waiting = link.execute("SELECT row FROM hub.quarantine WHERE dataset = %s AND status = 'open'", [name])
    verdict.compare(
        f"{name}: waiting rows",
        Counter(replay.word(row) for (row,) in waiting), Counter(replay.word(row.raw) for row in feed.waiting),
    )  # fmt: skip
    for batch, evidence in link.execute(
        "SELECT id::text, evidence FROM hub.batch WHERE dataset = %s AND state IN ('merged', 'delivered')", [name]
    ):
        verdict.expect(
            f"{name}: evidence of {batch}",
            {fact: evidence[fact] for fact in feed.evidence[batch]}, feed.evidence[batch],
        )  # fmt: skip
    seen = link.execute(query(name)).fetchone()
    verdict.expect(f"{name}: what a reader sees", tuple(seen or ()), tuple(feed.states[-1]))
    staging = link.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'").fetchone()
    verdict.expect("staging tables left", staging, (0,))


def _source(source: Source, mode: str, feed: replay.Feed, verdict: Verdict) -> None:
    """What the source says now was read: a watermark that moved wrongly would have hidden some of it."""
    kept = [name for name in COLUMNS if mode != "full" or name not in ("CZBS", "GXSJ")]
    kept = [name for name in kept if mode != "incremental" or name != "CZBS"]
    says = Counter(replay.word({name: row[COLUMNS.index(name)] for name in kept}) for row in source.rows[mode])
    if mode == "full":
        verdict.compare(f"{dataset(mode)}: rows of the source in the last batch", feed.last, says)
    else:
        unread = Counter({word: 1 for word in says if word not in feed.landed})
        verdict.compare(f"{dataset(mode)}: rows of the source never read", Counter(), unread)
