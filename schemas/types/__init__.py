"""Value types, one file each: Arrow and SQL type, standardise, judge (error, warning) and mask, all on whole columns.

A module of this folder that defines `TYPE` is a value type; adding a file adds a type. Identifiers' arithmetic lives
here and nowhere else.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from schemas.types import verdict
from schemas.types.base import COMMON, Bound, Level, Options, Reasons, Rule, ValueType
from schemas.types.parts import Parts, split
from schemas.types.verdict import Finding, Verdict

__all__ = [
    "COMMON",
    "TYPES",
    "Bound",
    "Finding",
    "Level",
    "Options",
    "Parts",
    "Reasons",
    "Rule",
    "ValueType",
    "Verdict",
    "check",
    "get",
    "split",
]


def _discover() -> Mapping[str, ValueType]:
    found: dict[str, ValueType] = {}
    for info in pkgutil.iter_modules(__path__):
        kind = getattr(importlib.import_module(f"{__name__}.{info.name}"), "TYPE", None)
        if isinstance(kind, ValueType):
            found[kind.name] = kind
    return MappingProxyType(found)


TYPES: Mapping[str, ValueType] = _discover()


def get(name: str) -> ValueType:
    """A value type by name. KeyError, naming the near misses, when there is none."""
    try:
        return TYPES[name]
    except KeyError:
        near = difflib.get_close_matches(name, TYPES) or sorted(TYPES)
        raise KeyError(f"no value type {name!r}; did you mean: {', '.join(near)}") from None


def check(type_name: str, values: list[str], options: Options | None = None) -> list[Verdict]:
    """Verdicts on values of a type, all findings of each; KeyError for an unknown type. An empty value is `required`."""
    return verdict.judge(get(type_name), values, options)
