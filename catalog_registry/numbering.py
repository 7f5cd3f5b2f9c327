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


def assign(connection: Connection, numbering: Numbering, resource_class: str, department: str) -> Code:
    """The next free code, inside the caller's transaction, which holds it until the commit."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('hutong.numbering'))"))
    digits = numbering.classes[resource_class]
    path = digits.digit + digits.item + _department(connection, numbering, department)
    last = connection.execute(
        text("SELECT coalesce(max(sequence), 0) FROM hub.resource WHERE class_path = :path"), {"path": path}
    ).scalar_one()
    return Code(path, last + 1)


def _department(connection: Connection, numbering: Numbering, department: str) -> str:
    if department in numbering.departments:
        return numbering.departments[department]
    rows = connection.execute(
        text("SELECT DISTINCT department, substr(class_path, 4, 3) AS digits FROM hub.resource")
    ).all()
    own = [row.digits for row in rows if row.department == department]
    if own:
        return str(min(own))
    used = {row.digits for row in rows} | set(numbering.departments.values())
    for number in range(_FIRST, _LAST + 1):
        if f"{number:03d}" not in used:
            return f"{number:03d}"
    raise Conflict(
        T("部门编号(目)已用完。", "No department number is left."),
        remedy=T(f"在 {FILE} 中为部门指定编号。", f"Give the departments numbers in {FILE}."),
    )
