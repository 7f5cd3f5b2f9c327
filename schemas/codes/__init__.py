"""National code lists as data: codes, labels in both languages, and, where codes ended, when and what followed.

One YAML document per list in this folder; divisions come from a data set of their own (`divisions.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import yaml

from core.text import T
from schemas.codes import division_names, divisions

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Retired:
    """When a code stopped being used (year), and the codes that followed it."""

    until: int
    successors: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeList:
    """One list: `values` maps every code, retired ones too, to its label; `source` names the standard."""

    name: str
    title: T
    source: str
    values: Mapping[str, T]
    aliases: Mapping[str, str] = field(default_factory=dict)
    retired: Mapping[str, Retired] = field(default_factory=dict)

    def label(self, code: str) -> T:
        """The label of a code; an unknown code is its own label. English names of divisions are made when asked for."""
        if self.name == "division":
            return division_names.full(code)
        return self.values.get(code, T(code, code))

    def code(self, text: str) -> str | None:
        """The code for a code, a label in either language or an alias; None when nothing fits."""
        return text if text in self.values else self._by_label.get(text.strip().casefold())

    @cached_property
    def _by_label(self) -> dict[str, str]:
        labels = {label.casefold(): code for code, pair in self.values.items() for label in pair}
        return labels | {alias.casefold(): code for alias, code in self.aliases.items()}


def names() -> tuple[str, ...]:
    """The names of all lists."""
    return (*sorted(path.stem for path in _FOLDER.glob("*.yaml")), "division")


@cache
def lists(name: str) -> CodeList:
    """One list by name. KeyError, with near misses, when there is none."""
    if name == "division":
        return _divisions()
    path = _FOLDER / f"{name}.yaml"
    if name not in names():
        near = ", ".join(difflib.get_close_matches(name, names())) or ", ".join(names())
        raise KeyError(f"no code list {name!r}; did you mean: {near}")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return CodeList(
        name=name,
        title=T(**document["title"]),
        source=document["source"],
        values={code: T(*labels) for code, labels in document["values"].items()},
        aliases=document.get("aliases", {}),
        retired={
            code: Retired(end["until"], tuple(end["successors"])) for code, end in document.get("retired", {}).items()
        },
    )


def _divisions() -> CodeList:
    latest = {code: entries[-1] for code, entries in divisions.history().items()}
    return CodeList(
        name="division",
        title=T("行政区划代码", "Administrative division"),
        source="GB/T 2260; yescallop/areacodes (CC0 1.0)",
        values={code: T(entry.path, entry.path) for code, entry in latest.items()},
        retired={
            code: Retired(entry.until, divisions.successors(code))
            for code, entry in latest.items()
            if entry.until is not None
        },
    )
