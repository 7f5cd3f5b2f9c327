"""up, down, status, migrate, serve, config show: the services of this installation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T

_STATES = {
    "running": T("运行", "running"),
    "stopped": T("停止", "stopped"),
    "unhealthy": T("异常", "unhealthy"),
    "died": T("意外退出", "died"),
}


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    app.command(help=str(T("启动数据库、接口与 Airflow", "start database, API and Airflow")))(up)
    app.command(help=str(T("停止本实例的全部进程", "stop every process of this installation")))(down)
    app.command(help=str(T("服务、版本与数据时效", "services, versions and how fresh the data is")))(status)
    app.command(
        help=str(
            T(
                "建立或升级数据库并登记自带文档(服务启动之前)",
                "make or upgrade the databases, register the shipped documents (before services start)",
            )
        )
    )(migrate)
    app.command(
        help=str(
            T("在前台运行一个服务(容器或 systemd 单元)", "run one service in the foreground (a container, a unit)")
        )
    )(serve)
    config = typer.Typer(no_args_is_help=True, help=str(T("配置", "settings")))
    config.callback()(lambda: None)
    config.command("show", help=str(T("每个配置项及其来源", "each setting and where it came from")))(show)
    app.add_typer(config, name="config")


def up(
    port: Annotated[int | None, typer.Option(help=str(T("接口端口", "port of the API")))] = None,
    airflow_port: Annotated[int | None, typer.Option(help=str(T("Airflow 端口", "port of Airflow")))] = None,
    as_json: Json = False,
) -> None:
    """Start whatever does not run, and say where it listens."""
    from cli import standing
    from cli.instance import Instance

    instance = Instance(session.settings(port=port, airflow_port=airflow_port))
    with instance.processes.lock(), instance.or_down():
        instance.require_ports(port=port, airflow_port=airflow_port)
        instance.up(output.silent if as_json else output.step)
    _services(standing.of(instance)[0], as_json)


def down(as_json: Json = False) -> None:
    """Stop everything; nothing committed is lost."""
    from cli.instance import Instance

    instance = Instance(session.settings())
    with instance.processes.lock():
        stopped = instance.down()
    if as_json:
        output.document({"stopped": stopped})
    else:
        print(T(f"已停止 {stopped} 个进程。", f"{stopped} processes were stopped."))


def status(as_json: Json = False) -> None:
    """Services, versions, feeds. Exit status 1, with reason and remedy, when a service that should run does not, or the
    database is out of reach or waits for migrations."""
    from cli import standing
    from cli.instance import Instance
    from cli.report import feeds, versions

    settings = session.settings()
    services, problems = standing.of(Instance(settings))
    found = {
        "city": settings.city,
        "home": str(settings.home),
        "versions": versions(),
        "services": services,
        "feeds": feeds(settings),
        "problems": [problem.as_dict() for problem in problems],
    }
    if as_json:
        output.document(found)
    else:
        print(
            " · ".join(f"{name} {number}" for name, number in versions().items()),
            f"· {settings.city} · {settings.home}",
        )
        _services(services, as_json=False)
        if found["feeds"]:
            print()
            output.table(found["feeds"], FEEDS)  # type: ignore[arg-type]
        for problem in problems:
            output.complain(f"{problem.reason} {problem.remedy}")
    if problems:
        raise typer.Exit(1)


def migrate(as_json: Json = False) -> None:
    """The hub's tables, keys and documents, Airflow's tables and pools; safe to repeat. Nothing is started but the embedded
    database."""
    from cli.instance import Instance

    instance = Instance(session.settings())
    step = output.silent if as_json else output.step
    with instance.processes.lock():
        with step(T("数据库", "Database")):
            hub = instance.database()
        with step(T("数据契约、系统与证明类型", "Contracts, systems, certificate types")) as line:
            line.detail = said = instance.publish(hub)
        hub.close()
        with step(T("Airflow", "Airflow")):
            instance.migrate_airflow()
    if as_json:
        output.document({"documents": said})


class Served(StrEnum):
    """The services of an installation."""

    api = "api"
    airflow_api = "airflow-api"
    airflow_scheduler = "airflow-scheduler"
    airflow_dag_processor = "airflow-dag-processor"
    airflow_triggerer = "airflow-triggerer"
    airflow_worker = "airflow-worker"
    demo = "demo"


def serve(
    service: Annotated[Served, typer.Argument(help=str(T("哪一个服务", "which one")))],
    port: Annotated[int | None, typer.Option(help=str(T("接口端口", "port of the API")))] = None,
    as_json: Json = False,
) -> None:
    """One service as this very process, until it is stopped; it logs to standard error."""
    from cli import serve as work

    settings = session.settings(port=port)
    if as_json:
        output.document({"service": service.value, "host": settings.host})
    if service is Served.api:
        work.api(settings)
    elif service is Served.demo:
        work.demo(settings)
    else:
        work.airflow(settings, service.value)


def show(as_json: Json = False) -> None:
    """Each setting, its value without any password, where it came from, and what is in effect where that is another: the
    embedded database, and the ports that running services have."""
    from cli.instance import Instance
    from core.settings import explain

    settings = session.settings()
    effect = Instance(settings).in_effect()
    rows: list[dict[str, Any]] = [
        {**entry._asdict(), "value": str(entry.value), "effect": effect.get(entry.name, "")}
        for entry in explain(settings)
    ]
    columns = [
        Column("name", T("配置项", "setting")),
        Column("value", T("值", "value")),
        Column("effect", T("实际", "in effect")),
        Column("origin_label", T("来源", "from")),
        Column("about_label", T("说明", "about")),
    ]
    shown = [
        {
            **row, "origin_label": T("默认", "default") if row["origin"] == "default" else row["origin"],
            "about_label": T(*row["about"].split(" / ", 1)),
        }
        for row in rows
    ]  # fmt: skip
    output.table(rows if as_json else shown, columns, as_json=as_json)


FEEDS = [
    Column("feed", T("采集", "feed")),
    Column("title", T("资源", "resource")),
    Column("state_label", T("时效", "freshness")),
    Column("as_of", T("截至", "as of")),
    Column("last_batch_label", T("最近批次", "last batch")),
]


def _services(rows: list[dict[str, Any]], as_json: bool) -> None:
    columns = [
        Column("service", T("服务", "service")),
        Column("state_label", T("状态", "state")),
        Column("pid", T("进程号", "pid"), right=True),
        Column("url", T("地址", "address")),
    ]
    labelled = [{**row, "state_label": str(_STATES[row["state"]]), "pid": str(row["pid"] or "")} for row in rows]
    output.table(rows if as_json else labelled, columns, as_json=as_json)
