"""The subject of a question: the number in every form records may hold it, and names compared after standardising."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from core.errors import Invalid
from core.text import T
from schemas.document import near
from schemas.types import Options, ValueType, get

#: kind of number in a request → (the subject of certificate types, value type that judges it, code of identity_kind)
KINDS: Mapping[str, tuple[str, str, str]] = {
    "identity_card": ("person", "citizen_no", "identity_card"),
    "hk_macao_permit": ("person", "identity_no", "hk_macao_permit"),
    "taiwan_permit": ("person", "identity_no", "taiwan_permit"),
    "passport": ("person", "identity_no", "passport"),
    "permanent_residence": ("person", "identity_no", "permanent_residence"),
    "officer_card": ("person", "identity_no", "officer_card"),
    "credit_code": ("firm", "credit_code", "business_licence"),
}
#: kinds that stay for life, and what their numbers look like in records
_LASTING = {
    "identity_card": "^([0-9]{15}|[0-9]{17}[0-9X])$",
    "credit_code": "^([0-9A-Z]{9}|[0-9A-Z]{18})$",
}
_PLAIN = re.compile("[\u4e00-\u9fa5]+")
_NAMES = {"person": "person_name", "firm": "organisation_name"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A resolved subject. `forms` begins with the standard number; `form` is the pattern of numbers that can be compared
    with it, empty for a kind that is reissued; `names` are the ways records may write the name; `masked` is for receipts."""

    kind: str
    who: str
    number: str
    forms: list[str]
    form: str
    name: str
    names: list[str]
    masked_number: str
    masked_name: str

    def is_named(self, name: str) -> bool:
        """Whether a record's name is this subject's name."""
        return name in self.names or standard_name(self.who, name) == self.name


def resolve(kind: str, number: str, name: str) -> Subject:
    """A subject from a request. Raises Invalid, which never repeats the number."""
    if kind not in KINDS:
        raise Invalid(
            T(f"不支持证件种类 {kind}。", f"The kind of number {kind} is not supported."),
            remedy=near(kind, KINDS), pointer="/subject/kind",
        )  # fmt: skip
    who, type_name, identity_kind = KINDS[kind]
    number_type = get(type_name)
    options = Options(kinds=pa.array([identity_kind])) if type_name == "identity_no" else Options()
    values, parsed = number_type.standardise(pa.array([number], pa.string()), options)
    judged = parsed | number_type.judge(values, options)
    standard = values[0].as_py()
    wrong = [
        rule
        for bit, rule in enumerate(number_type.rules)
        if judged[0] & np.uint32(1 << bit) and rule.severity == "error"
    ]
    if wrong or standard is None or "*" in standard:
        raise Invalid(
            wrong[0].message if wrong else T("证件号码无法识别。", "The number cannot be read."),
            remedy=T("核对证件后重新填写号码与证件种类。", "Check the number and its kind against the document."),
            pointer="/subject/number",
        )
    named = standard_name(who, name)
    return Subject(
        kind=kind, who=who, number=standard, forms=_forms(kind, standard),
        form=_LASTING.get(kind, ""), name=named, names=_names(who, named, name), masked_number=_mask(number_type, standard),
        masked_name=_masked_name(who, named),
    )  # fmt: skip


@lru_cache(maxsize=8192)
def standard_name(who: str, name: str) -> str:
    """A person's or a firm's name as records hold it; what cannot be standardised stays as written."""
    if _PLAIN.fullmatch(name):
        return name  # nothing to unify in plain hanzi
    values, _ = get(_NAMES[who]).standardise(pa.array([name], pa.string()), Options())
    standard = values[0].as_py()
    return standard if standard is not None else name


@lru_cache(maxsize=8192)
def _masked_name(who: str, name: str) -> str:
    return _mask(get(_NAMES[who]), name)


def _forms(kind: str, number: str) -> list[str]:
    """The number, and the shorter forms that older records hold: 15 digits of a person born in 19xx (before the check
    character and the century), the nine characters of a firm's organisation code."""
    if kind == "identity_card" and len(number) == 18 and number[6:8] == "19":
        return [number, number[:6] + number[8:17]]
    if kind == "credit_code":
        return [number, number[8:17]]
    return [number]


def _names(who: str, named: str, name: str) -> list[str]:
    """The standard name, the name as asked, and what items that are no name by type may hold: half-width brackets in a
    firm's, a blank between the two characters of a person's."""
    if who == "firm":
        others = [named.replace("（", "(").replace("）", ")")]
    else:
        others = [f"{named[0]}{blank}{named[1]}" for blank in " \u3000"] if len(named) == 2 else []
    return list(dict.fromkeys([named, name, *others]))


def _mask(kind: ValueType, value: str) -> str:
    return kind.mask(pa.array([value], pa.string()), "clerk")[0].as_py() or "***"
