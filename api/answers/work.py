"""Answers about batches, checks between datasets, the quarantine and codes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.answers import Told, Words


class Dimension(Told):
    """A dimension of GB/T 36344: good ones of those assessed."""

    code: str
    label: str
    label_en: str
    score: float | None
    good: int
    assessed: int


class BatchLine(Told):
    """A batch: `reason` is why it was stopped or failed, `guard` what stopped it, `acceptable` whether a person may let it in."""

    id: str
    number: int
    feed: str
    system: str
    dataset: str
    origin: str
    mode: str
    state: str
    label: str
    label_en: str
    landed_rows: int | None
    source_rows: int | None
    started_at: str
    landed_at: str | None
    merged_at: str | None
    reason: dict[str, Any] | None
    guard: str | None
    acceptable: bool


class Batches(Told):
    """A page of batches."""

    batches: list[BatchLine]
    next: str | None


class RulingLine(Told):
    """What was ruled on a batch; `undoes` is the ruling it ends."""

    id: str
    ruling: Literal["accept", "drop"]
    guard: str | None
    reason: str
    at: str
    operator: str
    undoes: str | None


class BatchDetail(BatchLine):
    """A batch with its evidence."""

    since: str | None
    watermark: str | None
    contract_version: str
    evidence: dict[str, Any]
    rulings: list[RulingLine]
    adds_up: bool
    problems: list[Words]
    quality: list[Dimension]


class CheckCounts(Told):
    """Findings by status."""

    open: int
    dismissed: int
    closed: int


class CheckLine(Told):
    """A check; of a broken one nothing but its id can be told."""

    id: str
    broken: bool
    title: str = ""
    title_en: str = ""
    remedy: str = ""
    remedy_en: str = ""
    dimension: str = ""
    severity: str = ""
    datasets: list[str] = Field(default_factory=list)
    findings: CheckCounts | None = None


class Checks(Told):
    """All checks."""

    checks: list[CheckLine]


class Side(Told):
    """One of the two records, by its masked business key."""

    dataset: str
    title: str
    key: str
    as_of: str | None


class CheckFinding(Told):
    """Two records that do not fit together."""

    id: str
    check: str
    title: str
    title_en: str
    remedy: str
    remedy_en: str
    dimension: str
    severity: str
    status: str
    label: str
    label_en: str
    departments: list[str]
    records: list[Side]
    first_seen: str
    opened_at: str
    last_seen: str
    closed_at: str | None


class CheckFindings(Told):
    """A page of findings."""

    findings: list[CheckFinding]
    next: str | None


class FindingDecision(Told):
    """What was decided on a finding; `undoes` is the dismissal that it ends."""

    decision: str
    finding: str
    reason: str
    undoes: str = ""


class _Said(Told):
    item_label: str
    message: str = ""
    message_en: str = ""
    remedy: str = ""
    remedy_en: str = ""


class RowFinding(_Said):
    """What is wrong with a cell, masked."""

    item: str
    rule: str
    severity: str
    dimension: str
    raw: str | None


class RowDecision(Told):
    """What was decided on a row."""

    id: str
    kind: str
    at: str
    reason: str
    by: str
    applied: bool
    until: str | None
    expired: bool


class WaitingRow(Told):
    """A row of the quarantine, masked; `decided` is the number of the last decision on it."""

    batch: str
    row_no: int
    feed: str
    dataset: str
    system: str
    status: str
    status_label: str
    status_label_en: str
    key: list[str | None]
    since: str
    closed_at: str | None
    findings: list[RowFinding]
    decisions: list[RowDecision]
    decided: int


class WaitingRows(Told):
    """A page of rows."""

    rows: list[WaitingRow]
    next: str | None
    total: int = 0


class WaitingGroup(_Said):
    """Rows that wait with one rule; `decided` of them only for a replay."""

    dataset: str
    item: str
    rule: str
    severity: str
    dimension: str
    rows: int
    decided: int
    since: str


class WaitingGroups(Told):
    """Rows counted by rule."""

    groups: list[WaitingGroup]


class StillWrong(_Said):
    """What the contract still says of a corrected row."""

    item: str
    rule: str
    severity: str


class Tried(Told):
    """Whether a corrected row would go in."""

    fit: bool
    wrong: list[StillWrong]


class Revealed(Told):
    """A row as the source gave it."""

    items: dict[str, str | None]


class DecisionMade(Told):
    """A decision, without what may hold values."""

    id: str
    kind: str
    about: str
    at: str
    reason: str
    operator: str
    rows: int | None
    undoes: str | None


class DecisionsMade(Told):
    """The decisions of one act: one for each dataset."""

    decisions: list[DecisionMade]


class Replayed(Told):
    """What a replay brought about; `unfit` rows are decided on and still cannot go in."""

    feed: str
    batch: str | None
    evidence: dict[str, Any] | None
    unfit: int


class Suggested(Told):
    """What a value may mean."""

    code: str
    label: str
    label_en: str


class UnmappedCode(Told):
    """A source's value that fits no code; `raw` is null for what is no code at all."""

    system: str
    dataset: str
    item: str
    raw: str | None
    rows: int
    since: str
    suggestions: list[Suggested]


class UnmappedCodes(Told):
    """Those that most rows wait with first."""

    codes: list[UnmappedCode]
