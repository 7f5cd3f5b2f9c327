"""What stops a batch before it can harm a library: too few or too many rows, a sudden shrink, a failed table rule."""

from __future__ import annotations

from sqlalchemy import Connection, text

from connectors.system import Feed
from core.errors import BatchBlocked
from core.text import T
from pipeline.batch import Batch
from schemas.contract import Contract
from schemas.derive import expectations, sql


def check_size(feed: Feed, batch: Batch, before: int, rows: int) -> None:
    """The feed's own limits, on a full batch's rows or else on the feed's current rows after the merge; `before` are its
    current rows until then. Raises BatchBlocked."""
    if batch.origin == "replay":
        return
    if feed.mode == "full" and rows == 0 and before and "min" not in feed.expect.rows.model_fields_set:
        raise BatchBlocked(
            T(
                f"来源为空,而共享库中有 {before:,} 行。",
                f"The source is empty, while the library holds {before:,} rows.",
            ),
            code="empty",
            remedy=T(
                "向来源部门核实;若确已清空,在该任务的 expect 中写明 rows: {min: 0}。",
                "Ask the department; if it was emptied on purpose, say `rows: {min: 0}` under `expect` of the feed.",
            ),
        )
    low, high = feed.expect.rows.min, feed.expect.rows.max
    if low is not None and rows < low:
        raise BatchBlocked(
            T(f"行数过少:{rows:,} 行,至少应有 {low:,} 行。", f"Too few rows: {rows:,}, at least {low:,} are expected."),
            code="too_few_rows",
            remedy=T(
                "向来源部门核实是否只推送了一部分;共享库保持上一批数据。",
                "Ask the department whether only a part was given; the library keeps the batch before.",
            ),
        )
    if high is not None and rows > high:
        raise BatchBlocked(
            T(
                f"行数过多:{rows:,} 行,至多应有 {high:,} 行。",
                f"Too many rows: {rows:,}, at most {high:,} are expected.",
            ),
            code="too_many_rows",
            remedy=T(
                "核实是否重复推送;若属正常增长,提高该任务的上限。",
                "Ask whether it was given twice; raise the limit if it grew.",
            ),
        )
    if feed.mode == "full" and feed.expect.shrink is not None and rows < before * (1 - feed.expect.shrink):
        raise BatchBlocked(
            T(
                f"行数骤降:共享库中 {before:,} 行,本批 {rows:,} 行,超过允许的 {feed.expect.shrink:.0%}。",
                f"A sudden shrink: {before:,} rows held, {rows:,} now, more than the {feed.expect.shrink:.0%} allowed.",
            ),
            code="shrink",
            remedy=T(
                "向来源部门核实;共享库保持上一批数据。", "Ask the department; the library keeps the batch before."
            ),
        )


def check_table_rules(connection: Connection, contract: Contract, batch: Batch) -> list[dict[str, str]]:
    """The contract's rules over totals, judged on the current rows inside the merge. An error raises BatchBlocked (and
    so rolls the merge back); warnings are returned for the evidence."""
    if batch.origin == "replay" or not contract.table_rules:
        return []
    from schemas.derive import judge

    totals = dict(
        connection.execute(text(sql.totals(contract, sql.current(contract.id))), {"system": batch.system})
        .one()
        ._mapping
    )
    failed = judge.validate_totals(totals, expectations.table_suite(contract))
    for expectation, total in failed:
        rule = expectation.rule
        if rule.severity == "error":
            raise BatchBlocked(
                T(f"整表规则“{rule.title}”不满足:{total:,}。", f"The table rule {rule.id} fails: {total:,}."),
                code="table_rule",
                remedy=T(
                    "核实来源数据是否完整;若规则过严,修改数据契约。",
                    "Check that the source is complete; if the rule is too strict, change the contract.",
                ),
            )
    return [{"rule": expectation.id, "total": str(total)} for expectation, total in failed]
