"""What a named person rules on a whole batch that a guard stopped: it is let in after all (`accept`), or ended (`drop`).

A ruling is a decision (core/decisions.py). An accepted batch is *landed* again and merges without the guard that had stopped
it, and without no other; what it brings was known from the ruling on, not from its landing. A dropped one is read again: the
watermark did not move for it.
"""

from __future__ import annotations

from sqlalchemy import Connection

from core import decisions
from core.actor import Actor
from core.decisions import Decision
from core.errors import Conflict, Outdated
from core.hub import Hub
from core.text import T
from pipeline import batch as batches
from pipeline import guards
from pipeline import land as landing
from pipeline.batch import Batch

ACCEPT, DROP = "accept", "drop"


def waived(connection: Connection, batch: Batch) -> dict[str, Decision]:
    """The guards that were waived for a batch, each with the decision that did so."""
    made = decisions.in_force(connection, ACCEPT, batch_id=batch.id)
    return {str(one.body["guard"]): one for one in made}


def told(found: dict[str, Decision]) -> list[dict[str, str]]:
    """Who waived which guard and why, for a batch's evidence."""
    return [
        {"guard": guard, "by": one.actor["operator"], "reason": one.reason, "decision": str(one.id)}
        for guard, one in found.items()
    ]


def accept(hub: Hub, connection: Connection, batch: Batch, seen: str, *, reason: str, actor: Actor) -> Batch:
    """Let a blocked batch past the guard that stopped it: it is landed again. Raises Conflict where that cannot be, and
    Outdated where the guard is not the one that the person saw."""
    guard = guards.of(batch.reason)
    _require_blocked(batch, T("接受", "accepted"), ("blocked",))
    if guard != seen:
        raise Outdated(
            T(
                f"批次 {batch.id} 现由“{guard}”拦截,而非“{seen}”。",
                f"Batch {batch.id} is stopped by {guard} now, not by {seen}.",
            ),
            remedy=T(
                "hutong batch show 可查看现在的原因;仍要接受的,按新的原因重新接受。",
                "`hutong batch show` tells what stops it now; if it is right all the same, accept that.",
            ),
        )
    if batch.reason is None or batch.reason["code"] not in guards.ACCEPTABLE or landing.manifest(hub, batch) is None:
        why = batch.reason or {}
        raise Conflict(
            T(
                f"批次 {batch.id} 没有可入库的内容,不能接受:{why.get('message_zh', '')}",
                f"Batch {batch.id} has nothing that could be merged and cannot be accepted: {why.get('message_en', '')}",
            ),
            remedy=T(str(why.get("remedy_zh", "")), str(why.get("remedy_en", ""))),
        )
    body = {"guard": guard, "facts": batch.reason.get("facts", {})}
    decisions.record(connection, ACCEPT, batch.feed, reason=reason, actor=actor, batch_id=batch.id, body=body)
    return batches.move(connection, batch, "landed", actor, landed_at=batch.landed_at, reason=None)


def drop(connection: Connection, batch: Batch, *, reason: str, actor: Actor) -> Batch:
    """End a batch that a guard or an error stopped. Its rows stay in the landing; the source is read again."""
    _require_blocked(batch, T("放弃", "dropped"), ("blocked", "failed"))
    decisions.record(connection, DROP, batch.feed, reason=reason, actor=actor, batch_id=batch.id)
    return batches.move(connection, batch, "dropped", actor)


def _require_blocked(batch: Batch, what: T, states: tuple[str, ...]) -> None:
    if batch.state not in states:
        state = batches.STATE_NAMES[batch.state]
        raise Conflict(
            T(
                f"批次 {batch.id} 处于“{state.zh}”,不能{what.zh}。",
                f"Batch {batch.id} is {state.en} and cannot be {what.en}.",
            ),
            remedy=T(
                "hutong batches --state blocked 可列出被拦截的批次。",
                "`hutong batches --state blocked` lists those that a guard stopped.",
            ),
        )
