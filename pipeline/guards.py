"""What stops a batch before it can harm a library: too few or too many rows, a sudden shrink, too many failing rows, a
failed table rule. Each may be waived for one batch by a named person (pipeline/rulings.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from connectors.system import Feed
from core.errors import BatchBlocked
from core.text import T
from pipeline import drift
from pipeline.batch import KEY_SCAN, Batch
from schemas.contract import Contract
from schemas.derive import expectations, sql

#: the guards in words
NAMES: Mapping[str, T] = {
    "empty": T("来源为空", "an empty source"),
    "too_few_rows": T("行数过少", "too few rows"),
    "too_many_rows": T("行数过多", "too many rows"),
    "shrink": T("行数骤降", "a sudden shrink"),
    "failing": T("不合格行过多", "too many failing rows"),
    "table_rule": T("整表规则不满足", "a table rule fails"),
    "unknown_column": T("出现未登记的列", "a column nobody registered"),
    "missing_column": T("缺少列", "a column is gone"),
    "column_rewritten": T("列的写法已变", "a column is written otherwise"),
}
#: those that a landed batch may be let past; what any other code stopped never landed, or cannot be merged
ACCEPTABLE = frozenset(NAMES)
#: failing rows below which their share says nothing: an increment of three rows with two bad ones is no failing source
FEW = 20


def of(reason: Mapping[str, Any] | None) -> str:
    """The name of the guard that a batch's reason speaks of: its code, and for a table rule which one."""
    said = reason or {}
    rule = said.get("facts", {}).get("rule")
    return f"{said.get('code', '')}/{rule}" if rule else str(said.get("code", ""))


def called(guard: str) -> T:
    """A guard, by the name that `of` gives it, in words; what is none of them by its own name."""
    code, _, rule = guard.partition("/")
    name = NAMES.get(code, T(code, code))
    return T(f"{name.zh}({rule})", f"{name.en} ({rule})") if rule else name


class Guards:
    """The guards of one batch, less those waived."""

    def __init__(self, feed: Feed, batch: Batch, waived: Mapping[str, Any]) -> None:
        self.feed, self.batch, self.waived = feed, batch, waived
        #: a batch that says all there is; any other is judged by what its feed comes to
        self.whole = feed.mode == "full" or batch.origin == KEY_SCAN

    def columns(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """How the source's columns have changed, as the manifest tells. Raises BatchBlocked."""
        try:
            drift.check(changes, self.feed)
        except BatchBlocked as error:
            if error.code not in self.waived:
                raise

    def size(self, before: int, rows: int) -> None:
        """The feed's own limits, on a full batch's rows or a scan's keys, or else on the feed's current rows after the merge;
        `before` are its current rows until then. Raises BatchBlocked."""
        if self.batch.origin == "replay":
            return
        low, high, shrink = self.feed.expect.rows.min, self.feed.expect.rows.max, self.feed.expect.shrink
        seen = {"before": before, "rows": rows}
        if self.whole and rows == 0 and before and "min" not in self.feed.expect.rows.model_fields_set:
            self._stop(
                "empty",
                T(
                    f"来源为空,而共享库中有 {before:,} 行。",
                    f"The source is empty, while the library holds {before:,} rows.",
                ),
                T(
                    "向来源部门核实;若确已清空,在该任务的 expect 中写明 rows: {min: 0},或接受该批次。",
                    "Ask the department; if it was emptied on purpose, say `rows: {min: 0}` under `expect` of the feed, or "
                    "accept the batch.",
                ),
                seen,
            )
        if low is not None and rows < low:
            self._stop(
                "too_few_rows",
                T(
                    f"行数过少:{rows:,} 行,至少应有 {low:,} 行。",
                    f"Too few rows: {rows:,}, at least {low:,} are expected.",
                ),
                T(
                    "向来源部门核实是否只推送了一部分;共享库保持上一批数据。",
                    "Ask the department whether only a part was given; the library keeps the batch before.",
                ),
                {**seen, "limit": low},
            )
        if high is not None and rows > high:
            self._stop(
                "too_many_rows",
                T(
                    f"行数过多:{rows:,} 行,至多应有 {high:,} 行。",
                    f"Too many rows: {rows:,}, at most {high:,} are expected.",
                ),
                T(
                    "核实是否重复推送;若属正常增长,提高该任务的上限。",
                    "Ask whether it was given twice; raise the limit if it grew.",
                ),
                {**seen, "limit": high},
            )
        if shrink is not None and rows < before * (1 - shrink):
            now = T("本批" if self.whole else "入库后将余", "now" if self.whole else "would be left")
            self._stop(
                "shrink",
                T(
                    f"行数骤降:共享库中 {before:,} 行,{now.zh} {rows:,} 行,超过允许的 {shrink:.0%}。",
                    f"A sudden shrink: {before:,} rows held, {rows:,} {now.en}, more than the {shrink:.0%} allowed.",
                ),
                T(
                    "向来源部门核实;共享库保持上一批数据。核实无误的,可接受该批次。",
                    "Ask the department; the library keeps the batch before. If it is right, accept the batch.",
                ),
                {**seen, "limit": str(shrink)},
            )

    def failing(self, contract: Contract, landed: int, failing: int, findings: Mapping[str, int]) -> None:
        """The share of a batch's rows that would wait in quarantine. Raises BatchBlocked."""
        limit = self.feed.expect.failing
        if self.batch.origin == "replay" or failing < FEW or Decimal(failing) <= limit * landed:
            return
        rules = expectations.rules(contract)
        errors = {code: count for code, count in findings.items() if count and rules[code].severity == "error"}
        worst = dict(sorted(errors.items(), key=lambda one: -one[1])[:10])
        listed = T(
            ";".join(f"{rules[code].message.zh} {count:,}" for code, count in list(worst.items())[:3]),
            "; ".join(f"{rules[code].message.en} {count:,}" for code, count in list(worst.items())[:3]),
        )
        self._stop(
            "failing",
            T(
                f"{landed:,} 行中有 {failing:,} 行不合格,超过允许的 {limit:.0%}({listed.zh})。",
                f"{failing:,} of {landed:,} rows fail, more than the {limit:.0%} allowed ({listed.en}).",
            ),
            T(
                "多为来源改了写法或字段错位:核对后更正系统文件;确属来源数据问题的,接受该批次,不合格的行进入隔离区。",
                "Mostly the source writes otherwise or columns moved: correct the system document. If the source is really "
                "so, accept the batch: the failing rows wait in quarantine.",
            ),
            {"rows": landed, "failing": failing, "limit": str(limit), "rules": worst},
        )

    def table_rules(self, connection: Connection, contract: Contract) -> list[dict[str, str]]:
        """The contract's rules over totals, judged on the current rows inside the merge. An error raises BatchBlocked (and
        so rolls the merge back); warnings, and what was waived, are returned for the evidence."""
        if self.batch.origin == "replay" or not contract.table_rules:
            return []
        from schemas.derive import judge

        totals = dict(
            connection.execute(text(sql.totals(contract, sql.current(contract.id))), {"system": self.batch.system})
            .one()
            ._mapping
        )
        failed = judge.validate_totals(totals, expectations.table_suite(contract))
        for expectation, total in failed:
            rule = expectation.rule
            if rule.severity == "error":
                self._stop(
                    "table_rule",
                    T(f"整表规则“{rule.title}”不满足:{total:,}。", f"The table rule {rule.id} fails: {total:,}."),
                    T(
                        "核实来源数据是否完整;若规则过严,修改数据契约。",
                        "Check that the source is complete; if the rule is too strict, change the contract.",
                    ),
                    {"rule": rule.id, "total": str(total)},
                )
        return [{"rule": expectation.id, "total": str(total)} for expectation, total in failed]

    def _stop(self, code: str, message: T, remedy: T, facts: dict[str, Any]) -> None:
        if of({"code": code, "facts": facts}) not in self.waived:
            raise BatchBlocked(message, remedy=remedy, code=code, facts=facts)
