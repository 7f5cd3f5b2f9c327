"""records show|history: a dataset's records for one case, as known at a moment and valid on a day; audited and masked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from core.hub import Hub
    from libraries.inquiry import Found
    from schemas.contract import Contract
    from schemas.published import Published

By = Annotated[
    Literal["key", "subject"],
    typer.Option(
        help=str(
            T(
                "以记录主键查(key),或以某人某单位的号码与名称查(subject)",
                "by the record's key, or by a subject's number and name",
            )
        )
    ),
]
Reason = Annotated[str, typer.Option(help=str(T("查看事由,记入审计", "why; kept in the audit log")))]
Reveal = Annotated[
    bool, typer.Option("--reveal", help=str(T("显示原值,审计中另行注明", "show values unmasked; audited as such")))
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help=str(
            T(
                "交换平台在该时刻所知(ISO 8601;只写日期即当日终了)",
                "what the exchange knew then (ISO 8601; a date means its end)",
            )
        ),
    ),
]


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    records = typer.Typer(no_args_is_help=True, help=str(T("共享记录及其历史", "shared records and their history")))
    records.callback()(lambda: None)
    records.command(
        "show",
        help=str(
            T(
                "查看记录:某日有效、某时刻所知;主键或号码与名称自标准输入(各一行),留痕",
                "records valid on a day, as known at a moment; the key, or number and name, come from standard input, a "
                "line each; audited",
            )
        ),
    )(show)
    records.command(
        "history",
        help=str(
            T(
                "记录的历次版本:何时、由哪个批次、改了什么;主键或号码与名称自标准输入,留痕",
                "a record's versions: when, by which batch, what changed; the key, or number and name, come from standard "
                "input; audited",
            )
        ),
    )(history)
    app.add_typer(records, name="records")


def show(
    dataset: str,
    reason: Reason,
    by: By = "key",
    known_at: KnownAt = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help=str(T("该日有效(在现实中)", "true in the world on that day")))
    ] = None,
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """Each record's values, and which batch brought them when."""
    found, documents = _ask(dataset, reason, by, known_at, as_of, reveal=reveal, history=False)
    if as_json:
        output.document(found.told())
        return
    for one in found.versions:
        system = _system(documents, one.system)
        print(
            T(f"来源 {system},获知于", f"from {system}, known since"),
            output.shown(one.known_from),
            one.batch,
        )
        contract = found.contract
        rows = [
            {"item": item.title, "value": _called(contract, item.name, one.values[item.name])}
            for item in contract.items
        ]
        output.table(rows, _ITEMS)
    _until(found, documents)


def history(
    dataset: str,
    reason: Reason,
    by: By = "key",
    known_at: KnownAt = None,
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """With --known-at, the history as it stood then."""
    found, documents = _ask(dataset, reason, by, known_at, None, reveal=reveal, history=True)
    if as_json:
        output.document(found.told())
        return
    output.table([_version(found.contract, one, documents) for one in found.versions], _VERSIONS)
    _until(found, documents)


def _called(contract: Contract, item: str, value: Any) -> Any:
    """A value, with what it is called where it is a code."""
    from libraries import inquiry

    label = inquiry.label(contract, item, value)
    return f"{value} {label}" if label and str(label) != value else value


def _ask(
    dataset: str, reason: str, by: str, known_at: str | None, as_of: str | None, *, reveal: bool, history: bool
) -> tuple[Found, Published]:
    from libraries import inquiry
    from schemas import published

    with session.opened() as hub:
        asked = inquiry.Question(
            dataset, known_at=_moment(hub, known_at), as_of=_day(as_of), reveal=reveal, history=history
        )
        documents = published.current(hub.home)
        if by == "key":
            contract = documents.contracts.get(dataset)
            titles = [contract.item(name).title for name in contract.key] if contract else []
            key = tuple(session.ask(T(title, title)) for title in titles)
            asked = replace(asked, key=key)
        else:
            number = session.ask(T("号码", "number"))
            asked = replace(asked, subject=(number, session.ask(T("姓名或单位名称", "name"))))
        return inquiry.ask(hub, asked, inquiry.Case(reason), session.actor()), documents


def _moment(hub: Hub, written: str | None) -> datetime | None:
    if written is None:
        return None
    zone = ZoneInfo(hub.settings.timezone)
    with suppress(ValueError):
        return datetime.combine(date.fromisoformat(written), time.max, zone)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Invalid(
            T("--known-at 不是时刻。", "--known-at is no moment."),
            remedy=T("写成 2026-11-01T08:00:00+08:00。", "Write it as 2026-11-01T08:00:00+08:00."),
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _day(written: str | None) -> Any:
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError:  # a moment neither: which day it falls on depends on where one stands
        raise Invalid(
            T("--as-of 不是日期。", "--as-of is no day."), remedy=T("写成 2026-11-01。", "Write it as 2026-11-01.")
        ) from None


def _version(contract: Contract, one: Any, documents: Published) -> dict[str, Any]:
    from libraries.inquiry import BEGAN, ENDED

    return {
        "from": one.known_from,
        "to": one.known_to,
        "began": BEGAN[one.began],
        "changed": [
            f"{contract.item(name).title}: {_said(contract, name, before)} → {_said(contract, name, after)}"
            for name, (before, after) in one.changed.items()
        ],
        "ended": one.ended and ENDED[one.ended],
        "system": _system(documents, one.system),
        "batch": one.batch,
    }


def _system(documents: Published, id: str) -> str:
    """A system by its title and id."""
    from libraries import labels

    return output.named(labels.system(documents, id), id)


def _said(contract: Contract, item: str, value: Any) -> str:
    return output.shown(_called(contract, item, value)) or "∅"


def _until(found: Found, documents: Published) -> None:
    if found.complete_since is not None:
        since = output.shown(found.complete_since)
        print(T(f"{since} 之前失效的版本已按保留期清除", f"versions that ended before {since} are not kept any more"))
    for id, at in sorted(found.horizon.items()):
        system = _system(documents, id)
        print(T(f"{system}:已知截至", f"{system}: known until"), output.shown(at))


_ITEMS = [Column("item", T("信息项", "item")), Column("value", T("值", "value"))]
_VERSIONS = [
    Column("from", T("自", "from")),
    Column("to", T("至", "to")),
    Column("began", T("缘由", "how")),
    Column("changed", T("变更内容", "what changed")),
    Column("ended", T("终止", "ended")),
    Column("system", T("来源系统", "source")),
    Column("batch", T("批次", "batch")),
]
