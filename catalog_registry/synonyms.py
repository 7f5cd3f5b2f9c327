"""Words that a search takes for one another: data, replaceable by a city (synonyms.yaml here, or one in HUTONG_HOME)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from catalog_registry.lexemes import normal
from schemas.document import Strict, model, read

FILE = "synonyms.yaml"


class Synonyms(Strict):
    """The groups as written."""

    groups: tuple[tuple[str, ...], ...]


def of(home: Path) -> Mapping[str, tuple[str, ...]]:
    """Word → the other words of its groups, all normalised. Raises DocumentRefused when the file is wrong."""
    own = home / FILE
    path = own if own.exists() else Path(__file__).parent / FILE
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _load(path: Path, _changed: int) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in model(read(path), Synonyms).groups:
        words = [normal(word) for word in group]
        for word in words:
            others = (*found.get(word, ()), *(other for other in words if other != word))
            found[word] = tuple(dict.fromkeys(others))
    return found
