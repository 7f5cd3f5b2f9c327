"""catalog search|items|publish|demo: which resources there are, who holds an item, and departments' listings."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output, session
from cli.commands.documents import publish_contracts
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from catalog_registry.pages import Page

Words = Annotated[list[str] | None, typer.Argument(help=str(T("空 = 全部", "none = all")))]
Several = list[str] | None
Department = Annotated[Several, typer.Option(help=str(T("提供部门,可多次", "provider; repeatable")))]
ShareType = Annotated[Several, typer.Option(help=str(T("共享类型 1 2 3", "sharing type 1 2 3")))]
Limit = Annotated[int, typer.Option(min=1, max=200)]


class By(StrEnum):
    """The order of a list."""

    relevance = "relevance"
    code = "code"
    name = "name"
    updated = "updated"


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    catalog = typer.Typer(no_args_is_help=True, help=str(T("数据资源目录", "the catalogue of resources")))
    catalog.command(
        "search",
        help=str(
            T(
                "按名称、部门、信息项、拼音或首字母检索资源",
                "search resources by name, department, item, pinyin or initials",
            )
        ),
    )(search)
    catalog.command("items", help=str(T("谁有某个信息项", "who holds an item")))(items)
    catalog.command(
        "publish", help=str(T("发布部门及其目录清单文件", "put departments and their listings into force"))
    )(publish_contracts)
    catalog.command(
        "demo",
        help=str(
            T(
                "示范城市全市目录:60 个单位、397 个系统、2,066 项资源",
                "the whole demonstration city: 60 units, 397 systems, 2,066 resources",
            )
        ),
    )(demo)
    app.add_typer(catalog, name="catalog")


def search(
    words: Words = None,
    department: Department = None,
    share_type: ShareType = None,
    cycle: Annotated[Several, typer.Option(help=str(T("更新周期", "update cycle")))] = None,
    resource_class: Annotated[Several, typer.Option(help=str(T("资源分类", "class")))] = None,
    format: Annotated[Several, typer.Option(help=str(T("资源格式", "format")))] = None,
    state: Annotated[
        Several, typer.Option(help=str(T("时效;listed = 仅登记", "freshness; listed = listed only")))
    ] = None,
    order: Annotated[By | None, typer.Option(help=str(T("次序", "order")))] = None,
    facets: Annotated[bool, typer.Option("--facets", help=str(T("附各分面计数", "with counts of facets")))] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Resources, the most relevant first; near misses only when nothing matches as typed."""
    filters = {
        "department": department, "share_type": share_type, "cycle": cycle, "resource_class": resource_class,
        "format": format, "state": state,
    }  # fmt: skip
    page = _page(words, filters, limit, order=order and order.value, facets=facets)
    if as_json:
        output.document(page.as_json("resources"))
        return
    _show(page, _RESOURCE, [{**row, **_plain(row)} for row in page.lines])
    for name, values in (page.facets or {}).items():
        print(f"{_titles()[name]}: " + "  ".join(f"{_word(value)} {value['count']:,}" for value in values))


def items(
    words: Annotated[
        list[str], typer.Argument(help=str(T("信息项名称、拼音或首字母", "an item's name, pinyin or initials")))
    ],
    department: Department = None,
    share_type: ShareType = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Items with the resource and department that hold them, and each one's sharing type."""
    page = _page(words, {"department": department, "share_type": share_type}, limit, items=True)
    if as_json:
        output.document(page.as_json("items"))
        return
    _show(
        page,
        _ITEM,
        [
            {
                "title": row["title"], "resource": row["resource"]["title"], "code": row["resource"]["code"],
                "provider": _name(row["department"]), "share": T(row["share_label"], row["share_label_en"]),
            }
            for row in page.lines
        ],
    )  # fmt: skip


def demo(seed: Annotated[int, typer.Option(help=str(T("随机种子", "seed")))] = 1, as_json: Json = False) -> None:
    """Metadata beside what is connected; nothing flows. Safe to repeat."""
    from catalog_registry import publication
    from demo import catalogue
    from schemas import published
    from schemas.published import Document

    with session.opened() as hub:
        known = published.current(hub.home).departments
        units = catalogue.units(seed)
        documents = []
        for unit in units:
            if unit.department and unit.id not in known:
                documents.append(Document("department", unit.id, "1", unit.department, f"{unit.id}.yaml"))
            documents.append(Document("listing", unit.id, "1", unit.listing, f"{unit.id}.listing.yaml"))
        number = publication.register(hub, documents, session.actor())
    told = {
        "publication": number, "units": len(units), "systems": catalogue.SYSTEMS, "resources": catalogue.RESOURCES,
    }  # fmt: skip
    if as_json:
        output.document(told)
    else:
        print(
            T(
                f"已登记 {told['units']} 个单位、{told['systems']} 个系统、{told['resources']:,} 项资源。",
                f"{told['units']} units, {told['systems']} systems and {told['resources']:,} resources are registered.",
            )
        )


def _page(
    words: list[str] | None, filters: Mapping[str, Several], limit: int, *, order: Any = None, facets: bool = False,
    items: bool = False,
) -> Page:  # fmt: skip
    from catalog_registry import items as held
    from catalog_registry import resources
    from catalog_registry.pages import Asked

    chosen = {name: values for name, values in filters.items() if values}
    asked = Asked(" ".join(words or []), chosen, order, limit, total=True, facets=facets)
    listed = held.listed if items else resources.listed
    with session.opened() as hub, hub.read() as connection:
        return listed(hub, connection, asked)


def _show(page: Page, columns: list[Column], rows: list[dict[str, Any]]) -> None:
    if page.hedge.zh:
        print(page.hedge)
    if page.suggestions:
        print(T(f"您要找的是不是:{'、'.join(page.suggestions)}", f"Did you mean: {', '.join(page.suggestions)}"))
    output.table(rows, columns, empty=T("没有相符的资源。", "No resource matches."))
    if page.total and page.total > len(rows):
        print(
            T(f"共 {page.total:,} 条,显示前 {len(rows)} 条。", f"{page.total:,} in all, the first {len(rows)} shown.")
        )


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    found = next(iter(row["matches"]), None)
    where = f"{T(found['in_label'], found['in_label_en'])}: {found['text']}" if found else ""
    return {
        "provider": _name(row["department"]),
        "state": _word(row["state"]),
        "found": where if found and found["in"] != "title" else "",
    }


def _name(department: Mapping[str, str]) -> T:
    return T(department["name"], department["name_en"])


def _word(value: Mapping[str, Any]) -> T:
    return T(value["label"], value["label_en"])


def _titles() -> Mapping[str, T]:
    from catalog_registry.facets import TITLES

    return TITLES


_RESOURCE = [
    Column("code", T("资源代码", "code")),
    Column("dataset", T("资源", "dataset")),
    Column("title", T("名称", "title")),
    Column("provider", T("来源部门", "department")),
    Column("state", T("时效", "freshness")),
    Column("found", T("见于", "found in")),
]
_ITEM = [
    Column("title", T("信息项", "item")),
    Column("resource", T("资源", "resource")),
    Column("code", T("资源代码", "code")),
    Column("provider", T("来源部门", "department")),
    Column("share", T("共享类型", "sharing type")),
]
