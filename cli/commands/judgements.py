"""judgement add|list|open|undo, person merge|split|undo: who is who, judged by a named person with a reason.

Numbers and names come from standard input, never from the command line; each act is followed by a refresh of the libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from cli import output, session
from cli.output import Column, Json
from core.errors import NotFound, Retry
from core.text import T

if TYPE_CHECKING:
    from core.hub import Hub
    from libraries.judgements import Claim, Judgement

Library = Annotated[Literal["population", "legal_entity"], typer.Option(help=str(T("共享库", "the shared library")))]
Reason = Annotated[str, typer.Option(help=str(T("判断理由,永久留存", "why; kept for good")))]
Kind = Annotated[
    str | None,
    typer.Option(help=str(T("第一个号码的证件种类,身份证不必写", "kind of the first number; none for identity cards"))),
]
OtherKind = Annotated[str | None, typer.Option(help=str(T("第二个号码的证件种类", "kind of the second number")))]
Unseen = Annotated[
    bool, typer.Option("--unseen", help=str(T("允许尚无记录的号码与名称", "also what no record names yet")))
]


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    judgement = typer.Typer(no_args_is_help=True, help=str(T("身份判断", "judgements of who is who")))
    judgement.command(
        "add",
        help=str(
            T(
                "判断两个号码与名称是否同一主体;自标准输入依次为号码、名称、号码、名称",
                "judge two numbers with names; from standard input: number, name, number, name",
            )
        ),
    )(add)
    judgement.command("list", help=str(T("列出判断,新的在前", "judgements, the newest first")))(listed)
    judgement.command(
        "open", help=str(T("待判断:一个号码,不同名称", "what is to be judged: numbers under other names"))
    )(unsettled)
    judgement.command("undo", help=str(T("撤销一项判断", "end a judgement")))(undo)
    app.add_typer(judgement, name="judgement")
    person = typer.Typer(no_args_is_help=True, help=str(T("合并与分开自然人", "joining and parting persons")))
    for name, act, about in (
        ("merge", merge, T("两个号码与姓名是同一人", "two numbers with names are one person")),
        ("split", split, T("两个号码与姓名不是同一人", "two numbers with names are two persons")),
        ("undo", unjudge, T("撤销对两者的判断,恢复原状", "end what was judged of the two; all is as before")),
    ):
        lines = T("自标准输入依次为号码、姓名、号码、姓名", "from standard input: number, name, number, name")
        person.command(name, help=str(T(f"{about.zh};{lines.zh}", f"{about.en}; {lines.en}")))(act)
    app.add_typer(person, name="person")


def add(
    verdict: Annotated[Literal["same", "different", "unsure"], typer.Argument(help=str(T("结论", "the verdict")))],
    reason: Reason,
    library: Library = "population",
    conflict: Annotated[
        str | None, typer.Option(help=str(T("待判断清单中的编号,不再键入号码", "an id of `open`, instead of numbers")))
    ] = None,
    kind: Kind = None,
    other_kind: OtherKind = None,
    unseen: Unseen = False,
    as_json: Json = False,
) -> None:
    """Another verdict of the same two takes the place of the one before."""
    with session.opened() as hub:
        one, other = _conflict(hub, library, conflict) if conflict else _claims(library, kind, other_kind)
        _judge(hub, library, verdict, one, other, reason, unseen=unseen, as_json=as_json)


def merge(reason: Reason, kind: Kind = None, other_kind: OtherKind = None, as_json: Json = False) -> None:
    """One golden record; each number finds the person. Undone by `hutong person undo`."""
    with session.opened() as hub:
        _judge(hub, "population", "same", *_claims("population", kind, other_kind), reason, as_json=as_json)


def split(reason: Reason, kind: Kind = None, other_kind: OtherKind = None, as_json: Json = False) -> None:
    """Kept apart even where a register joins them by a former number or name."""
    with session.opened() as hub:
        _judge(hub, "population", "different", *_claims("population", kind, other_kind), reason, as_json=as_json)


def unjudge(reason: Reason, kind: Kind = None, other_kind: OtherKind = None, as_json: Json = False) -> None:
    """The judgement stays in the list, with what ended it."""
    from libraries import judgements

    with session.opened() as hub:
        one, other = _claims("population", kind, other_kind)
        with hub.begin() as connection:
            standing = judgements.pair(connection, "population", one, other)
            if standing is None:
                raise NotFound(
                    T("对这两者没有有效的判断。", "Nothing is judged of these two."),
                    remedy=T("hutong judgement list 可列出。", "`hutong judgement list` lists what is."),
                )
            ended = judgements.undo(connection, hub.keys, standing.decision.id, reason=reason, actor=session.actor())
            said = judgements.ended_with(connection, ended.decision)
        _tell(hub, ended, said, as_json=as_json)


def undo(id: UUID, reason: Reason, as_json: Json = False) -> None:
    """The judgement stays in the list, with what ended it."""
    from libraries import judgements

    with session.opened() as hub:
        with hub.begin() as connection:
            ended = judgements.undo(connection, hub.keys, id, reason=reason, actor=session.actor())
            said = judgements.ended_with(connection, ended.decision)
        _tell(hub, ended, said, as_json=as_json)


def listed(
    library: Annotated[
        Literal["population", "legal_entity"] | None, typer.Option(help=str(T("只看一个共享库", "of one library only")))
    ] = None,
    standing: Annotated[bool, typer.Option("--standing", help=str(T("只看有效的", "only those that stand")))] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 50,
    as_json: Json = False,
) -> None:
    """Numbers and names are masked."""
    from libraries import judgements

    with session.opened() as hub, hub.read() as connection:
        found = judgements.listed(connection, library, standing=standing, limit=limit)
    rows = [_row(one) for one in found]
    if not as_json:
        rows = [row | {"verdict": judgements.VERDICTS[row["verdict"]], "score": f"{row['score']:.2f}"} for row in rows]
    output.table(rows, _LISTED, as_json=as_json)


def unsettled(
    library: Library = "population",
    settled: Annotated[
        bool, typer.Option("--settled", help=str(T("连同判为不同的", "with those judged different")))
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))] = 50,
    as_json: Json = False,
) -> None:
    """The most often claimed first; masked. Judge by id: `hutong judgement add … --conflict ID`."""
    from core import clock
    from libraries import contested, judgements, labels, rules
    from schemas import published

    with session.opened() as hub:
        documents = published.current(hub.home)
        every = rules.of(documents, clock.today(hub.settings.timezone))
        mine = next(one for one in every if one.library.id == library)
        with hub.read() as connection:
            found = contested.listed(connection, hub.keys, mine, settled=settled, limit=limit)
    rows: list[dict[str, Any]] = []
    for one in found:
        number, name = judgements.shown(library, one.claim)
        rows.append(
            {
                "id": one.id, "number": number, "name": name, "holder": judgements.shown(library, one.holder)[1],
                "reason": one.reason, "records": dict(one.records), "score": one.score,
                "verdict": one.verdict and one.verdict.value,
            }
        )  # fmt: skip
    if not as_json:
        for row in rows:
            row["reason"], row["score"] = contested.REASONS[row["reason"]], f"{row['score']:.2f}"
            row["verdict"] = row["verdict"] and judgements.VERDICTS[row["verdict"]]
            row["records"] = [
                f"{labels.resource(documents, dataset)} {count}" for dataset, count in row["records"].items()
            ]
    output.table(rows, _OPEN, as_json=as_json, empty=T("没有待判断的身份。", "Nobody is to be judged."))


def _claims(library: str, kind: str | None, other_kind: str | None) -> tuple[Claim, Claim]:
    from libraries import judgements

    words = T("第一个", "first "), T("第二个", "second ")
    typed = [
        (session.ask(T(f"{which.zh}号码", f"{which.en}number")), session.ask(T(f"{which.zh}名称", f"{which.en}name")))
        for which in words
    ]
    one, other = (
        judgements.claim(library, *said, kind=said_kind, pointer=pointer)
        for said, said_kind, pointer in zip(typed, (kind, other_kind), ("/0", "/1"), strict=True)
    )
    return one, other


def _conflict(hub: Hub, library: str, id: str) -> tuple[Claim, Claim]:
    from core import clock
    from libraries import contested, rules
    from schemas import published

    every = rules.of(published.current(hub.home), clock.today(hub.settings.timezone))
    with hub.read() as connection:
        found = contested.find(connection, hub.keys, next(one for one in every if one.library.id == library), id)
    return found.holder, found.claim


def _judge(
    hub: Hub, library: str, verdict: str, one: Claim, other: Claim, reason: str, *, unseen: bool = False, as_json: bool
) -> None:
    from libraries import judgements

    with hub.begin() as connection:
        made = judgements.add(
            connection, hub.keys, library, judgements.Verdict(verdict), one, other, reason=reason, actor=session.actor(),
            unseen=unseen,
        )  # fmt: skip
    _tell(hub, made, as_json=as_json)


def _tell(hub: Hub, made: Judgement, said: T | None = None, *, as_json: bool) -> None:
    """Link by what is in force now, and say what became of it; `said` of one that was ended."""
    from libraries import golden, judgements, likeness

    row = _row(made) | ({"said": str(said)} if said else {})
    try:
        done = golden.refresh(hub)
        row |= {"linked": done.linked, "refreshed": done.refreshed, "removed": done.removed}
    except Retry:  # a batch is merging; what was judged is kept, and answers follow it already
        row["due"] = str(T("已留存;关联随下一次刷新更新。", "kept; links follow with the next refresh."))
    if not as_json:
        row |= {
            "score": f"{made.score:.2f}",
            "verdict": judgements.VERDICTS[row["verdict"]],
            "seen": [likeness.REASONS[code] for code in row["seen"]],
        }
    titles = {name: title for name, title in _FACTS.items() if name in row and row[name] is not None}
    output.facts(row, titles, as_json=as_json)


def _row(one: Judgement) -> dict[str, Any]:
    from libraries import judgements

    a, b = (judgements.shown(one.library, each) for each in (one.a, one.b))
    return {
        "id": str(one.decision.id), "at": one.decision.at, "library": one.library, "verdict": one.verdict.value,
        "a": " ".join(a), "b": " ".join(b), "score": one.score, "seen": list(one.reasons), "reason": one.decision.reason,
        "by": one.decision.actor["operator"], "ended_at": one.ended and one.ended.at,
        "ended_by": one.ended and one.ended.actor["operator"], "ended_why": one.ended and one.ended.reason,
    }  # fmt: skip


_FACTS = {
    "id": T("判断", "judgement"),
    "verdict": T("结论", "verdict"),
    "a": T("其一", "one"),
    "b": T("其二", "the other"),
    "score": T("相似度", "likeness"),
    "seen": T("所见", "seen"),
    "reason": T("理由", "reason"),
    "ended_at": T("撤销时间", "ended"),
    "ended_why": T("撤销理由", "why ended"),
    "said": T("结果", "so"),
    "due": T("尚待刷新", "still to come"),
    "linked": T("改变关联的提及", "mentions linked anew"),
    "refreshed": T("重做的主数据记录", "golden records made again"),
    "removed": T("并入他处的主数据记录", "golden records gone"),
}
_LISTED = [
    Column("at", T("时间", "at")),
    Column("verdict", T("结论", "verdict")),
    Column("a", T("其一", "one")),
    Column("b", T("其二", "the other")),
    Column("score", T("相似度", "likeness"), right=True),
    Column("reason", T("理由", "reason")),
    Column("by", T("判断人", "by")),
    Column("ended_at", T("撤销时间", "ended")),
    Column("id", T("判断", "judgement")),
]
_OPEN = [
    Column("number", T("号码", "number")),
    Column("name", T("名称", "name")),
    Column("holder", T("号码现归", "whose number it is")),
    Column("reason", T("缘由", "why")),
    Column("records", T("所在记录", "records")),
    Column("score", T("相似度", "likeness"), right=True),
    Column("verdict", T("已有判断", "judged")),
    Column("id", T("编号", "id")),
]
