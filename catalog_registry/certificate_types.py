"""What a certificate type document may say: plain strict models; certificate_checks.py checks what they refer to.

A type names *branches* (rows of datasets about the subject), *facts* (aggregates over a branch) and ordered *outcomes*
(the first whose facts match is the answer). There are no expressions: conditions are those of schemas/conditions.py. A
type may instead be answered by another type for several persons (`each`), or say whose register would know (`authority`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from schemas.conditions import Name, Test, Where
from schemas.document import Strict
from schemas.titles import Title

Who = Literal["person", "firm", "title"]
SUBJECT = "subject"  #: whom a branch is about unless it names a declared relation


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Reach(Strict):
    """Rows of another dataset, over a declared relationship in either direction; `via` is the item on this side
    when several relationships lead there."""

    dataset: Name
    via: Name | None = None
    where: Where = Field(default_factory=dict)


class Same(Strict):
    """Only rows with the value of `item` that a row of another branch of the same dataset has."""

    branch: Name
    item: Name


class Branch(Strict):
    """Rows about the subject. They start at one of three places: `role`, rows naming somebody in one of the roles;
    `number`, rows with the asked number in one of the items, whose named party (`named`, a role) must then have the asked
    name; `of`, rows belonging to the rows of another branch.

    `who` is the declared relation whose rows these are, instead of the subject's. `via` are the joining items on this side
    when several relationships lead to the other branch; a row belonging by any of them counts.
    """

    dataset: Name
    role: tuple[Name, ...] = ()
    number: tuple[Name, ...] = ()
    named: Name | None = None
    of: Name | None = None
    via: tuple[Name, ...] = ()
    who: Name = SUBJECT
    same: Same | None = None
    where: Where = Field(default_factory=dict)
    exists: tuple[Reach, ...] = ()
    absent: tuple[Reach, ...] = ()

    _lists = field_validator("role", "number", "via", mode="before")(_several)

    @model_validator(mode="after")
    def _start(self) -> Branch:
        if bool(self.role) + bool(self.number) + (self.of is not None) != 1:
            raise ValueError(
                "a branch starts at a `role` of the subject, at its `number`, or at another branch by `of`"
            )
        if self.via and self.of is None:
            raise ValueError("`via` belongs to a branch with `of`")
        if bool(self.number) != (self.named is not None):
            raise ValueError("`number` and `named` belong together: a number alone opens no record")
        return self

    @property
    def tests(self) -> Iterator[Test]:
        """Every condition on its rows and on what they reach."""
        yield from self.where.values()
        for reach in (*self.exists, *self.absent):
            yield from reach.where.values()


AGGREGATES = ("count", "distinct", "sum", "min", "max", "values", "any")


class Fact(Strict):
    """One aggregate over a branch. With a title it is an answer field that a grant can give; without, it only decides.

    `count: true` counts rows; `distinct` counts values of the first item that is not null; `values` lists them; `any: true`
    is yes or no, and left open when only rows with an empty item could have met the condition. A field that compares with
    a parameter nobody gave is not shown.
    """

    branch: Name
    title: Title | None = None
    count: Literal[True] | None = None
    distinct: tuple[Name, ...] | None = Field(None, min_length=1)
    sum: Name | None = None
    min: Name | None = None
    max: Name | None = None
    values: Name | None = None
    any: Literal[True] | None = None
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


class Choice(Strict):
    """One thing to choose: the codes it stands for."""

    title: Title
    values: tuple[str, ...] = Field(min_length=1)


class Parameter(Strict):
    """What the asker may set. A whole number between bounds; a text, read by a value type; or one of several choices.

    Without `default` it may be left out, and no test that compares with it then narrows anything.
    """

    title: Title
    type: Literal["integer", "text", "choice"] = "integer"
    default: int | str | None = None
    minimum: int | None = None
    maximum: int | None = None
    value_type: Name = "text"
    choices: Mapping[Name, Choice] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        if self.type == "integer":
            if self.minimum is None or self.maximum is None or self.minimum > self.maximum:
                raise ValueError("a whole number has a minimum and a maximum")
            if self.default is not None and not (
                isinstance(self.default, int) and self.minimum <= self.default <= self.maximum
            ):
                raise ValueError("the default lies between minimum and maximum")
        elif self.type == "choice":
            if self.default not in self.choices:
                raise ValueError("the default is one of the choices")
        elif self.default is not None:
            raise ValueError("a text has no default")
        return self


class Relation(Strict):
    """Persons the applicant declares in one relation: how many the type needs and takes. `younger_than` in full years."""

    title: Title
    least: int = Field(0, ge=0)
    most: int = Field(1, ge=1, le=12)
    younger_than: int | None = Field(None, ge=1)


class CertificateType(Strict):
    """One certificate type, as a document says it.

    `subject` says about whom it may be asked: a person, a firm, or a title named by its holder; one of them, or a list.
    `declared` are relations whose persons the applicant declares: used by branches (`who`), or each answered by another
    type (`each`). `authority` says whose register would know what no connected one does; the type then answers
    `not_collected`.
    """

    certificate: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Title
    claim: Title
    subject: tuple[Who, ...] = Field(min_length=1)
    parameters: Mapping[Name, Parameter] = Field(default_factory=dict)
    declared: Mapping[Name, Relation] = Field(default_factory=dict)
    each: Name | None = None
    authority: Title | None = None
    branches: Mapping[Name, Branch] = Field(default_factory=dict)
    facts: Mapping[Name, Fact] = Field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()

    _subjects = field_validator("subject", mode="before")(_several)

    @model_validator(mode="after")
    def _whole(self) -> CertificateType:
        own = bool(self.branches), bool(self.facts), bool(self.outcomes)
        if any(own) and not all(own):
            raise ValueError("branches, facts and outcomes belong together")
        if all(own) + (self.each is not None) + (self.authority is not None) != 1:
            raise ValueError("a type has branches, facts and outcomes, or `each`, or `authority`")
        if self.each is not None and not self.declared:
            raise ValueError("`each` needs `declared`")
        return self

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

    def answered_by(self, other: CertificateType) -> CertificateType:
        """This type (`each`) with the branches, facts, outcomes and parameters of the type that answers it."""
        said = {name: getattr(other, name) for name in ("branches", "facts", "outcomes", "parameters")}
        return self.model_copy(update=said)
