"""What a certificate type document may say: plain strict models; certificate_checks.py checks what they refer to.

A type names *branches* (rows of datasets about the subject), *facts* (aggregates over a branch) and ordered *outcomes*
(the first whose facts match is the answer). There are no expressions: a test is a small mapping, the same for rows and
for facts, and everything it may compare with is a literal, `today`, `this_month` or a `$parameter`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from core.text import T
from schemas.document import Strict

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scalar = bool | int | float | str
#: `today`, `this_month`, `$name`, or one of the first two less a number or parameter of days, months or years
OPERAND = re.compile(
    r"(?P<base>today|this_month)(?: - (?P<amount>\d{1,4}|\$[a-z][a-z0-9_]*) (?P<unit>days|months|years))?"
    r"|\$(?P<parameter>[a-z][a-z0-9_]*)"
)


class Title(Strict):
    """Text people read, in both languages; a plain string in the document is Chinese for both."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    @property
    def text(self) -> T:
        """The pair."""
        return T(self.zh, self.en)


class Test(Strict):
    """What a value must be; everything given must hold. A list stands for `in`, null for `empty: true`."""

    in_: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1)
    not_in: tuple[Scalar, ...] | None = Field(None, min_length=1)
    empty: bool | None = None
    above: Scalar | None = None
    at_least: Scalar | None = None
    below: Scalar | None = None
    at_most: Scalar | None = None
    or_null: bool = False

    @model_validator(mode="after")
    def _something(self) -> Test:
        if not self.model_fields_set - {"or_null"}:
            raise ValueError("a test compares with something")
        return self


def _test(value: Any) -> Any:
    if value is None:
        return {"empty": True}
    if isinstance(value, list | tuple):
        return {"in": list(value)}
    return value if isinstance(value, dict | Test) else {"in": [value]}


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Where = Mapping[Name, Annotated[Test, BeforeValidator(_test)]]


class Reach(Strict):
    """Rows of another dataset, over a declared relationship in either direction; `via` is the item on this side
    when several relationships lead there."""

    dataset: Name
    via: Name | None = None
    where: Where = Field(default_factory=dict)


class Branch(Strict):
    """Rows about the subject: those naming them in one of the roles, or those belonging to the rows of another branch
    (`of`)."""

    dataset: Name
    role: tuple[Name, ...] = ()
    of: Name | None = None
    via: Name | None = None
    where: Where = Field(default_factory=dict)
    exists: tuple[Reach, ...] = ()
    absent: tuple[Reach, ...] = ()

    _roles = field_validator("role", mode="before")(_several)

    @model_validator(mode="after")
    def _start(self) -> Branch:
        if bool(self.role) == (self.of is not None):
            raise ValueError("a branch starts at a role of the subject, or at another branch by `of`")
        if self.via is not None and self.of is None:
            raise ValueError("`via` belongs to a branch with `of`")
        return self


AGGREGATES = ("count", "distinct", "sum", "min", "max", "values")


class Fact(Strict):
    """One aggregate over a branch. With a title it is an answer field that a grant can give; without, it only decides.

    `count: true` counts rows; `distinct` counts values of the first item that is not null; `values` lists them.
    """

    branch: Name
    title: Title | None = None
    count: Literal[True] | None = None
    distinct: tuple[Name, ...] | None = Field(None, min_length=1)
    sum: Name | None = None
    min: Name | None = None
    max: Name | None = None
    values: Name | None = None
    where: Where = Field(default_factory=dict)

    _one = field_validator("distinct", mode="before")(_several)

    @model_validator(mode="after")
    def _exactly_one(self) -> Fact:
        if sum(getattr(self, name) is not None for name in AGGREGATES) != 1:
            raise ValueError(f"a fact is exactly one of {', '.join(AGGREGATES)}")
        return self

    @property
    def aggregate(self) -> str:
        """Which of `AGGREGATES` it is."""
        return next(name for name in AGGREGATES if getattr(self, name) is not None)

    @property
    def items(self) -> tuple[str, ...]:
        """The items it reads."""
        value = getattr(self, self.aggregate)
        return () if value is True else value if isinstance(value, tuple) else (value,)


class Outcome(Strict):
    """One possible answer. `state` speaks of records, `proved` of the certificate's claim.

    `needs_complete`: may only be said when every dataset read is fresh and covering and no waiting record could be the
    subject's; always so for `not_held`. `reason` says why an outcome is `unknown`. A label may hold `{parameter}`.
    """

    code: Name
    label: Title
    when: Where = Field(default_factory=dict)
    state: Literal["held", "not_held", "unknown"]
    proved: bool | None
    needs_complete: bool = False
    reason: Literal["not_collected", "disputed"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_held(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("state") == "not_held":
            return {"needs_complete": True, **value}
        return value

    @model_validator(mode="after")
    def _honest(self) -> Outcome:
        if self.state == "not_held" and not self.needs_complete:
            raise ValueError("not_held always needs complete sources")
        if self.state == "unknown" and self.proved is not None:
            raise ValueError("unknown proves nothing: proved is null")
        if (self.state == "unknown") != (self.reason is not None):
            raise ValueError("an unknown outcome, and only that, has a reason")
        return self


class Parameter(Strict):
    """A whole number the asker may set."""

    title: Title
    type: Literal["integer"] = "integer"
    default: int
    minimum: int
    maximum: int

    @model_validator(mode="after")
    def _range(self) -> Parameter:
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError("the default lies between minimum and maximum")
        return self


class CertificateType(Strict):
    """One certificate type, as a document says it."""

    certificate: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Title
    claim: Title
    subject: Literal["person", "firm"]
    parameters: Mapping[Name, Parameter] = {}
    branches: Mapping[Name, Branch] = Field(min_length=1)
    facts: Mapping[Name, Fact] = Field(min_length=1)
    outcomes: tuple[Outcome, ...] = Field(min_length=1)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset the type reads, in the order first named."""
        found: dict[str, None] = {}
        for branch in self.branches.values():
            found[branch.dataset] = None
            for reach in (*branch.exists, *branch.absent):
                found[reach.dataset] = None
        return tuple(found)

    @property
    def fields(self) -> dict[str, Title]:
        """The answer fields a grant may give, with their titles."""
        return {name: fact.title for name, fact in self.facts.items() if fact.title is not None}
