"""What a compiled contract is made of. Plain values: no loading, no checking, no deriving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from core.text import T
from schemas.codes import division_names, lists
from schemas.document import Strict
from schemas.types import Options, ValueType

Severity = Literal["error", "warning"]
SEVERITIES: Mapping[str, T] = {"error": T("错误", "error"), "warning": T("提示", "warning")}
Dimension = Literal["conformity", "completeness", "accuracy", "consistency", "timeliness"]
# ODCS dimension → GB/T 36344-2018 (规范性 完整性 准确性 一致性 时效性); its sixth, 可访问性, is the exchange's own to measure.
DIMENSIONS: Mapping[str, Dimension] = {
    "conformity": "conformity",
    "completeness": "completeness",
    "coverage": "completeness",
    "accuracy": "accuracy",
    "consistency": "consistency",
    "uniqueness": "consistency",
    "timeliness": "timeliness",
}
PERSONAL = frozenset({"personal", "sensitive"})


@dataclass(frozen=True)
class Item:
    """One item of a dataset. `options` holds what the contract says; the pipeline adds what a batch knows
    (mapping, kinds, today, time zone). `enum` maps each closed-list value to its label."""

    name: str
    title: str
    type: ValueType
    options: Options
    required: bool
    key: bool
    classification: str
    enum: Mapping[str, T]
    code_list: str | None
    kind_item: str | None
    separator: str | None
    pair: str | None
    share_type: int | None
    description: str

    def label(self, value: str) -> T | None:
        """What a code of the item means; None for what is no code."""
        if self.enum:
            return self.enum.get(value)
        if self.type.name == "division":
            return division_names.full(value)
        return lists(self.code_list).values.get(value) if self.code_list else None

    @property
    def personal(self) -> bool:
        """Whether the item is about a person, and so is masked wherever it is shown in bulk."""
        return self.classification in PERSONAL


class Subject(Strict):
    """Who or what a row is about: the item that holds the number (`otherwise` the one that holds it where that is empty),
    and the one that holds the name. A cell naming several is cut at `separator`; `pair` cuts each part into name and
    number. `kind: license` says that the number is that of a licence, whatever else it is the number of."""

    role: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    id: str
    otherwise: str | None = None
    name: str | None = None
    separator: str | None = None
    pair: str | None = None
    kind: Literal["license"] | None = None

    @model_validator(mode="after")
    def _one_number(self) -> Subject:
        if self.separator is not None and (self.otherwise is not None or self.kind is not None):
            raise ValueError("a cell that names several (`separator`) has neither `otherwise` nor `kind`")
        return self


class Contribution(Strict):
    """What a row claims in a library about the subject in `role`: library attribute → item (`items`) or constant
    (`values`). `when` reads standardised values: AND across items, OR within one.

    `codes` says what an item's values are called in the library, attribute by attribute; a value not listed gives nothing.
    Of a licence, `holders` are the roles of those who hold it, and `succession` the item that a licence has in common with
    those of its type that came before and after it.

    `through` an item that leads to another dataset's record (a relationship to that dataset's key), the claim is about
    who is in `role` there, within the same source system: a row that names nobody itself may say what happened to them.
    """

    library: str
    role: str
    through: str | None = None
    when: Mapping[str, tuple[str, ...]] = {}
    items: Mapping[str, str] = {}
    values: Mapping[str, str] = {}
    codes: Mapping[str, Mapping[str, str]] = {}
    holders: tuple[str, ...] = ()
    succession: str | None = None

    @model_validator(mode="after")
    def _something(self) -> Contribution:
        if not self.items and not self.values:
            raise ValueError("it gives nothing: say `items` or `values`")
        return self


@dataclass(frozen=True)
class Relationship:
    """`item` of this dataset names the same thing as `other_item` of `dataset`; certificates may go either way."""

    item: str
    dataset: str
    other_item: str


class Catalogue(Strict):
    """What only the catalogue asks for (发改高技〔2017〕1272号); everything else is derived from the contract."""

    resource_class: Literal["base", "theme", "department"] = Field(alias="resourceClass")
    share_type: Literal[1, 2, 3] = Field(alias="shareType")
    share_condition: str = Field("", alias="shareCondition")
    share_basis: str = Field("", alias="shareBasis")
    share_method: Literal["database", "file", "interface"] = Field(alias="shareMethod")
    open: bool = False
    open_condition: str = Field("", alias="openCondition")

    @model_validator(mode="after")
    def _reasons(self) -> Catalogue:
        if self.share_type == 2 and not self.share_condition:
            raise ValueError("shareType 2 (有条件共享) needs a shareCondition")
        if self.share_type == 3 and not self.share_basis:
            raise ValueError("shareType 3 (不予共享) needs its legal shareBasis")
        return self


# Unit → (length, the standard's word); months and years are calendar approximations, fine for a freshness promise.
UNITS: Mapping[str, timedelta] = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30.5),
    "y": timedelta(days=365.25),
}


@dataclass(frozen=True)
class Cycle:
    """How often the dataset promises to be brought up to date: `value` times `unit` (min, h, d, w, mo, y)."""

    value: int
    unit: str

    @property
    def period(self) -> timedelta:
        """The promised interval."""
        return self.value * UNITS[self.unit]


@dataclass(frozen=True)
class TableRule:
    """A rule over totals. `metric` is rowCount, nullValues or duplicateValues (the rows beyond the first of each
    value of `items`); bounds are inclusive unless `strict_*`; `percent` compares with the row count."""

    id: str
    title: str
    metric: str
    items: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    strict_minimum: bool
    strict_maximum: bool
    percent: bool
    severity: Severity
    dimension: Dimension


@dataclass(frozen=True)
class RowRule:
    """A stock great_expectations expectation over typed values, from the allow-list in schemas/quality.py. Where it does not
    keep the value, the row is merged and the doubtful cell is left empty."""

    id: str
    title: T
    expectation: str
    items: tuple[str, ...]
    arguments: Mapping[str, Any]
    severity: Severity
    dimension: Dimension
    keeps_value: bool = True
