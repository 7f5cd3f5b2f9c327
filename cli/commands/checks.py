"""checks list|run|findings|dismiss: datasets against each other, and what does not fit together."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from pipeline.check_findings import Finding
    from schemas.published import Published

Names = Annotated[list[str] | None, typer.Argument(help=str(T("核对项,空 = 全部", "checks; none = all")))]


class Status(StrEnum):
    """How a finding stands."""

    open = "open"
    dismissed = "dismissed"
    closed = "closed"


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    checks = typer.Typer(no_args_is_help=True, help=str(T("跨部门数据核对", "checks of datasets against each other")))
    checks.command("list", help=str(T("列出核对项及其上次结果", "the checks, and what each last found")))(listed)
    checks.command(
        "run",
        help=str(T("运行有变化的核对项(--every 全部)", "run the checks something has changed for (--every: all)")),
    )(run)
    checks.command("findings", help=str(T("互不相符的记录,已脱敏", "records that do not fit together, masked")))(
        findings
    )
    checks.command(
        "dismiss", help=str(T("写明理由,忽略一条结果(可撤销)", "set a finding aside with a reason; can be undone"))
    )(dismiss)
    app.add_typer(checks, name="checks")


def listed(as_json: Json = False) -> None:
    """A broken check is listed with what is wrong with it."""
    from sqlalchemy import text

    from pipeline import check_findings
    from schemas import check, published

    with session.opened() as hub, hub.read() as connection:
        good, broken = check.in_force(published.current(hub.home).texts("check"))
        counts = check_findings.counts(connection)
        ran = {row.check_id: row for row in connection.execute(text("SELECT * FROM hub.check_run"))}
    rows: list[dict[str, Any]] = [
        {
            "check": id, "title": one.title.text, "datasets": list(one.datasets), "dimension": one.dimension,
            **{status: counts.get(id, {}).get(status, 0) for status in Status},
            "ran_at": ran[id].ran_at if id in ran else None, "seconds": ran[id].seconds if id in ran else None,
        }
        for id, one in good.items()
    ]  # fmt: skip
    rows += [{"check": id, "title": error.message, "error": str(error)} for id, error in broken.items()]
    shown = rows if not as_json else [row | {"title": row["title"].zh, "title_en": row["title"].en} for row in rows]
    output.table(shown, _CHECKS, as_json=as_json, empty=T("没有核对项。", "There are no checks."))


def run(
    names: Names = None,
    every: Annotated[bool, typer.Option("--every", help=str(T("不论有无变化", "changed or not")))] = False,
    as_json: Json = False,
) -> None:
    """Bring the findings in line with the records; one that no longer holds closes. Exit status 1 when a check is broken."""
    from catalog_registry import filters
    from pipeline import checks
    from schemas import published

    with session.opened() as hub:
        for name in names or ():
            filters.require(name, published.current(hub.home).texts("check"), T("核对项", "check"), "check")
        ran = checks.run(hub, names or (), every=every, actor=session.actor())
    rows = [
        {
            "check": one.check, "open": one.open, "opened": one.opened, "closed": one.closed,
            "seconds": round(one.seconds, 3), "skipped": one.skipped, "error": str(one.error) if one.error else None,
            "why": SKIPPED.get(one.skipped or "", ""),
        }
        for one in ran
    ]  # fmt: skip
    told = [{key: value for key, value in row.items() if key != "why"} for row in rows]
    output.table(told if as_json else rows, _RAN, as_json=as_json)
    for one in ran:
        if one.error is not None and not as_json:
            output.refuse(one.error)
    if any(one.error for one in ran):
        raise typer.Exit(1)


def findings(
    department: Annotated[str | None, typer.Option(help=str(T("某部门的清单", "the list of a department")))] = None,
    check: Annotated[str | None, typer.Option(help=str(T("只看一个核对项", "of one check only")))] = None,
    status: Annotated[Status, typer.Option(help=str(T("状态", "status")))] = Status.open,
    after: Annotated[
        UUID | None, typer.Option(help=str(T("自上一页最后一条之后", "after the last of the page before")))
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 50,
    as_json: Json = False,
) -> None:
    """Both records by their business keys; parts that are about a person are masked."""

    from catalog_registry import filters
    from pipeline import check_findings
    from schemas import published

    with session.opened() as hub, hub.read() as connection:
        now = published.current(hub.home)
        filters.department(hub, connection, department)
        filters.check(hub, connection, check)
        found = check_findings.listed(
            connection, now, department=department, check=check, status=status.value, after=after, limit=limit + 1
        )
        counts = check_findings.counts(connection, department)
    more, found = len(found) > limit, found[:limit]
    rows = [_row(one) for one in found]
    shown = rows if as_json else [row | _words(now, one) for row, one in zip(rows, found, strict=True)]
    output.table(shown, _FINDINGS, as_json=as_json, empty=T("没有不相符的记录。", "Everything fits together."))
    if more and not as_json:
        total = sum(many.get(status.value, 0) for name, many in counts.items() if check in (None, name))
        page = T(f"共 {total:,} 条,本页 {limit:,} 条;下一页:--after {found[-1].id}",
                 f"{limit:,} of {total:,}; next page: --after {found[-1].id}")  # fmt: skip
        print(page)


def dismiss(
    id: UUID,
    reason: Annotated[str, typer.Option(help=str(T("为什么没有问题", "why nothing is wrong")))],
    as_json: Json = False,
) -> None:
    """A decision; `hutong decision undo` takes it back."""
    from pipeline import check_findings

    with session.opened() as hub, hub.begin() as connection:
        made = check_findings.dismiss(connection, id, reason=reason, actor=session.actor())
    output.facts(
        {"decision": str(made.id), "finding": made.about, "reason": made.reason},
        {"decision": T("决定", "decision"), "finding": T("结果", "finding"), "reason": T("理由", "reason")},
        as_json=as_json,
    )


def _row(one: Finding) -> dict[str, Any]:
    return {
        "id": str(one.id), "check": one.check, "title": one.title.zh, "title_en": one.title.en, "remedy": one.remedy.zh,
        "remedy_en": one.remedy.en, "dimension": one.dimension, "severity": one.severity, "status": one.status,
        "departments": one.departments,
        "first_dataset": one.first.dataset, "first_key": one.first.key, "second_dataset": one.second.dataset,
        "second_key": one.second.key, "first_as_of": one.first.as_of, "second_as_of": one.second.as_of,
        "first_seen": one.first_seen, "opened_at": one.opened_at, "last_seen": one.last_seen, "closed_at": one.closed_at,
    }  # fmt: skip


def _words(documents: Published, one: Finding) -> dict[str, Any]:
    from libraries import labels
    from schemas.parts import SEVERITIES

    return {
        "check": one.title, "severity": SEVERITIES[one.severity], "first_dataset": one.first.title,
        "second_dataset": one.second.title, "departments": [str(labels.department(documents, id)) for id in one.departments],
    }  # fmt: skip


SKIPPED = {
    "unchanged": T("无变化", "nothing changed"),
    "no_dataset": T("资源未接入", "a dataset is not connected"),
    "no_data": T("须无的资源尚未归集", "what must not be there is not collected yet"),
    "broken": T("文件有错", "broken"),
}
_CHECKS = [
    Column("check", T("核对项", "check")),
    Column("title", T("内容", "what")),
    Column("open", T("待处理", "open"), right=True),
    Column("dismissed", T("已忽略", "dismissed"), right=True),
    Column("closed", T("已消除", "closed"), right=True),
    Column("ran_at", T("上次运行", "last run")),
]
_RAN = [
    Column("check", T("核对项", "check")),
    Column("open", T("待处理", "open"), right=True),
    Column("opened", T("新增", "opened"), right=True),
    Column("closed", T("消除", "closed"), right=True),
    Column("seconds", T("秒", "seconds"), right=True),
    Column("why", T("未运行", "not run")),
]
_FINDINGS = [
    Column("check", T("核对项", "check")),
    Column("severity", T("程度", "severity")),
    Column("first_dataset", T("资源", "dataset")),
    Column("first_key", T("记录", "record")),
    Column("first_as_of", T("数据截至", "as of")),
    Column("second_dataset", T("资源", "dataset")),
    Column("second_key", T("记录", "record")),
    Column("second_as_of", T("数据截至", "as of")),
    Column("first_seen", T("发现", "since")),
    Column("departments", T("部门", "departments")),
    Column("id", T("结果", "finding")),
]
