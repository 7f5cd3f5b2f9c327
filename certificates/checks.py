"""Whether a question makes sense, and whether its asker may ask at all. A refusal never repeats a person's number."""

from __future__ import annotations

from dataclasses import dataclass

from certificates.asker import Asker
from certificates.offered import Offer, Offered
from certificates.request import Line, Query
from certificates.subject import Subject, resolve
from core.errors import Invalid, Refused, Unauthorised
from core.text import T
from schemas.document import near


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that makes sense: what is asked, in the order asked, about whom."""

    offers: tuple[Offer, ...]
    subject: Subject


def understand(offered: Offered, query: Query) -> Understood | Invalid:
    """The question, or why it makes no sense; the caller audits a refusal before raising it."""
    try:
        offers: list[Offer] = []
        for number, line in enumerate(query.certificates):
            offers.append(_offer(offered, line, f"/certificates/{number}", offers))
        subject = resolve(query.subject.kind, query.subject.number, query.subject.name)
        for number, offer in enumerate(offers):
            _about(offer, subject, f"/certificates/{number}/type")
        return Understood(tuple(offers), subject)
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
    return None


def _offer(offered: Offered, line: Line, place: str, others: list[Offer]) -> Offer:
    offer = offered.types.get(line.type)
    if offer is None:
        raise Invalid(
            T(f"没有证明类型 {line.type}。", f"There is no certificate type {line.type}."),
            remedy=near(line.type, offered.types), pointer=f"{place}/type",
        )  # fmt: skip
    if offer in others:
        raise Invalid(
            T(f"{line.type} 重复。", f"{line.type} appears twice."),
            remedy=T("每种证明只问一次。", "Ask each type once."), pointer=f"{place}/type",
        )  # fmt: skip
    known = offer.question.type.parameters
    for name, value in line.parameters.items():
        if name not in known:
            raise Invalid(
                T(f"{line.type} 没有参数 {name}。", f"{line.type} has no parameter {name}."),
                remedy=near(name, known), pointer=f"{place}/parameters/{name}",
            )  # fmt: skip
        if not known[name].minimum <= value <= known[name].maximum:
            raise Invalid(
                T(f"参数 {name} 超出范围。", f"The parameter {name} is out of range."),
                remedy=T(f"应为 {known[name].minimum} 至 {known[name].maximum}。",
                         f"It lies between {known[name].minimum} and {known[name].maximum}."),
                pointer=f"{place}/parameters/{name}",
            )  # fmt: skip
    return offer


def _about(offer: Offer, subject: Subject, pointer: str) -> None:
    if offer.question.type.subject != subject.who:
        words = {"person": T("自然人", "persons"), "firm": T("单位", "firms")}[offer.question.type.subject]
        raise Invalid(
            T(f"{offer.id} 只能查询{words.zh}。", f"{offer.id} is asked about {words.en} only."),
            remedy=T("更换证件种类，或去掉这一项。", "Change the kind of number, or leave this line out."),
            pointer=pointer,
        )
