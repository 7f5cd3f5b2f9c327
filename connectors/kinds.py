"""Which kinds of connector there are: the modules of this folder that have a function `extract`, and `SOURCE_KEYS`. One that
asks its source, at any time, for all or for a part (rows since a mark, only some columns) says `QUERIED = True`; others
take what is delivered."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import DocumentRefused
from core.text import T

if TYPE_CHECKING:
    from connectors.extraction import Extraction
    from connectors.system import Feed, System

_HERE = Path(__file__).parent
DEFAULT_CHUNK_ROWS = 200_000


@dataclass(frozen=True)
class _Kind:
    """What a module says of itself: the keys its feeds may write under `source`, and whether it asks or takes."""

    source_keys: tuple[str, ...]
    queried: bool


@cache
def _declared() -> dict[str, _Kind]:
    """Each kind, read without importing drivers."""
    found: dict[str, _Kind] = {}
    for path in sorted(_HERE.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        is_kind = any(isinstance(node, ast.FunctionDef) and node.name == "extract" for node in body)
        if is_kind and path != Path(__file__):
            found[path.stem] = _Kind(tuple(_said(body, "SOURCE_KEYS") or ()), bool(_said(body, "QUERIED")))
    return found


def _said(body: list[ast.stmt], constant: str) -> Any:
    for node in body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == constant for t in node.targets):
            return ast.literal_eval(node.value)
    return None


def kinds() -> tuple[str, ...]:
    """The names a system document may write under `connector`."""
    return tuple(_declared())


def source_keys(kind: str) -> tuple[str, ...]:
    """What a feed of that kind may write under `source`; other keys are misspelt."""
    return _declared()[kind].source_keys


def queried(kind: str) -> bool:
    """Whether a connector of that kind asks its source, so that a part can be read again, or the keys alone."""
    return _declared()[kind].queried


def extract(
    system: System,
    feed: Feed,
    secret: dict[str, Any],
    since: str | None,
    *,
    chunk_rows: int = DEFAULT_CHUNK_ROWS,
) -> Extraction:
    """Read one feed of a departmental system.

    `since` is the watermark of the feed's last merged batch, None for a first run; `secret` is the system's row of
    core.secrets. Batches hold `chunk_rows` rows (the last one fewer) with every column the source gave.

    Raises SourceDown (try later), BatchBlocked (a person must look), DocumentRefused (no such kind of connector) and
    NotReady (a driver is not installed).
    """
    if system.connector not in kinds():
        raise _refused(system, "connector", system.connector, kinds())
    for key in feed.source:
        if key not in source_keys(system.connector):
            raise _refused(system, f"{feed.id}.source", key, source_keys(system.connector))
    found: Extraction = import_module(f"connectors.{system.connector}").extract(
        system, feed, secret, since, chunk_rows=chunk_rows
    )
    return found


def _refused(system: System, path: str, word: str, known: Sequence[str]) -> DocumentRefused:
    near = get_close_matches(word, known, n=1)
    return DocumentRefused(
        T(f"没有 {word} 这一项。", f"There is no {word!r} here."),
        file=system.id,
        path=path,
        remedy=T(
            f"是否为 {near[0]}？" if near else f"可用:{'、'.join(known)}。",
            f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}.",
        ),
    )
