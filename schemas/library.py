"""A shared library as data: its attributes, and whose word counts for each (CITY.md §2's survivorship order).

    library: population
    title: 人口库
    identity: citizen_no            # the attribute that is the subject's number
    attributes:
      <name>:
        title: 姓名                 # Chinese; `english` beside it
        english: name
        valueType: person_name      # schemas/types
        authority: [a, b]           # departments, the most authoritative first; of one department the newest claim wins
        only: true                  # nobody outside `authority` may give it: without a connected one it stays empty, not_collected
        unverified: true            # who is in no register of the first authority has it from others' claims, marked unverified
        declared: true              # shown with its source, never decides anything
        derive: citizen_no.birth    # when no authority gave it: computed from another attribute (parts: birth, sex, organisation)
        many: true                  # every distinct current value is kept, as a list
        knownAs: number             # or `name`: what a department of `authority` says here, the subject was or is also known
                                    # by; who is named by it elsewhere is the same subject
        codes: sex                  # what its values mean: a national list, or {value: [中文, English]}; without it, what the
                                    # item that gave a value says
        provisional: true           # may be assigned by the hub, marked hub_provisional (license identifiers)
    state: household_status         # the attribute that says whether the subject still is: shown beside whatever it holds
    types:                          # license library only: value of the attribute `type` → whose it is
      <type>: {title: 不动产权证书, authority: a, code: 18-character code of the defining body + 3 digits (GB/T 36904),
               definedBy: 自然资源部, face: [attributes that stand on this type's face, and on no other's]}

A department of `authority` need not exist yet: it is the law that names it, not the installation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from core.text import T
from schemas.codes import names
from schemas.document import Source, Strict, model, near, read
from schemas.types import TYPES

PARTS = ("birth", "sex", "organisation")  # of a citizen number; of a credit code its 9 characters (GB 11714)
_NAME = r"^[a-z][a-z0-9_]{0,39}$"


class Attribute(Strict):
    """One attribute of a golden record; the module's docstring says what each key means."""

    title: str
    english: str
    value_type: str = Field(alias="valueType")
    authority: tuple[str, ...] = ()
    only: bool = False
    unverified: bool = False
    declared: bool = False
    derive: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*\.[a-z]+$")
    many: bool = False
    provisional: bool = False
    known_as: Literal["number", "name"] | None = Field(None, alias="knownAs")
    codes: str | Mapping[str, tuple[str, str]] | None = None

    @property
    def label(self) -> T:
        """The attribute's name in both languages."""
        return T(self.title, self.english)

    @model_validator(mode="after")
    def _sane(self) -> Attribute:
        if self.only and not self.authority:
            raise ValueError("`only` needs an authority")
        if self.known_as and not self.only:
            raise ValueError("`knownAs` needs `only`: a register's word, nobody else's, makes two numbers one subject")
        if len(set(self.authority)) != len(self.authority):
            raise ValueError("a department stands twice in `authority`")
        if isinstance(self.codes, str) and self.codes not in names():
            raise ValueError(f"no code list {self.codes}; there are {', '.join(names())}")
        return self


class LicenseType(Strict):
    """A kind of licence: who issues it, its GB/T 36904 type code and the body that defines the type, what is on its face."""

    title: str
    english: str
    authority: str
    defined_by: str = Field(alias="definedBy")
    face: tuple[str, ...] = ()
    code: str = Field(pattern=r"^[0-9A-Z]{18}[0-9]{3}$")

    @property
    def label(self) -> T:
        """The type's name in both languages."""
        return T(self.title, self.english)


class Library(Strict):
    """One shared library."""

    library: str = Field(pattern=_NAME)
    title: str
    identity: str
    state: str | None = None
    attributes: Mapping[str, Attribute]
    types: Mapping[str, LicenseType] = {}

    @property
    def id(self) -> str:
        """The library's name."""
        return self.library


def load(document: str | Path, *, file: str = "") -> Library:
    """Read and check a library document. Raises DocumentRefused."""
    source = read(document, file=file)
    library = model(source, Library)
    named: list[tuple[tuple[str, ...], str | None]] = [(("identity",), library.identity), (("state",), library.state)]
    named += [(("types", type_, "face"), name) for type_, said in library.types.items() for name in said.face]
    for place, name in named:
        if name is not None and name not in library.attributes:
            raise source.refused(
                place, T(f"没有属性 {name}", f"there is no attribute {name}"), near(name, library.attributes)
            )
    for name, attribute in library.attributes.items():
        _check(source, library, name, attribute)
    return library


def _check(source: Source, library: Library, name: str, attribute: Attribute) -> None:
    place = ("attributes", name)
    if not re.fullmatch(_NAME, name):
        raise source.refused(
            place,
            T(f"属性名 {name} 不合规则", f"the attribute name {name} is not allowed"),
            T("请用小写英文。", "Use lower-case English."),
        )
    if attribute.value_type not in TYPES:
        raise source.refused(
            (*place, "valueType"),
            T(f"未知的值类型 {attribute.value_type}", f"unknown value type {attribute.value_type}"),
            near(attribute.value_type, TYPES),
        )
    if attribute.derive is not None:
        origin, _, part = attribute.derive.partition(".")
        if origin not in library.attributes or part not in PARTS:
            raise source.refused(
                (*place, "derive"),
                T(f"无法由 {attribute.derive} 推得", f"{attribute.derive} cannot be derived"),
                near(attribute.derive, [f"{library.identity}.{known}" for known in PARTS]),
            )
