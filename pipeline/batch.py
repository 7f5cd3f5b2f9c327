"""A batch's life: the table of allowed moves and its one writer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from core import clock, events
from core.actor import Actor
from core.errors import BatchBlocked, HutongError, NotFound, Stop
from core.text import T

#: state → states it may move to
MOVES: Mapping[str, frozenset[str]] = {
    "extracting": frozenset({"landed", "blocked", "failed"}),
    "landed": frozenset({"merged", "blocked", "failed"}),
    "blocked": frozenset({"landed", "dropped"}),  # landed again: a named person lets it in (pipeline/rulings.py)
    "merged": frozenset({"delivered"}),
    "failed": frozenset({"landed", "dropped"}),
    "delivered": frozenset(),
    "dropped": frozenset(),
}
STATE_NAMES: Mapping[str, T] = {
    "extracting": T("抽取中", "extracting"),
    "landed": T("已落地", "landed"),
    "blocked": T("已拦截", "blocked"),
    "merged": T("已入库", "merged"),
    "delivered": T("已送达", "delivered"),
    "dropped": T("已放弃", "dropped"),
    "failed": T("失败", "failed"),
}
#: errors that a guard raised: the batch is blocked until a person looks. Anything else failed it.
BLOCKING = (BatchBlocked,)
#: where a batch comes from, beside `feed` (an ordinary run) and `replay`
KEY_SCAN = "key_scan"
_STAMP = {"landed": "landed_at", "merged": "merged_at", "delivered": "delivered_at"}


@dataclass(frozen=True, slots=True)
class Batch:
    """One run over a feed, as hub.batch knows it. Row counts are None until known. `publication` numbers the documents in
    force when it was begun: with the day it began, all that judging takes from the time it runs at."""

    id: UUID
    seq: int
    feed: str
    system: str
    dataset: str
    origin: str
    mode: str
    state: str
    contract_version: str
    contract_sha: str
    system_sha: str
    publication: int
    since: str | None
    watermark: str | None
    source_rows: int | None
    landed_rows: int | None
    evidence: dict[str, Any]
    reason: dict[str, Any] | None
    started_at: datetime
    landed_at: datetime | None
    known_at: datetime | None
    merged_at: datetime | None
    delivered_at: datetime | None
    #: the last decision it was made with
    decided_upto: int | None

    def day(self, zone: str) -> date:
        """The business day it began on: the *today* that its rows are judged by, whenever they are."""
        return self.started_at.astimezone(ZoneInfo(zone)).date()


_COLUMNS = ", ".join(Batch.__slots__)


def get(connection: Connection, batch_id: UUID) -> Batch:
    """One batch; NotFound when there is none."""
    row = connection.execute(text(f"SELECT {_COLUMNS} FROM hub.batch WHERE id = :id"), {"id": batch_id}).one_or_none()
    if row is None:
        raise NotFound(
            T(f"没有批次 {batch_id}。", f"There is no batch {batch_id}."),
            remedy=T("hutong batches 可列出批次。", "`hutong batches` lists them."),
        )
    return Batch(**row._mapping)


def listed(
    connection: Connection, *, feed: str | None = None, state: str | None = None, dataset: str | None = None,
    datasets: list[str] | None = None, before: int | None = None, limit: int = 50,
) -> list[Batch]:  # fmt: skip
    """The latest batches, newest first: of a feed, a state, a dataset, among datasets, with a number below `before`."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.batch WHERE (CAST(:feed AS text) IS NULL OR feed = :feed) "
            "AND (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:dataset AS text) IS NULL OR dataset = :dataset) "
            "AND (CAST(:datasets AS text[]) IS NULL OR dataset = ANY(:datasets)) "
            "AND (CAST(:before AS bigint) IS NULL OR seq < :before) ORDER BY seq DESC LIMIT :limit"
        ),
        {"feed": feed, "state": state, "dataset": dataset, "datasets": datasets, "before": before, "limit": limit},
    )
    return [Batch(**row._mapping) for row in rows]


def unfinished(connection: Connection, feed: str) -> list[Batch]:
    """The batches of a feed that have not come to an end, oldest first."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.batch WHERE feed = :feed AND state IN ('extracting', 'landed', 'merged') ORDER BY seq"
        ),
        {"feed": feed},
    )
    return [Batch(**row._mapping) for row in rows]


def known_at(connection: Connection, batch: Batch) -> datetime:
    """When what a batch brings became known: at its landing, or when a named person let it in if that was later, never when
    it happens to merge; and always after what its feed brought before, whatever clocks did, so that versions have an order.
    A rebuild takes it as it was: what has been decided of the batch since does not change it.
    """
    known: datetime = connection.execute(
        text(
            "SELECT coalesce(b.known_at, greatest(b.landed_at, (SELECT max(d.at) FROM hub.decision d WHERE d.batch_id = b.id "
            "AND d.row_no IS NULL AND d.undoes IS NULL AND NOT EXISTS (SELECT FROM hub.decision u WHERE u.undoes = d.id)), "
            "(SELECT max(o.known_at) + interval '1 microsecond' FROM hub.batch o WHERE o.feed = b.feed "
            "AND o.state IN ('merged', 'delivered')))) "
            "FROM hub.batch b WHERE b.id = :id"
        ),
        {"id": batch.id},
    ).scalar_one()
    return known


def last_merged(connection: Connection, feed: str, origin: str | None = None) -> Batch | None:
    """The last batch of a feed that its source gave and that is in the library: its watermark is the next lower bound. With
    an origin, the last of that sort."""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.batch WHERE feed = :feed AND state IN ('merged', 'delivered') AND origin <> 'replay' "
            "AND (CAST(:origin AS text) IS NULL OR origin = :origin) ORDER BY seq DESC LIMIT 1"
        ),
        {"feed": feed, "origin": origin},
    ).one_or_none()
    return None if row is None else Batch(**row._mapping)


def merged(connection: Connection, feed: str, *, upto: Batch | None = None) -> list[Batch]:
    """The merged batches of a feed in the order of merges; with `upto`, that one and the one before it."""
    some = "" if upto is None else "AND (merged_at, seq) <= (:merged_at, :seq) "
    order, limit = ("DESC", 2) if upto else ("ASC", None)
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM hub.batch WHERE feed = :feed AND state IN ('merged', 'delivered') {some}"
            f"ORDER BY merged_at {order}, seq {order} LIMIT :limit"
        ),
        {"feed": feed, "limit": limit, "merged_at": upto and upto.merged_at, "seq": upto and upto.seq},
    )
    found = [Batch(**row._mapping) for row in rows]
    return found[::-1] if upto else found


def create(connection: Connection, batch_id: UUID, facts: Mapping[str, Any], actor: Actor) -> None:
    """A new batch, in state *extracting*."""
    connection.execute(
        text(
            "INSERT INTO hub.batch (id, feed, system, dataset, origin, mode, contract_version, contract_sha, system_sha, "
            "publication, since, started_at, actor) VALUES (:id, :feed, :system, :dataset, :origin, :mode, :contract_version, "
            ":contract_sha, :system_sha, :publication, :since, :started_at, :actor)"
        ),
        {"id": batch_id, "origin": "feed", "started_at": clock.now(), **facts, "actor": json.dumps(actor.as_dict())},
    )


def move(connection: Connection, batch: Batch, state: str, actor: Actor, **facts: Any) -> Batch:
    """The one writer of a batch's state: checks the move, stamps its time, stores the facts, and records the event."""
    current = connection.execute(
        text("SELECT state FROM hub.batch WHERE id = :id FOR UPDATE"), {"id": batch.id}
    ).scalar_one()
    if state not in MOVES[current]:
        raise Stop(
            T(f"批次 {batch.id} 处于“{STATE_NAMES[current].zh}”,不能变为“{STATE_NAMES[state].zh}”。",
              f"Batch {batch.id} is {current} and cannot become {state}."),
            code="batch_state",
        )  # fmt: skip
    values = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        for name, value in facts.items()
    }
    assignments = [f"{name} = :{name}" for name in values]
    if (stamp := _STAMP.get(state)) and stamp not in values:
        assignments.append(f"{stamp} = now()")
    connection.execute(
        text(f"UPDATE hub.batch SET {', '.join(['state = :state', *assignments])} WHERE id = :id"),
        {"id": batch.id, "state": state, **values},
    )
    body = {"batch": str(batch.id), "dataset": batch.dataset, "from": current}
    if facts.get("reason"):
        body["code"] = facts["reason"]["code"]
    events.record(connection, f"batch.{state}", batch.feed, body, actor)
    return get(connection, batch.id)


def reason(error: BaseException) -> dict[str, Any]:
    """Why a batch stopped, as hub.batch keeps it. An error of ours says so itself; of any other only its kind is kept,
    because a driver's or a library's message may quote a person's data."""
    if isinstance(error, HutongError):
        pairs = {"message": error.message, "remedy": error.remedy}
        found = {
            f"{name}_{code}": getattr(pair, code) if isinstance(pair, T) else str(pair)
            for name, pair in pairs.items()
            for code in ("zh", "en")
        }
        facts = {"facts": error.facts} if isinstance(error, BatchBlocked) and error.facts else {}
        return {"code": error.code or type(error).__name__, **found, **facts}
    kind = type(error).__name__
    return {
        "code": "unexpected",
        "message_zh": f"处理时发生意外错误({kind})。",
        "message_en": f"An unexpected error ({kind}) stopped the batch.",
        "remedy_zh": "查看日志后重新运行该采集任务。",
        "remedy_en": "Read the log, then run the feed again.",
    }


def forget(connection: Connection, batch: Batch) -> None:
    """Remove a batch that never came to be: its source had delivered nothing new."""
    connection.execute(text("DELETE FROM hub.batch WHERE id = :id AND state = 'extracting'"), {"id": batch.id})
