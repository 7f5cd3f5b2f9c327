"""Showing a waiting row as it stands to an operator: audited like every read of a person's data. No audit, no row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import audit, clock, decisions
from core.actor import Actor
from core.errors import HutongError
from core.hub import Hub
from core.ids import uuid7
from pipeline import cases, definition
from schemas.published import current

REVEALED: audit.Kind = "quarantine.revealed"


def reveal(
    hub: Hub, connection: Connection, batch_id: UUID, row_no: int, *, reason: str, actor: Actor
) -> dict[str, str | None]:
    """The cells of a row by item, as the source gave them. An entry of the audit log is left for everyone the row may be
    about, in the caller's transaction: commit before showing. Raises NotFound, and Invalid without a reason."""
    why = decisions.because(reason)
    case = cases.get(connection, batch_id, row_no)
    numbers = connection.execute(
        text(
            "SELECT DISTINCT number FROM hub.quarantine_subject WHERE batch_id = :batch AND row_no = :row "
            "AND number IS NOT NULL AND role NOT LIKE '@%' ORDER BY 1"
        ),
        {"batch": batch_id, "row": row_no},
    ).scalars()
    # numbers stand in their standard form, which the log is searched by; a row names none is read under its own name
    for number in numbers.all() or [f"quarantine/{batch_id}/{row_no}"]:
        kid, subject = hub.keys.pseudonym(number)
        entry = audit.Entry(
            id=uuid7(), at=clock.now(), kind=REVEALED, department=actor.department, client=actor.client,
            operator=actor.operator, service_item="", case_no="", subject=subject, kid=kid,
            body={"reason": why, "dataset": case.dataset, "batch": str(batch_id), "row": row_no},
        )  # fmt: skip
        connection.exec_driver_sql(audit.INSERT, entry.parameters())
    return by_item(hub, case)


def by_item(hub: Hub, case: cases.Case) -> dict[str, str | None]:
    """A case's cells under the names of its dataset's items, in the contract's order; columns that fill none are left out."""
    try:
        columns: dict[str, Any] = dict(definition.current(hub, case.feed).feed.columns)
    except HutongError:  # the feed is in force no more: then by column, as it landed
        return dict(case.row)
    found = {item: case.row.get(column) for column, item in columns.items()}
    contract = current(hub.home).contracts[case.dataset]
    return {item.name: found[item.name] for item in contract.items if item.name in found}
