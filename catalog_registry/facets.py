"""The facets of the catalogue: what a list can be narrowed by, the words for each value, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog_registry import freshness
from core.errors import Invalid
from core.text import T
from schemas.derive import catalogue
from schemas.document import near
from schemas.published import Published

LISTED = "listed"
_FIXED: Mapping[str, Mapping[str, T]] = {
    "share_type": {str(code): label for code, label in catalogue.SHARE_TYPES.items()},
    "cycle": {str(code): label for code, label in catalogue.CYCLE_LABELS.items()},
    "resource_class": catalogue.RESOURCE_CLASSES,
    "format": catalogue.FORMATS,
    "state": {**freshness.STATES, LISTED: T("仅登记，未接入", "listed only")},
}
#: in the order they are shown
NAMES: tuple[str, ...] = ("department", *_FIXED)
TITLES: Mapping[str, T] = {
    "department": T("提供部门", "department"),
    "share_type": T("共享类型", "sharing type"),
    "cycle": T("更新周期", "update cycle"),
    "resource_class": T("资源分类", "class"),
    "format": T("资源格式", "format"),
    "state": T("时效", "freshness"),
}


def labels(published: Published, name: str) -> Mapping[str, T]:
    """The values of a facet and their words."""
    if name in _FIXED:
        return _FIXED[name]
    return {id: T(one.name, one.english or one.name) for id, one in published.departments.items()}


def label(published: Published, name: str, value: str) -> T:
    """The words for one value; the value itself when it has none (a department whose document is missing)."""
    if name == "department":
        found = published.departments.get(value)
        return T(found.name, found.english or found.name) if found else T(value, value)
    return _FIXED[name].get(value, T(value, value))


def chosen(published: Published, asked: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The filters asked for, by code; each may be given as its code or its label in either language. Raises Invalid
    for a value that no resource can have."""
    found: dict[str, list[str]] = {}
    for name, values in asked.items():
        if not values:
            continue
        known = labels(published, name)
        by_word = {word: code for code, words in known.items() for word in words}
        for value in values:
            code = value if value in known else by_word.get(value)
            if code is None:
                raise _unknown(name, value, known)
            found.setdefault(name, []).append(code)
    return found


def counted(published: Published, counts: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Facet → its values with counts and labels, most first."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for row in sorted(counts, key=lambda row: (-row["count"], row["value"])):
        words = label(published, row["facet"], row["value"])
        told[row["facet"]].append(
            {"value": row["value"], "label": words.zh, "label_en": words.en, "count": row["count"]}
        )
    return told


def _unknown(name: str, value: str, known: Mapping[str, T]) -> Invalid:
    hint, every = near(value, known), near("", known)
    return Invalid(
        T(f"{TITLES[name].zh}没有这个取值。", f"The {TITLES[name].en} has no such value."),
        remedy=hint if hint == every else T(f"{hint.zh} {every.zh}", f"{hint.en} {every.en}"), pointer=f"/{name}",
    )  # fmt: skip
