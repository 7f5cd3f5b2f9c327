"""Promises of a contract: how often it is brought up to date, and how long it is kept."""

from __future__ import annotations

from core.text import T
from schemas.document import Source, near
from schemas.parts import UNITS, Cycle

PROPERTIES = ("frequency", "retention")
# ODCS allows several spellings of a unit; here is one table of them.
SPELLINGS = {
    "minute": "min", "minutes": "min", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w",
    "m": "mo", "month": "mo", "months": "mo", "yr": "y", "year": "y", "years": "y",
}  # fmt: skip


def compile_sla(source: Source) -> tuple[Cycle, int | None]:
    """The update cycle, and the retention in years or None. Raises DocumentRefused."""
    found: dict[str, tuple[int, str]] = {}
    for number, block in enumerate(source.tree.get("slaProperties", ())):
        name, value, unit = block["property"], block["value"], block.get("unit", "")
        unit = SPELLINGS.get(unit, unit)
        if name not in PROPERTIES:
            raise source.refused(
                ("slaProperties", number, "property"),
                T(f"不支持 {name}", f"{name} is not supported"),
                near(name, PROPERTIES),
            )
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise source.refused(
                ("slaProperties", number, "value"),
                T(f"{name} 须为正整数", f"{name} must be a whole number above 0"),
                T("请更正。", "Correct it."),
            )
        units = ("y",) if name == "retention" else tuple(UNITS)
        if unit not in units:
            raise source.refused(
                ("slaProperties", number, "unit"), T(f"未知的单位 {unit}", f"unknown unit {unit}"), near(unit, units)
            )
        found[name] = (value, unit)
    if "frequency" not in found:
        raise source.refused(
            ("slaProperties",),
            T("没有说明更新周期", "the update cycle is not said"),
            T("请写 {property: frequency, value: 1, unit: d}。", "Write {property: frequency, value: 1, unit: d}."),
        )
    return Cycle(*found["frequency"]), found.get("retention", (None, ""))[0]
