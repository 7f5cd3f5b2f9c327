"""Answers of the catalogue."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.answers import Labelled, Named, Told
from api.answers.work import Dimension


class Match(Told):
    """Where a word of the question stands: `marks` are the characters from and to."""

    within: str = Field(alias="in")
    in_label: str
    in_label_en: str
    name: str | None
    text: str
    marks: list[tuple[int, int]]
    how: str


class Facet(Told):
    """One value of a facet, and how many resources have it."""

    value: str
    label: str
    label_en: str
    count: int


class FacetCounts(Told):
    """Counts of each facet, most first."""

    department: list[Facet]
    share_type: list[Facet]
    cycle: list[Facet]
    resource_class: list[Facet]
    format: list[Facet]
    state: list[Facet]


class _Search(Told):
    match: Literal["exact", "near", "overlap"]
    suggestions: list[str] = Field(default_factory=list)
    note: str = ""
    note_en: str = ""
    total: int = 0
    facets: FacetCounts | None = None
    next: str | None


class _Resource(Told):
    code: str
    dataset: str
    title: str
    status: str
    status_label: str
    status_label_en: str
    department: Named
    live: bool
    share_type: Labelled
    cycle: Labelled
    resource_class: Labelled
    format: Labelled
    state: Labelled
    updated_at: str


class ResourceLine(_Resource):
    """A resource in the list."""

    matches: list[Match]


class Resources(_Search):
    """A page of resources."""

    resources: list[ResourceLine]


class _Item(Told):
    name: str
    title: str
    type: str
    type_label: str
    type_label_en: str
    share_type: int
    share_label: str
    share_label_en: str


class OfResource(Told):
    """The resource that has an item."""

    code: str
    dataset: str
    title: str
    live: bool


class ItemLine(_Item):
    """An item in the list."""

    resource: OfResource
    department: Named
    matches: list[Match]


class Items(_Search):
    """A page of information items."""

    items: list[ItemLine]


class ItemDetail(_Item):
    """An item of a resource."""

    classification: str
    masked: bool
    key: bool
    required: bool
    code_list: str | None
    enum: dict[str, Any]


class Share(Told):
    """How a resource is shared."""

    type: int
    label: str
    label_en: str
    condition: str
    basis: str
    method: str


class Opened(Told):
    """Whether a resource is open to society."""

    open: bool
    condition: str


class OfSystem(Told):
    """Something by its id and Chinese title."""

    id: str
    title: str


class SourceCover(Told):
    """The divisions and the day since which a source covers."""

    divisions: list[str]
    division_names: list[str]
    division_names_en: list[str]
    since: str | None


class Source(Told):
    """A feed of a resource, and when it last landed."""

    feed: str
    system: OfSystem
    covers: SourceCover
    as_of: str | None


class FreshnessNow(Told):
    """Against the promised cycle."""

    state: str
    label: str
    label_en: str
    as_of: str | None
    failing: bool


class QualityNow(Told):
    """GB/T 36344, and the figures of the last merged batch."""

    score: float | None = None
    measured_at: str | None = None
    dimensions: list[Dimension] = Field(default_factory=list)
    batch: str
    landed_at: str | None
    landed: int
    quarantined: int
    warned: int
    waiting: int
    passed_percent: float | None
    evidence: dict[str, Any]


class ResourceDetail(_Resource):
    """All that the catalogue says of a resource (发改高技〔2017〕1272号)."""

    provider_code: str | None
    version: str | None
    summary: str
    registered_at: str
    share: Share
    open: Opened
    items: list[ItemDetail]
    sources: list[Source]
    freshness: FreshnessNow | None
    quality: QualityNow | None


class ResourceCount(Told):
    """Resources of a department."""

    total: int
    live: int
    listed: int


class Report(Told):
    """What a department has reported."""

    state: Literal["registered", "zero", "silent"]
    label: str
    label_en: str
    reported_on: str | None


class DepartmentLine(Told):
    """A department."""

    id: str
    name: str
    english: str
    credit_code: str
    division: str
    systems: int
    resources: ResourceCount
    report: Report


class Departments(Told):
    """All departments."""

    departments: list[DepartmentLine]


class FeedLine(Told):
    """A feed of a system."""

    id: str
    dataset: str
    mode: str
    schedule: str | None


class SystemLine(Told):
    """A system, connected or only listed."""

    id: str
    title: str
    department: str
    department_name: str
    department_name_en: str
    connected: bool
    connector: str | None
    feeds: list[FeedLine]


class Systems(Told):
    """All systems, or those of a department."""

    systems: list[SystemLine]


class Demanded(Told):
    """A certificate that a guide asks for."""

    type: str
    material: str
    declarable: bool
    parameters: dict[str, int | str]


class ServiceItemLine(Told):
    """A service item."""

    id: str
    name: str
    department: str
    certificates: list[Demanded]


class ServiceItems(Told):
    """All service items."""

    service_items: list[ServiceItemLine]
