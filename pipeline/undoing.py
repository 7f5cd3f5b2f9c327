"""Every kind of decision: what it is called, what it is about, and undoing it: one way for all, with whatever an undo of that kind
does besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from core import decisions
from core.actor import Actor
from core.decisions import Decision
from core.errors import Conflict, NotFound
from core.hub import Hub
from core.text import T
from libraries import golden, judgements
from pipeline import batch as batches
from pipeline import cases, check_findings, deciding, mapping, retention, rulings
from schemas.published import current

KINDS: Mapping[str, T] = {
    cases.FIX: T("修正", "fixed"),
    cases.EXCUSE: T("豁免", "excused"),
    cases.DISMISS: T("忽略", "dismissed"),
    mapping.KIND: T("代码对应", "code mapped"),
    judgements.KIND: T("身份判断", "identity judged"),
    rulings.ACCEPT: T("接受批次", "batch accepted"),
    rulings.DROP: T("放弃批次", "batch dropped"),
    retention.HOLD: T("保全", "held"),
    check_findings.DISMISSED: T("忽略核对结果", "finding of a check dismissed"),
}


def touched(connection: Connection, found: Sequence[Decision]) -> dict[UUID, int]:
    """How many rows or cases each of these decisions, or the one that it ends, is about; absent where it is about none (a
    judgement, a hold)."""
    about = {one.id: one.undoes or one.id for one in found}
    rows = connection.execute(
        text(
            "SELECT decision, count(*) FROM hub.decided_row WHERE decision = ANY(:ids) GROUP BY 1 UNION ALL "
            "SELECT d.id, b.landed_rows FROM hub.decision d JOIN hub.batch b ON b.id = d.batch_id "
            "WHERE d.id = ANY(:ids) AND d.kind = ANY(:kinds) AND b.landed_rows IS NOT NULL"
        ),
        {"ids": list(about.values()), "kinds": [rulings.ACCEPT, rulings.DROP]},
    )
    counts: dict[UUID, int] = {row[0]: row[1] for row in rows}
    maps = [
        one if one.undoes is None else decisions.get(connection, one.undoes)
        for one in found
        if one.kind == mapping.KIND
    ]
    cased = mapping.cases_with(connection, {one.about for one in maps}) if maps else {}
    counts |= {one.id: cased.get((one.about, one.body["raw"]), 0) for one in maps}
    return {id: counts[of] for id, of in about.items() if of in counts}


def undo(hub: Hub, connection: Connection, id: UUID, *, reason: str, actor: Actor) -> Decision:
    """End a decision by another one; call `follow` once that is committed. Raises NotFound, and Conflict for one that has
    ended already or ends another."""
    made = decisions.get(connection, id)
    if made.kind == judgements.KIND and made.undoes is None:  # leaves entries of the audit log
        ended = judgements.undo(connection, hub.keys, id, reason=reason, actor=actor).ended
        assert ended is not None
        return ended
    if made.kind == rulings.DROP:
        raise Conflict(
            T("放弃批次的决定不能撤销。", "That a batch was dropped cannot be undone."),
            remedy=T("运行该采集任务,来源会重新读取。", "Run the feed: its source is read again."),
        )
    # rows before the decision, as whoever decides on them does: two at once wait for each other, never both
    connection.execute(
        text(
            "SELECT FROM hub.quarantine q JOIN hub.decided_row r USING (batch_id, row_no) WHERE r.decision = :id "
            "ORDER BY q.batch_id, q.row_no FOR UPDATE OF q"
        ),
        {"id": id},
    )
    ended = decisions.undo(connection, id, reason=reason, actor=actor)
    deciding.settle(hub, connection, [id])
    return ended


def follow(hub: Hub, ended: Decision) -> T:
    """What an undo brings about at once, and what is left to do, in words."""
    if ended.kind == judgements.KIND and ended.undoes is not None:
        golden.refresh(hub)
        with hub.read() as connection:
            said = judgements.ended_with(connection, decisions.get(connection, ended.undoes))
        done = T("共享库已按其余判断重做。", "The libraries are made by what is judged still.")
        return T(f"{said.zh}{done.zh}", f"{said.en} {done.en}")
    if ended.kind == rulings.ACCEPT and ended.batch_id is not None:
        with hub.read() as connection:
            merged = batches.get(connection, ended.batch_id).state in ("merged", "delivered")
        if merged:
            return T("该批次已入库,撤销不改动已入库的数据。", "The batch has merged: what it brought stays.")
    return _LEFT.get(ended.kind, T("", ""))


def departments(hub: Hub, decision: Decision) -> set[str]:
    """Whose data a decision on rows or codes is about; none for a dataset that is in force no more. Raises NotFound for a
    decision of another kind."""
    published = current(hub.home)
    if decision.kind in cases.KINDS:
        dataset = decision.about
    elif decision.kind == mapping.KIND:
        dataset = decision.about.split(".")[1]
    else:
        raise NotFound(T("没有该决定。", "There is no such decision."))
    return {published.contracts[dataset].department} if dataset in published.contracts else set()


_REPLAY = T(
    "已入库的由 hutong quarantine replay 或该任务下次运行取回。",
    "What it had put in is taken back by `hutong quarantine replay` or the feed's next run.",
)
_LEFT = {
    cases.FIX: _REPLAY,
    cases.EXCUSE: _REPLAY,
    mapping.KIND: _REPLAY,
    cases.DISMISS: T(
        "其行重新待处理;因忽略而取出的由 hutong quarantine replay 或该任务下次运行放回。",
        "Its rows wait again; what it had taken out is put back by `hutong quarantine replay` or the feed's next run.",
    ),
    rulings.ACCEPT: T("该批次尚未入库,仍会被拦截。", "The batch has not merged; its guard stops it again."),
    check_findings.DISMISSED: T("该核对结果重新待处理。", "The finding is open again, while it holds."),
}
