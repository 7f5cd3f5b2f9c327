"""Judgements of named persons: whether two identity claims, each a number with a name, are one person or organisation.

A judgement is a decision (core/decisions.py, kind `judge`) and changes nothing by itself: `golden.refresh` links by those in
force (`judged`), look-ups read them at once (`libraries.also_known`). It is ended, never deleted, by another decision; so the
libraries become what they were. Records never carry an entity's id and neither do judgements: numbers and names stand in a
decision's body, and `about` is a keyed pseudonym of the pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from core import audit, clock, decisions
from core.actor import Actor
from core.decisions import Decision
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.keys import Keys
from core.text import T
from libraries import likeness
from libraries.kind import Kind, masked, standard
from libraries.rules import KINDS
from schemas.document import near
from schemas.types import get as value_type

KIND = "judge"
#: the kind of audit entry that a judgement, and its end, leaves for each of the two numbers
JUDGED: audit.Kind = "library.judged"


class Verdict(StrEnum):
    """What is judged of two claims."""

    same = "same"
    different = "different"
    unsure = "unsure"


VERDICTS: Mapping[Verdict, T] = {
    Verdict.same: T("同一主体", "the same"),
    Verdict.different: T("不是同一主体", "different"),
    Verdict.unsure: T("存疑", "unsure"),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody as records name them. `number` is in its standard form, `form` what all its written forms have in common."""

    kind: str
    number: str
    form: str
    name: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement. `score` and `reasons` are what a machine saw (`likeness`); `ended` is the decision that ended it."""

    decision: Decision
    library: str
    verdict: Verdict
    a: Claim
    b: Claim
    score: float
    reasons: tuple[str, ...]
    ended: Decision | None


def claim(library: str, number: str, name: str, kind: str | None = None, pointer: str = "") -> Claim:
    """A claim from what somebody typed. Raises Invalid; it never repeats number or name."""
    if library not in KINDS or not KINDS[library].named:
        raise Invalid(
            T(f"共享库 {library} 不作身份判断。", f"Nobody is judged in the library {library}."),
            remedy=near(library, [id for id, one in KINDS.items() if one.named]), pointer="/library",
        )  # fmt: skip
    made = KINDS[library]
    written = made.standard(number)
    proven = _proven(made, kind, written) if written else None
    if written is None or proven is None:
        raise Invalid(
            T("号码无法识别,或不能证明是该种证件的号码。", "The number cannot be read, or is not proven to be of its kind."),
            remedy=T("核对号码;护照、通行证等须写明证件种类。", "Check it; a passport or permit needs its kind said."),
            pointer=f"{pointer}/number",
        )  # fmt: skip
    called = standard(value_type(made.name_type), name)
    if not called:
        raise Invalid(T("没有写明名称。", "No name is given."), pointer=f"{pointer}/name")
    return Claim(proven, written, made.form(written), called)


def add(
    connection: Connection, keys: Keys, library: str, verdict: Verdict, one: Claim, other: Claim, *, reason: str, actor: Actor,
    unseen: bool = False,
) -> Judgement:  # fmt: skip
    """Judge two claims; another verdict of the same pair that stands is ended by this one, the same one is returned as it is.

    Raises Invalid without a reason or for one and the same claim, Conflict where it contradicts judgements in force,
    NotFound (unless `unseen`) for a claim that no record makes.
    """
    if (one.form, one.name) == (other.form, other.name):
        raise Invalid(
            T("两边是同一个号码与名称。", "Both sides are the same number and name."),
            remedy=T("记录写得完全相同时无从分辨。", "Records that say exactly the same cannot be told apart."),
        )
    one, other = sorted((one, other), key=lambda each: (each.form, each.name))
    # two at once: the second sees the first's, or both would be let in where one contradicts the other
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"hutong.judgements.{library}"}
    )
    for each in () if unseen else (one, other):
        _must_be_seen(connection, library, each)
    standing = pair(connection, library, one, other)
    if standing is not None and standing.verdict == verdict:
        return standing
    _must_agree(connection, library, verdict, one, other, standing)
    if standing is not None:
        decisions.undo(connection, standing.decision.id, reason=reason, actor=actor)
    seen = likeness.of(library, one.number, one.name, other.number, other.name)
    body = {"library": library, "verdict": verdict.value, "a": asdict(one), "b": asdict(other),
            "score": seen.score, "reasons": list(seen.reasons)}  # fmt: skip
    if standing is not None:
        body["replaces"] = str(standing.decision.id)
    made = decisions.record(connection, KIND, about(keys, library, one, other), reason=reason, actor=actor, body=body)
    _leave_entries(connection, keys, made, library, verdict, (one, other))
    return _judgement(made, None)


def undo(connection: Connection, keys: Keys, id: UUID, *, reason: str, actor: Actor) -> Judgement:
    """End a judgement. Raises NotFound for none, Conflict for one that has ended."""
    made = decisions.get(connection, id)
    if made.kind != KIND:
        raise NotFound(
            T("没有该判断。", "There is no such judgement."),
            remedy=T("hutong judgement list 可列出。", "`hutong judgement list` lists them."),
        )
    ended = decisions.undo(connection, id, reason=reason, actor=actor)
    judgement = _judgement(made, ended)
    _leave_entries(connection, keys, ended, judgement.library, judgement.verdict, (judgement.a, judgement.b))
    return judgement


def ended_with(connection: Connection, made: Decision) -> T:
    """What the end of a judgement comes to, in words: what of the two is judged no more, and what stays ended all the same."""
    said = VERDICTS[_judgement(made, None).verdict]
    if "replaces" not in made.body:
        return T(
            f"判断“{said.zh}”已撤销;对这两者已无有效的判断,关联按来源登记与其余判断重做。",
            f'The judgement "{said.en}" is ended; nothing is judged of the two any more; links follow records and other judgements.',
        )
    before = _judgement(decisions.get(connection, UUID(made.body["replaces"])), None)
    was = VERDICTS[before.verdict]
    return T(
        f"判断“{said.zh}”已撤销;它所取代的判断“{was.zh}”({before.decision.id})不随之恢复,关联按来源登记与其余判断重做。"
        f"要恢复,重新作出:hutong judgement add {before.verdict} --library {before.library} --reason 理由。",
        f'The judgement "{said.en}" is ended. The one it had taken the place of, "{was.en}" ({before.decision.id}), stays ended; '
        f"links follow records and other judgements. To have it back: `hutong judgement add {before.verdict} --library {before.library} "
        "--reason WHY`.",
    )


def pair(connection: Connection, library: str, one: Claim, other: Claim) -> Judgement | None:
    """The judgement of two claims that stands."""
    id = connection.execute(
        text(
            "SELECT id FROM libraries.judgement WHERE library = :library AND form = :form AND name = :name "
            "AND other_form = :other_form AND other_name = :other_name"
        ),
        {"library": library, "form": one.form, "name": one.name, "other_form": other.form, "other_name": other.name},
    ).scalar_one_or_none()
    return None if id is None else _judgement(decisions.get(connection, id), None)


def listed(
    connection: Connection, library: str | None = None, *, standing: bool = False, limit: int = 200
) -> list[Judgement]:
    """The latest judgements, newest first; ended ones too unless only those `standing` are asked for."""
    rows = connection.execute(
        text(
            "SELECT d.id, u.id AS ended FROM hub.decision d LEFT JOIN hub.decision u ON u.undoes = d.id "
            "WHERE d.kind = :kind AND d.undoes IS NULL AND (CAST(:library AS text) IS NULL OR d.body ->> 'library' = :library) "
            "AND NOT (:standing AND u.id IS NOT NULL) ORDER BY d.seq DESC LIMIT :limit"
        ),
        {"kind": KIND, "library": library, "standing": standing, "limit": limit},
    ).all()
    return [
        _judgement(decisions.get(connection, row.id), decisions.get(connection, row.ended) if row.ended else None)
        for row in rows
    ]


def shown(library: str, one: Claim) -> tuple[str, str]:
    """Number and name as a list shows them."""
    kind = KINDS[library]
    numbers = value_type("identity_no" if kind.name_type == "person_name" else "organisation_no")
    return masked(numbers, one.number) or "***", masked(value_type(kind.name_type), one.name) or "***"


def _proven(made: Kind, kind: str | None, number: str) -> str | None:
    said = kind or made.kinds[-1]
    proven: str | None = made.identify(pa.array([said]), pa.array([number], pa.string()))[0].as_py()
    return proven


def _must_be_seen(connection: Connection, library: str, one: Claim) -> None:
    kind = KINDS[library]
    found = any(
        connection.execute(
            text(
                "SELECT EXISTS (SELECT FROM (SELECT CAST(:form AS text) AS number) n JOIN libraries.mention m ON "
                f"{joined} AND m.id_kind = ANY(:kinds) AND m.name = :name)"
            ),
            {"form": one.form, "name": one.name, "kinds": list(kind.kinds)},
        ).scalar_one()
        for joined in kind.joins
    )
    if not found:
        raise NotFound(
            T("没有记录同时写着这一号码与名称。", "No record has this number together with this name."),
            remedy=T("逐字核对;确要先行判断时用 --unseen。", "Check both; to judge ahead of the record, say --unseen."),
        )


def _must_agree(
    connection: Connection, library: str, verdict: Verdict, one: Claim, other: Claim, standing: Judgement | None
) -> None:
    """Conflict where judgements in force, without the one this takes the place of, say the contrary."""
    besides = standing.decision.id if standing else None
    mine = _connected(connection, library, one, besides)
    if verdict is Verdict.different and (other.form, other.name) in mine:
        raise _contradicted(None)
    if verdict is Verdict.same:
        theirs = _connected(connection, library, other, besides)
        for row in _of(connection, library, Verdict.different, mine, besides):
            if (row.other_form, row.other_name) in theirs:
                raise _contradicted(row.id)


def _contradicted(by: UUID | None) -> Conflict:
    which = T(f"({by})", f" ({by})") if by else T("", "")
    return Conflict(
        T(f"与已有判断{which.zh}相矛盾。", f"It contradicts what has been judged{which.en}."),
        remedy=T(
            "先撤销其中之一:hutong judgement list,再 undo。",
            "End one of them first: `hutong judgement list`, then undo.",
        ),
    )


def _connected(connection: Connection, library: str, start: Claim, besides: UUID | None) -> set[tuple[str, str]]:
    """(form, name) of all that is judged the same, in however many steps."""
    found, new = set(), {(start.form, start.name)}
    while new:
        found |= new
        new = {(row.other_form, row.other_name) for row in _of(connection, library, Verdict.same, new, besides)} - found
    return found


def _of(
    connection: Connection, library: str, verdict: Verdict, claims: Iterable[tuple[str, str]], besides: UUID | None
) -> Any:
    forms, names = zip(*claims, strict=True)
    return connection.execute(
        text(
            "SELECT j.id, j.other_form, j.other_name FROM unnest(CAST(:forms AS text[]), CAST(:names AS text[])) AS c (form, name) "
            "JOIN libraries.judgement j ON j.form = c.form AND j.name = c.name WHERE j.library = :library "
            "AND j.verdict = :verdict AND j.id IS DISTINCT FROM :besides"
        ),
        {"forms": list(forms), "names": list(names), "library": library, "verdict": verdict, "besides": besides},
    ).all()


def about(keys: Keys, library: str, one: Claim, other: Claim) -> str:
    """What decisions about a pair are said to be about, whichever is named first: nobody can turn it back."""
    one, other = sorted((one, other), key=lambda each: (each.form, each.name))
    claims = "\x1f".join((one.form, one.name, other.form, other.name))
    return f"{library}:{keys.pseudonym(claims, KIND)[1]}"


def _leave_entries(
    connection: Connection, keys: Keys, made: Decision, library: str, verdict: Verdict, both: Iterable[Claim]
) -> None:
    for each in both:
        kid, subject = keys.pseudonym(each.number)
        actor = made.actor
        entry = audit.Entry(
            id=uuid7(), at=clock.now(), kind=JUDGED, department=actor.get("department", ""), client=actor.get("client", ""),
            operator=actor.get("operator", ""), service_item="", case_no="", subject=subject, kid=kid,
            body={"library": library, "verdict": verdict.value, "decision": str(made.id), "reason": made.reason,
                  "ended": made.undoes is not None},
        )  # fmt: skip
        connection.exec_driver_sql(audit.INSERT, entry.parameters())


def _judgement(made: Decision, ended: Decision | None) -> Judgement:
    body = made.body
    return Judgement(
        made, body["library"], Verdict(body["verdict"]), Claim(**body["a"]), Claim(**body["b"]), body["score"],
        tuple(body["reasons"]), ended,
    )  # fmt: skip


__all__ = [
    "VERDICTS", "Claim", "Judgement", "Verdict", "about", "add", "claim", "ended_with", "listed", "pair", "shown", "undo",
]  # fmt: skip
