"""catalog search: which resources there are."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    catalog = typer.Typer(no_args_is_help=True, help=str(T("数据资源目录", "the catalogue of resources")))
    catalog.callback()(lambda: None)
    catalog.command(
        "search",
        help=str(T("按名称、部门、信息项或拼音首字母检索", "search by name, department, item or pinyin initials")),
    )(search)
    app.add_typer(catalog, name="catalog")


def search(
    words: Annotated[list[str] | None, typer.Argument(help=str(T("空 = 全部", "none = all")))] = None,
    department: Annotated[str | None, typer.Option(help=str(T("只看一个部门", "of one department only")))] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> None:
    """Resources in the order of their codes."""
    from catalog_registry import resources
    from schemas import published

    with session.opened() as hub, hub.read() as connection:
        rows = resources.listed(connection, q=" ".join(words or []), department=department, limit=limit)
        current = published.current(hub.home)
        found = [resources.summary(current, row) for row in rows]
    columns = [
        Column("code", T("资源代码", "code")),
        Column("dataset", T("资源", "dataset")),
        Column("title", T("名称", "title")),
        Column("provider", T("来源部门", "department")),
    ]
    shown = [{**row, "provider": row["department"]["name"]} for row in found]
    output.table(
        found if as_json else shown, columns, as_json=as_json, empty=T("没有相符的资源。", "No resource matches.")
    )
