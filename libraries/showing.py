"""Showing one golden record to an operator: audited like every read of a person's data, found or not. No audit, no record."""

from __future__ import annotations

from core import audit, clock
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.hub import Hub
from core.ids import uuid7
from core.text import T
from libraries.lookup import Golden, find
from libraries.rules import KINDS
from schemas.document import near

SHOWN = "library.shown"


def show(hub: Hub, library: str, number: str, name: str, actor: Actor, *, reason: str) -> Golden:
    """The golden record of this number and name; `reason` is the operator's, kept in the audit log.

    Raises Invalid for an unknown library or a missing reason, NotFound without saying whether number or name is wrong.
    """
    if library not in KINDS:
        raise Invalid(
            T(f"没有共享库 {library}。", f"There is no library {library}."),
            remedy=near(library, KINDS),
            pointer="/library",
        )
    if not reason.strip():
        raise Invalid(T("没有写明事由。", "No reason is given."), pointer="/reason")
    kid, subject = hub.keys.pseudonym(KINDS[library].standard(number) or number)
    with hub.begin() as connection:
        found = find(connection, library, number, name, today=clock.today(hub.settings.timezone))
        entry = audit.Entry(
            id=uuid7(), at=clock.now(), kind=SHOWN, department=actor.department, client=actor.client,
            operator=actor.operator, service_item="", case_no="", subject=subject, kid=kid,
            body={"library": library, "reason": reason, "found": found is not None},
        )  # fmt: skip
        connection.exec_driver_sql(audit.INSERT, entry.parameters())
    if found is None:
        raise NotFound(
            T("没有号码与名称都相符的记录。", "There is no record with this number and name."),
            remedy=T("核对号码与名称;个人信息须两者一致。", "Check both; a record opens only by the two together."),
        )
    return found
