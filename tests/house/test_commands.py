"""Rules over all commands: --json everywhere, help everywhere, no person's number in an argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from cli.main import app


def commands(group: Any, path: str = "hutong") -> Iterator[tuple[str, Any]]:
    """Every command, with its path."""
    for name, command in group.commands.items():
        here = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from commands(command, here)
        else:
            yield here, command


ALL = dict(commands(typer.main.get_command(app)))


def test_all_commands_of_the_plan_are_there() -> None:
    assert set(ALL) >= {
        f"hutong {name}"
        for name in (
            "up", "down", "status", "demo", "run", "batches", "quarantine list", "quarantine fix", "codes map",
            "certificate", "catalog search", "contract check",
            "contract publish", "system publish", "secret set", "secret list", "secret remove",
            "key list", "key rotate", "key destroy", "audit", "client add", "grant give", "grant revoke", "grant list",
            "backup list", "backup verify", "decision list", "decision undo", "restore", "rebuild", "retention", "library show",
            "config show", "check", "judgement add", "judgement list", "judgement open", "judgement undo", "person merge", "person split",
            "person undo",
            "why", "conflicts", "records show", "records history",
            "evidence", "reconcile", "quality", "checks list", "checks run", "checks findings", "checks dismiss",
        )
    }  # fmt: skip


@pytest.mark.parametrize("path", ALL)
def test_a_command_takes_json_and_has_help(path: str) -> None:
    command = ALL[path]
    options = {option for parameter in command.params for option in getattr(parameter, "opts", ())}
    assert "--json" in options
    assert command.help or command.hidden
    assert not options & {"--number", "--citizen-no", "--id-no", "--secret", "--password"}, "seen by others in `ps`"
