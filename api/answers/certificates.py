"""Answers about certificates, tokens and the service itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.answers import Labelled, Named, Told, Words


class Token(Told):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class TokenRefused(Told):
    """RFC 6749 §5.2, with the Chinese beside the description."""

    error: Literal["invalid_request", "unsupported_grant_type", "invalid_client", "temporarily_unavailable"]
    error_description: str
    error_description_zh: str


class Alive(Told):
    """The process runs."""

    status: Literal["ok"]


class Readiness(Told):
    """What is needed to answer, and whether it is there."""

    status: Literal["ok", "not_ready"]
    database: Literal["ok", "down"]
    publication: int


class PublicKey(Told):
    """RFC 8037: an Ed25519 key."""

    kty: str
    crv: str
    x: str
    kid: str


class PublicKeys(Told):
    """RFC 7517 §5."""

    keys: list[PublicKey]


class Masked(Told):
    """Whom the question was about: masked, with the asking department's own pseudonym."""

    kind: str
    number: str
    name: str
    ref: str


class MaskedDeclared(Masked):
    """Whom the applicant declared."""

    relation: str


class Covered(Told):
    """The divisions and the day since which none found may be said."""

    divisions: list[str]
    since: str | None


class UsedSource(Told):
    """A dataset that a line rests on, and how fresh it is."""

    dataset: str
    title: str
    title_en: str
    department: Named
    as_of: str | None
    freshness: str
    freshness_label: str
    freshness_label_en: str
    covers: Covered


class Answered(Told):
    """What the records say, what that proves, and why it cannot be said."""

    state: Literal["held", "not_held", "unknown"]
    state_label: str
    state_label_en: str
    proved: bool | None
    outcome: str | None
    label: str
    label_en: str
    reasons: list[Labelled]


class Member(Answered):
    """One of several persons that a line is about."""

    relation: str
    relation_label: str
    relation_label_en: str
    number: str
    name: str


class Membership(Told):
    """Who belongs is as declared."""

    state: Literal["unknown"]
    reasons: list[Labelled]
    label: str
    label_en: str


class AnswerField(Told):
    """A granted field of a record."""

    title: str
    title_en: str
    value: Any


class Material(Told):
    """Whether the paper is still to be brought."""

    name: str
    state: Literal["waived", "declare", "submit"]
    label: str
    label_en: str


class AnswerLine(Answered):
    """The answer to one certificate type."""

    type: str
    title: str
    title_en: str
    proved_label: str
    proved_label_en: str
    as_of: str | None
    sources: list[UsedSource]
    fields: dict[str, AnswerField]
    material: Material
    members: list[Member] = Field(default_factory=list)
    membership: Membership | None = None


class Of(Told):
    """The service item of a question."""

    id: str
    name: str


class AskedBasis(Told):
    """Why the department may ask."""

    kind: str
    reference: str


class Receipt(Told):
    """The answers to a question in the guide's order; `receipt` signs all of it (RFC 7515 over RFC 8785)."""

    id: str
    at: str
    department: Named
    client: str
    operator: str
    service_item: Of
    case_no: str
    basis: AskedBasis
    subject: Masked
    declared: list[MaskedDeclared]
    answers: list[AnswerLine]
    receipt: str


class Declarable(Told):
    """Persons the applicant declares."""

    title: str
    title_en: str
    least: int
    most: int
    younger_than: int | None


class TitleOnly(Told):
    """Words in both languages."""

    title: str
    title_en: str


class TypeParameter(TitleOnly):
    """What the asker may set."""

    type: Literal["integer", "text", "choice"]
    default: int | str | None
    minimum: int | None = None
    maximum: int | None = None
    value_type: str | None = None
    choices: dict[str, TitleOnly] | None = None


class Outcome(Told):
    """An answer that a type may give."""

    code: str
    label: str
    label_en: str
    state: Literal["held", "not_held", "unknown"]
    proved: bool | None


class CertificateType(Told):
    """A question that can be asked."""

    type: str
    title: str
    title_en: str
    claim: str
    claim_en: str
    version: str
    subject: str
    subjects: list[str]
    authority: Words | None
    each: str | None
    declared: dict[str, Declarable]
    parameters: dict[str, TypeParameter]
    fields: dict[str, TitleOnly]
    outcomes: list[Outcome]
    datasets: list[str]


class CertificateTypes(Told):
    """The types in force."""

    types: list[CertificateType]
