"""What a command stands on: the settings, the hub, and who acts."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

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
    """The hub, for as long as the block runs."""
    from core.hub import Hub

    hub = Hub.open(settings())
    try:
        yield hub
    finally:
        hub.close()


def actor() -> Actor:
    """The account that typed the command."""
    from core.actor import Actor

    return Actor(operator=getpass.getuser(), client="cli")


def ask(prompt: T) -> str:
    """A value that must not stand in a command line (a person's number, a secret): one line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(str(prompt), err=True)).strip()
    return sys.stdin.readline().strip()
