"""batch show|accept|drop: one batch, and what a named person rules on one that a guard stopped."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

_REASON = typer.Option(help=str(T("为什么,日后可查", "why: whoever asks later can read it")))


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    batch = typer.Typer(no_args_is_help=True, help=str(T("单个批次", "one batch")))
    batch.command("show", help=str(T("一个批次的来历与去向", "where a batch came from and what became of it")))(show)
    batch.command("accept", help=str(T("接受被拦截的批次并入库", "let a blocked batch in after all")))(accept)
    batch.command(
        "drop", help=str(T("放弃被拦截或失败的批次,下次重新读取", "end a blocked or failed batch; it is read again"))
    )(drop)
    app.add_typer(batch, name="batch")


def show(batch: UUID, as_json: Json = False) -> None:
    """State, reason, what the guard saw, what was decided, and the evidence of the merge."""
    from core import decisions
    from pipeline import batch as batches

    with session.opened() as hub, hub.read() as connection:
        found = batches.get(connection, batch)
        made = decisions.listed(connection, batch_id=batch)
    undone = {one.undoes for one in made}
    _print(found, [_ruling(one, undone=one.id in undone) for one in reversed(made)], as_json)


def accept(
    batch: UUID,
    reason: Annotated[str, _REASON],
    guard: Annotated[
        str | None,
        typer.Option(
            help=str(T("所见的拦截规则,已变则拒绝", "the guard you saw; refused when another has stopped it since"))
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """The guard that stopped the batch is waived for it, and no other. What it brings counts as known from now on."""
    from pipeline import deliver, journey

    with session.opened() as hub:
        found = journey.accept(hub, batch, guard=guard, reason=reason, actor=session.actor())
        deliver.refreshed(hub)
    _print(found, [], as_json)


def drop(batch: UUID, reason: Annotated[str, _REASON], as_json: Json = False) -> None:
    """Its rows stay in the landing store; the next run of the feed reads the source again from where the library stands."""
    from pipeline import journey

    with session.opened() as hub:
        found = journey.drop(hub, batch, reason=reason, actor=session.actor())
    _print(found, [], as_json)


def drift_of(batch: Any) -> list[str]:
    """How the source's columns have changed, a line for each; of a stopped batch as of a merged one."""
    from pipeline import drift

    said = (batch.reason or {}).get("facts", {}).get("drift") or batch.evidence.get("drift") or []
    return [str(drift.of(change).told) for change in said]


def _ruling(one: Any, *, undone: bool) -> dict[str, Any]:
    from pipeline import undoing

    said = undoing.KINDS[one.kind]
    if one.undoes is not None:
        said = T(f"撤销{said.zh}", f"{said.en} undone")
    return {
        "at": one.at, "kind": one.kind, "undoes": one.undoes and str(one.undoes), "undone": undone,
        "said": str(T(f"{said.zh}(已撤销)", f"{said.en} (undone since)") if undone else said),
        "reason": one.reason, "by": one.actor["operator"], "id": str(one.id),
    }  # fmt: skip


def _print(batch: Any, rulings: list[dict[str, Any]], as_json: bool) -> None:
    from pipeline import evidence, guards
    from pipeline.batch import STATE_NAMES

    why = batch.reason or {}
    told = {
        "id": str(batch.id), "feed": batch.feed, "origin": batch.origin, "mode": batch.mode, "state": batch.state,
        "state_label": str(STATE_NAMES[batch.state]), "contract_version": batch.contract_version, "since": batch.since,
        "watermark": batch.watermark, "landed_rows": batch.landed_rows, "source_rows": batch.source_rows,
        "landed_at": batch.landed_at, "merged_at": batch.merged_at, "reason": batch.reason, "evidence": batch.evidence,
        "guard": guards.of(why) if batch.state == "blocked" else None,
        "decisions": rulings,
    }  # fmt: skip
    if as_json:
        output.document(told)
        return
    said = T(
        " ".join(str(why.get(f"{part}_zh", "")) for part in ("message", "remedy")).strip(),
        " ".join(str(why.get(f"{part}_en", "")) for part in ("message", "remedy")).strip(),
    )
    words = {**evidence.SCANNED, **evidence.COUNTS}
    counted = [f"{words[name]} {batch.evidence[name]:,}" for name in words if batch.evidence.get(name) is not None]
    guard = told["guard"] and output.named(str(guards.called(told["guard"])), told["guard"])
    output.facts({**told, "why": said, "counted": counted, "guard": guard}, _TITLES)
    for line in drift_of(batch):
        print(f"  {line}")
    if rulings:
        print()
        output.table(rulings, _RULINGS)


_TITLES = {
    "id": T("批次", "batch"),
    "feed": T("采集", "feed"),
    "state_label": T("状态", "state"),
    "why": T("原因", "reason"),
    "guard": T("拦截规则", "guard"),
    "landed_rows": T("落地", "landed"),
    "landed_at": T("落地时间", "landed at"),
    "since": T("起点", "read from"),
    "watermark": T("水位", "watermark"),
    "contract_version": T("契约版本", "contract version"),
    "counted": T("证据", "evidence"),
}
_RULINGS = [
    Column("at", T("时间", "at")),
    Column("said", T("决定", "decision")),
    Column("reason", T("理由", "reason")),
    Column("by", T("决定人", "by")),
    Column("id", T("编号", "id")),
]
