"""What a value type is: its rules, its options, and the steps every type shares.

The three rules every type has stand at fixed bits: `required` 0, `range` 1, `enum` 2. A type's own rules follow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core import clock
from core.text import T
from schemas.types import columns, masks, parts

Reasons = npt.NDArray[np.uint32]
Bound = int | float | Decimal | str | date | None
Level = Literal["clerk", "list"]


class Rule(NamedTuple):
    """One thing that can be wrong with a value. `dimension` is one of GB/T 36344-2018, in English."""

    code: str
    severity: Literal["error", "warning"]
    dimension: Literal["conformity", "completeness", "accuracy", "consistency", "timeliness"]
    message: T
    remedy: T


class One(NamedTuple):
    """One value by itself: its standard form (None when it has none), every reason found, and its display form."""

    standard: str | None
    reasons: int
    masked: str | None


@dataclass(frozen=True)
class Options:
    """How one item uses its type. Everything is optional; a type reads only what concerns it.

    `kinds` are the standardised identity kinds of the same rows; `multiplier` is the source's money unit in yuan;
    `decided` maps single values before `mapping` is asked; `timezone` is that of naive source times; `formats` adds to the
    forms a type accepts by itself.
    """

    required: bool = False
    minimum: Bound = None
    maximum: Bound = None
    enum: tuple[str, ...] = ()
    code_list: str | None = None
    mapping: Mapping[str, str] | None = None
    decided: Mapping[str, str] = field(default_factory=dict)
    kinds: pa.Array | None = None
    separator: str | None = None
    pair: str | None = None
    multiplier: Decimal | None = None
    timezone: str = "Asia/Shanghai"
    today: date = field(default_factory=clock.today)
    formats: tuple[str, ...] = ()


REQUIRED = Rule(
    "required",
    "error",
    "completeness",
    T("必填项为空", "A required value is missing"),
    T("请来源部门补填", "Ask the source department to fill it in"),
)
RANGE = Rule(
    "range",
    "error",
    "accuracy",
    T("超出允许的取值范围", "Outside the allowed range"),
    T(
        "核对数值与计量单位；范围过窄的，修订数据契约",
        "Check the value and its unit; if the range is too narrow, revise it",
    ),
)
ENUM = Rule(
    "enum",
    "error",
    "conformity",
    T("不在允许的取值清单中", "Not in the list of allowed values"),
    T("改为清单中的取值，或在数据契约中增加该取值", "Use a listed value, or add this one to the contract"),
)
COMMON = (REQUIRED, RANGE, ENUM)


class ValueType(ABC):
    """A kind of value: how raw cells become typed values, what can be wrong with them, and how they are shown."""

    name: ClassVar[str]
    title: ClassVar[T]
    arrow: ClassVar[pa.DataType] = pa.string()
    sql: ClassVar[str] = "text"
    own_rules: ClassVar[tuple[Rule, ...]] = ()
    judges: ClassVar[Literal["names", "numbers", "text"]] = "numbers"  # its side of a "name:number" part

    def __init__(self) -> None:
        self.rules: tuple[Rule, ...] = COMMON + self.own_rules
        self._bits = {rule.code: np.uint32(1 << i) for i, rule in enumerate(self.rules)}

    def bit(self, code: str) -> np.uint32:
        """The bit of one rule: `checksum` means `<type>.checksum`; common and borrowed rules go by their full code."""
        return self._bits.get(f"{self.name}.{code}") or self._bits[code]

    def standardise(self, raw: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        """Typed values and the reasons found while parsing (bit i = `rules[i]`); unparsable becomes null + reason.

        With `options.separator` the cell itself is the value, and its parts are parsed and judged here.
        """
        if options.separator:
            return parts.standardise(self, raw, options)
        cells = columns.cells(raw)
        values, reasons = self.parse(cells, options)
        if options.required and cells.null_count:
            reasons[columns.mask(pc.is_null(cells))] |= self.bit("required")
        return values, reasons

    def judge(self, values: pa.Array, options: Options) -> Reasons:
        """Further reasons on values that `standardise` made. Nulls have none."""
        if options.separator:  # already judged, part by part
            return np.zeros(len(values), np.uint32)
        reasons = self.examine(values, options)
        if options.enum:
            allowed = pa.array(list(options.enum)).cast(values.type)
            reasons[columns.mask(pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, allowed))))] |= self.bit(
                "enum"
            )
        for bound, outside in ((options.minimum, pc.less), (options.maximum, pc.greater)):
            if bound is not None and not pa.types.is_string(values.type):
                reasons[columns.mask(outside(values, _bound(bound, values.type)))] |= self.bit("range")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        """The display form for people who may not see the value: strings, null stays null."""
        return masks.hidden(values)

    def one(self, value: str, options: Options, level: Level) -> One:
        """`standardise`, `judge` and `mask` of one text. Types asked about one by one may answer without columns."""
        values, reasons = self.standardise(pa.array([value], pa.string()), options)
        reasons |= self.judge(values, options)
        return One(values[0].as_py(), int(reasons[0]), self.mask(values, level)[0].as_py())

    @abstractmethod
    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        """As `standardise`, for trimmed cells (native Arrow, or strings whose blanks are null), without separators."""

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        """The type's own reasons on parsed values."""
        return np.zeros(len(values), np.uint32)


def borrow(reasons: Reasons, lender: ValueType, borrower: ValueType) -> Reasons:
    """Reasons of one type as reasons of another whose rules contain the first one's own rules in one run."""
    shift = borrower.rules.index(lender.own_rules[0])
    return (reasons >> np.uint32(len(COMMON))) << np.uint32(shift)


def _bound(bound: Bound, kind: pa.DataType) -> pa.Scalar:
    """A limit said in a document (number, text or date) as a scalar that compares with the column."""
    if pa.types.is_date(kind):
        return pa.scalar(bound if isinstance(bound, date) else date.fromisoformat(str(bound)), pa.date32())
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(str(bound)).astimezone(clock.now().tzinfo)
        return pa.scalar(moment, kind)
    return pa.scalar(Decimal(str(bound)))
