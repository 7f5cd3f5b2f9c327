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

from schemas.types.base import COMMON, Bound, Level, Options, Reasons, Rule, ValueType

__all__ = [
    "COMMON",
    "TYPES",
    "Bound",
    "Level",
    "Options",
    "Reasons",
    "Rule",
    "ValueType",
    "get",
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
