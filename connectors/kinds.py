"""Which kinds of connector there are: the modules of this folder that have a function `extract`."""

from __future__ import annotations

import ast
import pkgutil
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


@cache
def kinds() -> tuple[str, ...]:
    """The names a system document may write under `connector`. Read without importing drivers."""
    found = []
    for module in pkgutil.iter_modules([str(_HERE)]):
        source = _HERE / f"{module.name}.py"
        if module.name == Path(__file__).stem or not source.exists():
            continue
        body = ast.parse(source.read_text(encoding="utf-8")).body
        if any(isinstance(node, ast.FunctionDef) and node.name == "extract" for node in body):
            found.append(module.name)
    return tuple(sorted(found))


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
        near = get_close_matches(system.connector, kinds(), n=1)
        known = ", ".join(kinds())
        raise DocumentRefused(
            T(f"没有连接器 {system.connector}", f"There is no connector {system.connector!r}."),
            file=system.id,
            path="connector",
            remedy=T(
                f"是否为 {near[0]}？" if near else f"可用：{known}。",
                f"Did you mean {near[0]}?" if near else f"There are: {known}.",
            ),
        )
    found: Extraction = import_module(f"connectors.{system.connector}").extract(
        system, feed, secret, since, chunk_rows=chunk_rows
    )
    return found
