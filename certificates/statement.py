"""A statement with named parameters, `%(name)s`, as the answer's driver takes it: $1, $2 …, turned once and kept prepared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PARAMETER = re.compile(r"%\(([^)]+)\)s|%%")


class Statement:
    """One SQL text; `names` are its parameters in the order of their numbers."""

    def __init__(self, named: str) -> None:
        numbers: dict[str, int] = {}

        def numbered(match: re.Match[str]) -> str:
            name = match[1]
            return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

        self.sql = _PARAMETER.sub(numbered, named)
        self.names = tuple(numbers)

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters' values in order; what the statement does not name is left out."""
        return [given[name] for name in self.names]
