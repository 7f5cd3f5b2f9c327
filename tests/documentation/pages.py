"""The project's pages, taken apart: fenced blocks, code within a sentence, links, headings, rows of tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.house.tree import ROOT

CHINESE = ".zh-CN.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
_FENCE = re.compile(r"^ *```([\w-]*)\n(.*?)^ *```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block and the language it says it is in."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks, in their order."""
    return [Block(*found) for found in _FENCE.findall(page.read_text("utf-8"))]


def without_comments(text: str) -> str:
    """The lines of a block without what comes after a `#`, and without those that are nothing else."""
    lines = (re.sub(r"(^|\s+)#.*$", "", line).rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def spans(page: Path) -> set[str]:
    """What stands in backquotes within sentences and tables: commands, options, ids."""
    return {" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose(page))}


def links(page: Path) -> list[str]:
    """Where the page links to, in its order."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def outline(page: Path) -> list[str]:
    """The levels of headings, and for each row of a table its number of cells."""
    marks = []
    for line in prose(page).splitlines():
        if heading := re.match(r"#+ ", line):
            marks.append(heading[0].strip())
        elif line.lstrip().startswith("|"):
            marks.append("|" * line.replace("\\|", "").count("|"))
    return marks
