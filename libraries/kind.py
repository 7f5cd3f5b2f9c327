"""What is particular to one shared library, as data and small functions; population, legal_entity, license make one each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.types import Options, ValueType
from schemas.types.columns import Bools, mask


@dataclass(frozen=True)
class Kind:
    """How the entities of a library are told apart.

    kinds       the mentions' identity kinds that can concern this library; no two libraries share one
    form        what all written forms of one number have in common; entities are found by it
    form_sql    the same in SQL, over `{0}`
    joins       SQL conditions, each index-backed, that together find every mention `m` of a form `n.number`
    identify    (kinds, numbers) as mentioned → the kind each number is proven to be; null: not to be linked
    standard    a number as a caller types it → as mentions hold it; null when it cannot be one
    numbers     attribute → SQL over the mention `w`, for what the subject's number gives
    parts       what a document may derive from an attribute's values: part → values → derived values
    named       whether a name must agree with the number; `name` is the attribute that callers must know
    """

    library: str
    kinds: tuple[str, ...]
    identify: Callable[[pa.Array, pa.Array], pa.Array]
    standard: Callable[[str], str | None]
    name: str
    name_type: str
    named: bool = True
    form: Callable[[str], str] = str
    form_sql: str = "{0}"
    joins: tuple[str, ...] = ("m.id_value = n.number",)
    numbers: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Callable[[pa.Array], pa.Array]] = field(default_factory=dict)


def valid(kind: ValueType, numbers: pa.Array, options: Options) -> Bools:
    """Which numbers stand as they are: standard already, and no rule of severity `error` against them."""
    errors = np.uint32(sum(1 << bit for bit, rule in enumerate(kind.rules) if rule.severity == "error"))
    values, reasons = kind.standardise(numbers, options)
    same: Bools = mask(pc.fill_null(pc.equal(values, numbers), False))
    right: Bools = (reasons | kind.judge(values, options)) & errors == 0
    return same & right


def standard(kind: ValueType, written: str) -> str | None:
    """One value in its standard form; None when it has none."""
    value: str | None = kind.standardise(pa.array([written], pa.string()), Options())[0][0].as_py()
    return value


def masked(kind: ValueType, value: str | None) -> str | None:
    """One value, given as text, in the form that lists show."""
    if value is None:
        return None
    shown: str | None = kind.mask(pa.array([value], pa.string()).cast(kind.arrow), "list")[0].as_py()
    return shown
