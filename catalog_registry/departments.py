"""Departments of the city, from their published documents, and what each has registered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from core.text import T
from schemas.department import Department
from schemas.published import Published

_COUNTS = """
SELECT department, sum(live)::int AS live, sum(listed)::int AS listed FROM (
  SELECT department, (origin = 'contract')::int AS live, (origin = 'listing')::int AS listed
  FROM hub.resource WHERE status = 'published') each GROUP BY department"""

# what a department has said: silence and nothing differ
REPORTS = {
    "registered": T("已登记", "registered"),
    "zero": T("零报告", "zero report"),
    "silent": T("未报送", "nothing reported"),
}


def listed(published: Published) -> list[Department]:
    """All departments, by id."""
    return sorted(published.departments.values(), key=lambda department: department.id)


def counted(connection: Connection, published: Published, systems: dict[str, int]) -> list[dict[str, Any]]:
    """All departments with the number of their systems and resources, and what each has reported."""
    counts = {row.department: row for row in connection.execute(text(_COUNTS))}
    reports = {row.department: row for row in connection.execute(text("SELECT * FROM hub.department_listing"))}
    told = []
    for department in listed(published):
        count, report = counts.get(department.id), reports.get(department.id)
        live, known = (count.live, count.listed) if count else (0, 0)
        state = "registered" if live + known else "zero" if report and report.zero_report else "silent"
        told.append(
            department.model_dump()
            | {
                "systems": systems.get(department.id, 0),
                "resources": {"total": live + known, "live": live, "listed": known},
                "report": {
                    "state": state,
                    "label": REPORTS[state].zh,
                    "label_en": REPORTS[state].en,
                    "reported_on": report.reported_on.isoformat() if report else None,
                },
            }
        )
    return told


def name(published: Published, department: str) -> str:
    """The department's Chinese name; its id when its document is missing."""
    found = published.departments.get(department)
    return found.name if found else department


def named(published: Published, department: str) -> dict[str, str]:
    """A department as others refer to it."""
    found = published.departments.get(department)
    chinese = found.name if found else department
    return {"id": department, "name": chinese, "name_en": (found.english if found else "") or chinese}
