"""why, conflicts: where a golden record's value comes from and what it won over; what the sources disagree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session
from cli.commands.library import STATUSES, Library
from cli.output import Column, Json
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Published

KINDS = {"value": T("取值不一", "another value"), "name": T("号码同而姓名不同", "another name with the number")}


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    app.command(
        help=str(
            T(
                "主数据的一个值从何而来、其他来源为何未采用;号码与名称自标准输入(各一行),留痕",
                "where one value of a golden record comes from, and why others lost; number and name come from standard "
                "input, a line each; audited",
            )
        )
    )(why)
    app.command(help=str(T("各来源之间的分歧(脱敏)", "what sources disagree on (masked)")))(conflicts)


def why(
    library: Library,
    attribute: str,
    reason: Annotated[str, typer.Option(help=str(T("查看事由,记入审计", "why; kept in the audit log")))],
    entity: Annotated[
        UUID | None,
        typer.Option(
            help=str(
                T(
                    "分歧清单中的实体,代替号码与名称;脱敏",
                    "an entity of the list of conflicts instead of number and name; masked",
                )
            )
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help=str(T("显示原值,审计中另行注明", "show values unmasked; audited as such")))
    ] = False,
    as_json: Json = False,
) -> None:
    """The claim that decides first; then every other one, with its record, when it was seen, and why it lost."""
    from libraries import showing
    from libraries.inquiry import Case
    from schemas import published

    subject = None
    if entity is None:
        number = session.ask(T("号码", "number"))
        subject = (number, session.ask(T("姓名、单位名称或持证人", "name, or a holder's")))
    with session.opened() as hub:
        found = showing.explain(
            hub, library.value, attribute, session.actor(), case=Case(reason), subject=subject, entity=entity, reveal=reveal
        )  # fmt: skip
        documents = published.current(hub.home)
    if as_json:
        output.document(found.told())
        return
    status = "derived" if found.value.source.get("derived_from") else found.value.status
    print(f"{found.value.title}  {output.shown(found.value.value)}  {STATUSES[status]}")
    if found.refresh_due:
        print(T("有批次入库后尚未刷新主数据。", "Batches have merged since the golden record was made."))
    output.table([_claim(one, documents) for one in found.claims], _CLAIM)


def conflicts(
    library: Annotated[Library | None, typer.Option(help=str(T("只看一个共享库", "of one library")))] = None,
    attribute: Annotated[str | None, typer.Option(help=str(T("只看一个属性", "of one attribute")))] = None,
    department: Annotated[
        str | None, typer.Option(help=str(T("只看该部门持不同说法的", "where this department says otherwise")))
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help=str(T("自上一页之后", "after the page before")))
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help=str(T("最多多少行", "how many rows at most")))] = 50,
    summary: Annotated[
        bool, typer.Option("--summary", help=str(T("只看各类数目", "only how many there are of each sort")))
    ] = False,
    as_json: Json = False,
) -> None:
    """Entities go by their own ids. `hutong why LIBRARY ATTRIBUTE --entity ID` explains one."""
    from libraries import conflicts as found_in
    from schemas import published

    with session.opened() as hub:
        documents = published.current(hub.home)
        if summary:
            with hub.read() as connection:
                groups = found_in.grouped(connection)
            shown = [one.told() if as_json else _group(one, documents) for one in groups]
            output.table(shown, _GROUP, as_json=as_json)
            return
        page = found_in.page(
            hub, library=library and library.value, attribute=attribute, department=department, after=after, limit=limit
        )
    if as_json:
        output.document(page.told())
        return
    output.table([_conflict(one, documents) for one in page.told()["conflicts"]], _CONFLICT)
    if page.next:
        print(T(f"下一页:--after {page.next}", f"next page: --after {page.next}"))


def _department(documents: Published, id: str | None) -> T | None:
    from libraries import labels

    return labels.department(documents, id) if id else None


def _claim(one: Any, documents: Published) -> dict[str, Any]:
    from libraries import labels
    from libraries.why import REASONS

    return {
        "value": one.value,
        "reason": REASONS[one.reason],
        "department": _department(documents, one.department),
        "dataset": one.dataset and labels.resource(documents, one.dataset),
        "record": [
            f"{labels.item(documents, one.dataset or '', name)}={output.shown(value)}"
            for name, value in one.record.items()
        ],
        "valid_from": one.valid_from,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "batch": one.batch,
    }


def _group(one: Any, documents: Published) -> dict[str, Any]:
    from libraries import labels

    return {
        "library": output.named(labels.library(documents, one.library), one.library),
        "attribute": output.named(labels.attribute(documents, one.library, one.attribute), one.attribute),
        "department": _department(documents, one.department),
        "kind": KINDS[one.kind],
        "against": _department(documents, one.against),
        "entities": one.entities,
    }


def _conflict(one: dict[str, Any], documents: Published) -> dict[str, Any]:
    from libraries import labels

    library, attribute = one["library"], one["attribute"]
    return {
        **one,
        "library": output.named(labels.library(documents, library), library),
        "attribute": output.named(labels.attribute(documents, library, attribute), attribute),
        "dataset": one["dataset"] and labels.resource(documents, one["dataset"]),
        "department": _department(documents, one["department"]),
        "against": _department(documents, one["against"]),
        "kind": KINDS[one["kind"]],
    }


_CLAIM = [
    Column("value", T("值", "value")),
    Column("reason", T("缘由", "why")),
    Column("department", T("来源部门", "source")),
    Column("dataset", T("数据集", "dataset")),
    Column("record", T("记录", "record")),
    Column("valid_from", T("业务日期", "valid from")),
    Column("first_seen", T("首次获知", "first seen")),
    Column("last_seen", T("最近仍见", "last seen")),
    Column("batch", T("批次", "batch")),
]
_GROUP = [
    Column("library", T("共享库", "library")),
    Column("attribute", T("属性", "attribute")),
    Column("department", T("说法不同的部门", "who says otherwise")),
    Column("against", T("采用的部门", "whose value decides")),
    Column("kind", T("种类", "kind")),
    Column("entities", T("实体数", "entities"), right=True),
]
_CONFLICT = [
    Column("library", T("共享库", "library")),
    Column("attribute", T("属性", "attribute")),
    Column("decides", T("采用值", "decides")),
    Column("against", T("采用的部门", "whose")),
    Column("otherwise", T("不同的值", "otherwise")),
    Column("department", T("说法不同的部门", "whose")),
    Column("dataset", T("数据集", "dataset")),
    Column("kind", T("种类", "kind")),
    Column("entity", T("实体", "entity")),
]
