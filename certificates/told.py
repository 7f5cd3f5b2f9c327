"""What the window is told of a line: the answer, each declared person's, and whether the paper still has to be brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from catalog_registry.certificate_types import SUBJECT
from certificates.asker import Asker
from certificates.checks import Understood
from certificates.line import REASONS, Found, answered, unknown
from certificates.plan import Asked
from core.text import T

#: one word per state of a material, everywhere
MATERIAL: Mapping[str, T] = {
    "waived": T("免提交", "need not be handed in"),
    "declare": T("可承诺", "a written promise will do"),
    "submit": T("需提交", "to be handed in"),
}
_OWN = T("本人", "the applicant")
_UNVERIFIED = T("成员由申请人申报，关系未经核验", "members are as the applicant declares; who belongs is not verified")


def told(asked: Asked, question: Understood, found: Found, asker: Asker, zone: ZoneInfo) -> dict[str, Any]:
    """One line, granted or not."""
    line = _answer(asked, question, found, asker, zone)
    return line | {"material": _material(line, asked)}


def _answer(asked: Asked, question: Understood, found: Found, asker: Asker, zone: ZoneInfo) -> dict[str, Any]:
    offer = asked.offer
    if offer is None:
        return unknown(asked.type, T(asked.type, asked.type), ["not_collected"])
    made = offer.question.type
    if asked.type not in asker.fields:
        return unknown(asked.type, made.title.text, ["no_grant"])
    if not asked.parts:
        return unknown(asked.type, made.title.text, ["not_declared"])
    line = answered(asked, asked.parts[0], found, asker.freshness, asker.fields[asked.type], zone)
    if made.each is None:
        return line
    members = []
    for part in asked.parts[1:]:
        (slot,) = part.slots
        relation = question.relations[slot]
        said = answered(asked, part, found, asker.freshness, (), zone)
        title = _OWN if relation == SUBJECT else made.declared[relation].title.text
        members.append(
            {
                "relation": relation, "relation_label": title.zh, "relation_label_en": title.en,
                "number": question.subjects[slot].masked_number, "name": question.subjects[slot].masked_name,
                **{name: said[name] for name in _OF_A_MEMBER},
            }
        )  # fmt: skip
    membership = {
        "code": "not_collected",
        "label": REASONS["not_collected"].zh,
        "label_en": REASONS["not_collected"].en,
    }
    return line | {
        "members": members,
        "membership": {
            "state": "unknown",
            "reasons": [membership],
            "label": _UNVERIFIED.zh,
            "label_en": _UNVERIFIED.en,
        },
    }


_OF_A_MEMBER = ("state", "state_label", "state_label_en", "proved", "outcome", "label", "label_en", "reasons")


def _material(line: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """The paper a line stands for. Waived only when the claim is proved: a clerk who is handed a valid paper goes by the
    paper. Where the answer rests on whom the applicant declared, or cannot be given and the guide allows it, a promise does.
    """
    demand = asked.demand
    if line["proved"]:
        state = "declare" if "membership" in line else "waived"
    else:
        state = "declare" if line["proved"] is None and demand is not None and demand.declarable else "submit"
    return {
        "name": (demand.material if demand else "") or line["title"], "state": state,
        "label": MATERIAL[state].zh, "label_en": MATERIAL[state].en,
    }  # fmt: skip
