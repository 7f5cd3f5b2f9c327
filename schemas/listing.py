"""A department's listing as data: its systems, and the resources it has registered without connecting them.

A listed resource has the metadata of a contract's catalogue block and its items, and no feed. Once a contract of the
same id is published the resource is live, under the code it already has. A department with nothing to register says so
(零报告): silence and nothing differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.errors import DocumentRefused
from core.text import T
from schemas.derive import catalogue
from schemas.document import Source, Strict, model, near, read
from schemas.items import NAME
from schemas.parts import Catalogue

ID = r"^[a-z][a-z0-9_]{0,39}$"
CYCLES: Mapping[str, int] = {
    "realtime": 1, "daily": 2, "weekly": 3, "monthly": 4, "quarterly": 5, "yearly": 6, "half_yearly": 7, "irregular": 8,
}  # fmt: skip
_UNSTRUCTURED = frozenset({"electronic_file", "image", "media"})


class ListedItem(Strict):
    """One information item. `type` is the guideline's letter; `share_type` the item's own, else the resource's."""

    title: str = Field(min_length=1)
    type: Literal["C", "N", "Y", "D", "T", "L", "M", "G", "B", "I", "F"] = "C"
    share_type: Literal[1, 2, 3] | None = Field(None, alias="shareType")


def _titled(value: Any) -> Any:
    return {"title": value} if isinstance(value, str) else value  # `xm: 姓名`: most items are text


class ListedResource(Catalogue):
    """One resource as its department lists it. `system` is one of the listing's."""

    id: str = Field(pattern=ID)
    title: str = Field(min_length=1, max_length=100)
    summary: str = Field("", max_length=400)
    system: str | None = None
    format: str
    cycle: str
    items: Mapping[str, Annotated[ListedItem, BeforeValidator(_titled)]] = {}

    @model_validator(mode="after")
    def _fits(self) -> ListedResource:
        fitting = catalogue.FORMATS_OF[self.share_method]
        if self.format not in fitting:
            raise ValueError(f"shareMethod {self.share_method} hands over {', '.join(fitting)}")
        if self.cycle not in CYCLES:
            raise ValueError(f"cycle is one of {', '.join(CYCLES)}")
        if not self.items and self.format not in _UNSTRUCTURED:
            raise ValueError(f"a resource of format {self.format} lists its items")
        if wrong := [name for name in self.items if not NAME.fullmatch(name)]:
            raise ValueError(f"not a name of an item: {wrong[0]}")
        return self


class ListedSystem(Strict):
    """One information system that the department's self-check found."""

    id: str = Field(pattern=ID)
    title: str = Field(min_length=1)


class Listing(Strict):
    """What one department has listed on a day."""

    listing: str = Field(pattern=ID)
    reported_on: date = Field(alias="reportedOn")
    zero_report: bool = Field(False, alias="zeroReport")
    note: str = ""
    systems: tuple[ListedSystem, ...] = ()
    resources: tuple[ListedResource, ...] = ()

    @property
    def department(self) -> str:
        """The department whose listing it is."""
        return self.listing

    def described(self) -> Iterator[catalogue.Resource]:
        """The resources as the catalogue describes them."""
        for one in self.resources:
            items = tuple(
                catalogue.InformationItem(
                    name=name, title=item.title, type=item.type, share_type=item.share_type or one.share_type,
                    classification="", masked=False, key=False, required=False, code_list=None, enum={},
                )
                for name, item in one.items.items()
            )  # fmt: skip
            yield catalogue.Resource(
                dataset=one.id, title=one.title, summary=one.summary or one.title, department=self.department,
                version="", resource_class=one.resource_class, format=one.format, items=items,
                share_type=one.share_type, share_condition=one.share_condition, share_basis=one.share_basis,
                share_method=one.share_method, open=one.open, open_condition=one.open_condition,
                cycle=CYCLES[one.cycle],
            )  # fmt: skip


def load(document: str | Path, *, file: str = "") -> Listing:
    """Read and check a listing by itself. Raises DocumentRefused(file, path, remedy)."""
    text = document if isinstance(document, str) else read(document, file=file).text
    try:
        return _good(text)
    except DocumentRefused:
        return _checked(read(document, file=file))  # told again, with the name of the file


@lru_cache(maxsize=256)
def _good(text: str) -> Listing:
    return _checked(read(text))


def _checked(source: Source) -> Listing:
    made = model(source, Listing)
    if made.zero_report and made.resources:
        raise source.refused(
            ("zeroReport",),
            T("零报告不列资源", "a zero report lists no resources"),
            T("请删去 zeroReport 或 resources。", "Remove zeroReport or the resources."),
        )
    systems = {system.id for system in made.systems}
    _once(source, "systems", [system.id for system in made.systems])
    _once(source, "resources", [one.id for one in made.resources])
    # 发改高技〔2017〕1272号: a name is unique inside its provider
    _once(source, "resources", ["".join(one.title.split()) for one in made.resources])
    for number, one in enumerate(made.resources):
        if one.system is not None and one.system not in systems:
            raise source.refused(
                ("resources", number, "system"),
                T(f"systems 中没有 {one.system}", f"{one.system} is not among the systems"),
                near(one.system, systems),
            )
    return made


def _once(source: Source, place: str, names: list[str]) -> None:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            raise source.refused(
                (place, number),
                T(f"{name} 出现两次", f"{name} appears twice"),
                T("请合并或改名。", "Merge the two, or rename one."),
            )
        seen.add(name)
