"""The project's own files, for rules that hold over all of them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: top-level folders that are not packages of the product
APART = {"tests", "docs", "benchmarks", "deploy", "requirements", "build", "dist"}


@cache
def files() -> tuple[Path, ...]:
    """Every tracked file that is there; without git, every file outside hidden folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [
            path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        ]
    return tuple(sorted(path for path in found if path.is_file() and not path.is_symlink()))


@cache
def packages() -> frozenset[str]:
    """The top-level packages of the product, as the tree has them."""
    return frozenset(path.relative_to(ROOT).parts[0] for path in files() if path.suffix == ".py") - APART


def modules(*without: str) -> Iterator[tuple[str, ast.Module]]:
    """Each module of the product and its syntax tree."""
    for path in files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in packages() - set(without):
            yield str(name), ast.parse(path.read_text("utf-8"))


def text_of(path: Path) -> str | None:
    """A file's text, None when it is not text."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None
