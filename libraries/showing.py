"""Showing one golden record to an operator, or explaining one of its values: audited like every read of a person's data, found
or not. No audit, no record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import Connection, text

from core import audit, clock, decisions
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.hub import Hub
from core.ids import uuid7
from core.text import T
from libraries import why
from libraries.inquiry import Case, plain
from libraries.kind import masked
from libraries.lookup import Golden, Value, find, get
from libraries.rules import KINDS, Rules
from libraries.rules import of as rules_of
from libraries.why import Claimed
from schemas import published as published_set
from schemas.document import near
from schemas.published import Published
from schemas.types import get as get_type

SHOWN: audit.Kind = "library.shown"
EXPLAINED: audit.Kind = "library.explained"
EXPLAINED_WHOLE: audit.Kind = "library.explained_revealed"


@dataclass(frozen=True)
class Explanation:
    """One attribute of one golden record, and every claim to it, the one that decides first. `refresh_due` says that batches
    have merged which the golden record does not know yet."""

    library: str
    entity_id: UUID
    attribute: str
    value: Value
    refresh_due: bool
    masked: bool
    claims: tuple[Claimed, ...]

    def told(self) -> dict[str, Any]:
        """As JSON; reasons in both languages beside their codes."""
        return {
            "library": self.library,
            "entity": str(self.entity_id),
            "attribute": self.attribute,
            "title": self.value.title.zh,
            "title_en": self.value.title.en,
            "value": self.value.value,
            "status": self.value.status,
            "derived_from": self.value.source.get("derived_from"),
            "refresh_due": self.refresh_due,
            "masked": self.masked,
            "claims": [
                {
                    **{name: plain(said) for name, said in vars(one).items() if name != "record"},
                    "record": {name: plain(said) for name, said in one.record.items()},
                    "reason_label": why.REASONS[one.reason].zh,
                    "reason_label_en": why.REASONS[one.reason].en,
                }
                for one in self.claims
            ],
        }


def show(hub: Hub, library: str, number: str, name: str, actor: Actor, *, reason: str) -> Golden:
    """The golden record of this number and name; `reason` is the operator's, kept in the audit log.

    Raises Invalid for an unknown library or a missing reason, NotFound without saying whether number or name is wrong.
    """
    _check(library, reason)
    with hub.begin() as connection:
        found = find(connection, library, number, name, today=clock.today(hub.settings.timezone))
        _audit(hub, connection, SHOWN, library, number, actor, {"reason": reason, "found": found is not None})
    if found is None:
        raise _not_found()
    return found


def explain(
    hub: Hub, library: str, attribute: str, actor: Actor, *, case: Case, subject: tuple[str, str] | None = None,
    entity: UUID | None = None, reveal: bool = False, opens: bool = True, department: str | None = None,
) -> Explanation:  # fmt: skip
    """Why the golden record of a number and name, or of an entity (as conflicts are listed by), says what it says.

    Whoever knows number and name sees the person's values, unless that `opens` nothing; by entity they are masked unless revealed,
    and so is what stands under another name with the same number, or is withheld. A reader who acts for a `department` is told
    only of what it has claims to, and sees no other department's values. Raises as `show` does, and Invalid for an unknown attribute.
    """
    _check(library, case.reason)
    published = published_set.current(hub.home)
    rules = next(one for one in rules_of(published, clock.today(hub.settings.timezone)) if one.library.id == library)
    if attribute not in rules.library.attributes:
        raise Invalid(
            T(f"{library} 没有属性 {attribute}。", f"{library} has no attribute {attribute}."),
            remedy=near(attribute, rules.library.attributes), pointer="/attribute",
        )  # fmt: skip
    with hub.begin() as connection:
        if subject is not None:
            found = find(connection, library, *subject, today=rules.today)
            about: str | None = subject[0]
        else:
            found = None if entity is None else get(connection, library, entity, today=rules.today)
            about = connection.scalar(text("SELECT id_value FROM libraries.entity WHERE id = :id"), {"id": entity})
        said = {"attribute": attribute, "reason": case.reason, "basis": case.basis, "found": found is not None}
        opened = subject is not None and opens
        kind = EXPLAINED_WHOLE if opened or reveal else EXPLAINED
        _audit(hub, connection, kind, library, about or str(entity), actor, said, case)
        if found is not None and attribute in found.attributes:
            why.prepare(connection, rules, published, [found.entity_id])
            claims = why.claimed(connection, rules, published, found.entity_id, attribute)
            due = bool(connection.scalar(text(_DUE), {"id": found.entity_id}))
    if found is None or attribute not in found.attributes:
        raise _not_found()
    if department is not None and department not in {one.department for one in claims}:
        raise _not_found()

    def whole(one: Claimed) -> bool:
        own = department is None or one.department == department
        return own and (reveal or (opened and one.reason not in why.CLOSED))

    shown = tuple(one if whole(one) else _masked(published, rules, attribute, one) for one in claims)
    value = found.attributes[attribute]
    open_ = (reveal or opened) and (not claims or whole(claims[0]))
    return Explanation(library, found.entity_id, attribute, value if open_ else _hidden(value), due, not open_, shown)


#: whether anything about an entity waits for a refresh
_DUE = (
    "SELECT EXISTS (SELECT FROM libraries.entity WHERE id = :id AND dirty) "
    "OR EXISTS (SELECT FROM libraries.mention WHERE entity_id = :id AND pending)"
)


def _check(library: str, reason: str) -> None:
    if library not in KINDS:
        raise Invalid(
            T(f"没有共享库 {library}。", f"There is no library {library}."),
            remedy=near(library, KINDS),
            pointer="/library",
        )
    decisions.because(reason, "/purpose")


def _not_found() -> NotFound:
    return NotFound(
        T("没有号码与名称都相符的记录。", "There is no record with this number and name."),
        remedy=T("核对号码与名称;个人信息须两者一致。", "Check both; a record opens only by the two together."),
    )


def _audit(
    hub: Hub, connection: Connection, kind: audit.Kind, library: str, number: str, actor: Actor, body: dict[str, Any],
    case: Case | None = None,
) -> None:  # fmt: skip
    kid, subject = hub.keys.pseudonym(KINDS[library].standard(number) or number)
    entry = audit.Entry(
        id=uuid7(), at=clock.now(), kind=kind, department=actor.department, client=actor.client, operator=actor.operator,
        service_item=case.service_item if case else "", case_no=case.case_no if case else "", subject=subject, kid=kid,
        body={"library": library, **body},
    )  # fmt: skip
    connection.exec_driver_sql(audit.INSERT, entry.parameters())


def _masked(published: Published, rules: Rules, attribute: str, one: Claimed) -> Claimed:
    record = dict(one.record)
    for name, value in record.items():
        item = published.contracts[str(one.dataset)].item(name)
        if item.personal and value is not None:
            record[name] = item.type.mask(pa.array([value], item.type.arrow), "list")[0].as_py()
    return replace(one, value=_hide(rules.library.attributes[attribute].value_type, one.value), record=record)


def _hidden(value: Value) -> Value:
    if isinstance(value.value, list):
        return replace(value, value=[_hide(value.value_type, each) for each in value.value])
    return value if value.value is None else replace(value, value=_hide(value.value_type, value.value))


def _hide(value_type: str, value: str) -> str:
    return masked(get_type(value_type), value) or "***"
