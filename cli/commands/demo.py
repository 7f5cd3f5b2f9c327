"""demo: a synthetic city, from nothing to an answered question."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T


class Size(StrEnum):
    """How many residents: 20,000, 200,000 or a million."""

    small = "small"
    medium = "medium"
    large = "large"


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(T("示范城市:从零到一次可粘贴的查询", "a synthetic city, from nothing to a question answered"))
    )(demo)


def demo(
    size: Annotated[
        Size | None,
        typer.Option(
            help=str(T("small 2 万人,medium 20 万人,large 100 万人", "small 20 k, medium 200 k, large 1 M residents"))
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help=str(T("接口端口", "port of the API")))] = None,
    seed: Annotated[int | None, typer.Option(help=str(T("随机种子", "seed of the city")))] = None,
    reset: Annotated[
        bool,
        typer.Option("--reset", help=str(T("先清空本实例的全部数据", "remove all data of this installation first"))),
    ] = False,
    next_day: Annotated[
        bool,
        typer.Option(
            "--next-day",
            help=str(
                T(
                    "已建成的城市过一天:来源无痕删除与迟到提交,及由谁发现",
                    "let a day pass in the city: rows gone without a trace or committed late, and what finds them",
                )
            ),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Everything stays running; `hutong down` stops it. Exit status 1 when a feed failed."""
    from cli import demo as work
    from cli.instance import Instance

    instance = Instance(session.settings(port=port))
    if next_day:
        from cli.next_day import pass_a_day

        with instance.processes.lock(), session.opened() as hub:
            found_again = pass_a_day(instance, hub, session.actor())
        output.table(found_again, _DAY, as_json=as_json)
        return
    with instance.processes.lock(), instance.or_down():
        if reset:
            work.reset(instance)
        instance.require_ports(port=port)
        found = work.run(instance, size and size.value, seed, output.silent if as_json else output.step, quiet=as_json)
    if as_json:
        output.document(found)
    else:
        _show(found)
    if found["failed"]:
        if not as_json:
            output.complain(
                T(
                    f"{len(found['failed'])} 个采集任务未完成:{'、'.join(found['failed'])}。hutong batches 列出原因。",
                    f"{len(found['failed'])} feeds did not finish: {', '.join(found['failed'])}. `hutong batches` says why.",
                )
            )
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    print()
    output.table(found["resources"], _COLUMNS)
    (client, secret), *_ = found["clients"].items()
    login = found["airflow_login"]
    print()
    print(f"{T('接口', 'API')}     {found['api']}/docs  ({client} / {secret})")
    print(f"Airflow  {found['airflow']}  ({login['user']} / {login['password']})")
    print(f"{T('试一试', 'Try it')}\n{found['try']}")
    print()
    print(_stopping(session.settings().home))


def _stopping(home: Path) -> T:
    """How this very installation is stopped, which need not be the one that the project folder holds."""
    from core.settings import PROJECT

    here = "" if home == PROJECT / ".hutong" else f"HUTONG_HOME={shlex.quote(str(home))} "
    return T(f"停止:{here}make down(或 {here}hutong down)", f"Stop it with `{here}make down` (or `{here}hutong down`)")


_DAY = [
    Column("feed", T("采集", "feed")),
    Column("gone", T("来源无痕删除", "gone without a trace"), right=True),
    Column("closed", T("主键扫描关闭", "closed by the scan"), right=True),
    Column("late", T("来源迟到提交", "committed late"), right=True),
    Column("inserted", T("窗口内补读", "read within the window"), right=True),
]
_COLUMNS = [
    Column("title", T("资源", "resource")),
    Column("department", T("来源部门", "department")),
    Column("landed", T("落地", "landed"), right=True),
    Column("current", T("入库", "in library"), right=True),
    Column("quarantined", T("隔离", "quarantined"), right=True),
    Column("quality", T("质量", "quality"), right=True),
    Column("state_label", T("时效", "freshness")),
]
