"""Commands that pages show exist, with the options they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from cli.main import app
from tests.house.test_commands import ALL
from tests.house.tree import ROOT

#: of a line in a shell block, what comes after other commands, variables and pipes
_CALL = re.compile(r"(?:^|[\s|;(])hutong ((?:[^#|;&>`\\)]|\\\n)*)")
#: every command, and every group that answers by itself
KNOWN = ALL | {
    f"hutong {name}": group
    for name, group in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    if getattr(group, "invoke_without_command", False)
}
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def calls(page: Path) -> list[list[str]]:
    """Every call of the command line in the page's shell blocks, as its words."""
    found = []
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text("utf-8"), re.S):
        for said in _CALL.findall(block.replace("\\\n", " ")):
            for line in said.splitlines()[:1]:
                found.append(shlex.split(re.sub(r"[<>…\[\]]", "", line), posix=True))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if calls(page)], ids=lambda page: page.name)
def test_commands_are_as_told(page: Path) -> None:
    for words in calls(page):
        names = [" ".join(["hutong", *words[:count]]) for count in (2, 1)]
        known = next((name for name in names if name in KNOWN), None)
        if known is None and words[:1] == ["--help"]:
            continue
        assert known, f"{page.name}: hutong {' '.join(words)}"
        options = {option for parameter in KNOWN[known].params for option in getattr(parameter, "opts", ())}
        options |= {option for parameter in KNOWN[known].params for option in getattr(parameter, "secondary_opts", ())}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options | {"--help"}, f"{page.name}: {known} has no {word}"
