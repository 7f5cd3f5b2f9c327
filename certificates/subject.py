"""The subject of a question: the number in every form records may hold it, and names compared after standardising."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import pyarrow as pa

from certificates.candidates import Traits
from core.errors import Invalid
from core.text import T
from libraries import naming
from schemas.document import near
from schemas.types import Options, ValueType, get
from schemas.types.base import One

#: kind of number in a request → (the subject of certificate types, value type that judges it, code of identity_kind)
KINDS: Mapping[str, tuple[str, str, str]] = {
    "identity_card": ("person", "citizen_no", "identity_card"),
    "hk_macao_permit": ("person", "identity_no", "hk_macao_permit"),
    "taiwan_permit": ("person", "identity_no", "taiwan_permit"),
    "passport": ("person", "identity_no", "passport"),
    "permanent_residence": ("person", "identity_no", "permanent_residence"),
    "officer_card": ("person", "identity_no", "officer_card"),
    "credit_code": ("firm", "credit_code", "business_licence"),
    "organisation_code": ("firm", "organisation_no", "organisation_code"),
    "registration_no": ("firm", "organisation_no", "business_licence"),
    "title_certificate": ("title", "title_certificate_no", ""),
    "real_estate_unit": ("title", "real_estate_unit", ""),
}
#: characters of those kinds that one value type judges by length (DOMAIN: GB 11714, GS 15)
_LENGTHS = {"organisation_code": 9, "registration_no": 15}
#: the nine characters of an organisation code, alone or inside a credit code (GB 32100)
_ORGANISATION = "[0-9A-Z]{9}|[0-9A-Z]{18}"
#: kinds that stay for life, and what their numbers look like in records
_LASTING = {
    "identity_card": "[0-9]{15}|[0-9]{17}[0-9X]",
    "credit_code": _ORGANISATION,
    "organisation_code": _ORGANISATION,
    "registration_no": "[0-9]{15}",
}
#: a number and a name in one text: the separator is in neither
APART = "{}\x1f{}"
_PLAIN = re.compile("[\u4e00-\u9fa5]+")
#: value types of the names a subject may have; a title's holder may be either
_NAMES = {"person": ("person_name",), "firm": ("organisation_name",), "title": ("person_name", "organisation_name")}


@dataclass(frozen=True, slots=True)
class Subject:
    """A resolved subject. `forms` begins with the standard number; `form` is the pattern of numbers that can be compared
    with them, empty for a kind that is reissued; `names` are the ways records may write the names; `masked` is for receipts;
    `apart` are claims (`APART.format`) judged to be somebody else's: not even candidates; `strangers` have one of the numbers with
    one of the names, and nobody says that they are the subject's; `contradicted` when what is judged of it contradicts registers.
    A subject of kind `title` is a title, named by its holder."""

    kind: str
    who: str
    number: str
    forms: list[str]
    form: str
    name: str
    names: list[str]
    masked_number: str
    masked_name: str
    apart: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    contradicted: bool = False

    def is_named(self, name: str) -> bool:
        """Whether a record's name is this subject's name."""
        return name in self.names or standard_name(self.who, name) in self.names

    def is_also(self, other: Subject) -> bool:
        """Whether both are one, by whatever numbers and names are known of them. Two persons can share a number."""
        if APART.format(other.number, other.name) in {*self.apart, *self.strangers}:
            return False
        return not (set(self.forms).isdisjoint(other.forms) or set(self.names).isdisjoint(other.names))

    @property
    def traits(self) -> Traits:
        """What a statement about it must know beforehand."""
        return Traits(bool(self.form), self.kind == "organisation_code", bool(self.apart or self.strangers))

    @property
    def born(self) -> date | None:
        """The date of birth in an identity card's number (GB 11643 clause 4.2)."""
        return date.fromisoformat(self.number[6:14]) if self.kind == "identity_card" else None

    @property
    def organisation(self) -> list[str]:
        """The organisation code asked by, when the credit code that contains it is not known yet."""
        return [self.number] if self.kind == "organisation_code" else []

    def known_as(self, said: Iterable[tuple[str, str, str | None]]) -> Subject:
        """The subject with what else registers and judgements know it as: the rows of `libraries.also_known`."""
        forms, names, kinds = list(self.forms), list(self.names), {_LASTING.get(self.kind, "")}
        others: dict[str, set[str]] = {"apart": set(), "stranger": set()}
        contradicted = False
        for what, value, named in said:
            if what in others:
                others[what] |= self._written(value, str(named))
                continue
            if what == "contradicted":
                contradicted = True
                continue
            if what == "name":
                names += _names(self.who, standard_name(self.who, value), value)
                continue
            kind = _kind(self.who, value)
            forms += _forms(kind, value)
            kinds.add(_LASTING.get(kind, ""))
        return replace(
            self, forms=list(dict.fromkeys(forms)), names=list(dict.fromkeys(names)), form=_pattern(self.kind, kinds),
            apart=tuple(sorted(others["apart"])), strangers=tuple(sorted(others["stranger"])), contradicted=contradicted,
        )  # fmt: skip

    def _written(self, number: str, name: str) -> set[str]:
        """A claim in every way that records may write it."""
        return {
            APART.format(form, called)
            for form in _forms(_kind(self.who, number), number)
            for called in _names(self.who, standard_name(self.who, name), name)
        }


def resolve(kind: str, number: str, name: str, place: str = "/subject") -> Subject:
    """A subject from a request. Raises Invalid at a place under `place`; it never repeats the number."""
    if kind not in KINDS:
        raise Invalid(
            T(f"不支持证件种类 {kind}。", f"The kind of number {kind} is not supported."),
            remedy=near(kind, KINDS), pointer=f"{place}/kind",
        )  # fmt: skip
    who = KINDS[kind][0]
    number_type, (standard, reasons, masked) = _judged(kind, number)
    wrong = [rule for bit, rule in enumerate(number_type.rules) if reasons >> bit & 1 and rule.severity == "error"]
    if wrong or standard is None or "*" in standard or len(standard) != _LENGTHS.get(kind, len(standard)):
        raise Invalid(
            T(f"{wrong[0].message.zh}。", f"{wrong[0].message.en}.")
            if wrong
            else T("证件号码无法识别。", "The number cannot be read."),
            remedy=T("核对证件后重新填写号码与证件种类。", "Check the number and its kind against the document."),
            pointer=f"{place}/number",
        )
    named = standard_name(who, name)
    return Subject(
        kind=kind, who=who, number=standard, forms=_forms(kind, standard),
        form=_pattern(kind, {_LASTING.get(kind, "")}), name=named, names=_names(who, named, name),
        masked_number=masked or "***",
        masked_name=_masked_name(who, named),
    )  # fmt: skip


def spellings(kind: str, number: str) -> list[str]:
    """A number that `resolve` refuses, in every form the audit log may have it in: as records that name it hold it, as far as its
    kind can read it, and as written (a question refused for it)."""
    return list(dict.fromkeys(filter(None, [naming.standard(number), _judged(kind, number)[1].standard, number])))


def _judged(kind: str, number: str) -> tuple[ValueType, One]:
    _, type_name, identity_kind = KINDS[kind]
    number_type = get(type_name)
    options = Options(kinds=pa.array([identity_kind])) if type_name == "identity_no" else Options()
    return number_type, number_type.one(number, options, "clerk")


@lru_cache(maxsize=8192)
def standard_name(who: str, name: str) -> str:
    """A person's or a firm's name as records hold it; what cannot be standardised stays as written."""
    if _PLAIN.fullmatch(name):
        return name  # nothing to unify in plain hanzi
    values, _ = get(_NAMES[who][0]).standardise(pa.array([name], pa.string()), Options())
    standard = values[0].as_py()
    return standard if standard is not None else name


@lru_cache(maxsize=8192)
def _masked_name(who: str, name: str) -> str:
    return _mask(get(_NAMES[who][0]), name)


def _forms(kind: str, number: str) -> list[str]:
    """The number, and the shorter forms that older records hold: 15 digits of a person born in 19xx (before the check
    character and the century), the nine characters of a firm's organisation code."""
    if kind == "identity_card" and len(number) == 18 and number[6:8] == "19":
        return [number, number[:6] + number[8:17]]
    if kind == "credit_code":
        return [number, number[8:17]]
    return [number]


def _kind(who: str, number: str) -> str:
    """The kind of another number of a subject, as far as it matters for comparing numbers."""
    if who == "firm":
        return {18: "credit_code", 15: "registration_no"}.get(len(number), "organisation_code")
    return "identity_card" if re.fullmatch("[1-8][0-9]{16}[0-9X]|[0-9]{15}", number) else ""


def _pattern(kind: str, forms: Iterable[str]) -> str:
    """Numbers of the kinds known, whole; empty when asked by a kind that is reissued: its holder may have any other."""
    known = sorted({form for form in forms if form})
    return f"^({'|'.join(known)})$" if known and kind in _LASTING else ""


def _names(who: str, named: str, name: str) -> list[str]:
    """The standard name, the name as asked, and what items that are no name by type may hold: half-width brackets in a
    firm's, a blank between the two characters of a person's."""
    others = []
    if who != "person":
        others += [named.replace("（", "(").replace("）", ")")]
    if who != "firm" and len(named) == 2:
        others += [f"{named[0]}{blank}{named[1]}" for blank in " \u3000"]
    if who == "title":
        others += [standard_name("firm", name)]
    return list(dict.fromkeys([named, name, *others]))


def _mask(kind: ValueType, value: str) -> str:
    return kind.mask(pa.array([value], pa.string()), "clerk")[0].as_py() or "***"
