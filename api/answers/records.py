"""Answers about records, golden records and conflicts."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.answers import Told


class Change(Told):
    """What an item said before, and after."""

    before: Any
    after: Any


class RecordVersion(Told):
    """A record, or one version of it (`known_to` and what follows only in histories)."""

    system: str
    batch: str
    row_no: int
    known_from: str
    values: dict[str, Any]
    labels: dict[str, str]
    labels_en: dict[str, str]
    known_to: str | None = None
    began: str = ""
    began_label: str = ""
    began_label_en: str = ""
    ended: str | None = None
    ended_label: str | None = None
    ended_label_en: str | None = None
    ended_by: str | None = None
    changed: dict[str, Change] = Field(default_factory=dict)


class RecordsFound(Told):
    """The records asked for; `known_until` by source system."""

    dataset: str
    title: str
    known_at: str | None
    as_of: str | None
    known_until: dict[str, str]
    complete_since: str | None
    titles: dict[str, str]
    masked: bool
    records: list[RecordVersion]


class Claim(Told):
    """A value that a record gives, and why it decides or lost."""

    value: str
    reason: str
    reason_label: str
    reason_label_en: str
    department: str | None
    dataset: str | None
    system: str | None
    record: dict[str, Any]
    batch: str | None
    status: str
    valid_from: str | None
    first_seen: str | None
    last_seen: str | None
    derived_from: str | None


class ExplanationFound(Told):
    """Why a golden record says what it says; the first claim decides."""

    library: str
    entity: str
    attribute: str
    title: str
    title_en: str
    value: Any
    status: str
    derived_from: str | None
    refresh_due: bool
    masked: bool
    claims: list[Claim]


class ConflictLine(Told):
    """A department that says otherwise, masked."""

    library: str
    entity: str
    attribute: str
    kind: str
    department: str
    dataset: str
    otherwise: str | None
    against: str | None
    decides: str | None
    since: str | None


class ConflictGroup(Told):
    """How many entities two departments differ on."""

    library: str
    attribute: str
    department: str
    kind: str
    against: str | None
    entities: int


class Conflicts(Told):
    """A page of conflicts, and the counts of all."""

    conflicts: list[ConflictLine]
    next: str | None
    groups: list[ConflictGroup]
