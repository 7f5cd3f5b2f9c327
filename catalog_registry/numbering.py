"""Resource codes: generated, never typed, unique, and never given twice.

类(1 digit) 项(2) 目(3) 细目(variable) "/" 顺序码, `^[123]\\d{2}\\d{3}[0-9A-Za-z]*/\\d+$` (发改高技〔2017〕1272号).
The numbers of 项 differ between provinces, so they are a table: numbering.yaml here, or one of that name in HUTONG_HOME.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlalchemy import Connection, text

from core.errors import Conflict
from core.text import T
from schemas.document import Strict, model, read

FILE = "numbering.yaml"
PATTERN = r"^[123]\d{2}\d{3}[0-9A-Za-z]*/\d+$"
_FIRST, _LAST = 1, 999


class ClassNumber(Strict):
    """The digits of one resource class."""

    digit: str = Field(pattern=r"^[123]$")
    item: str = Field(pattern=r"^\d{2}$")


class Numbering(Strict):
    """The table: resource class → digits, department → its three digits."""

    classes: Mapping[str, ClassNumber]
    departments: Mapping[str, Annotated[str, Field(pattern=r"^\d{3}$")]] = {}


class Code(NamedTuple):
    """One resource code in its parts."""

    class_path: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.class_path}/{self.sequence}"


def table(home: Path) -> Numbering:
    """The numbering in force. Raises DocumentRefused when the file is wrong."""
    path = home / FILE
    return model(read(path if path.exists() else Path(__file__).parent / FILE), Numbering)


class Numbers:
    """Gives out codes inside one transaction, which holds them until its commit."""

    def __init__(self, connection: Connection, numbering: Numbering) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('hutong.numbering'))"))
        self._numbering = numbering
        self._last: dict[str, int] = {}
        self._digits: dict[str, str] = {}
        rows = connection.execute(
            text("SELECT department, class_path, max(sequence) AS last FROM hub.resource GROUP BY 1, 2 ORDER BY 1, 2")
        )
        self._used = set(numbering.departments.values())
        for row in rows:
            self._last[row.class_path] = max(row.last, self._last.get(row.class_path, 0))
            digits = row.class_path[3:6]
            self._used.add(digits)
            self._digits[row.department] = min(digits, self._digits.get(row.department, digits))

    def give(self, resource_class: str, department: str) -> Code:
        """The next free code. Raises Conflict when no department number is left."""
        digits = self._numbering.classes[resource_class]
        path = digits.digit + digits.item + self._department(department)
        self._last[path] = self._last.get(path, 0) + 1
        return Code(path, self._last[path])

    def _department(self, department: str) -> str:
        known = self._numbering.departments.get(department) or self._digits.get(department)
        if known:
            return known
        for number in range(_FIRST, _LAST + 1):
            digits = f"{number:03d}"
            if digits not in self._used:
                self._used.add(digits)
                self._digits[department] = digits
                return digits
        raise Conflict(
            T("部门编号(目)已用完。", "No department number is left."),
            remedy=T(f"在 {FILE} 中为部门指定编号。", f"Give the departments numbers in {FILE}."),
        )
