"""What answers look like, for the OpenAPI document: one model an answer, `told` puts it into a route's responses.

They describe and do not serialise: what is answered is made by the rooms below, and every answer that a test gets is held
against them (tests/api/conftest.py).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Told(BaseModel):
    """A part of an answer. A member with a default may be left out."""


class Labelled(Told):
    """A code with its words."""

    code: str | int
    label: str
    label_en: str


class Words(Told):
    """A sentence in both languages."""

    zh: str
    en: str


class Named(Told):
    """Something by its id."""

    id: str
    name: str
    name_en: str


def told(model: type[Told], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """An answer of this form, for a route's `responses`."""
    return {status: {"model": model, "description": "成功 / as asked"}}
