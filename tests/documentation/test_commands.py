"""Commands that pages show or name exist, with the options they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from cli.main import app
from tests.documentation.pages import DOCS, READMES, blocks, spans, without_comments
from tests.house.test_commands import ALL

#: of a line in a shell block, what comes after other commands, variables and pipes
_CALL = re.compile(r"(?:^|[\s|;(]|\.venv/bin/)hutong (?=[a-z-])([^\n#|;&>`\\)]*)")
GROUPS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
#: every command, and every group that answers by itself, or by the command that may be left out
KNOWN = ALL | {
    f"hutong {name}": ALL.get(f"hutong {name} make", group)
    for name, group in GROUPS.items()
    if getattr(group, "invoke_without_command", False) or f"hutong {name} make" in ALL
}
PAGES = [*READMES, *DOCS]


def calls(page: Path) -> list[list[str]]:
    """Every call of the command line in the page's shell blocks and sentences, as its words."""
    found = []
    shown = [without_comments(text) for language, text in blocks(page) if language in ("", "sh", "bash", "console")]
    for text in [*shown, *sorted(spans(page))]:
        for said in _CALL.findall(text.replace("\\\n", " ")):
            found.append(shlex.split(re.sub(r"[<>…\[\]]", "", said), posix=True))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if calls(page)], ids=lambda page: page.name)
def test_commands_are_as_told(page: Path) -> None:
    for words in calls(page):
        names = [" ".join(["hutong", *words[:count]]) for count in (2, 1)]
        known = next((name for name in names if name in KNOWN), None)
        if known is None and (words[:1] == ["--help"] or (len(words) == 1 and words[0] in GROUPS)):
            continue
        assert known, f"{page.name}: hutong {' '.join(words)}"
        # of a group that answers by itself: what follows it is no misspelt command
        if known not in ALL and len(words) > 1:
            assert not re.fullmatch(r"[a-z]+", words[1]), f"{page.name}: {known} {words[1]}"
        options = {option for parameter in KNOWN[known].params for option in getattr(parameter, "opts", ())}
        options |= {option for parameter in KNOWN[known].params for option in getattr(parameter, "secondary_opts", ())}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options | {"--help"}, f"{page.name}: {known} has no {word}"
