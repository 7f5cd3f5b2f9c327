"""audit: who asked about one person or firm."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from cli import output, session
from cli.output import Column, Json
from core.text import T


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T(
                "谁查询过某人或某单位;证件号码自标准输入,本次查阅同样留痕",
                "who asked about one person or firm; the number comes from standard input, and looking leaves an entry too",
            )
        )
    )(audit)


def audit(
    reason: Annotated[str, typer.Option(help=str(T("查阅事由(信访、复议编号等)", "why: a complaint, a review")))],
    kind: Annotated[str, typer.Option(help=str(T("证件种类", "kind of number")))] = "identity_card",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 200,
    as_json: Json = False,
) -> None:
    """Entries made under older pseudonym keys are found as well, and those about a number that is wrong: a waiting row
    may hold one."""
    from certificates import subject
    from core import audit as log
    from core.errors import Invalid
    from libraries import labels
    from schemas import published

    number = session.ask(T("证件号码", "number"))
    with session.opened() as hub, hub.begin() as connection:
        try:
            standard, *also = [subject.resolve(kind, number, "").number]
        except Invalid as refused:
            if not number or kind not in subject.KINDS:
                raise
            standard, *also = subject.spellings(kind, number)
            note = T("按所输入的号码查阅。", "It is looked up as it was written.")
            print(refused.message, note, file=sys.stderr)
        found = log.search(connection, hub.keys, standard, session.actor(), reason=reason, also=also, limit=limit)
        documents = published.current(hub.home)
    rows = [asdict(entry) | {"kind_label": str(log.KINDS[entry.kind])} for entry in found]
    if not as_json:
        rows = [
            row | {"department": row["department"] and labels.department(documents, row["department"])} for row in rows
        ]
    output.table(rows, _ENTRY, as_json=as_json)


_ENTRY = [
    Column("at", T("时间", "at")),
    Column("kind_label", T("行为", "what")),
    Column("department", T("部门", "department")),
    Column("client", T("客户端", "client")),
    Column("operator", T("经办人", "operator")),
    Column("service_item", T("事项", "service item")),
    Column("case_no", T("办件编号", "case")),
    Column("reason", T("事由", "why")),
]
