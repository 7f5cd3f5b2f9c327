"""Text people read, in Chinese and English side by side.

A sentence and its translation stand together, so that neither can be forgotten and a reader of the code sees both.
The language is the process's: `HUTONG_LANG`, else the locale, else Chinese.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

LANGUAGES = ("zh", "en")
_chosen: str | None = None


def language() -> str:
    """The language of this process: `zh` or `en`."""
    if _chosen:
        return _chosen
    for name in ("HUTONG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value.startswith("en"):
            return "en"
    return "zh"


def set_language(code: str | None) -> None:
    """Choose the language for this process; None goes back to the locale's."""
    global _chosen
    if code is not None and code not in LANGUAGES:
        raise ValueError(f"language must be one of {LANGUAGES}, not {code!r}")
    _chosen = code


class T(NamedTuple):
    """One sentence in both languages; `str()` gives the one of the process."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if language() == "zh" else self.en

    def format(self, *args: Any, **values: Any) -> T:
        """Both languages with `{name}` placeholders filled."""
        return T(self.zh.format(*args, **values), self.en.format(*args, **values))
