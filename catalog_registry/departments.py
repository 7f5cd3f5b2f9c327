"""Departments of the city, from their published documents."""

from __future__ import annotations

from schemas.department import Department
from schemas.published import Published


def listed(published: Published) -> list[Department]:
    """All departments, by id."""
    return sorted(published.departments.values(), key=lambda department: department.id)


def name(published: Published, department: str) -> str:
    """The department's Chinese name; its id when its document is missing."""
    found = published.departments.get(department)
    return found.name if found else department
