"""Whether a question makes sense, and whether its asker may ask at all. A refusal never repeats a person's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalog_registry.certificate_types import SUBJECT
from certificates import parameters
from certificates.asker import Asker
from certificates.offered import Offer, Offered
from certificates.request import Line, Query
from certificates.subject import Subject, resolve
from core.errors import Invalid, Refused, Unauthorised
from core.text import T
from schemas.document import near

_WHO: Mapping[str, T] = {
    "person": T("自然人", "persons"),
    "firm": T("单位", "firms"),
    "title": T("不动产权利", "titles"),
}


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that makes sense. `subjects` are whom it is about, each a slot: 0 the subject, then who was declared, in
    the relation at the same place of `relations`. `parameters` by type, in the order asked; None asks what the guide asks."""

    subjects: tuple[Subject, ...]
    relations: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, int | str]] | None

    def known_as(self, asker: Asker) -> Understood:
        """The question with what registers know its subjects as besides."""
        if not any(asker.known):
            return self
        known = tuple(one.known_as(pairs) for one, pairs in zip(self.subjects, asker.known, strict=True))
        return replace(self, subjects=known)


def understand(offered: Offered, query: Query) -> Understood | Invalid:
    """The question, or why it makes no sense; the caller audits a refusal before raising it."""
    try:
        subjects = [resolve(query.subject.kind, query.subject.number, query.subject.name)]
        asked: dict[str, Mapping[str, int | str]] | None = None
        if query.certificates is not None:
            asked = {}
            for number, line in enumerate(query.certificates):
                asked[line.type] = _line(offered, line, f"/certificates/{number}", asked)
        for number, one in enumerate(query.declared):
            subjects.append(resolve(one.kind, one.number, one.name, f"/declared/{number}"))
        relations = (SUBJECT, *(one.relation for one in query.declared))
        for number, id in enumerate(asked or ()):
            _about(offered.types[id], tuple(subjects), relations, f"/certificates/{number}/type")
        return Understood(tuple(subjects), relations, asked)
    except Invalid as refusal:
        return refusal


def barred(asker: Asker, query: Query) -> Refused | None:
    """Why the asker gets no answer to whatever question, if so."""
    if not asker.in_force:
        return Unauthorised(
            T("客户端已停用。", "The client is no longer in force."),
            remedy=T("联系数据局重新登记。", "Ask the data bureau to register it again."),
            headers={"WWW-Authenticate": 'Bearer realm="hutong", error="invalid_token"'},
        )
    if not asker.service_item:
        return Invalid(
            T(f"没有事项 {query.service_item}。", f"There is no service item {query.service_item}."),
            remedy=T("GET /v1/service-items 列出全部事项。", "GET /v1/service-items lists them."),
            pointer="/service_item",
        )
    if query.certificates is None and not asker.demands:
        return Invalid(
            T(f"事项 {query.service_item} 没有登记证明。", f"The service item {query.service_item} asks for no certificate."),
            remedy=T("请在 certificates 中写明所需证明。", "Say in `certificates` what is asked."),
            pointer="/certificates",
        )  # fmt: skip
    return None


def _line(offered: Offered, line: Line, place: str, others: Mapping[str, object]) -> Mapping[str, int | str]:
    offer = offered.types.get(line.type)
    if offer is None:
        raise Invalid(
            T(f"没有证明类型 {line.type}。", f"There is no certificate type {line.type}."),
            remedy=near(line.type, offered.types), pointer=f"{place}/type",
        )  # fmt: skip
    if line.type in others:
        raise Invalid(
            T(f"{line.type} 重复。", f"{line.type} appears twice."),
            remedy=T("每种证明只问一次。", "Ask each type once."), pointer=f"{place}/type",
        )  # fmt: skip
    return parameters.understand(offer.question.type, line.parameters, place)


def _about(offer: Offer, subjects: tuple[Subject, ...], relations: tuple[str, ...], pointer: str) -> None:
    wanted = offer.question.type.subject
    if subjects[0].who not in wanted and not set(wanted) & set(relations):
        words = T("或".join(_WHO[who].zh for who in wanted), " and ".join(_WHO[who].en for who in wanted))
        raise Invalid(
            T(f"{offer.id} 只能查询{words.zh}。", f"{offer.id} is asked about {words.en} only."),
            remedy=T(f"更换证件种类，在 declared 中以 {wanted[0]} 写明，或去掉这一项。",
                     f"Change the kind of number, declare one as {wanted[0]}, or leave this line out."),
            pointer=pointer,
        )  # fmt: skip
