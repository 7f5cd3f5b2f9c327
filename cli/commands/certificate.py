"""certificate: ask about one subject, as the API would be asked; granted, signed and audited all the same."""

from __future__ import annotations

import asyncio
import getpass
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from certificates.request import Query
    from core.hub import Hub


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "查询证明;证件号码与姓名自标准输入(各一行)",
                "ask for certificates; number and name come from standard input, a line each",
            )
        )
    )(certificate)


def certificate(
    types: Annotated[list[str], typer.Argument(metavar="TYPE...", help=str(T("证明类型", "certificate types")))],
    client: Annotated[str, typer.Option(help=str(T("以哪个客户端的名义", "in the name of which client")))],
    item: Annotated[str, typer.Option(help=str(T("事项", "service item")))],
    case: Annotated[str, typer.Option(help=str(T("办件编号", "case number")))],
    reference: Annotated[
        str, typer.Option(help=str(T("授权书编号或法条", "reference of the authorisation, or article")))
    ],
    basis: Annotated[str, typer.Option(help="authorisation | statutory")] = "authorisation",
    kind: Annotated[str, typer.Option(help=str(T("证件种类", "kind of number")))] = "identity_card",
    as_json: Json = False,
) -> None:
    """One line for each type: what the records say, and whether the claim is shown."""
    from pydantic import ValidationError

    from certificates.request import Basis, Line, Query, Subject

    number = session.ask(T("证件号码", "number"))
    name = session.ask(T("姓名或单位名称", "name"))
    try:
        query = Query(
            service_item=item,
            case_no=case,
            operator=getpass.getuser(),
            basis=Basis(kind=cast("Literal['statutory', 'authorisation']", basis), reference=reference),
            subject=Subject(kind=kind, number=number, name=name),
            certificates=[Line(type=one) for one in types],
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(T(f"{place} 不正确:{first['msg']}。", f"{place} is wrong: {first['msg']}.")) from None
    with session.opened() as hub:
        body = asyncio.run(_ask(hub, query, client))
    answer: dict[str, Any] = json.loads(body)
    if as_json:
        output.document(answer)
        return
    rows = [
        {
            **line,
            "why": [reason["label"] for reason in line["reasons"]],
            "as_of": line["as_of"] and datetime.fromisoformat(line["as_of"]),
        }
        for line in answer["answers"]
    ]
    output.table(rows, _COLUMNS)


async def _ask(hub: Hub, query: Query, client: str) -> bytes:
    from certificates import pool
    from certificates.answer import Answerer

    connections = pool.make(hub)
    await connections.open(wait=True, timeout=10)
    try:
        return (await Answerer(hub, connections).ask(query, client)).body
    finally:
        await connections.close()


_COLUMNS = [
    Column("title", T("证明", "certificate")),
    Column("state_label", T("记录", "records")),
    Column("proved_label", T("结论", "claim")),
    Column("label", T("说明", "outcome")),
    Column("why", T("原因", "reasons")),
    Column("as_of", T("截至", "as of")),
]
