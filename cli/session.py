"""What a command stands on: the settings, the hub, and who acts."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from core.errors import Invalid
from core.text import T, set_language

if TYPE_CHECKING:
    from core.actor import Actor
    from core.hub import Hub
    from core.settings import Settings


def settings(**said: Any) -> Settings:
    """The settings in force; options that were given win. Logs go to HOME/log/hutong.log."""
    from core import log
    from core.settings import load

    found = load(**{name: value for name, value in said.items() if value is not None})
    set_language(found.lang)
    os.environ["HUTONG_HOME"] = str(found.home)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    if found.home.exists():
        (found.home / "log").mkdir(exist_ok=True, mode=0o700)
        log.configure(file=found.home / "log" / "hutong.log")
    return found


@contextmanager
def opened() -> Iterator[Hub]:
    """The hub, for as long as the block runs. A database that goes away meanwhile is said to be (DatabaseUnavailable)."""
    from core import database
    from core.hub import Hub

    with closing(Hub.open(settings())) as hub, database.answering():
        yield hub


def actor() -> Actor:
    """The account that typed the command."""
    from core.actor import Actor

    return Actor(operator=getpass.getuser(), client="cli")


def ask(prompt: T) -> str:
    """A value that must not stand in a command line (a person's number, a secret): one line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(str(prompt), err=True)).strip()
    return sys.stdin.readline().strip()


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """From a file, else asked for (twice when it is new), else a line of standard input; never an argument."""
    if file is not None:
        try:
            return file.read_text("utf-8").strip("\r\n")
        except OSError as error:
            raise Invalid(
                T(
                    f"口令文件 {file} 不可读:{error.strerror}。",
                    f"The passphrase cannot be read from {file}: {error.strerror}.",
                )
            ) from error
    if sys.stdin.isatty():
        prompt = str(T("密钥口令", "passphrase of the keys"))
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True))
    return sys.stdin.readline().strip("\r\n")
