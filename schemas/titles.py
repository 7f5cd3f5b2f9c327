"""Text people read, as a document says it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from core.text import T
from schemas.document import Strict


class Title(Strict):
    """Text people read, in both languages; a plain string in the document is Chinese for both."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    @property
    def text(self) -> T:
        """The pair."""
        return T(self.zh, self.en)
