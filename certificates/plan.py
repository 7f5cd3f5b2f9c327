"""Which lines a question has, in the guide's order, and whom each is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from catalog_registry.certificate_types import SUBJECT, Relation
from catalog_registry.service_items import Demand
from certificates.checks import Understood
from certificates.offered import Offer, Offered, Part
from certificates.parameters import understand
from core.errors import Invalid
from core.text import T
from schemas.document import near


@dataclass(frozen=True, slots=True)
class Asked:
    """One line: a type, its parameters and what the guide says of it. `parts` are its rows in the statement, the line's own
    first, then one for each person where another type answers each; none when somebody it needs was not declared.
    `offer` is None for a type the guide asks for and nobody has published."""

    type: str
    offer: Offer | None
    demand: Demand | None
    parameters: Mapping[str, int | str]
    parts: tuple[Part, ...]


def lines(offered: Offered, question: Understood, demands: tuple[Demand, ...], today: date) -> list[Asked]:
    """The lines of a question: all that the guide asks for, or those asked. Raises Invalid for a declared person that no
    line takes, or that cannot be what is declared."""
    guide = {demand.type: demand for demand in demands}
    given = question.parameters
    order = list(guide) if given is None else [*(t for t in guide if t in given), *(t for t in given if t not in guide)]
    asked = [_asked(offered, question, type, guide.get(type)) for type in order]
    _declared(question, [line.offer for line in asked if line.offer], today)
    return asked


def _asked(offered: Offered, question: Understood, type: str, demand: Demand | None) -> Asked:
    offer = offered.types.get(type)
    if offer is None:
        return Asked(type, None, demand, {}, ())
    made = offer.question.type
    given = dict(understand(made, demand.parameters if demand else {}, "/service_item"))
    given |= (question.parameters or {}).get(type, {})
    return Asked(type, offer, demand, given, _parts(offer, question))


def _parts(offer: Offer, question: Understood) -> tuple[Part, ...]:
    made = offer.question.type
    first = _main(question, made.subject)
    if first is None:
        return ()
    others = {name: _slots(question, name) for name in made.declared}
    if any(len(others[name]) < relation.least for name, relation in made.declared.items()):
        return ()
    if made.each is None:
        who = ((SUBJECT, (first,)), *((name, slots) for name, slots in others.items()))
        return (Part(offer.id, offer.id, who),)
    everybody = (first, *(slot for slots in others.values() for slot in slots))
    return (
        Part(offer.id, offer.id, ((SUBJECT, everybody),)),
        *(Part(f"{offer.id}@{slot}", offer.id, ((SUBJECT, (slot,)),)) for slot in everybody),
    )


def _main(question: Understood, wanted: tuple[str, ...]) -> int | None:
    """Whom the line is about: the subject, else the one declared as what the type is about."""
    if question.subjects[0].who in wanted:
        return 0
    return next((slot for who in wanted for slot in _slots(question, who)), None)


def _slots(question: Understood, relation: str) -> tuple[int, ...]:
    return tuple(slot for slot, name in enumerate(question.relations) if name == relation)


def _declared(question: Understood, offers: list[Offer], today: date) -> None:
    """Every declared person is taken by a line, in a number and at an age that fit the relation."""
    known: dict[str, Relation | None] = {}
    for offer in offers:
        made = offer.question.type
        if question.subjects[0].who not in made.subject:
            known |= {who: known.get(who) for who in made.subject}
        known |= made.declared
    for slot, name in enumerate(question.relations[1:], start=1):
        place = f"/declared/{slot - 1}"
        if name not in known:
            raise Invalid(
                T(f"没有一项证明需要申报 {name}。", f"No certificate asked takes a declared {name}."),
                remedy=near(name, known), pointer=f"{place}/relation",
            )  # fmt: skip
        relation, wanted = known[name], name if known[name] is None else "person"
        subject = question.subjects[slot]
        if subject.who != wanted:
            raise Invalid(
                T("证件种类与申报关系不符。", "The kind of number does not fit the relation."),
                remedy=T(f"{name} 须是 {wanted}。", f"{name} is a {wanted}."), pointer=f"{place}/kind",
            )  # fmt: skip
        if len(_slots(question, name)) > (relation.most if relation else 1):
            raise Invalid(T(f"{name} 申报过多。", f"Too many are declared as {name}."), pointer=f"{place}/relation")
        if relation and relation.younger_than and (born := subject.born) and _age(born, today) >= relation.younger_than:
            raise Invalid(
                T(f"{name} 须未满 {relation.younger_than} 周岁。", f"{name} is younger than {relation.younger_than}."),
                remedy=T("核对证件与关系。", "Check the number and the relation."), pointer=f"{place}/number",
            )  # fmt: skip
        if any(subject.is_also(other) for other in question.subjects[:slot]):
            raise Invalid(
                T("同一主体申报了两次。", "The same person is named twice."),
                remedy=T("申请人本人不必申报，每人只申报一次。", "The applicant is not declared, anybody else once."),
                pointer=f"{place}/number",
            )


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
