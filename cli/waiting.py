"""Rows of the quarantine as tables: findings and statuses in words, beside the ids that commands take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli import output
from cli.output import Column
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Published


def words(documents: Published, dataset: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as people read it: the ids that commands take beside what they are called."""
    from libraries import labels
    from pipeline import worklist
    from schemas.parts import SEVERITIES

    if "item" not in finding:  # a row whose findings are gone
        return {"dataset": labels.resource(documents, dataset)}
    said = worklist.described(documents.contracts.get(dataset), finding["item"], finding["rule"])
    told = {name: T(said.get(name, ""), said.get(f"{name}_en", "")) for name in ("message", "remedy")}
    return {
        **finding, **told, "dataset": output.named(labels.resource(documents, dataset), dataset),
        "item": output.named(said["item_label"], finding["item"]), "severity": SEVERITIES[finding["severity"]],
    }  # fmt: skip


def line(documents: Published, row: dict[str, Any], finding: dict[str, Any]) -> dict[str, Any]:
    from libraries import labels

    return {
        **words(documents, row["dataset"], finding), "dataset": labels.resource(documents, row["dataset"]),
        "case": f"{row['batch']}/{row['row_no']}", "status": status(row),
    }  # fmt: skip


def status(row: dict[str, Any]) -> str:
    """A row's status in words; of one that waits, whether only for a replay."""
    waits = row["status"] == "open" and any(not one["applied"] and not one["expired"] for one in row["decisions"])
    rest = T("(已决定,待重放)", " (decided, to be replayed)") if waits else T("", "")
    return str(T(row["status_label"] + rest.zh, row["status_label_en"] + rest.en))


EMPTY = T("隔离区是空的。", "The quarantine is empty.")
GROUP = [
    Column("dataset", T("资源", "dataset")),
    Column("item", T("信息项", "item")),
    Column("rule", T("规则", "rule")),
    Column("message", T("问题", "finding")),
    Column("severity", T("程度", "severity")),
    Column("rows", T("行数", "rows"), right=True),
    Column("decided", T("已决定待重放", "decided, to be replayed"), right=True),
    Column("since", T("自", "since")),
]
ROW = [
    Column("dataset", T("资源", "dataset")),
    Column("case", T("批次/行号", "batch/row")),
    Column("item", T("信息项", "item")),
    Column("raw", T("原值", "raw")),
    Column("rule", T("规则", "rule")),
    Column("severity", T("程度", "severity")),
    Column("message", T("问题", "finding")),
    Column("remedy", T("处理", "remedy")),
    Column("status", T("状态", "status")),
]
FACTS = {
    "case": T("批次/行号", "batch/row"), "dataset": T("资源", "dataset"), "system": T("系统", "system"),
    "key": T("主键", "key"), "status": T("状态", "status"), "since": T("自", "since"),
}  # fmt: skip
DECISION = [
    Column("at", T("时间", "at")),
    Column("kind", T("种类", "kind")),
    Column("by", T("决定人", "by")),
    Column("reason", T("理由", "reason")),
    Column("applied", T("已生效", "brought about")),
    Column("until", T("豁免至", "until")),
    Column("id", T("决定", "decision")),
]
MADE = [
    Column("kind", T("种类", "kind")),
    Column("about", T("资源", "about")),
    Column("rows", T("行数", "rows"), right=True),
    Column("reason", T("理由", "reason")),
    Column("id", T("决定", "decision")),
]
WRONG = [
    Column("item", T("信息项", "item")),
    Column("rule", T("规则", "rule")),
    Column("message", T("问题", "finding")),
    Column("severity", T("程度", "severity")),
]
REPLAYED = [
    Column("feed", T("采集", "feed")),
    Column("batch", T("批次", "batch")),
    Column("landed", T("重放", "replayed"), right=True),
    Column("inserted", T("新增", "inserted"), right=True),
    Column("changed", T("变更", "changed"), right=True),
    Column("removed", T("取出", "taken out"), right=True),
]
